import assert from "node:assert/strict";
import test from "node:test";
import { temporaryFolder } from "../support/supervisor.ts";
import { needing } from "../support/tools.ts";
import { losePower } from "./power-loss.ts";

const CUTS = 40;

test(
  "whatever was not synced when the power went, everything acknowledged is there",
  needing("strace", async (t) => {
    using folder = temporaryFolder("hq-power-");
    const { losses, calls, acknowledged, lost } = await losePower(folder.path, CUTS);
    t.diagnostic(`${losses} power losses in ${calls} calls, ${acknowledged} acknowledged writes looked up`);
    assert.ok(losses > CUTS / 2);
    assert.ok(acknowledged > losses);
    assert.deepEqual(lost, []);
  }),
);
