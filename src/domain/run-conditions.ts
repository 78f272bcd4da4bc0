import { at, emptyVector, valuesOf } from "../kernel/vector.ts";
import {
  type ExpressionContext,
  ExpressionError,
  evaluateCondition,
  referencesOf,
  type StepValues,
} from "./expression.ts";
import { graphOf } from "./run-graph.ts";
import { areNeedsSatisfied, isSatisfying } from "./run-queue.ts";
import { definitionAt, stepOf } from "./run-tally.ts";
import type { Outcome, Place, RunState, WorkState } from "./run-types.ts";

export const TIME_OVER = "the run's time is over";

/** What the expressions of a step, or of one item of it, may see. */
export function contextFor(state: RunState, index: number, item?: Place["item"]): ExpressionContext {
  const work = item === undefined ? undefined : at(stepOf(state, index).items ?? emptyVector, item);
  return {
    inputs: state.order.inputs,
    step: (id) => valuesOfStep(state, id),
    status: statusFor(state, index),
    ...(work ? { item: work.value, index: item ?? 0 } : {}),
  };
}

/** What success(), failure() and cancelled() say at a step; at a cleanup step they speak of the whole run. */
function statusFor(state: RunState, index: number): ExpressionContext["status"] {
  const canceled = state.canceling !== undefined;
  if (definitionAt(state, index).cleanup) {
    const failure = state.counts.untolerated > 0;
    return { success: !canceled && !failure, failure, canceled };
  }
  return {
    success: !canceled && areNeedsSatisfied(state, index),
    failure: !canceled && stepOf(state, index).failedBefore,
    canceled,
  };
}

function valuesOfStep(state: RunState, id: string): Partial<StepValues> | undefined {
  const index = graphOf(state.order.definition).indexOf.get(id);
  const step = index === undefined ? undefined : stepOf(state, index);
  const { outcome, agent, items } = step ?? {};
  if (!step || !outcome) return undefined;
  const each = Array.from(valuesOf(items ?? emptyVector), (item: WorkState) => item.outcome);
  return {
    status: step.status,
    result: outcome.result ?? "",
    output: outcome.output ?? null,
    outputs: each.map((one) => one?.output ?? null),
    results: each.map((one) => one?.result ?? ""),
    confidence: outcome.confidence ?? "",
    reason: outcome.reason ?? "",
    agent: agent ?? "",
    artifacts: [...(outcome.artifacts ?? [])],
    verdict: outcome.verdict ?? "",
    issues: outcome.issues?.join("; ") ?? "",
  };
}

/** Whether a step whose needs are settled begins, or what becomes of it. */
export function judge(state: RunState, index: number, now: number): Outcome | "begins" {
  const { cleanup, if: condition } = definitionAt(state, index);
  if (state.accepted && !cleanup && hasSomethingToConclude(state, index)) return "begins";
  if (state.accepted && !cleanup)
    return { status: "skipped", at: now, reason: "what there was has been accepted" };
  try {
    const source = condition ?? (cleanup ? "always()" : undefined);
    if (evaluateCondition(source, contextFor(state, index))) return "begins";
  } catch (error) {
    return failedBy(error, now);
  }
  if (state.canceling) return { status: "canceled", at: now, reason: state.canceling.reason };
  return { status: "skipped", at: now, ...whySkipped(state, index) };
}

/** What there is of a panel or of supervised work is put together, also when people take no more of it. */
function hasSomethingToConclude(state: RunState, index: number): boolean {
  if (definitionAt(state, index).action.kind !== "conclusion") return false;
  const needs = graphOf(state.order.definition).needs[index] ?? [];
  return needs.some((need) => stepOf(state, need).status !== "skipped");
}

/** An expression that cannot be evaluated fails its step; anything else is a bug. */
export function failedBy(error: unknown, at: number): Outcome {
  if (!(error instanceof ExpressionError)) throw error;
  return { status: "failed", at, reason: error.message };
}

function whySkipped(state: RunState, index: number): Pick<Outcome, "reason" | "lost"> {
  const { if: condition, cleanup } = definitionAt(state, index);
  const asksItself = condition !== undefined && referencesOf(condition).status.length > 0;
  const need = asksItself || cleanup ? undefined : openNeed(state, index);
  if (need === undefined) return { reason: `its condition says no: ${condition}` };
  const { id } = definitionAt(state, need);
  const { status, outcome } = stepOf(state, need);
  const isLost = status !== "skipped" || outcome?.lost === true;
  return {
    reason: `${id} ${status === "failed" ? "failed" : `was ${status}`}`,
    ...(isLost ? { lost: true } : {}),
  };
}

/** A need that keeps the step from beginning: one that failed rather than one that was only skipped. */
function openNeed(state: RunState, index: number): number | undefined {
  const needs = graphOf(state.order.definition).needs[index] ?? [];
  const open = needs.filter((need) => !isSatisfying(stepOf(state, need), definitionAt(state, need)));
  return (
    open.find((need) => stepOf(state, need).status === "failed") ??
    open.find(
      (need) => stepOf(state, need).status !== "skipped" || stepOf(state, need).outcome?.lost === true,
    ) ??
    open[0]
  );
}
