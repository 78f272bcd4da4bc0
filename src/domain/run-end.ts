import { oneLine } from "../kernel/text.ts";
import { at, valuesOf } from "../kernel/vector.ts";
import { actorName } from "./actor.ts";
import { graphOf } from "./run-graph.ts";
import { hasFailed } from "./run-queue.ts";
import { definitionAt, isUntolerated, stepOf } from "./run-tally.ts";
import type { RunEvent, RunState, StepState } from "./run-types.ts";
import type { StepDefinition, WorkflowDefinition } from "./workflow-types.ts";

type Settled = Extract<RunEvent, { type: "run.settled" }>;
const MOST_MISSING = 20;

/** What a run has come to when every step of it is settled. */
export function endOf(state: RunState, now: number): Settled {
  const { status, reason } = verdictOf(state);
  const missing = missingOf(state);
  return {
    type: "run.settled",
    at: now,
    status,
    round: state.round,
    ...(reason === undefined ? {} : { reason }),
    ...resultOf(state),
    missing:
      missing.length > MOST_MISSING
        ? [...missing.slice(0, MOST_MISSING), `And ${missing.length - MOST_MISSING} more.`]
        : missing,
  };
}

/** What is partial is never called success, and a run of which nothing was done has failed, unless that was the file's own wish. */
function verdictOf(state: RunState): Pick<Settled, "status" | "reason"> {
  const { counts, canceling, accepted, order } = state;
  const { steps } = order.definition;
  if (canceling && !canceling.expired)
    return { status: "canceled", reason: `${canceling.reason} (by ${actorName(canceling.by)})` };
  const all = [...valuesOf(state.steps)];
  // What had not begun when the time was over is missing; only what failed makes the run a failed one.
  const isBroken = canceling ? hasFailed : isUntolerated;
  const broken = all.findIndex((step, index) => isBroken(step, steps[index] as StepDefinition));
  const completed = counts.succeeded + counts.partial;
  const share = `${completed} of ${all.length} steps completed`;
  const what = canceling ? canceling.reason : broken >= 0 ? sentenceOf(state, broken) : undefined;
  const reason = what === undefined ? share : `${share}; ${what}`;
  if (completed === 0) {
    const isOwnWish = all.every(
      ({ status, outcome }) => status === "skipped" && !outcome?.by && !outcome?.lost,
    );
    if (isOwnWish && !accepted) return { status: "succeeded", reason: EVERY_CONDITION_SAID_NO };
    return { status: "failed", reason };
  }
  if (broken >= 0 && !accepted) return { status: "failed", reason };
  const isWhole = all.every(
    ({ status, outcome }) =>
      status === "succeeded" || (status === "skipped" && !outcome?.by && !outcome?.lost),
  );
  return isWhole && !accepted ? { status: "succeeded" } : { status: "partial", reason };
}

const EVERY_CONDITION_SAID_NO = "nothing was done, since every step was skipped by its own condition";

function missingOf(state: RunState): readonly string[] {
  return state.order.definition.steps.flatMap((_, index) => {
    const { status, outcome } = stepOf(state, index);
    const isMissing =
      status === "failed" ||
      status === "canceled" ||
      status === "partial" ||
      (status === "skipped" &&
        (outcome?.lost === true || outcome?.by !== undefined || state.accepted === true));
    return isMissing ? [`${sentenceOf(state, index).replace(/[.\s]+$/, "")}.`] : [];
  });
}

function sentenceOf(state: RunState, index: number): string {
  const { status, outcome } = stepOf(state, index);
  return `${definitionAt(state, index).id} ${VERBS[status]}${outcome?.reason ? `: ${oneLine(outcome.reason, 300)}` : ""}`;
}

const VERBS: Readonly<Record<StepState["status"], string>> = {
  pending: "has not begun",
  running: "still runs",
  waiting: "still waits",
  succeeded: "succeeded",
  partial: "is partial",
  failed: "failed",
  skipped: "was skipped",
  canceled: "was canceled",
};

/** The result of the output's step; without one, of the last step on which nothing hangs. */
function resultOf(state: RunState): Pick<Settled, "result" | "output"> {
  const index = outputOf(state.order.definition);
  const step = index === undefined ? undefined : at(state.steps, index);
  const { outcome, items } = step ?? {};
  if (!outcome || outcome.result === undefined) return {};
  if (!items) {
    const { result, output } = outcome;
    return { result, ...(output === undefined ? {} : { output }) };
  }
  const outputs = Array.from(valuesOf(items), (item) => item.outcome?.output);
  return {
    result: `${NOT_SYNTHESIZED}\n\n${outcome.result}`,
    ...(outputs.some((output) => output !== undefined) ? { output: outputs.map((one) => one ?? null) } : {}),
  };
}

const NOT_SYNTHESIZED = "(not synthesized: the results of the items one by one)";

/** The step whose result is the workflow's, by its place. */
export function outputOf(definition: WorkflowDefinition): number | undefined {
  const { indexOf, dependents } = graphOf(definition);
  if (definition.output) return indexOf.get(definition.output.step);
  const ends = definition.steps.flatMap(({ cleanup }, index) =>
    !cleanup && dependents[index]?.length === 0 ? [index] : [],
  );
  const works = ends.filter((index) => {
    const kind = definition.steps[index]?.action.kind;
    return kind === "task" || kind === "workflow" || kind === "conclusion";
  });
  return works.at(-1) ?? ends.at(-1);
}
