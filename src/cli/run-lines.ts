import type { StepStatus } from "../domain/run-types.ts";
import type { GateView, RunView, StepView } from "../domain/run-view.ts";
import { cut, oneLine } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import { instant } from "./print.ts";

const SIGNS: Readonly<Record<StepStatus, string>> = {
  pending: "·",
  running: "▸",
  waiting: "?",
  succeeded: "✓",
  partial: "~",
  failed: "✗",
  skipped: "-",
  canceled: "×",
};
const LONGEST_ID = 40;
const LONGEST_REASON = 300;

/** `✓ research  webster  12s  high`, the columns as wide as the widest of the run. Nothing in it can steer a terminal. */
export function stepLines(
  steps: readonly StepView[],
  nowMs: number,
  all: readonly StepView[] = steps,
): readonly string[] {
  const widest = (text: (step: StepView) => string) =>
    all.reduce((most, step) => Math.max(most, text(step).length), 0);
  const idWidth = Math.min(
    LONGEST_ID,
    widest(({ id }) => id),
  );
  const whoWidth = widest(whoOf);
  return steps.map((step) =>
    [
      `${SIGNS[step.status]} ${cut(step.id, LONGEST_ID).padEnd(idWidth)}`,
      whoOf(step).padEnd(whoWidth),
      timeOf(step, nowMs).padEnd(6),
      noteOf(step),
    ]
      .join("  ")
      .trimEnd(),
  );
}

function whoOf({ agent, capability, kind }: StepView): string {
  return oneLine(agent ?? capability ?? (kind === "task" ? "" : kind), 30);
}

function timeOf({ status, startedAt, settledAt }: StepView, nowMs: number): string {
  if (startedAt === undefined) return "";
  const isUnderWay = status === "running" || status === "waiting";
  if (settledAt === undefined && !isUnderWay) return "";
  return formatDuration((settledAt ?? nowMs) - startedAt);
}

function noteOf(step: StepView): string {
  const { items, generation } = step;
  const notes = [
    ...(items
      ? [`${items.settled}/${items.total}${items.failed > 0 ? `, ${items.failed} failed` : ""}`]
      : []),
    ...(generation > 1 ? [`time ${generation}`] : []),
    ...(step.status === "pending" ? [] : [toldOf(step)]),
  ];
  return oneLine(notes.filter((note) => note !== "").join("  "), LONGEST_REASON);
}

function toldOf(step: StepView): string {
  const { gate, untilAt, stalled, confidence, reason, by } = step;
  switch (step.status) {
    case "waiting":
      return gate ? whomFor(gate) : `until ${instant(untilAt)}`;
    case "running":
      return stalled ?? "";
    case "succeeded":
      return reason ?? confidence ?? "";
    case "pending":
      return "";
    case "partial":
    case "failed":
    case "skipped":
    case "canceled":
      return `${step.status}${by ? ` by ${by}` : ""}${reason ? `: ${reason}` : ""}`;
  }
}

/** `waits for role:engineering (1 of 2) until 2026-02-15 10:00:00Z` */
export function whomFor({ approvers, min, approvals, expiresAt, escalated }: GateView): string {
  const whom = approvers.length === 0 ? "somebody who may operate" : approvers.join(", ");
  const count = min > 1 ? ` (${approvals.length} of ${min})` : "";
  return `waits for ${whom}${count}${escalated ? ", escalated," : ""} until ${instant(expiresAt)}`;
}

/** `wf-… · material-trade-study · running · 2 of 3 steps · 12s` */
export function headLine(view: RunView, nowMs: number): string {
  const { id, workflow, progress, startedAt, settledAt } = view;
  const steps = `${progress.settled} of ${progress.total} steps`;
  const time = formatDuration((settledAt ?? nowMs) - startedAt);
  return oneLine([id, workflow, standing(view), steps, time].join(" · "), 200);
}

/** The status, and what it waits for when that is all it does. */
export function standing({
  status,
  waiting,
  stopped,
}: Pick<RunView, "status" | "waiting" | "stopped">): string {
  if (status !== "running") return status;
  if (stopped) return `stopped after ${stopped.failures} failures, waits for an answer`;
  return waiting === undefined ? "running" : WAITING[waiting];
}

const WAITING: Readonly<Record<NonNullable<RunView["waiting"]>, string>> = {
  gate: "waits at a gate",
  answer: "waits for an answer",
  time: "waits for its time",
};

/** A step that was skipped or canceled at its gate waits for nobody. */
export function openGates({
  steps,
}: Pick<RunView, "steps">): readonly (StepView & { readonly gate: GateView })[] {
  return steps.flatMap((step) =>
    step.status === "waiting" && step.gate?.status === "open" ? [{ ...step, gate: step.gate }] : [],
  );
}

/** What to type at a gate. */
export function howToDecide(run: string, step: string): readonly string[] {
  return [`hq workflow approve ${run} ${step}`, `hq workflow reject ${run} ${step} --reason "…"`];
}

/** What to type after too many failures. */
export function howToAnswer(run: string): readonly string[] {
  return [`hq workflow retry ${run}`, `hq workflow accept-partial ${run}`, `hq workflow cancel ${run}`];
}
