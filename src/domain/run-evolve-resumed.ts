import { valuesOf, vectorOf } from "../kernel/vector.ts";
import { ending } from "./run-ending.ts";
import { graphOf } from "./run-graph.ts";
import { recount } from "./run-queue.ts";
import { isStepSettled } from "./run-tally.ts";
import type { RunEvent, RunState, StepState, WorkState } from "./run-types.ts";

type Resumed = Extract<RunEvent, { type: "run.resumed" }>;
type Reset = Resumed["reset"][number];

/** A person's answer: what was named begins anew, and a settled run is open again. */
export function evolveResumed(state: RunState, event: Resumed): RunState {
  const { order, outcome: _, stopped: _stopped, canceling: _canceling, accepted: _accepted, ...rest } = state;
  const isReopened = state.status !== "running";
  const next: RunState = {
    ...rest,
    order: event.deadlineAt === undefined ? order : { ...order, deadlineAt: event.deadlineAt },
    status: "running",
    round: isReopened ? state.round + 1 : state.round,
    counts: { ...state.counts, failures: 0 },
    resumed: {
      at: event.at,
      by: event.by,
      how: event.how,
      ...(event.step === undefined ? {} : { step: event.step }),
    },
    resumes: (state.resumes ?? 0) + 1,
    ...(event.how === "accept-partial" ? { accepted: true } : {}),
  };
  if (event.how === "accept-partial") return recount(next, ending(state, "cleanup"));
  const steps = [...valuesOf(state.steps)];
  for (const reset of event.reset) {
    const index = graphOf(order.definition).indexOf.get(reset.step) ?? -1;
    const before = steps[index];
    if (before) steps[index] = afresh(before, reset);
  }
  return recount(next, steps);
}

/** Nothing of the earlier generation stays but the words a person put in, what came late, and items that are asked to stay. */
function afresh(before: StepState, { generation, task, keepsItems }: Reset): StepState {
  const words = task ?? before.task;
  const fresh: StepState = {
    status: "pending",
    generation,
    unmet: 0,
    failedBefore: false,
    ...(words === undefined ? {} : { task: words }),
    ...(before.late ? { late: before.late } : {}),
  };
  if (!keepsItems || !before.items) return fresh;
  const items = [...valuesOf(before.items)].map((item) => (isGood(item) ? item : anew(item)));
  const count = (isMeant: (item: WorkState) => boolean) => items.filter(isMeant).length;
  const firstOpen = items.findIndex(({ status }) => status === "pending");
  return {
    ...fresh,
    items: vectorOf(items),
    itemCounts: {
      next: firstOpen < 0 ? items.length : firstOpen,
      running: 0,
      settled: count(({ status }) => isStepSettled(status)),
      failed: 0,
      partial: count(({ status }) => status === "partial"),
      canceled: 0,
    },
  };
}

const isGood = ({ status }: WorkState) => status === "succeeded" || status === "partial";
const anew = ({ value }: WorkState): WorkState => ({ status: "pending", value });
