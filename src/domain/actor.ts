/** Who asks: what authenticated, not what it says. */
export type Actor =
  | {
      readonly kind: "operator";
      readonly claims?: string;
      /** Signed in on the supervisor's page; absent = a program with the key. */
      readonly via?: "page";
    }
  | {
      readonly kind: "person";
      readonly id: string;
      readonly name: string;
      readonly as?: string;
      readonly rights: readonly Right[];
      /** The roles in the guild, for gates that name one. */
      readonly roles?: readonly { readonly id: string; readonly name: string }[];
    }
  | {
      readonly kind: "agent";
      readonly id: string;
      /** The delegation that it works on and that everything it asks for belongs to: it came with that run's token. */
      readonly run?: string;
    }
  | { readonly kind: "system"; readonly id: string };

/** What a person may do of their own; `any-agent` lifts the agents' matrix, `operate` allows cancel for others' work. */
export type Right = "delegate" | "any-agent" | "operate" | "read";

/** Where a request came from; what is needed to answer it later. */
export type Origin = {
  readonly door: "discord" | "cli" | "rest" | "system";
  readonly guild?: string;
  readonly channel?: string;
  readonly message?: string;
};

/** The caller whose row of the matrix counts: an agent id, or `operator` / `person` / `system`. */
export function callerOf(actor: Actor): string {
  switch (actor.kind) {
    case "operator":
      return actor.claims ?? "operator";
    case "person":
      return actor.as ?? "person";
    case "agent":
      return actor.id;
    case "system":
      return "system";
  }
}

/** The actor in a word or two for history and cards: `operator (as manager)`, `operator (page)`, `@ada`, `agent tech-lead`. */
export function actorName(actor: Actor): string {
  switch (actor.kind) {
    case "operator": {
      const how = [...(actor.via ? [actor.via] : []), ...(actor.claims ? [`as ${actor.claims}`] : [])];
      return how.length > 0 ? `operator (${how.join(", ")})` : "operator";
    }
    case "person":
      return actor.as ? `@${actor.name} (as ${actor.as})` : `@${actor.name}`;
    case "agent":
      return `agent ${actor.id}`;
    case "system":
      return `system ${actor.id}`;
  }
}
