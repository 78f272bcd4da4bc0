import type { Actor, Origin } from "../domain/actor.ts";
import type { Payload } from "../domain/payload.ts";
import type { Turn } from "../domain/session.ts";
import type { Share } from "../domain/share.ts";
import type { SkillState } from "../domain/skill.ts";
import type { AgentHealth } from "./ports/agents.ts";

export type CallMode = "all" | "one" | "balance";

/** One payload for some instances. Spans in ms. */
export type CallRequest = {
  /** Ids, aliases, letters, ranges of letters; the answer keeps their order. */
  readonly instances: readonly string[];
  /** Absent = a roll call. */
  readonly payload?: Payload;
  /** `all` of them, the first healthy `one`, or `balance`: the least busy healthy one, turn about. */
  readonly mode: CallMode;
  /** How long results are waited for; 0 = not at all. What is late goes on. */
  readonly timeoutMs: number;
  /** Further attempts after a failed one, and further looks at an instance that is down: 0 to 3. */
  readonly retries?: number;
  /** Whether a healthy instance may do it for one that is down. */
  readonly reroute?: boolean;
  readonly deliver?: boolean;
  readonly parent?: string;
  /** The same key and content answer the same delegations, other content is `key_reused`. The time limit is no content. */
  readonly key?: { readonly scope: string; readonly key: string };
  readonly origin: Origin;
};

export type CallAnswer = {
  /** In the order asked for; with `one` and `balance` a single one. */
  readonly shares: readonly Share[];
  readonly repeated: boolean;
};

export type InstanceHealth = {
  /** The word by which it was asked for. */
  readonly instance: string;
  readonly agent: string;
  /** `healthy` = it would take work now. */
  readonly status: "healthy" | "down";
  readonly state: AgentHealth["state"] | "draining";
  readonly text: string;
};

export type SpawnRequest = {
  readonly sessionId: string;
  /** Absent = the first healthy one that may be asked. */
  readonly instance?: string;
  readonly key?: { readonly scope: string; readonly key: string };
};

export type Spawned = {
  readonly sessionId: string;
  /** Whoever has it may speak in this session. */
  readonly token: string;
  readonly instance: string;
  readonly agent: string;
  readonly repeated: boolean;
};

export type SendRequest = {
  readonly sessionId: string;
  readonly token?: string;
  readonly data: Payload;
  /** How long the reply is waited for, and the turn before it. */
  readonly timeoutMs: number;
  readonly retries?: number;
  readonly key?: string;
  readonly origin: Origin;
};

export type Sent = {
  readonly ok: boolean;
  readonly sessionId: string;
  readonly turn: number;
  readonly agent: string;
  readonly reply?: string;
  readonly error?: { readonly code: string; readonly message: string };
  /** It goes on, and may still bring a reply. */
  readonly open?: true;
  readonly durationMs: number;
  readonly delegation: string;
};

export type SessionView = {
  readonly sessionId: string;
  readonly instance: string;
  readonly agent: string;
  readonly status: "open" | "busy" | "closed";
  readonly persistent: boolean;
  readonly spawnedAt: number;
  readonly by: string;
  readonly turns: readonly (Pick<Turn, "turn" | "at" | "answeredAt" | "status"> & {
    readonly delegation: string;
  })[];
};

export type SessionVerbs = {
  readonly spawn: (actor: Actor, request: SpawnRequest) => Promise<Spawned>;
  readonly send: (actor: Actor, request: SendRequest, signal?: AbortSignal) => Promise<Sent>;
  readonly list: (query: {
    readonly open?: boolean;
    readonly limit?: number;
  }) => Promise<readonly SessionView[]>;
  readonly show: (sessionId: string) => Promise<SessionView>;
  /** For its asker, whoever may operate, and whoever has its token. What runs goes on. */
  readonly close: (actor: Actor, sessionId: string, token?: string) => Promise<SessionView>;
};

export type RegisterRequest = {
  readonly skillId: string;
  readonly instance?: string;
  readonly version?: string;
  readonly description?: string;
};

/** A skill as it is known here. `agents` registered it, `cards` have it in config/agents.yaml. */
export type SkillView = Omit<SkillState, "skill"> & {
  readonly skillId: string;
  readonly cards: readonly string[];
};

/** What stands in the registry of the agent that was named; nothing of it can be changed this way. */
export type Registered = {
  readonly skill: SkillView;
  readonly card?: {
    readonly agent: string;
    readonly letter?: string;
    readonly capabilities: readonly string[];
    readonly skills: readonly string[];
  };
};

/** The contract of the orchestrator skill, over the same delegations as every other door. */
export type OrchestratorVerbs = {
  readonly call: (actor: Actor, request: CallRequest, signal?: AbortSignal) => Promise<CallAnswer>;
  /** Asks the gateways now. */
  readonly instances: (words: readonly string[]) => Promise<readonly InstanceHealth[]>;
  readonly sessions: SessionVerbs;
  readonly register: (actor: Actor, request: RegisterRequest) => Promise<Registered>;
  readonly skills: () => Promise<readonly SkillView[]>;
};
