import type { Decider } from "../kernel/decider.ts";
import type { Finding } from "./audit-types.ts";
import type { Effect } from "./effects.ts";

/** What an audit found and somebody had mended: who, when, and by which work. It never repeats an agent's work. */
export type MendState = Omit<MendInput, "type">;

export type MendInput = {
  readonly type: "mend";
  readonly at: number;
  readonly id: string;
  readonly by: string;
  readonly finding: Pick<Finding, "fault" | "id" | "of" | "reason">;
  /** What was done about it, for people. */
  readonly done: string;
  /** Messages that were removed on request. */
  readonly cleared?: readonly string[];
  /** Missing work that follows. */
  readonly effect?: Effect;
};

export type MendEvent = Omit<MendInput, "type"> & { readonly type: "mend.made" };

export const mend: Decider<MendState, MendInput, MendEvent, Effect> = {
  decide: (state, input) => (state ? [] : [{ ...input, type: "mend.made" }]),
  evolve: (_, { type: _type, ...state }) => state,
  effects: (_, { effect }) => (effect ? [effect] : []),
};
