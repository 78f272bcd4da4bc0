import type { Decider } from "../kernel/decider.ts";
import type { Finding } from "./audit-types.ts";
import type { Effect } from "./effects.ts";

/** What an audit found and somebody had mended, or said to be well: who and when. It never repeats an agent's work. */
export type MendState = Omit<MendMade, "type"> | Omit<AcceptInput, "type">;

type Found = {
  readonly at: number;
  readonly id: string;
  readonly by: string;
  readonly finding: Pick<Finding, "fault" | "id" | "of" | "reason">;
};

type MendMade = Found & {
  readonly type: "mend";
  /** What was done about it, for people. */
  readonly done: string;
  /** Messages that were removed on request. */
  readonly cleared?: readonly string[];
  /** Missing work that follows. */
  readonly effect?: Effect;
};

type AcceptInput = Found & {
  readonly type: "accept";
  /** The message that is gone. */
  readonly message: string;
  /** In the words of whoever accepted it. */
  readonly why?: string;
  /** The stream that it tells of. */
  readonly parent?: string;
};

export type MendInput = MendMade | AcceptInput;
export type FindingAccepted = Omit<AcceptInput, "type"> & { readonly type: "finding.accepted" };
export type MendEvent = (Omit<MendMade, "type"> & { readonly type: "mend.made" }) | FindingAccepted;

export const mend: Decider<MendState, MendInput, MendEvent, Effect> = {
  decide(state, input) {
    if (state) return [];
    return input.type === "mend"
      ? [{ ...input, type: "mend.made" }]
      : [{ ...input, type: "finding.accepted" }];
  },
  evolve: (_, { type: _type, ...state }) => state,
  effects: (_, event) => (event.type === "mend.made" && event.effect ? [event.effect] : []),
};
