import type { StepStatus } from "../domain/run-types.ts";
import type { StepView } from "../domain/run-view.ts";
import { cut } from "../kernel/text.ts";
import { STEP_ORDER, stepLine } from "./look-run.ts";

const MOST_LINES = 25;
const LONGEST_LINE = 160;
/** Room for the line that counts what has none. */
const COUNTS_CHARS = 120;

/** What goes first when not all have room: what runs or waits, what failed, what is to come; then what is over. */
const RANKS: Readonly<Record<StepStatus, number>> = {
  running: 0,
  waiting: 0,
  failed: 1,
  pending: 2,
  partial: 3,
  succeeded: 3,
  skipped: 3,
  canceled: 3,
};

export type FoldedSteps = {
  /** In the order of the workflow. */
  readonly shown: readonly StepView[];
  readonly folded: Readonly<Partial<Record<StepStatus, number>>>;
};

/** At most `most` steps, and how many of each state are left out. */
export function foldSteps(steps: readonly StepView[], most = MOST_LINES): FoldedSteps {
  const room = [0, 0, 0, 0];
  for (const { status } of steps) room[RANKS[status]] = (room[RANKS[status]] ?? 0) + 1;
  let left = most;
  const mayShow = room.map((count) => {
    const granted = Math.min(count, left);
    left -= granted;
    return granted;
  });
  const shown: StepView[] = [];
  const folded: Partial<Record<StepStatus, number>> = {};
  for (const step of steps) {
    const rank = RANKS[step.status];
    const granted = mayShow[rank] ?? 0;
    if (granted > 0) {
      mayShow[rank] = granted - 1;
      shown.push(step);
    } else folded[step.status] = (folded[step.status] ?? 0) + 1;
  }
  return { shown, folded };
}

/** The lines of some steps in at most `room` characters, ended by what has no line. */
export function stepLines({ shown, folded }: FoldedSteps, room: number): string {
  const lines = shown.map((step) => ({ step, line: cut(stepLine(step), LONGEST_LINE) }));
  const rest: Partial<Record<StepStatus, number>> = { ...folded };
  // The least telling of the later ones go first.
  const leaving = lines.toReversed().sort((a, b) => RANKS[b.step.status] - RANKS[a.step.status]);
  const left = new Set<StepView>();
  let used = lines.reduce((sum, { line }) => sum + line.length + 1, 0);
  for (const { step, line } of leaving) {
    if (used <= room - COUNTS_CHARS) break;
    used -= line.length + 1;
    left.add(step);
    rest[step.status] = (rest[step.status] ?? 0) + 1;
  }
  const more = STEP_ORDER.flatMap((status) => (rest[status] ? [`${rest[status]} ${status}`] : []));
  const count = Object.values(rest).reduce((sum, one) => sum + one, 0);
  return [
    ...lines.flatMap(({ step, line }) => (left.has(step) ? [] : [line])),
    ...(count > 0 ? [`-# and ${count} more: ${more.join(", ")}`] : []),
  ].join("\n");
}
