import { isSettled } from "../domain/delegation-types.ts";
import type { DelegationView } from "../domain/view.ts";
import { cut, oneLine } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import type { Io } from "./io.ts";

const TICK_MS = 1000;
const LINE = 100;

/** One line about a delegation on stderr: rewritten on a terminal, else a new line at each change. */
export function createProgress(io: Io) {
  let view: DelegationView | undefined;
  let shown = "";
  let timer: NodeJS.Timeout | undefined;

  function state(of: DelegationView): string {
    const attempt = of.maxAttempts > 1 ? `, attempt ${of.attempt} of ${of.maxAttempts}` : "";
    const from = of.reroutes?.at(-1)?.from;
    const instead = from === undefined ? "" : ` instead of ${from}`;
    const why = of.waiting ? ` (${oneLine(of.waiting.text, 60)})` : "";
    return `${of.agent}${instead} · ${of.id} · ${of.status}${attempt}${why}`;
  }

  function draw(): void {
    if (!view) return;
    const elapsed = formatDuration((view.settledAt ?? io.now()) - view.queuedAt);
    if (io.isErrTerminal) {
      // A line that wraps would stay behind each time that it is rewritten.
      const most = Math.min(LINE, io.errSize().columns - 1);
      io.err(`\r\u001b[K${cut(`${state(view)} · ${elapsed}`, most)}`);
      return;
    }
    const line = state(view);
    if (line === shown) return;
    shown = line;
    io.err(`${line} · ${elapsed}\n`);
  }

  function clear(): void {
    if (io.isErrTerminal && view) io.err("\r\u001b[K");
  }

  return {
    show(next: DelegationView): void {
      view = next;
      draw();
      if (isSettled(next.status)) return;
      if (io.isErrTerminal) timer ??= setInterval(draw, TICK_MS).unref();
    },
    /** A line of its own, above the one that is rewritten. */
    tell: (line: string): void => {
      clear();
      io.err(`${line}\n`);
      draw();
    },
    end(): void {
      clearInterval(timer);
      if (io.isErrTerminal && view) io.err("\n");
    },
  };
}
