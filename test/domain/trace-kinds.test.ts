import assert from "node:assert/strict";
import test from "node:test";
import { traceOf } from "../../src/domain/trace.ts";
import { eventsOf, RUN_ORDER, subject, TASK, told, WORK } from "./trace-fixture.ts";

const person = { kind: "person", id: "5", name: "ada", rights: [] } as const;
const at = (instant: number, type: string, body: object = {}) => [instant, { type, ...body }] as const;

test("a run tells of its steps, gates and answers, each with the time that it took", () => {
  const gate = { step: "sign-off", generation: 1 };
  const look = { step: "look", generation: 1 };
  const done = (status: string, more: object = {}) => ({ outcome: { status, at: 0, ...more } });
  const story = subject("run", "wf-1", {
    events: eventsOf(
      "rest:wf-1",
      at(1000, "run.started", { order: RUN_ORDER }),
      at(1100, "step.queued", look),
      at(1200, "step.started", { ...look, items: [1, 2] }),
      at(1300, "item.started", { of: { ...look, item: 0 } }),
      at(1400, "child.started", { of: { ...look, item: 0 }, child: "wf-1.look-0", agent: "webster" }),
      at(1400, "child.started", { of: look, child: "wf-1.look" }),
      at(1500, "work.stalled", { of: { ...look, item: 0 }, text: "webster is silent", againAt: 9 }),
      at(2300, "item.settled", { of: { ...look, item: 0 }, ...done("failed", { reason: "no data" }) }),
      at(2400, "item.settled", { of: { ...look, item: 1 }, ...done("canceled") }),
      at(3200, "step.settled", { ...look, ...done("partial", { by: person }) }),
      at(4000, "gate.opened", { ...gate, prompt: "?", digest: "d", expiresAt: 64_000 }),
      at(4100, "gate.reminded", gate),
      at(4200, "gate.escalated", { ...gate, expiresAt: 9 }),
      at(4300, "gate.approval", { ...gate, actor: person }),
      at(4400, "gate.approval", { ...gate, actor: { kind: "operator" }, reason: "fits the\nbudget" }),
      at(5000, "gate.decided", { ...gate, status: "rejected", actor: person, reason: "too dear" }),
      at(5100, "gate.late-decision", { ...gate, decision: "approve", actor: { kind: "operator" } }),
      at(5200, "gate.decided", { ...gate, status: "expired" }),
      at(6000, "wait.started", { step: "cool-off", generation: 2, untilAt: 7000 }),
      at(7000, "step.settled", { step: "cool-off", generation: 2, ...done("succeeded") }),
      at(7100, "late-result", { of: look, child: "wf-1.look", ...done("succeeded") }),
      at(7200, "run.stopped", { failures: 3, asked: 1 }),
      at(7300, "run.progress", { count: 1, nextAt: 9 }),
      at(7300, "run.progress", { count: 2, nextAt: 9, text: "1 of 3 steps" }),
      at(7400, "run.canceling", { by: person, reason: "enough" }),
      at(7500, "run.settled", {
        status: "canceled",
        round: 1,
        reason: "enough",
        missing: ["look did not end."],
      }),
      at(8000, "run.resumed", {
        by: person,
        how: "rerun",
        step: "look",
        reset: [{ step: "look" }, { step: "sign-off" }],
      }),
      at(8100, "run.resumed", { by: person, how: "retry", reset: [] }),
      at(8500, "gate.opened", { ...gate, generation: 2, prompt: "?", digest: "d", expiresAt: 68_500 }),
    ),
  });
  assert.deepEqual(told(story, 10_000), [
    "+0 asked: operator over REST",
    "+0 started: study, 1 step, at most 1m 00s",
    "+100 ready: look waits for room",
    "+200 step: look begins with 2 items",
    "+400 child: look item 1 by webster: wf-1.look-0",
    "+400 child: look: wf-1.look",
    "+500 slow: look item 1: webster is silent",
    "+1300 item: look item 1 failed: no data (1000 ms)",
    "+1400 item: look item 2 canceled",
    "+2200 step: look partial by @ada (2000 ms)",
    "+3000 gate: sign-off asks people, until 1m 00s from now",
    "+3100 gate: sign-off: people were reminded",
    "+3200 gate: sign-off: nobody decided in time, others are asked",
    "+3300 gate: sign-off: @ada approves",
    "+3400 gate: sign-off: operator approves: fits the budget",
    "+4000 decided: sign-off rejected by @ada: too dear (1000 ms)",
    "+4100 late: sign-off: operator said approve when it was decided",
    "+4200 decided: sign-off expired",
    "+5000 step: cool-off~2 waits for 1s",
    "+6000 step: cool-off~2 succeeded (1000 ms)",
    "+6100 late: look: wf-1.look came to succeeded, which nobody waited for",
    "+6200 stopped: 3 failures: nothing new begins until a person answers",
    "+6300 progress: 1 of 3 steps",
    "+6400 canceling: @ada: enough",
    "+6500 settled: canceled: enough; missing: look did not end.",
    "+7000 resumed: rerun by @ada, from look: look, sign-off",
    "+7100 resumed: retry by @ada: nothing begins anew",
    "+7500 gate: sign-off~2 asks people, until 1m 00s from now",
  ]);
  const { totals, settledAt, title } = traceOf(story, 10_000);
  assert.deepEqual([totals.peopleMs, totals.waitingMs], [1000 + 1500, 9000]);
  assert.deepEqual([settledAt, title], [undefined, "workflow study"]);
});

test("a gate that ends with its step was people's time until then", () => {
  const gate = { step: "sign-off", generation: 1 };
  const story = subject("run", "wf-1", {
    events: eventsOf(
      "rest:wf-1",
      at(1000, "run.started", { order: RUN_ORDER }),
      at(2000, "gate.opened", { ...gate, prompt: "?", digest: "d", expiresAt: 9 }),
      at(2500, "step.settled", { ...gate, outcome: { status: "canceled", at: 2500 } }),
      at(4000, "run.settled", { status: "canceled", round: 1, missing: [] }),
    ),
  });
  assert.equal(traceOf(story, 99_000).totals.peopleMs, 500);
});

test("a task tells of its message, its claims and its tries", () => {
  const executor = { kind: "agent", agent: "webster" };
  const words = { objective: "o", tags: {} };
  const outcome = { at: 0, status: "done", childStatus: "partial", reason: "half of it" };
  const story = subject("task", "task-1", {
    events: eventsOf(
      "task-1",
      at(1010, "task.seen", { task: TASK, words, wordsAt: 0, graceMs: 2000, graceUntil: 3010 }),
      at(1200, "task.edited", { text: "x" }),
      at(1300, "task.refused", { refusal: { text: "no such model", isFinal: false } }),
      at(1400, "task.handled", { user: "6" }),
      at(1500, "task.reopened", { graceUntil: 0 }),
      at(3100, "task.claiming", { try: 1, executor }),
      at(3200, "task.claimed", {
        try: 1,
        executor: { kind: "worker", worker: "codex", model: "m", alias: "fast", thinking: "low" },
      }),
      at(3300, "task.started", { try: 1, child: "task-1.d1" }),
      at(3400, "task.unchecked"),
      at(3500, "task.checked"),
      at(4100, "task.settled", { try: 1, outcome }),
      at(4200, "task.again", { by: person, words }),
      at(4300, "task.claiming", { try: 2, executor: { kind: "workflow", workflow: "study" } }),
      at(4400, "task.taken", { by: "the other one" }),
      at(4500, "task.claimed-late", { try: 2 }),
      at(4600, "task.started-late", { try: 2, child: { id: "task-1.d2", kind: "delegation" } }),
      at(4700, "task.withdrawn", { reason: "not needed", by: person }),
      at(4800, "task.withdrawn", { reason: "not needed" }),
      at(4900, "task.deleted"),
    ),
  });
  assert.deepEqual(told(story), [
    "+0 asked: @ada by a message",
    "+10 seen: edits are waited for: 2s",
    "+200 edited: the message says something else now",
    "+300 refused: no such model",
    "+400 handled: by hand, ✅ of the user 6",
    "+500 reopened: that ✅ is gone again",
    "+2100 queued: try 1 for webster",
    "+2200 claimed: try 1 for a worker codex with fast",
    "+2300 child: try 1: task-1.d1",
    "+2400 unchecked: our ✅ was taken away; it is put back",
    "+2500 checked: our ✅ is there",
    "+3100 settled: done (partial): half of it (1000 ms)",
    "+3200 again: @ada wants it done once more",
    "+3300 queued: try 2 for the workflow study",
    "+3400 taken: by another supervisor: the other one",
    "+3500 late: the claim of try 2 came when nobody wanted it any more",
    "+3600 late: task-1.d2 began when nobody wanted it any more",
    "+3700 withdrawn: by @ada: not needed",
    "+3800 withdrawn: not needed",
    "+3900 deleted: its message is gone",
  ]);
  const { totals, settledAt } = traceOf(story, 9000);
  assert.deepEqual(
    [totals.attempts, settledAt],
    [1, 4700],
    "what is over is over, whatever becomes of its message",
  );
});

test("a task took until its end, and not until somebody cleared its message away", () => {
  const words = { objective: "o", tags: {} };
  const seen = at(1010, "task.seen", { task: TASK, words, wordsAt: 0, graceMs: 2000, graceUntil: 3010 });
  const claiming = at(3000, "task.claiming", { try: 1, executor: { kind: "agent", agent: "webster" } });
  const outcome = { at: 0, status: "done", childStatus: "succeeded" };
  const endOf = (...events: Parameters<typeof eventsOf>[1][]) =>
    traceOf(subject("task", "task-1", { events: eventsOf("task-1", seen, ...events) }), 900_000).settledAt;
  const deleted = at(500_000, "task.deleted");
  assert.equal(endOf(claiming, at(4000, "task.settled", { try: 1, outcome }), deleted), 4000);
  assert.equal(endOf(claiming, deleted), 500_000, "then it ends with its message");
  assert.equal(endOf(at(1400, "task.handled", { user: "6" }), deleted), 1400);
  const refusal = { text: "may not", isFinal: true };
  assert.equal(endOf(at(1300, "task.refused", { refusal })), 1300);
  assert.equal(endOf(at(1300, "task.refused", { refusal }), claiming), undefined, "an edit opened it again");
});

test("a worker tells when it waited and when its process worked", () => {
  const begun = at(2000, "worker.begun", { attempt: 1 });
  const queued = at(1000, "worker.queued", { work: WORK });
  const story = subject("worker", "task-1.w1", {
    events: eventsOf(
      "task-1",
      queued,
      begun,
      at(2500, "worker.lost", { attempt: 1, text: "the machine restarted" }),
      at(3000, "worker.begun", { attempt: 2 }),
      at(5000, "worker.settled", {
        outcome: { status: "failed", reason: "exit 3", files: [] },
        isRunning: false,
      }),
    ),
  });
  assert.deepEqual(told(story), [
    "+0 queued: codex with m-1, thinking low, at most 2m 00s",
    "+1000 begun: attempt 1 as agent-1-x",
    "+1500 lost: attempt 1: the machine restarted (500 ms)",
    "+2000 begun: attempt 2 as agent-1-x",
    "+4000 settled: failed: exit 3 (2000 ms)",
  ]);
  const { totals, parent } = traceOf(story, 9000);
  assert.deepEqual([totals.workingMs, totals.waitingMs, totals.attempts, parent], [2500, 1500, 2, "task-1"]);
  const running = subject("worker", "task-1.w1", { events: eventsOf("task-1", queued, begun) });
  assert.equal(traceOf(running, 2750).totals.workingMs, 750);
});
