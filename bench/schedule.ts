/**
 * How long the rules of runs take to schedule many steps: every decision and every fold from the start to the end, no
 * ledger, no agents. Beside it, in the same run, a scheduler that looks at all steps after each one.
 *
 * usage: node bench/schedule.ts
 */
import { run } from "../src/domain/run.ts";
import type { RunEvent, RunInput, RunState } from "../src/domain/run-types.ts";
import { childIdOf } from "../src/domain/run-work.ts";
import type { StepDefinition } from "../src/domain/workflow-types.ts";
import { orderOf } from "../test/support/run-law.ts";
import { stepOf, taskOf, workflowOf } from "../test/support/workflow.ts";
import { table } from "./report.ts";

const GOAL_RATIO = 2.5;
const MOST_AT_ONCE = 8;
const ROUNDS = 5;
const LAYER = 10;
const task = taskOf("webster", "Go.");

/** What each step needs, by the number of the step. */
const SHAPES: Readonly<Record<string, (index: number) => readonly number[]>> = {
  chain: (index) => (index === 0 ? [] : [index - 1]),
  wide: () => [],
  /** One step opens ten, which close in one, and so on. */
  diamonds: (index) => {
    const place = index % (LAYER + 1);
    if (index === 0) return [];
    if (place !== 0) return [index - place];
    return Array.from({ length: LAYER }, (_, n) => index - 1 - n);
  },
};

function stepsOf(shape: string, count: number): readonly StepDefinition[] {
  const needs = SHAPES[shape] ?? (() => []);
  return Array.from({ length: count }, (_, index) =>
    stepOf(`s${index}`, task, { needs: needs(index).map((need) => `s${need}`) }),
  );
}

/** CPU time of this thread in ms: what else the machine does counts little. */
function spentSince(from: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(from);
  return (user + system) / 1000;
}

/** Begins a run and lets every child succeed, in the order in which they began. */
function schedule(steps: readonly StepDefinition[]): number {
  const limits = { maxParallel: MOST_AT_ONCE, timeoutMs: 86_400_000, maxFailures: 3 };
  const order = orderOf(workflowOf("large", steps, { limits }));
  const begun: string[] = [];
  let state: RunState | undefined;
  const take = (input: RunInput) => {
    for (const event of run.decide(state, input)) {
      state = run.evolve(state, event);
      note(event);
    }
  };
  const note = (event: RunEvent) => {
    if (event.type === "step.started") begun.push(event.step);
  };
  const from = process.threadCpuUsage();
  take({ type: "start", order });
  for (let next = 0; next < begun.length; next++) {
    const of = { step: begun[next] ?? "", generation: 1 };
    const outcome = { status: "succeeded", at: 2000 + next, result: "done" } as const;
    take({ type: "child-settled", of, child: childIdOf(order.id, of), outcome });
  }
  const ms = spentSince(from);
  if (state?.status !== "succeeded") throw new Error(`the run is ${state?.status}`);
  return ms;
}

/** Looks through all steps for what may begin, each time one has ended. */
function rescan(steps: readonly StepDefinition[]): number {
  const from = process.threadCpuUsage();
  const done = new Set<string>();
  const running: string[] = [];
  for (let settled = 0; settled < steps.length; ) {
    for (const { id, needs } of steps) {
      if (running.length >= MOST_AT_ONCE) continue;
      if (!done.has(id) && !running.includes(id) && needs.every((need) => done.has(need))) running.push(id);
    }
    const id = running.shift();
    if (id === undefined) throw new Error("nothing may begin");
    done.add(id);
    settled++;
  }
  return spentSince(from);
}

/** The best of a few at each size, size after size and then again, since everything that disturbs makes some slower. */
function timesOf(
  measure: (steps: readonly StepDefinition[]) => number,
  shape: string,
  counts: readonly number[],
) {
  const best = counts.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < ROUNDS; round++)
    for (const [n, count] of counts.entries())
      best[n] = Math.min(best[n] ?? 0, measure(stepsOf(shape, count)));
  return best;
}

function ratiosOf(times: readonly number[]): readonly number[] {
  return times.slice(1).map((time, n) => time / (times[n] ?? Number.NaN));
}

const ms = (value: number) => (value < 10 ? value.toFixed(1) : value.toFixed(0));
let isMet = true;

// The first rounds are compiled while they run.
for (const shape of Object.keys(SHAPES)) schedule(stepsOf(shape, 5000));

const rows = Object.keys(SHAPES).map((shape) => {
  const times = timesOf(schedule, shape, [1000, 10_000, 100_000]);
  const ratios = ratiosOf(timesOf(schedule, shape, [10_000, 20_000, 40_000, 80_000]));
  if (Math.max(...ratios) > GOAL_RATIO) isMet = false;
  return [shape, ...times.map(ms), ratios.map((ratio) => ratio.toFixed(2)).join(" ")];
});
console.log(
  `Scheduling, ms of CPU (best of ${ROUNDS}); goal: a doubling takes at most ${GOAL_RATIO} times as long.\n`,
);
console.log(table(["shape", "1,000", "10,000", "100,000", "doublings from 10,000"], rows));

const naive = Object.keys(SHAPES).map((shape) => {
  const counts = [1000, 2000, 4000];
  const ours = timesOf(schedule, shape, counts);
  const theirs = timesOf(rescan, shape, counts);
  const ratios = ratiosOf(theirs).map((ratio) => ratio.toFixed(2));
  return [shape, ours.map(ms).join(" / "), theirs.map(ms).join(" / "), ratios.join(" ")];
});
console.log(
  "\nBeside a scheduler that looks at all steps each time, which only keeps sets of names, at 1,000 / 2,000 / 4,000:\n",
);
console.log(table(["shape", "ours, ms", "rescan, ms", "its doublings"], naive));
console.log(isMet ? "\nThe goal is met." : "\nThe goal is missed.");
process.exitCode = isMet ? 0 : 1;
