import type { Actor, Origin } from "../domain/actor.ts";
import type { AgentCard } from "../domain/agent-card.ts";
import type { Draining } from "../domain/agent-types.ts";
import type { Receipt } from "../domain/delivery-types.ts";
import type { ReplyTo } from "../domain/interaction.ts";
import type { ConfigParts } from "../domain/member.ts";
import type { DelegationView } from "../domain/view.ts";
import type { AclVerbs } from "./acl-verbs.ts";
import type { BatchVerbs } from "./batch-verbs.ts";
import type { MetricsVerbs } from "./metrics-verbs.ts";
import type { OrchestratorVerbs } from "./orchestrator-verbs.ts";
import type { AgentHealth } from "./ports/agents.ts";
import type { ChannelHistory } from "./ports/channels.ts";
import type { Page, StoredEvent } from "./ports/ledger.ts";
import type { QueueVerbs } from "./queue-verbs.ts";
import type { RunVerbs } from "./run-verbs.ts";
import type { TaskVerbs } from "./task-verbs.ts";
import type { TraceVerb } from "./trace.ts";
import type { Sent, UploadAnswer } from "./upload.ts";
import type { ViewVerbs } from "./view-verbs.ts";
import type { EvolveVerbs, PipelineVerbs, WorkVerbs } from "./work-verbs.ts";

/** What a door hands over; absent = the default of config. Spans in ms. */
export type DelegateRequest = {
  /** Id, alias or letter; or `capability` instead, for whoever has it, may be asked and is free first. */
  readonly agent?: string;
  readonly capability?: string;
  /**
   * Whether others may do it when this agent cannot be given the work, or which ones.
   * Absent = when a capability was asked for. With both an agent and a capability, only those that have it.
   */
  readonly fallback?: boolean | readonly string[];
  readonly objective: string;
  /** `cheapest` = by the rules of config/hq.yaml, or the name of a model; absent = the agent's own. */
  readonly model?: string;
  /** The template that the objective was made by; rules of models ask for it. */
  readonly template?: string;
  readonly runId?: string;
  /** Idempotency: the same key and content answer the first delegation, other content is `key_reused`. */
  readonly key?: { readonly scope: string; readonly key: string };
  readonly attachments?: readonly { readonly name: string; readonly text: string }[];
  readonly channelContext?: { readonly channel: string; readonly messages?: number };
  readonly timeoutMs?: number;
  readonly startWithinMs?: number;
  readonly retries?: number;
  readonly validate?: boolean;
  readonly format?: "json" | "text";
  readonly deliver?: boolean;
  readonly agentPosts?: { readonly channel: string };
  readonly parent?: string;
  readonly budget?: { readonly usd?: number; readonly tokens?: number };
  readonly workflow?: { readonly run?: string; readonly step?: string };
  readonly card?: { readonly channel: string };
  /** When the agent does not answer now: `refuse` at once, or `wait` within `startWithinMs`. */
  readonly ifDown?: "refuse" | "wait";
  readonly origin: Origin;
};

export type AgentStatus = {
  readonly card: AgentCard;
  readonly health: AgentHealth;
  /** What counts first: whether it answers and takes our token, then whether it gets new work, then whether it has room. */
  readonly state: "up" | "down" | "busy" | "draining" | "unauthorized" | "unknown";
  readonly since: number;
  readonly draining?: Draining;
  /** It comes and goes; people are told again when it stays the same. */
  readonly unsteady?: true;
  readonly queued: number;
  readonly running: number;
  readonly lastHandoffAt?: number;
};

/** A handoff file or document that was seen, whatever became of it. */
export type HandoffRecord = {
  readonly at: number;
  readonly run: string;
  readonly agent?: string;
  readonly verdict: "accepted" | "rejected" | "late" | "duplicate" | "changed" | "superseded" | "unknown";
  readonly path: string;
  readonly attempt: number;
  readonly digest: string;
  readonly status?: string;
  readonly problems: readonly { readonly path: string; readonly message: string }[];
};

export type Health = {
  readonly ready: boolean;
  readonly version: string;
  readonly mode: "local" | "discord" | "embedded";
  readonly startedAt: number;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly text: string }[];
  /** Who works on the ledger, where several may: oldest first. */
  readonly members?: readonly MemberView[];
};

/** A supervisor that works on the ledger with others. */
export type MemberView = {
  readonly home: string;
  readonly version: string;
  readonly startedAt: number;
  readonly seenAt: number;
  readonly isUs: boolean;
  /** Whether it is the one that is connected to Discord. */
  readonly leads: boolean;
  readonly host?: string;
  readonly pid?: number;
  /** Here for one question of the command line. */
  readonly isTemporary?: true;
  readonly api?: string;
  /** Events of others that it had not heard of when it was last heard. */
  readonly behind?: number;
  /** By how much the database's clock is ahead of its own. */
  readonly clockAheadMs?: number;
  /** What of its configuration all must have alike, as digests. */
  readonly config?: ConfigParts;
  /** In what it is not like the one that leads: `version`, `agents`, `rights`, `channels`, `tasks`, `workflows`. */
  readonly differs?: readonly string[];
  /** It led and did not reach Discord: since when it leaves the lead to others, until when, and why. */
  readonly standsBack?: { readonly since: number; readonly until: number; readonly why: string };
};

export type DelegationQuery = {
  readonly status?: readonly string[];
  readonly agent?: string;
  readonly open?: boolean;
  readonly before?: string;
  readonly limit?: number;
};

/**
 * What every door calls. Each verb checks the actor's permission itself and throws `Refusal` when it says no.
 */
export type Verbs = {
  readonly delegate: (
    actor: Actor,
    request: DelegateRequest,
  ) => Promise<{ readonly delegation: DelegationView; readonly repeated: boolean }>;
  readonly cancel: (actor: Actor, id: string, reason?: string) => Promise<DelegationView>;
  readonly delegation: (id: string) => Promise<DelegationView>;
  readonly delegations: (query: DelegationQuery) => Promise<Page<DelegationView>>;
  /** Resolves when it is settled, at `timeoutMs`, or when aborted; says which by the view's status. */
  readonly wait: (
    id: string,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ) => Promise<DelegationView>;
  /** The history of one stream, oldest first. */
  readonly history: (id: string) => Promise<readonly StoredEvent[]>;
  /** The same with that of its deliveries, up to a position: what comes behind it has happened since. */
  readonly wholeHistory: (
    id: string,
  ) => Promise<{ readonly events: readonly StoredEvent[]; readonly upTo: number }>;
  readonly receipts: (id: string) => Promise<readonly Receipt[]>;
  /** The whole story of one id, of whatever kind, with what was begun for it. */
  readonly trace: TraceVerb;
  /** What people look at on the page. */
  readonly views: ViewVerbs;
  /** A handoff that was posted; `token` is the one in the run's prompt. */
  readonly handIn: (
    runId: string,
    token: string,
    document: unknown,
    bytes: string,
  ) => Promise<{ readonly delegation: DelegationView; readonly repeated: boolean }>;
  /** A file that goes with a handoff to come; `token` is the same. */
  readonly upload: (runId: string, token: string, name: string, sent: Sent) => Promise<UploadAnswer>;
  readonly handoffs: (query: {
    readonly run?: string;
    readonly limit?: number;
  }) => Promise<readonly HandoffRecord[]>;
  readonly agents: () => Promise<readonly AgentStatus[]>;
  readonly agent: (word: string, options?: { readonly probe?: boolean }) => Promise<AgentStatus>;
  /** Nothing new is sent to it until it is resumed; what it has goes on. Doing either twice changes nothing. */
  readonly drainAgent: (actor: Actor, word: string, reason?: string) => Promise<AgentStatus>;
  readonly resumeAgent: (actor: Actor, word: string) => Promise<AgentStatus>;
  readonly acl: AclVerbs;
  readonly channelContext: (channel: string, messages: number) => Promise<ChannelHistory>;
  readonly health: () => Promise<Health>;
  /** Calls `listener` after each commit with its events; returns how to stop. For SSE and cards. */
  readonly watch: (listener: (events: readonly StoredEvent[]) => void) => () => void;
  /** Events after a position, for readers that come back. */
  readonly eventsAfter: (position: number, limit: number) => Promise<readonly StoredEvent[]>;
  readonly interactions: InteractionVerbs;
  readonly runs: RunVerbs;
  readonly tasks: TaskVerbs;
  readonly queue: QueueVerbs;
  readonly work: WorkVerbs;
  readonly pipelines: PipelineVerbs;
  readonly evolve: EvolveVerbs;
  /** Several instances at once, sessions, skills: what the orchestrator skill promises. */
  readonly orchestrator: OrchestratorVerbs;
  readonly batches: BatchVerbs;
  readonly metrics: MetricsVerbs;
  /** Ends all work and lets none begin until the next `hq start`. For the operator and people who may operate. */
  readonly stopNow: (actor: Actor) => Promise<StoppedNow>;
};

/** What an emergency stop came to; ids of delegations, runs and workers that waited. */
export type StoppedNow = {
  readonly canceled: readonly string[];
  /** Ended for us, yet whoever does it cannot be told to stop. */
  readonly notCancelable: readonly { readonly id: string; readonly agent: string; readonly reason: string }[];
  /** Workers whose processes were killed. */
  readonly killed: readonly string[];
  /** Tasks that were not begun, and wait. */
  readonly held: number;
};

/** An interaction is noted before it is acknowledged, so that it is carried out even when we die in between. */
export type InteractionVerbs = {
  /** False when it was noted before (a replay): do nothing. `work` is all that is needed to carry it out. */
  readonly note: (id: string, work: unknown, actor: Actor, replyTo?: ReplyTo) => Promise<boolean>;
  /** What was noted under this id, also long after it was done. */
  readonly noted: (id: string) => Promise<
    | {
        readonly work: unknown;
        readonly actor: Actor;
        readonly at: number;
        /** Only of one that came by HTTP and still has no answer. */
        readonly owedTo?: ReplyTo;
      }
    | undefined
  >;
  /** Just before the acknowledgment is sent. */
  readonly begin: (id: string) => Promise<void>;
  /** It was carried out, or refused with a word to the person. */
  readonly done: (id: string, outcome: string) => Promise<void>;
  /** Noted and acknowledged, yet not done: to be carried out after a restart. Never acknowledged ones end as `unanswered`; those that came by HTTP are effects of the outbox. */
  readonly unfinished: () => Promise<
    readonly { readonly id: string; readonly work: unknown; readonly actor: Actor; readonly at: number }[]
  >;
};
