import assert from "node:assert/strict";
import test from "node:test";
import { temporaryFolder } from "../support/supervisor.ts";
import { IDLE_SLACK, soak } from "./soak.ts";

const WARM_MS = 2000;
const FOR_MS = 8000;
const PER_SECOND = 20;

test("with trouble on all sides everything is done once and seen once, and nothing stays open", {
  timeout: 200_000,
}, async (t) => {
  using folder = temporaryFolder("hq-soak-");
  const done = await soak({
    folder: folder.path,
    warmMs: WARM_MS,
    forMs: FOR_MS,
    perSecond: PER_SECOND,
    lookMs: 500,
    collectMs: 2000,
    seed: 7,
    hangs: false,
  });
  const { verdict, ids, troubles, looks, collected, filesAfter, idleFiles } = done;
  const kinds = [...troubles].map(([name, times]) => `${name} ${times}`);
  t.diagnostic(`${ids.length} delegations · marked ambiguous ${verdict.ambiguous} · ${kinds.join(" · ")}`);
  t.diagnostic(`open files when idle: ${idleFiles} before, ${filesAfter} after`);
  assert.ok(ids.length > ((WARM_MS + FOR_MS) / 1000) * PER_SECOND * 0.5, `${ids.length} delegations`);
  assert.deepEqual([verdict.lost, verdict.doubled, verdict.unseen, verdict.seenTwice], [[], [], [], []]);
  assert.ok([...troubles.keys()].some((name) => name.startsWith("gateway")));
  assert.ok([...troubles.keys()].some((name) => name.startsWith("handoff")));
  assert.ok([...troubles.keys()].some((name) => name.startsWith("Discord")));
  assert.ok(looks.length > 10);
  assert.ok(collected.length > 2, "its garbage was collected");
  assert.ok(done.rest.warm > 0 && done.rest.end > 0, "it was at rest twice");
  assert.ok(filesAfter <= idleFiles + IDLE_SLACK, `${filesAfter} files are open, ${idleFiles} were`);
});
