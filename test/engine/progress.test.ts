import assert from "node:assert/strict";
import test from "node:test";
import type { Delivery } from "../../src/domain/effects.ts";
import { startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { stepOf, taskOf, workflowOf } from "../support/workflow.ts";

test("after ten minutes people are told how far a run is, once", async () => {
  using folder = temporaryFolder();
  const posted: Delivery[] = [];
  const long = workflowOf("long", [stepOf("look", taskOf("webster", "Look.", { timeoutMs: 3_600_000 }))]);
  await using core = await startCore(folder.path, {
    workflows: [long],
    discord: {
      post: async ({ body }) => {
        posted.push(body.delivery);
        return { kind: "done", outcome: "posted" };
      },
    },
  });
  const asked = { workflow: "long", inputs: {}, origin: { door: "cli" } } as const;
  const { run } = await core.verbs.runs.startRun({ kind: "operator" }, asked);
  await core.until(`${run.id}.look`, "attempt.dispatched");
  core.pass(10 * 60_000);
  await core.until(run.id, "run.progress");
  await core.settled();
  core.pass(60_000);
  await core.settled();
  assert.deepEqual(
    posted.map(({ kind, id, text }) => [kind, id, text]),
    [
      [
        "notice",
        `${run.id}/progress-1`,
        `⏳ **long** still runs · 0 of 1 steps after 10m 00s · now: look (webster) · ${run.id}`,
      ],
    ],
  );
});
