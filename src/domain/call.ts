import type { Decider } from "../kernel/decider.ts";
import type { Effect } from "./effects.ts";

/** Who was chosen for a part of a call, under the word by which it was asked for. */
export type Chosen = { readonly instance: string; readonly agent: string };

/**
 * One request to several instances. It keeps who was chosen, so that the same request asked again means the same
 * delegations; their ids follow from its own.
 */
export type CallState = {
  readonly id: string;
  readonly at: number;
  readonly mode: "all" | "one" | "balance";
  readonly chosen: readonly Chosen[];
  /** Of the request in the words in which it was asked; an earlier version kept none. */
  readonly digest?: string;
};

export type CallInput = { readonly type: "call" } & CallState;
export type CallEvent = { readonly type: "call.asked" } & CallState;

/** The delegation that is one part of a call. */
export function partIdOf(call: string, index: number): string {
  return `${call}.i${index + 1}`;
}

/** The call of which a delegation may be a part, by its id. */
export function callOfPart(id: string): string | undefined {
  return /^(.+)\.i\d+$/.exec(id)?.[1];
}

export const call: Decider<CallState, CallInput, CallEvent, Effect> = {
  decide: (state, input) => (state ? [] : [{ ...input, type: "call.asked" }]),
  evolve: (_, { type: _type, ...state }) => state,
  effects: () => [],
};
