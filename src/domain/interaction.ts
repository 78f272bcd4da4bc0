import type { Decider } from "../kernel/decider.ts";
import type { Actor } from "./actor.ts";
import type { Effect } from "./effects.ts";

/** Beside the answer to the request itself: this long it is the business of whoever took it, then of anybody. */
export const ONLY_ITS_TAKERS_MS = 12_000;

/** Where the answer goes of an interaction that several supervisors may answer. Good for 15 minutes, for that answer alone. */
export type ReplyTo = { readonly applicationId: string; readonly token: string };

/**
 * What a person did in Discord that changes something: noted before it is acknowledged, so that it is carried out
 * even when the supervisor dies in between. Noted and never acknowledged = Discord told the person that it failed:
 * it ends as `unanswered`, and sent again it is noted again. One that came by HTTP, or to one of several supervisors,
 * is begun as soon as it is noted: whoever took it carries it out, and when that one is gone, anybody who shares the
 * ledger.
 */
export type InteractionState = {
  readonly id: string;
  readonly status: "noted" | "begun" | "done" | "unanswered";
  readonly work: unknown;
  readonly actor: Actor;
  readonly at: number;
  readonly replyTo?: ReplyTo;
};

export type InteractionInput =
  | {
      readonly type: "note";
      readonly at: number;
      readonly id: string;
      readonly work: unknown;
      readonly actor: Actor;
      readonly replyTo?: ReplyTo;
    }
  | { readonly type: "begin"; readonly at: number }
  /** `notedAt`: nothing, when it was noted again since. */
  | { readonly type: "done"; readonly at: number; readonly outcome: string; readonly notedAt?: number };

export type InteractionEvent =
  | {
      readonly type: "interaction.noted";
      readonly at: number;
      readonly id: string;
      readonly work: unknown;
      readonly actor: Actor;
      readonly replyTo?: ReplyTo;
    }
  | { readonly type: "interaction.begun"; readonly at: number }
  | { readonly type: "interaction.done"; readonly at: number; readonly outcome: string };

function decide(state: InteractionState | undefined, input: InteractionInput): readonly InteractionEvent[] {
  switch (input.type) {
    case "note":
      if (state && state.status !== "unanswered") return [];
      return [
        { ...input, type: "interaction.noted" },
        ...(input.replyTo ? [{ type: "interaction.begun", at: input.at } as const] : []),
      ];
    case "begin":
      return state?.status === "noted" ? [{ ...input, type: "interaction.begun" }] : [];
    case "done": {
      const { at, outcome, notedAt = state?.at } = input;
      const isOpen = state?.status === "noted" || state?.status === "begun";
      return isOpen && state.at === notedAt ? [{ type: "interaction.done", at, outcome }] : [];
    }
  }
}

function evolve(state: InteractionState | undefined, event: InteractionEvent): InteractionState {
  if (event.type === "interaction.noted") {
    const { id, work, actor, at, replyTo } = event;
    return { id, status: "noted", work, actor, at, ...(replyTo ? { replyTo } : {}) };
  }
  if (!state) throw new Error(`${event.type} before interaction.noted`);
  if (event.type === "interaction.begun") return { ...state, status: "begun" };
  return { ...state, status: event.outcome === "unanswered" ? "unanswered" : "done" };
}

function effects(state: InteractionState, event: InteractionEvent): readonly Effect[] {
  if (event.type !== "interaction.begun" || !state.replyTo) return [];
  const body = { type: "interaction", interaction: state.id } as const;
  return [{ body, lane: "any", dueAt: event.at + ONLY_ITS_TAKERS_MS }];
}

export const interaction: Decider<InteractionState, InteractionInput, InteractionEvent, Effect> = {
  decide,
  evolve,
  effects,
};
