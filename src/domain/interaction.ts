import type { Decider } from "../kernel/decider.ts";
import type { Actor } from "./actor.ts";
import type { Effect } from "./effects.ts";

/**
 * What a person did in Discord that changes something: noted before it is acknowledged, so that it is carried out
 * even when the supervisor dies in between. Noted and never acknowledged = Discord told the person that it failed:
 * it ends as `unanswered`.
 */
export type InteractionState = {
  readonly id: string;
  readonly status: "noted" | "begun" | "done" | "unanswered";
  readonly work: unknown;
  readonly actor: Actor;
  readonly at: number;
};

export type InteractionInput =
  | {
      readonly type: "note";
      readonly at: number;
      readonly id: string;
      readonly work: unknown;
      readonly actor: Actor;
    }
  | { readonly type: "begin"; readonly at: number }
  | { readonly type: "done"; readonly at: number; readonly outcome: string };

export type InteractionEvent =
  | {
      readonly type: "interaction.noted";
      readonly at: number;
      readonly id: string;
      readonly work: unknown;
      readonly actor: Actor;
    }
  | { readonly type: "interaction.begun"; readonly at: number }
  | { readonly type: "interaction.done"; readonly at: number; readonly outcome: string };

function decide(state: InteractionState | undefined, input: InteractionInput): readonly InteractionEvent[] {
  switch (input.type) {
    case "note":
      return state ? [] : [{ ...input, type: "interaction.noted" }];
    case "begin":
      return state?.status === "noted" ? [{ ...input, type: "interaction.begun" }] : [];
    case "done":
      return state?.status === "noted" || state?.status === "begun"
        ? [{ ...input, type: "interaction.done" }]
        : [];
  }
}

function evolve(state: InteractionState | undefined, event: InteractionEvent): InteractionState {
  if (event.type === "interaction.noted") {
    return { id: event.id, status: "noted", work: event.work, actor: event.actor, at: event.at };
  }
  if (!state) throw new Error(`${event.type} before interaction.noted`);
  if (event.type === "interaction.begun") return { ...state, status: "begun" };
  return { ...state, status: event.outcome === "unanswered" ? "unanswered" : "done" };
}

export const interaction: Decider<InteractionState, InteractionInput, InteractionEvent, Effect> = {
  decide,
  evolve,
  effects: () => [],
};
