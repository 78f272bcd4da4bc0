import { eventLine } from "../domain/event-line.ts";
import type { RunView, StepView } from "../domain/run-view.ts";
import type { StoredEvent } from "../engine/ports/ledger.ts";
import { formatDuration } from "../kernel/time.ts";
import { runHeadline, stepSymbol } from "./look-run.ts";
import { plain } from "./sanitize.ts";

/** Well under what one file may hold; what has no room is in the run's own files. */
const MOST_CHARS = 1_500_000;
const MOST_LOG_CHARS = 1_000_000;

/** Everything that a run brought, as a document for people: inputs, result, what is missing, each step. */
export function runReport(view: RunView): string {
  const inputs = Object.entries(view.inputs).map(([name, value]) => `- ${name}: ${plain(String(value))}`);
  const head = [
    `## ${runHeadline(view)}`,
    "",
    `${view.id} · asked by ${view.asker}`,
    ...(inputs.length > 0 ? ["", ...inputs] : []),
    ...(view.reason ? ["", plain(view.reason)] : []),
    ...(view.missing.length > 0 ? ["", "Missing:", ...view.missing.map((one) => `- ${plain(one)}`)] : []),
    ...(view.output === undefined && view.result === undefined
      ? []
      : ["", "### Result", "", wholeResult(view).text]),
  ];
  const parts = [head.join("\n")];
  let used = parts[0]?.length ?? 0;
  for (const [index, step] of view.steps.entries()) {
    const part = stepReport(step);
    if (used + part.length > MOST_CHARS) {
      parts.push(`… and ${view.steps.length - index} more steps: handoffs/workflows/${view.id}/`);
      break;
    }
    parts.push(part);
    used += part.length;
  }
  return parts.join("\n\n");
}

/** Everything that happened to a run, an event a line, oldest first; of very much the end. */
export function runLog(id: string, events: readonly StoredEvent[]): string {
  const lines: string[] = [];
  let room = MOST_LOG_CHARS;
  for (const event of events.toReversed()) {
    const line = plain(eventLine(event));
    room -= line.length + 1;
    if (room < 0) break;
    lines.push(line);
  }
  const left = events.length - lines.length;
  const more = left > 0 ? [`… ${left} before: hq logs ${id}`] : [];
  return ["### Log", "", "```text", ...more, ...lines.toReversed(), "```", ""].join("\n");
}

function stepReport(step: StepView): string {
  const took =
    step.startedAt === undefined || step.settledAt === undefined
      ? []
      : [formatDuration(step.settledAt - step.startedAt)];
  const facts = [
    step.status,
    ...(step.agent ? [step.agent] : []),
    ...took,
    ...(step.confidence ? [`confidence ${step.confidence}`] : []),
    ...(step.by ? [`by ${step.by}`] : []),
    ...(step.items ? [`${step.items.settled}/${step.items.total} items`] : []),
  ];
  return [
    `### ${stepSymbol(step)} ${step.id} · ${facts.join(" · ")}`,
    ...(step.reason ? ["", plain(step.reason)] : []),
    ...(step.result === undefined ? [] : ["", plain(step.result)]),
    ...(step.artifacts?.length ? ["", `Artifacts: ${step.artifacts.join(", ")}`] : []),
  ].join("\n");
}

/** What the run came to: its output as JSON when it has one, else the text of its result. */
export function wholeResult(view: Pick<RunView, "output" | "result">): {
  readonly text: string;
  readonly isJson: boolean;
} {
  if (view.output === undefined) return { text: plain(view.result ?? ""), isJson: false };
  return { text: JSON.stringify(view.output, null, 2) ?? "", isJson: true };
}
