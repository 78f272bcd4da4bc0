import { firstLines } from "../kernel/text.ts";
import type { RunView, StepView } from "./run-view.ts";

export const MOST_RESULTS = 5;
export const MOST_LINES = 8;
const MOST_CHARS = 400;

/** What one of the steps before a gate came to, in short: its result, or the reason why there is none. */
export type NeededResult = Pick<StepView, "id" | "status" | "agent" | "confidence"> & {
  /** The first lines, at most 400 characters. */
  readonly said: string;
};

/** What people decide about at a gate: those of the steps that it needs that have something to say. */
export function toldBefore(
  { steps }: Pick<RunView, "steps">,
  { needs }: Pick<StepView, "needs">,
): readonly StepView[] {
  const needed = new Set(needs);
  return steps.filter(({ id, result, reason }) => needed.has(id) && (result ?? reason) !== undefined);
}

/** The same in short, at most five. */
export function neededResults(
  view: Pick<RunView, "steps">,
  step: Pick<StepView, "needs">,
): readonly NeededResult[] {
  return toldBefore(view, step)
    .slice(0, MOST_RESULTS)
    .map(({ id, status, agent, confidence, result, reason }) => ({
      id,
      status,
      ...(agent === undefined ? {} : { agent }),
      ...(confidence === undefined ? {} : { confidence }),
      said: firstLines(result ?? reason ?? "", MOST_LINES, MOST_CHARS).join("\n"),
    }));
}
