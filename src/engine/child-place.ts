import { isRunSettled, type Place, type RunState } from "../domain/run-types.ts";
import { stepAt, workAt } from "../domain/run-work.ts";
import type { StepDefinition, TaskAction } from "../domain/workflow-types.ts";
import { Refusal } from "../kernel/refusal.ts";

/** The agent that the step names, or its item where that says which of its workers does it. */
export function agentFor(
  state: RunState,
  { agent, workers }: TaskAction,
  of: Place,
): { readonly agent?: string } {
  if (!workers) return agent === undefined ? {} : { agent };
  const { agent: said } = (workAt(state, of)?.value ?? {}) as { readonly agent?: unknown };
  const worker = workers.find((one) => one === said);
  if (worker === undefined)
    throw new Refusal("invalid_input", `${String(said)} is not among the workers: ${workers.join(", ")}.`);
  return { agent: worker };
}

export function definitionOf(state: RunState, of: Place): StepDefinition {
  const step = state.order.definition.steps.find(({ id }) => id === of.step);
  if (!step) throw new Error(`${state.order.id} has no step ${of.step}`);
  return step;
}

/** A place wants a child while it runs in this generation. */
export function isWanted(state: RunState, of: Place): boolean {
  if (isRunSettled(state.status)) return false;
  return stepAt(state, of.step)?.generation === of.generation && workAt(state, of)?.status === "running";
}

/** The run was canceled, or its time ended, while the place ran: what was not made by then is not made any more. */
export function isEnding(state: RunState, of: Place): boolean {
  return state.canceling !== undefined && stepAt(state, of.step)?.ending === true;
}

/** Until when a place may wait for what has to be there before its child can be made. */
export function startBy(state: RunState, of: Place, startWithinMs: number): number {
  const begun = workAt(state, of)?.startedAt;
  return begun === undefined ? Number.POSITIVE_INFINITY : begun + startWithinMs;
}
