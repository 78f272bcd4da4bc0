import { type DelegationState, isSettled } from "./delegation-types.ts";
import type { Outcome, RunState } from "./run-types.ts";
import { readResultBlock } from "./templates/tagged-result.ts";

/** Longer results are cut in a run's own memory; the whole text stays in the delegation and in the step's file. */
const LONGEST_KEPT = 64 * 1024;

type ParsedResult =
  /** `text` is the result without the tags around it and what stands outside of them. */
  | { readonly ok: true; readonly value: unknown; readonly text: string }
  | { readonly ok: false; readonly message: string };

/** The JSON in a result, also when it stands in a code block, or in the last `<result>` block of a longer text. */
export function parseResult(text: string): ParsedResult {
  const bare = parseJson(text);
  if (bare.ok) return bare;
  const block = readResultBlock(text);
  return block === undefined ? bare : parseJson(block);
}

function parseJson(text: string): ParsedResult {
  const inside = /^\s*```(?:json)?\s*\n([\s\S]*?)\n\s*```\s*$/.exec(text)?.[1] ?? text;
  try {
    return { ok: true, value: JSON.parse(inside) as unknown, text };
  } catch (error) {
    return { ok: false, message: (error as Error).message };
  }
}

/** Whether a run remembers only the beginning of a result. */
export function isCut(result: string | undefined): boolean {
  return result !== undefined && result.length > LONGEST_KEPT;
}

export function cutResult(text: string): string {
  if (text.length <= LONGEST_KEPT) return text;
  const cut = text.slice(0, LONGEST_KEPT).replace(/[\uD800-\uDBFF]$/, "");
  return `${cut}\n[… cut: ${text.length} characters in all]`;
}

/** What a step's delegation came to, in the words of a run; undefined while it is open. */
export function outcomeOfDelegation(state: DelegationState): Outcome | undefined {
  const { status, outcome, order } = state;
  if (!isSettled(status) || !outcome) return undefined;
  const { handoff, reason, problems, at } = outcome;
  const parsed = handoff && order.expect ? parseResult(handoff.result) : undefined;
  return {
    status: status === "succeeded" || status === "partial" || status === "canceled" ? status : "failed",
    at,
    ...(state.reroutes ? { agent: order.agent } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(problems.length > 0 ? { problems } : {}),
    ...(handoff ? { result: cutResult(handoff.result) } : {}),
    ...(parsed?.ok ? { output: parsed.value } : {}),
    ...(handoff?.confidence ? { confidence: handoff.confidence } : {}),
    ...(handoff && handoff.artifacts.length > 0 ? { artifacts: handoff.artifacts } : {}),
  };
}

/** What a nested run came to; undefined while it is open. */
export function outcomeOfRun(state: RunState): Outcome | undefined {
  const { status, outcome } = state;
  if (status === "running" || !outcome) return undefined;
  const { at, reason, result, output, missing } = outcome;
  const said = reason ?? (missing.length > 0 ? missing.join(" ") : undefined);
  return {
    status,
    at,
    ...(said === undefined ? {} : { reason: said }),
    ...(result === undefined ? {} : { result: cutResult(result) }),
    ...(output === undefined ? {} : { output }),
  };
}
