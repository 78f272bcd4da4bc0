import type { RunView, StepView } from "../domain/run-view.ts";
import { cut } from "../kernel/text.ts";
import type { Io } from "./io.ts";
import { headLine, stepLines } from "./run-lines.ts";
import { isOver } from "./work.ts";

const TICK_MS = 1000;
const MOST_LINES = 40;
/** Off, then on again: a line that is too wide is cut by the terminal, so that one line stays one line. */
const WRAP = ["\u001b[?7l", "\u001b[?7h"] as const;

/** The steps of a run on stderr: a list that is rewritten on a terminal, else a line at each change. */
export function createRunProgress(io: Io) {
  let view: RunView | undefined;
  let drawn = 0;
  let isHeld = false;
  let timer: NodeJS.Timeout | undefined;
  const told = new Map<string, string>();

  function clear(): void {
    if (drawn > 0) io.err(`\u001b[${drawn}A\r\u001b[J`);
    drawn = 0;
  }

  function draw(): void {
    if (!view || isHeld) return;
    if (!io.isErrTerminal) return tellChanges(view);
    const { columns, rows } = io.errSize();
    const lines = frameOf(view, io.now(), Math.max(3, Math.min(MOST_LINES, rows - 2)));
    clear();
    io.err(`${WRAP[0]}${lines.map((line) => `${cut(line, columns - 1)}\n`).join("")}${WRAP[1]}`);
    drawn = lines.length;
  }

  function tellChanges(of: RunView): void {
    if (told.size === 0) io.err(`${headLine(of, io.now())}\n`);
    const changed = of.steps.filter((step) => {
      const now = stateOf(step);
      const before = told.get(step.id) ?? PENDING;
      told.set(step.id, now);
      return now !== before;
    });
    for (const line of stepLines(changed, io.now(), of.steps)) io.err(`${line}\n`);
  }

  return {
    show(next: RunView): void {
      view = next;
      draw();
      if (isOver(next.status)) return;
      if (io.isErrTerminal) timer ??= setInterval(draw, TICK_MS).unref();
    },
    /** Lines of their own, above the list. */
    tell(text: string): void {
      clear();
      io.err(`${text}\n`);
      draw();
    },
    /** While a question stands on the terminal nothing is rewritten. */
    hold(): void {
      isHeld = true;
      drawn = 0;
    },
    release(): void {
      isHeld = false;
      draw();
    },
    end(): void {
      clearInterval(timer);
      timer = undefined;
    },
  };
}
export type RunProgress = ReturnType<typeof createRunProgress>;

const PENDING = "pending 1";

/** What of a step makes a line of its own where nothing can be rewritten. */
function stateOf({ status, generation, agent, stalled, gate }: StepView): string {
  if (status === "pending") return `${status} ${generation}`;
  const more = [agent, stalled, gate && `${gate.digest} ${gate.approvals.length} ${gate.escalated}`];
  return [status, generation, ...more].filter((part) => part !== undefined).join(" ");
}

/** As many lines as there is room for; what is settled well is folded first, then what has not begun. */
function frameOf(view: RunView, nowMs: number, room: number): readonly string[] {
  const { steps } = view;
  const head = headLine(view, nowMs);
  if (steps.length < room) return [head, ...stepLines(steps, nowMs)];
  const ranked = steps
    .map((step, index) => ({ step, index, rank: RANKS[step.status] }))
    .toSorted((a, b) => a.rank - b.rank || a.index - b.index)
    .slice(0, room - 2)
    .toSorted((a, b) => a.index - b.index)
    .map(({ step }) => step);
  return [head, ...stepLines(ranked, nowMs), `  … and ${steps.length - ranked.length} more`];
}

const RANKS: Readonly<Record<StepView["status"], number>> = {
  waiting: 0,
  running: 1,
  failed: 2,
  partial: 3,
  pending: 4,
  canceled: 5,
  skipped: 5,
  succeeded: 6,
};
