import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { aggregates } from "../../src/domain/aggregates.ts";
import type { DelegationState } from "../../src/domain/delegation-types.ts";
import type { RunState } from "../../src/domain/run-types.ts";
import {
  taskOutcomeOfDelegation,
  taskOutcomeOfRun,
  taskOutcomeOfWorker,
} from "../../src/domain/task-outcome.ts";
import { viewOfWorker, worker, workerOrderId, workerSlotsAfter } from "../../src/domain/worker.ts";
import {
  isWorkerSettled,
  type WorkerInput,
  type WorkerOutcome,
  type WorkerState,
  type WorkerWork,
} from "../../src/domain/worker-types.ts";
import { fold } from "../../src/kernel/decider.ts";

const work: WorkerWork = {
  id: "task-7.w1",
  taskOf: { task: "task-7", try: 1 },
  agent: "agent-1000-abc",
  worker: "standard",
  model: "openrouter/moonshotai/kimi-k2.5",
  thinking: "medium",
  text: "Compare Zerodur and ULE",
  timeoutMs: 120_000,
  reruns: 1,
  actor: { kind: "person", id: "9", name: "ada", rights: [] },
  origin: { door: "discord", channel: "5", message: "7" },
  card: { channel: "5" },
  queuedAt: 1000,
};
const queued: WorkerInput = { type: "queue", work };
const begun = (attempt = 1): WorkerInput => ({ type: "begun", at: 2000, attempt });
const ended = (more: Partial<WorkerOutcome> = {}, attempt = 1): WorkerInput => ({
  type: "ended",
  at: 9000,
  attempt,
  outcome: { status: "succeeded", result: "ULE", files: ["RESULT.txt"], folder: "/w/1", ...more },
});
const cancel: WorkerInput = { type: "cancel", at: 5000, actor: { kind: "operator" }, reason: "not needed" };

function given(...inputs: readonly WorkerInput[]) {
  let state: WorkerState | undefined;
  let events: ReturnType<typeof worker.decide> = [];
  let slots: ReturnType<typeof workerSlotsAfter> = [];
  for (const input of inputs) {
    slots = state ? workerSlotsAfter(state, input) : [];
    events = worker.decide(state, input);
    state = fold(worker.evolve, state, events);
  }
  assert.ok(state);
  const after = state;
  const effects = events.flatMap((event) => worker.effects(after, event));
  return {
    state,
    slots,
    effects,
    types: events.map(({ type }) => type),
    names: effects.map(({ body }) => (body.type === "post" ? body.delivery.id.split("/")[1] : body.type)),
  };
}

test("a worker waits for room among the workers, is announced when it begins, and tells everybody its end", () => {
  const { effects } = given(queued);
  assert.deepEqual(effects, [
    {
      body: { type: "run-worker", worker: work.id, attempt: 1 },
      lane: "host",
      dueAt: 1000,
      slot: { lane: "workers", attempt: 1 },
    },
  ]);
  assert.deepEqual(given(queued, begun()).names, ["spawned", "card"]);
  const { state, names, slots, effects: last } = given(queued, begun(), ended());
  assert.deepEqual(names, ["finished", "result", "log", "tell-task"]);
  assert.deepEqual(last.at(-1)?.body, {
    type: "tell-task",
    task: "task-7",
    try: 1,
    child: work.id,
    kind: "worker",
  });
  assert.deepEqual(slots, [{ attempt: 1, until: "free" }]);
  assert.equal(state.status, "succeeded");
  assert.deepEqual(given(queued, begun(), ended(), ended()).types, []);
  assert.deepEqual(given(queued, begun(), begun()).types, []);
  assert.deepEqual(given(queued, queued).types, []);
});

test("a worker that is lost is begun once more, is marked as such, and is not begun a third time", () => {
  const lost = ended({ status: "lost" });
  const again = given(queued, begun(), lost);
  assert.deepEqual([again.types, again.names], [["worker.lost"], ["run-worker", "card"]]);
  assert.deepEqual(again.slots, [{ attempt: 1, until: "free" }]);
  assert.deepEqual(given(queued, begun(), lost, lost).types, []);
  const second = given(queued, begun(), lost, begun(2), ended({}, 2));
  assert.equal(viewOfWorker(second.state).again, true);
  assert.equal(second.state.status, "succeeded");
  const spawned = given(queued, begun(), lost, begun(2)).effects[0]?.body;
  assert.ok(spawned?.type === "post" && spawned.delivery.id === "task-7.w1/spawned~2");
  const never = given(queued, begun(), lost, begun(2), ended({ status: "lost", reason: "gone" }, 2));
  assert.deepEqual([never.state.status, never.state.outcome?.reason], ["lost", "gone"]);
});

test("canceling one that waits takes its turn away; one that runs is killed and keeps its room until it is gone", () => {
  const waiting = given(queued, cancel);
  assert.deepEqual([waiting.state.status, waiting.names], ["canceled", ["log", "tell-task"]]);
  const { cancels } = aggregates.worker;
  const settled = worker.decide(given(queued).state, cancel);
  assert.deepEqual(cancels?.(settled, given(queued).state), ["run-worker"]);
  assert.deepEqual(cancels?.(settled, given(queued, begun()).state), []);
  const running = given(queued, begun(), cancel);
  assert.deepEqual(running.names, ["kill-worker", "finished", "log", "tell-task"]);
  assert.deepEqual(running.slots, []);
  for (const over of [ended({ status: "canceled" }), { type: "gone", at: 9000, attempt: 1 }] as const) {
    const after = given(queued, begun(), cancel, over);
    assert.deepEqual([after.types, after.slots], [[], [{ attempt: 1, until: "free" }]]);
  }
  assert.deepEqual(given(queued, begun(), ended(), cancel).types, []);
  const mute: WorkerInput = { type: "cancel", at: 5000, actor: { kind: "operator" } };
  assert.equal(given(queued, mute).state.outcome?.reason, "canceled on request");
  assert.deepEqual(given(queued, { type: "gone", at: 9000, attempt: 1 }).types, []);
});

test("room is kept a while longer than the time limit", () => {
  assert.deepEqual(given(queued, begun()).slots, [{ attempt: 1, until: 2000 + 120_000 + 3_600_000 }]);
});

test("each try and each attempt has a folder of its own", () => {
  assert.equal(workerOrderId(work, 1), "task-7");
  assert.equal(workerOrderId(work, 2), "task-7.again");
  assert.equal(workerOrderId(work, 3), "task-7.again2");
  assert.equal(workerOrderId({ ...work, taskOf: { task: "task-7", try: 2 } }, 1), "task-7~2");
});

test("a view says what is known, and nothing of what is not", () => {
  const { usage, folder, result, ...view } = viewOfWorker(given(queued, begun(), ended()).state);
  assert.deepEqual([usage, folder, result], [undefined, "/w/1", "ULE"]);
  assert.equal(view.asker, "@ada");
  const rich = ended({ summary: "short", usage: { inputTokens: 1, outputTokens: 2 }, reason: "exit code 1" });
  const full = viewOfWorker(given(queued, begun(), rich).state);
  assert.deepEqual(
    [full.summary, full.usage, full.reason],
    ["short", { inputTokens: 1, outputTokens: 2 }, "exit code 1"],
  );
  assert.deepEqual(viewOfWorker(given(queued).state).files, []);
});

test("whatever comes twice or out of order, a worker is settled once and its room is free after its end", () => {
  const inputs = fc.oneof(
    fc.constantFrom(1, 2).map(begun),
    fc
      .tuple(fc.constantFrom("succeeded", "failed", "lost"), fc.constantFrom(1, 2))
      .map(([status, attempt]) => ended({ status: status as "lost" }, attempt)),
    fc.constant(cancel),
    fc.constant<WorkerInput>({ type: "gone", at: 9000, attempt: 1 }),
    fc.constant(queued),
  );
  fc.assert(
    fc.property(fc.array(inputs, { maxLength: 12 }), (all) => {
      let state = given(queued).state;
      let settled = 0;
      for (const input of all) {
        const events = worker.decide(state, input);
        const after = fold(worker.evolve, state, JSON.parse(JSON.stringify(events))) ?? state;
        settled += events.filter(({ type }) => type === "worker.settled").length;
        assert.ok(after.attempt <= 1 + work.reruns);
        assert.deepEqual(worker.decide(after, input), []);
        state = after;
      }
      assert.equal(settled, isWorkerSettled(state.status) ? 1 : 0);
    }),
  );
});

test("a task's child tells its end in the words of a task", () => {
  const { state } = given(queued, begun(), ended({ summary: "short" }));
  assert.deepEqual(taskOutcomeOfWorker(state), {
    at: 9000,
    status: "done",
    childStatus: "succeeded",
    summary: "short",
  });
  assert.equal(taskOutcomeOfWorker(given(queued).state), undefined);
  const settledAs = (status: string, more: object) => ({ status, outcome: { at: 1, ...more } });
  const delegation = (status: string, more: object) =>
    taskOutcomeOfDelegation(settledAs(status, more) as unknown as DelegationState);
  assert.deepEqual(delegation("partial", { handoff: { result: "half" } })?.status, "done");
  assert.deepEqual(delegation("blocked", { reason: "no licence" }), {
    at: 1,
    status: "failed",
    childStatus: "blocked",
    reason: "no licence",
  });
  assert.equal(delegation("dispatched", {}), undefined);
  const run = (status: string) =>
    taskOutcomeOfRun(settledAs(status, { result: "x".repeat(9000) }) as unknown as RunState);
  assert.equal(run("succeeded")?.summary?.length, 2000);
  assert.equal(run("running"), undefined);
});

test("nothing is folded before a worker was queued", () => {
  assert.throws(
    () => worker.evolve(undefined, { type: "worker.begun", at: 1, attempt: 1 }),
    /before worker.queued/,
  );
  assert.deepEqual(worker.decide(undefined, cancel), []);
});
