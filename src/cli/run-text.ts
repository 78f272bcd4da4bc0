import type { RunListing } from "../api/listings.ts";
import type { RunView, StepView } from "../domain/run-view.ts";
import { forTerminal, oneLine } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import { instant, jsonText, plainText, table } from "./print.ts";
import { howToAnswer, howToDecide, openGates, standing, stepLines } from "./run-lines.ts";

/** Runs as a table, newest first. What a run waits for is never cut: the name of a gate is what its approver types. */
export function runTable(runs: readonly RunListing[], nowMs: number): string {
  const rows = runs.map((run) => [
    run.id,
    run.status,
    run.workflow,
    run.asker,
    `${run.progress.settled}/${run.progress.total}`,
    formatDuration((run.settledAt ?? nowMs) - run.startedAt),
    waitingOf(run),
  ]);
  return table([["RUN", "STATUS", "WORKFLOW", "ASKED BY", "STEPS", "TIME", "WAITING"], ...rows], Infinity);
}

function waitingOf({ status, waiting, stopped, gates }: RunListing): string {
  if (status !== "running") return "";
  const gate = gates.length > 0 ? `for people at ${gates.join(", ")}` : "";
  if (stopped || waiting === "answer") return "for an answer after too many failures";
  return gate || (waiting === "time" ? "for its time" : "");
}

/** Everything about one run, for people. */
export function describeRun(view: RunView, nowMs: number): string {
  const { parent } = view;
  const rows: (readonly [string, string])[] = [
    ["id", view.id],
    ["status", view.reason ? `${standing(view)}: ${view.reason}` : standing(view)],
    ["workflow", view.workflow],
    ["asked by", `${view.asker} (${view.origin.door})`],
    ["asked at", instant(view.startedAt)],
  ];
  if (parent) rows.push(["part of", `${parent.run}, step ${parent.step}`]);
  if (view.round > 1) rows.push(["round", String(view.round)]);
  if (view.settledAt === undefined) {
    rows.push(["deadline", `${instant(view.deadlineAt)}, in ${formatDuration(view.deadlineAt - nowMs)}`]);
  } else {
    const after = formatDuration(view.settledAt - view.startedAt);
    rows.push(["settled at", `${instant(view.settledAt)}, after ${after}`]);
  }
  for (const [name, value] of Object.entries(view.inputs)) rows.push(["input", `${name}=${value}`]);
  const head = rows.map(([name, value]) => `${name.padEnd(11)} ${oneLine(value, 600)}\n`).join("");
  const steps = stepLines(view.steps, nowMs).map((line) => `${line}\n`);
  const missing = view.missing.map((sentence) => `missing: ${oneLine(sentence, 300)}\n`);
  const approvals = view.steps.flatMap(approvalLines).map((line) => `${line}\n`);
  const parts = [
    forTerminal(head),
    steps.join(""),
    approvals.join(""),
    missing.join(""),
    next(view),
    resultOf(view),
  ];
  return parts.filter((part) => part !== "").join("\n");
}

function approvalLines({ id, gate }: StepView): readonly string[] {
  return (gate?.approvals ?? []).flatMap(({ who, reason }) =>
    reason ? [`approval: ${oneLine(`${id} by ${who}: ${reason}`, 300)}`] : [],
  );
}

/** What to type next. */
function next(view: RunView): string {
  const lines =
    view.status === "running"
      ? [
          ...openGates(view).flatMap(({ id }) => howToDecide(view.id, id)),
          ...(view.stopped ? howToAnswer(view.id) : []),
        ]
      : view.steps.some(({ status }) => status === "failed")
        ? [`hq workflow retry ${view.id}`]
        : [];
  return lines.map((line) => `    ${line}\n`).join("");
}

function resultOf({ result, output }: RunView): string {
  if (result !== undefined) return plainText(result);
  return output === undefined ? "" : `${jsonText(output)}\n`;
}
