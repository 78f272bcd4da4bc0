import type { AgentCard } from "../../domain/agent-card.ts";

/** What an agent's gateway said to a dispatch. `final` = asking again is useless; `again` = it was not taken, ask later. */
export type DispatchAnswer =
  | { readonly kind: "accepted"; readonly agentRunId?: string }
  | { readonly kind: "final"; readonly text: string; readonly status: number }
  | { readonly kind: "unauthorized"; readonly text: string }
  | {
      readonly kind: "again";
      readonly text: string;
      readonly afterMs?: number;
      readonly reason: "agent_down" | "agent_busy" | "rate_limited";
      /** Nothing listens there: no doubt that it is down. */
      readonly isRefused?: true;
    }
  | { readonly kind: "ambiguous"; readonly text: string };

export type DispatchRequest = {
  readonly agent: AgentCard;
  readonly message: string;
  readonly name: string;
  readonly idempotencyKey: string;
  readonly timeoutMs: number;
  readonly agentPosts?: { readonly channel: string };
  /** Absent = the agent's own. */
  readonly model?: string;
  readonly thinking?: string;
  /** A session that the gateway is to go on with. */
  readonly session?: string;
};

export type AgentHealth = {
  readonly state: "up" | "down" | "unauthorized" | "unknown";
  readonly text: string;
  readonly checkedAt: number;
  readonly since: number;
  /** How long the gateway has run, when it says so: tells a restart. */
  readonly uptimeMs?: number;
  readonly version?: string;
  /** Whether the gateway remembers idempotency keys while it runs. */
  readonly idempotent?: boolean;
  /** It only did not answer in time: asked again before it counts as down. */
  readonly isDoubtful?: true;
};

export type Agents = {
  readonly dispatch: (request: DispatchRequest) => Promise<DispatchAnswer>;
  /** Asks the gateway now; never throws. */
  readonly probe: (agent: AgentCard) => Promise<AgentHealth>;
  /** Asks the gateway at another address than its agent's; nothing of that is noted. */
  readonly askAt: (agent: AgentCard, url: string) => Promise<Omit<AgentHealth, "checkedAt" | "since">>;
  /** What is known without asking. */
  readonly health: (agentId: string) => AgentHealth | undefined;
  /** Forgets a 401, so that the next dispatch is tried: after a reload or a new token. */
  readonly forgive: (agentId?: string) => void;
  readonly close: () => Promise<void>;
};
