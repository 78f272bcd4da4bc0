import { attemptMeant } from "./delegation-evolve.ts";
import type { DelegationInput, DelegationState } from "./delegation-types.ts";

/**
 * What an input does to the agent's capacity, also when it means nothing to the state any more:
 * only a handoff or proof that the work was not taken frees it; a timeout or cancel alone does not.
 */
export function slotsAfter(
  state: DelegationState,
  input: DelegationInput,
): readonly { readonly attempt: number; readonly until: number | "free" }[] {
  switch (input.type) {
    case "dispatched":
      // An agent may be quicker than its gateway's answer: what its handoff gave back is not there to be kept.
      if (state.handoffs.some(({ attempt }) => attempt === input.attempt)) return [];
      return [{ attempt: input.attempt, until: input.at + state.order.timeoutMs + state.order.slotGraceMs }];
    case "deferred":
    case "refused":
    case "lost":
    case "reroute":
      return [{ attempt: input.attempt, until: "free" }];
    case "handoff":
    case "bad-handoff":
      return [{ attempt: attemptMeant(state, input.source), until: "free" }];
    case "queue":
    case "upload":
    case "uncertain":
    case "wake":
    case "cancel":
    case "hold":
    case "release":
      return [];
  }
}
