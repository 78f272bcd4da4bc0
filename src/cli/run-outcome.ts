import type { RunView } from "../domain/run-view.ts";
import { oneLine } from "../kernel/text.ts";
import type { Io } from "./io.ts";
import { jsonText, plainText } from "./print.ts";
import { howToAnswer, howToDecide, openGates, whomFor } from "./run-lines.ts";

const STILL_WORKING = 4;
const TIME_OVER = 4;

/** The whole run, or only what came of it. */
export function printRun(io: Io, view: RunView, isJson: boolean): void {
  if (isJson) io.out(`${jsonText(view)}\n`);
  else if (view.result !== undefined) io.out(plainText(view.result));
  else if (view.output !== undefined) io.out(`${jsonText(view.output)}\n`);
}

/** The exit code of a run; says on stderr what is not plain success, what is missing, and what to type next. */
export function exitOfRun(io: Io, view: RunView, options: Told = {}): number {
  const because = view.reason === undefined ? "." : `: ${oneLine(view.reason, 500)}`;
  switch (view.status) {
    case "running":
      return STILL_WORKING;
    case "succeeded":
      if (view.reason !== undefined) io.err(`${view.id} succeeded${because}\n`);
      return 0;
    case "partial":
      io.err(`Warning: a part of ${view.id} is missing${because}\n`);
      tellMissing(io, view, options);
      return 0;
    case "failed":
    case "canceled":
      io.err(`${view.id} is ${view.status}${because}\n`);
      tellMissing(io, view, options);
      return view.code === "timed_out" ? TIME_OVER : 1;
  }
}

/** A run that was only simulated cannot be gone on with. */
type Told = { readonly isSimulated?: boolean };

function tellMissing(io: Io, { id, missing, steps }: RunView, { isSimulated }: Told): void {
  for (const sentence of missing) io.err(`  missing: ${oneLine(sentence, 300)}\n`);
  if (!isSimulated && steps.some(({ status }) => status === "failed"))
    io.err(`What failed, once more: hq workflow retry ${id}\n`);
}

/** Where nobody is asked: what the run waits for, and how to go on. */
export function tellPeople(io: Io, view: RunView, { isSimulated = false }: Told = {}): void {
  const tell = (line: string, next: readonly string[]) => {
    io.err(`${oneLine(line, 400)}\n`);
    if (!isSimulated) for (const one of next) io.err(`    ${one}\n`);
  };
  for (const { id, gate } of openGates(view))
    tell(`Paused at the gate ${id}: ${whomFor(gate)}.`, howToDecide(view.id, id));
  if (view.waiting === "answer") {
    const why = "Paused after too many failures: nothing new begins until somebody answers.";
    tell(why, howToAnswer(view.id));
  }
  if (!isSimulated) io.err(`${view.id} is kept meanwhile: \`hq wait ${view.id}\`.\n`);
}
