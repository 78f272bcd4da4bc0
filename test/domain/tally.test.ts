import assert from "node:assert/strict";
import test from "node:test";
import type { DelegationState } from "../../src/domain/delegation-types.ts";
import type { RunState } from "../../src/domain/run-types.ts";
import {
  delegationFact,
  postingFact,
  runFact,
  taskFact,
  telling,
  workerFact,
} from "../../src/domain/tally.ts";
import type { TaskState } from "../../src/domain/task-types.ts";
import type { WorkerState } from "../../src/domain/worker-types.ts";

const attempt = { startBy: 0, sends: 1, deferrals: 0, ambiguous: false };

function delegation(more: Partial<DelegationState> = {}): DelegationState {
  const order = { id: "orch-1", agent: "webster", queuedAt: 1000, deliver: true } as DelegationState["order"];
  return {
    order,
    status: "succeeded",
    attempts: [{ attempt: 1, ...attempt, dispatchedAt: 1500 }],
    handoffs: [],
    outcome: { at: 4000, problems: [] },
    ...more,
  };
}

const msOf = (fact: ReturnType<typeof delegationFact>) =>
  Object.fromEntries(Object.entries(fact?.figures.spans ?? {}).map(([name, spread]) => [name, spread[0]]));

test("waiting and working meet at the first dispatch, whatever attempts follow", () => {
  const attempts = [
    { attempt: 1, ...attempt, dispatchedAt: 1500, failedAt: 2000 },
    { attempt: 2, ...attempt, dispatchedAt: 2100 },
  ];
  const fact = delegationFact(delegation({ attempts }), "");
  assert.deepEqual(msOf(fact), { waiting: 500, working: 2500 });
  assert.deepEqual(fact?.figures.counts, { n: 1, attempts: 2, retries: 1 });
});

test("of what was never begun, neither waiting nor working is known; an open one counts nothing", () => {
  const never = delegation({ status: "timed_out", attempts: [{ attempt: 1, ...attempt }] });
  assert.deepEqual(msOf(delegationFact(never, "")), {});
  const { outcome: _, ...open } = delegation({ status: "dispatched" });
  assert.equal(delegationFact(open, ""), undefined);
  assert.equal(postingFact(open, "", 5000), undefined);
});

test("a clock that was set back makes no negative span", () => {
  const fact = delegationFact(delegation({ outcome: { at: 1400, problems: [] } }), "");
  assert.deepEqual(msOf(fact), { waiting: 500, working: 0 });
});

test("people hear of it by its result, or by its line where none is posted", () => {
  assert.equal(telling(delegation()), "orch-1/result");
  assert.equal(telling(delegation({ status: "canceled" })), "orch-1/log");
  const quiet = { ...delegation().order, deliver: false };
  assert.equal(telling(delegation({ order: quiet })), "orch-1/log");
  const posted = postingFact(delegation(), "design-review", 4700);
  assert.deepEqual([posted?.figures.spans?.posting?.[0], posted?.figures.counts], [700, {}]);
  assert.deepEqual([posted?.workflow, posted?.at], ["design-review", 4000], "beside what it belongs to");
});

test("a run counts for its workflow at each of its ends", () => {
  const state = { order: { definition: { name: "design-review" }, startedAt: 1000 } } as RunState;
  const fact = runFact(state, { at: 61_000, status: "partial" });
  assert.deepEqual(
    [fact.kind, fact.workflow, fact.status, fact.at],
    ["run", "design-review", "partial", 61_000],
  );
  assert.equal(fact.figures.spans?.working?.[0], 60_000);
});

test("each try of a task counts for who did it; only the first one waited for its turn", () => {
  const outcome = { at: 9000, status: "done", childStatus: "succeeded" } as const;
  const executor = { kind: "agent", agent: "webster" } as const;
  const state = {
    task: { postedAt: 1000 },
    tries: [
      { number: 1, claimedAt: 4000, executor, outcome: { ...outcome, at: 6000, status: "failed" } },
      { number: 2, claimedAt: 7000, executor: { kind: "workflow", workflow: "quick-research" }, outcome },
    ],
  } as unknown as TaskState;
  const [first, second] = [taskFact(state, 1), taskFact(state, 2)];
  assert.deepEqual([first?.agent, first?.status, first?.at], ["webster", "failed", 6000]);
  assert.deepEqual(first?.figures.spans?.waiting?.[0], 3000);
  assert.deepEqual(
    [second?.agent, second?.workflow, second?.figures.spans?.waiting],
    ["", "quick-research", undefined],
  );
  assert.deepEqual(second?.figures.counts, { n: 1, retries: 1 });
  assert.equal(taskFact(state, 3), undefined);
});

test("a worker tells what it used; what it does not say is unknown", () => {
  const state = {
    work: { worker: "standard", queuedAt: 1000 },
    attempt: 1,
    begunAt: 2000,
    settledAt: 9000,
    outcome: { status: "succeeded", files: [], usage: { inputTokens: 41_000, outputTokens: 900 } },
  } as unknown as WorkerState;
  const fact = workerFact(state);
  assert.deepEqual([fact?.agent, fact?.status], ["standard", "succeeded"]);
  const counts = { n: 1, attempts: 1, tokens: 1, "tokens.in": 41_000, "tokens.out": 900 };
  assert.deepEqual(fact?.figures.counts, counts);
});
