import assert from "node:assert/strict";
import test from "node:test";
import { run } from "../../src/domain/run.ts";
import type { RunInput, RunState } from "../../src/domain/run-types.ts";
import { childIdOf } from "../../src/domain/run-work.ts";
import type { StepDefinition } from "../../src/domain/workflow-types.ts";
import { orderOf } from "../support/run-law.ts";
import { stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const task = taskOf("webster", "Go.");
const [FEW, MANY] = [1250, 10_000];
/** Linear would be 8, looking at all steps each time would be 64. */
const MOST = 24;

/** CPU time in ms to begin a run and let each child succeed, in the order in which they began. */
function timeOf(steps: readonly StepDefinition[]): number {
  const limits = { maxParallel: 8, timeoutMs: 86_400_000, maxFailures: 3 };
  const order = orderOf(workflowOf("large", steps, { limits }));
  const begun: string[] = [];
  let state: RunState | undefined;
  const take = (input: RunInput) => {
    for (const event of run.decide(state, input)) {
      state = run.evolve(state, event);
      if (event.type === "step.started") begun.push(event.step);
    }
  };
  const from = process.threadCpuUsage();
  take({ type: "start", order });
  for (let next = 0; next < begun.length; next++) {
    const of = { step: begun[next] ?? "", generation: 1 };
    const outcome = { status: "succeeded", at: 2000 + next, result: "done" } as const;
    take({ type: "child-settled", of, child: childIdOf(order.id, of), outcome });
  }
  const { user, system } = process.threadCpuUsage(from);
  assert.equal(state?.status, "succeeded");
  assert.equal(begun.length, steps.length);
  return (user + system) / 1000;
}

const SHAPES: Readonly<Record<string, (index: number) => readonly string[]>> = {
  chain: (index) => (index === 0 ? [] : [`s${index - 1}`]),
  wide: () => [],
};

for (const [shape, needs] of Object.entries(SHAPES)) {
  test(`10,000 steps in a ${shape} take about as many times longer as they are more`, () => {
    const steps = Array.from({ length: MANY }, (_, index) =>
      stepOf(`s${index}`, task, { needs: needs(index) }),
    );
    timeOf(steps);
    const best = (count: number) => Math.min(...[1, 2, 3].map(() => timeOf(steps.slice(0, count))));
    const ratio = best(MANY) / best(FEW);
    assert.ok(ratio < MOST, `eight times the steps took ${ratio.toFixed(1)} times as long`);
  });
}
