/** How an agent may be seen; `unauthorized` = it refuses our token. */
export type SeenState = "up" | "down" | "unauthorized";

/** How an agent was last seen. `isUnproven`: it refused our token, that was forgiven, and no work was tried since. */
export type Seen = {
  readonly state: SeenState;
  readonly text: string;
  readonly since: number;
  readonly isUnproven?: true;
};

/** Nothing new is sent to it, by somebody's wish. */
export type Draining = { readonly at: number; readonly by: string; readonly reason?: string };

/** What is known of an agent over restarts, and what people were told of it. */
export type AgentState = {
  readonly agent: string;
  /** Absent = never seen yet. */
  readonly seen?: Seen;
  /** What people were told last, or need not be told because it was so from the beginning. */
  readonly told?: { readonly state: SeenState; readonly since: number };
  /** When something was told of it, the last three times. */
  readonly toldAt: readonly number[];
  /** It changes too often to be told each time; `isTold` = people know that. */
  readonly unsteady?: { readonly isTold: boolean };
  readonly draining?: Draining;
  /** Posts so far, which numbers the next one. */
  readonly posts: number;
};

/** `work` = a real dispatch, which proves that it takes our token; `look` = it was only asked how it is. */
export type Evidence = {
  readonly state: SeenState;
  readonly text: string;
  readonly by: "work" | "look";
};

type At<Type extends string, More = unknown> = {
  readonly type: Type;
  readonly at: number;
  readonly agent: string;
} & More;

export type AgentInput =
  | At<"seen", Evidence>
  /** The token or the file was mended, perhaps: a refusal of before says nothing any more. */
  | At<"forgive">
  | At<"drain", { readonly by: string; readonly reason?: string }>
  | At<"resume", { readonly by: string }>
  | { readonly type: "wake"; readonly at: number };

/** `text` is what people are told. */
export type AgentEvent =
  | At<"agent.seen", Evidence>
  | At<"agent.forgiven">
  /** A change was told. */
  | At<"agent.told", { readonly text: string }>
  /** Without a text nobody is told, because too much was told just before. */
  | At<"agent.unsteady", { readonly text?: string }>
  | At<"agent.steady", { readonly text?: string }>
  | At<"agent.drained", { readonly by: string; readonly reason?: string; readonly text: string }>
  | At<"agent.resumed", { readonly by: string; readonly text: string }>
  /** As they were written at first; each of them was told. */
  | At<"agent.unauthorized", { readonly text: string }>
  | At<"agent.well">;

/** The state as it was stored at first. */
type FirstState = {
  readonly agent: string;
  readonly status: "well" | "unauthorized";
  readonly times: number;
};

/** A stored state in today's shape; without one, nothing is known. */
export function agentToday(stored: AgentState | undefined, agent: string): AgentState {
  if (stored === undefined) return { agent, toldAt: [], posts: 0 };
  const first = stored as AgentState | FirstState;
  if (!("status" in first)) return first;
  const state = first.status === "well" ? "up" : "unauthorized";
  return {
    agent: first.agent,
    seen: { state, text: "", since: 0 },
    told: { state, since: 0 },
    toldAt: [],
    posts: first.times,
  };
}
