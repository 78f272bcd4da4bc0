import type { StepStatus } from "../domain/run-types.ts";
import { isRunSettled } from "../domain/run-types.ts";
import type { RunView, StepView } from "../domain/run-view.ts";
import { formatDuration } from "../kernel/time.ts";
import { AMBER, BLUE, GREY, LOOKS, type Look, relative } from "./look.ts";
import { asLine } from "./sanitize.ts";

const STEP_SYMBOLS: Readonly<Record<StepStatus, string>> = {
  pending: "⚪",
  running: "🔵",
  waiting: "🟠",
  succeeded: "✅",
  partial: "🟡",
  failed: "❌",
  skipped: "⏭️",
  canceled: "🚫",
};
export const STEP_ORDER = Object.keys(STEP_SYMBOLS) as readonly StepStatus[];

const WAITING: Readonly<Record<NonNullable<RunView["waiting"]>, Look>> = {
  gate: { symbol: "🟠", colour: AMBER, word: "waits for approval" },
  answer: { symbol: "⛔", colour: AMBER, word: "stopped, waits for an answer" },
  time: { symbol: "⚪", colour: GREY, word: "waits" },
};

export function runLook(view: Pick<RunView, "status" | "waiting" | "stopped">): Look {
  if (view.status !== "running") return LOOKS[view.status];
  const waiting = view.waiting ?? (view.stopped ? "answer" : undefined);
  return waiting ? WAITING[waiting] : { symbol: "🔵", colour: BLUE, word: "running" };
}

/** `design-review · running 2/4`, `design-review · done in 4m 12s`. */
export function runHeadline(
  view: Pick<RunView, "workflow" | "status" | "waiting" | "stopped" | "progress" | "startedAt" | "settledAt">,
): string {
  const { word } = runLook(view);
  if (!isRunSettled(view.status)) {
    return `${view.workflow} · ${word} ${view.progress.settled}/${view.progress.total}`;
  }
  const took = formatDuration((view.settledAt ?? view.startedAt) - view.startedAt);
  const isDone = view.status === "succeeded" || view.status === "partial";
  return `${view.workflow} · ${word} ${isDone ? "in" : "after"} ${took}`;
}

export function stepSymbol({ status }: Pick<StepView, "status">): string {
  return STEP_SYMBOLS[status];
}

/** One line for a step: its state, who does it, since when or for how long, and what it waits for. */
export function stepLine(step: StepView): string {
  const words = [`${stepSymbol(step)} **${step.id}**`, ...stepWords(step)];
  return words.join(" · ");
}

function stepWords(step: StepView): readonly string[] {
  const who = step.agent ?? step.workers ?? step.capability;
  const again = step.generation > 1 ? [`round ${step.generation}`] : [];
  return [...(who ? [asLine(who)] : []), ...again, ...progressWords(step), ...timeWords(step)];
}

function progressWords({ items }: StepView): readonly string[] {
  if (!items) return [];
  const failed = items.failed > 0 ? `, ${items.failed} failed` : "";
  return [`${items.settled}/${items.total}${failed}`];
}

function timeWords(step: StepView): readonly string[] {
  const { status, startedAt, settledAt, gate } = step;
  if (status === "waiting") return gate ? gateWords(step) : [`until ${relative(step.untilAt ?? 0)}`];
  if (status === "running") {
    const stalled = step.stalled ? [`⚠️ ${asLine(step.stalled)}`] : [];
    return [...(startedAt === undefined ? [] : [`since ${relative(startedAt)}`]), ...stalled];
  }
  if (settledAt === undefined) return [];
  const took = startedAt === undefined ? [] : [formatDuration(settledAt - startedAt)];
  const by = step.by ? [`by ${asLine(step.by)}`] : [];
  const sure = step.confidence && status === "succeeded" ? [`confidence ${asLine(step.confidence)}`] : [];
  // A nested run that succeeded gives a reason only when it did nothing.
  const isPlain = status === "succeeded" && step.kind !== "workflow";
  const why = isPlain || !step.reason ? [] : [asLine(step.reason)];
  return [...took, ...sure, ...by, ...why];
}

function gateWords({ gate }: StepView): readonly string[] {
  if (!gate) return [];
  const some = gate.min > 1 ? ` (${gate.approvals.length} of ${gate.min})` : "";
  return [`waits for ${approverNames(gate.approvers)}${some} until ${relative(gate.expiresAt)}`];
}

/** `role Engineering, user <id>`: names, no mentions. */
function approverNames(approvers: readonly string[]): string {
  if (approvers.length === 0) return "an operator";
  return approvers.map((one) => asLine(one.replace(":", " ").replace(/^role @/, "role "))).join(", ");
}
