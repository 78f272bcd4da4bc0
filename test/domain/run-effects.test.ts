import assert from "node:assert/strict";
import test from "node:test";
import { aggregates } from "../../src/domain/aggregates.ts";
import type { RunEvent } from "../../src/domain/run-types.ts";
import { begin, type Law } from "../support/run-law.ts";
import { approvalOf, stepOf, taskOf } from "../support/workflow.ts";

const task = taskOf("webster", "Go.");
const step = (id: string, needs: readonly string[] = []) => stepOf(id, task, { needs });
/** What the project log gets. */
const linesOf = (law: Law) => law.bodies("filing").flatMap(({ lines }) => lines.map(({ line }) => line));
const CARD = { card: { channel: "77" } };

test("a run has a timer for its end and a live card when it was asked in a channel", () => {
  const law = begin([step("a")], {}, CARD);
  assert.deepEqual(law.effects[0], {
    body: { type: "run-timer", run: "wf-1", what: "deadline" },
    lane: "any",
    dueAt: law.state.order.deadlineAt,
  });
  assert.deepEqual(law.effects[2]?.body, { type: "card", run: "wf-1", to: { channel: "77" } });
  assert.deepEqual(begin([step("a")]).bodies("card"), []);
});

test("a child that began has a timer for when nothing is heard, and each look sets the next", () => {
  const law = begin([step("a")], {}, CARD);
  law.started("a");
  const stalls = () =>
    law.effects
      .filter(({ body }) => body.type === "run-timer" && body.what === "stall")
      .map(({ dueAt }) => dueAt);
  const first = law.step("a").stallAt ?? 0;
  assert.deepEqual(stalls(), [first]);
  law.take({ type: "stalled", at: first, of: law.placeOf("a"), text: "slow", againAt: first + 5 });
  assert.deepEqual(stalls(), [first, first + 5]);
});

test("a gate has its message, a timer for its end and one for the first reminder", () => {
  const law = begin([stepOf("gate", approvalOf({ remindEveryMs: 100, timeoutMs: 1000 }))], {}, CARD);
  const ref = { step: "gate", generation: 1 };
  assert.deepEqual(
    law.effects.slice(3).map(({ body, lane, dueAt }) => [body, lane, dueAt]),
    [
      [{ type: "card", run: "wf-1", to: { role: "approvals" }, gate: ref }, "discord", 1000],
      [{ type: "card", run: "wf-1", to: { channel: "77" } }, "discord", 1000],
      [{ type: "run-timer", run: "wf-1", what: "expire", ...ref }, "any", 2000],
      [{ type: "run-timer", run: "wf-1", what: "remind", ...ref }, "any", 1100],
    ],
  );
  const before = law.effects.length;
  law.skip("gate");
  assert.ok(
    law.effects.slice(before).some(({ body }) => body.type === "card" && body.gate),
    "it shows its end",
  );
});

test("each settled step is filed, and the end brings summary, project line, result, log and card", () => {
  const law = begin([step("a"), step("b", ["a"])], {}, { ...CARD, inputs: { what: "CTE of\nULE" } });
  law.fail("a", undefined, { at: 60_000 });
  assert.deepEqual(law.bodies("file-run"), [
    { type: "file-run", run: "wf-1", step: "a" },
    { type: "file-run", run: "wf-1", step: "b" },
    { type: "file-run", run: "wf-1" },
  ]);
  assert.deepEqual(linesOf(law), []);
  law.retry();
  law.succeed("a", undefined, { at: 60_000 });
  law.succeed("b", undefined, { at: 60_000 });
  assert.deepEqual(linesOf(law), ["[1970-01-01 00:01] workflow law: Completed — what=CTE of ULE [wf-1]"]);
  assert.deepEqual(
    law.bodies("post").map(({ delivery }) => [delivery.id, delivery.to]),
    [
      ["wf-1/result", { role: "results" }],
      ["wf-1/log", { role: "agentLogs" }],
      ["wf-1/result~2", { role: "results" }],
      ["wf-1/log~2", { role: "agentLogs" }],
    ],
  );
});

test("a canceled run, and one whose result nobody wants posted, posts only its log line", () => {
  const law = begin([step("a")], {}, { deliver: false });
  law.succeed("a");
  assert.deepEqual(
    law.bodies("post").map(({ delivery }) => delivery.kind),
    ["log"],
  );
  assert.match(linesOf(law)[0] ?? "", /The workflow law\. \[wf-1\]$/);
  const other = begin([stepOf("rest", { kind: "wait", ms: 10 })]);
  other.cancel();
  assert.deepEqual(
    other.bodies("post").map(({ delivery }) => delivery.kind),
    ["log"],
  );
});

test("a nested run tells its parent, and posts nothing but its log line", () => {
  const parent = { run: "wf-0", step: "inner", generation: 1 };
  const law = begin([step("a")], {}, { parent, depth: 2 });
  law.end(law.placeOf("a"), "partial");
  assert.deepEqual(
    law.bodies("post").map(({ delivery }) => delivery.kind),
    ["log"],
  );
  assert.deepEqual(law.bodies("tell"), [{ type: "tell", run: "wf-0", child: "wf-1", kind: "run" }]);
  assert.match(linesOf(law)[0] ?? "", /\(partial\) \[wf-1\]$/);
});

test("the result goes where the workflow says: a logical channel by its name, else one of the guild", () => {
  const to = (channel: string) => {
    const law = begin([step("a")], { output: { step: "a", channel } });
    law.succeed("a");
    return law.bodies("post")[0]?.delivery.to;
  };
  assert.deepEqual(to("results"), { role: "results" });
  assert.deepEqual(to("#agent-logs"), { role: "agentLogs" });
  assert.deepEqual(to("thermal"), { channel: "thermal" });
});

test("what is skipped by rule draws no card of its own", () => {
  const law = begin([step("a"), ...Array.from({ length: 50 }, (_, n) => step(`s${n}`, ["a"]))], {}, CARD);
  const before = law.bodies("card").length;
  law.fail("a");
  assert.equal(law.bodies("card").length - before, 3, "its child's news, its end and the run's");
});

test("lists know a run by its workflow, its parent and its deadline, and its timers end with it", () => {
  const { columns, cancels } = aggregates.run;
  const law = begin([step("a")], {}, { parent: { run: "wf-0", step: "x", generation: 1 } });
  assert.deepEqual(columns(law.state), {
    status: "running",
    open: true,
    agent: "law",
    parent: "wf-0",
    deadlineAt: law.state.order.deadlineAt,
  });
  assert.deepEqual(cancels?.(law.events, law.state), []);
  law.succeed("a");
  assert.deepEqual(cancels?.(law.events, law.state), ["run-timer"]);
  assert.equal(columns(law.state).open, false);
  assert.equal(columns(begin([step("a")]).state).parent, undefined);
});

test("an event before the beginning is a bug and said so", () => {
  const event: RunEvent = { type: "run.stopped", at: 1, failures: 3, asked: 1 };
  assert.throws(() => aggregates.run.evolve(undefined, event), /run\.stopped before run\.started/);
  assert.deepEqual(aggregates.run.decide(undefined, { type: "deadline", at: 1 }), []);
});
