import type { Receipt } from "../../domain/delivery-types.ts";
import type { Effect, EffectBody, Lane } from "../../domain/effects.ts";
import type { Members } from "./members.ts";
import type { SearchIndex } from "./search.ts";
import type { Tallies } from "./tallies.ts";
import type { Trail } from "./trail.ts";
import type { Upkeep } from "./upkeep.ts";

/** A fact as it is stored. `body` is JSON; `cause` is the id of the input or effect that led to it. */
export type StoredEvent = {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
  readonly at: number;
  readonly type: string;
  readonly schema: number;
  readonly body: unknown;
  readonly cause: string;
  readonly actor: string;
};

export type NewEvent = Pick<StoredEvent, "type" | "schema" | "body">;

/** The folded state as it is stored, with the columns that lists are made from. */
export type StreamRow = {
  readonly stream: string;
  readonly kind: StreamKind;
  readonly status: string;
  readonly agent?: string;
  readonly parent?: string;
  readonly deadlineAt?: number;
  /** When it is to be woken, if nothing is written to it before; absent = never. */
  readonly wakeAt?: number;
  /** Whether anything may still happen by itself; lists of open work use it. */
  readonly open: boolean;
};

export type StreamKind =
  | "delegation"
  | "run"
  | "delivery"
  | "interaction"
  | "stray"
  | "agent"
  | "notice"
  | "task"
  | "worker"
  | "call"
  | "session"
  | "skill"
  | "work"
  | "pipeline"
  | "batch"
  | "mend";

/**
 * One write: all of it or nothing.
 * `expectedVersion` is the number of events the stream had when it was decided (0 = new).
 */
export type Commit = StreamRow & {
  readonly expectedVersion: number;
  readonly events: readonly NewEvent[];
  /** Folded state after these events, as JSON. */
  readonly state: unknown;
  readonly effects: readonly Effect[];
  readonly cause: string;
  readonly actor: string;
  readonly at: number;
  /** Idempotency: written with the commit; refused when the key is there already. */
  readonly key?: { readonly scope: string; readonly key: string; readonly digest: string };
  /** Effects that this commit ends, by id. */
  readonly settles?: readonly { readonly id: string; readonly outcome: string }[];
  /** Refused as `lost` unless this one still holds every effect that it ends. */
  readonly heldBy?: string;
  /** Ends every open effect of this stream with one of these types. */
  readonly cancels?: readonly EffectBody["type"][];
  /** Capacity: `free` gives the stream's slots of an attempt back, `hold` keeps them until an instant. */
  readonly slots?: readonly { readonly attempt: number; readonly until: number | "free" }[];
  readonly receipts?: readonly Receipt[];
  readonly blobs?: readonly { readonly digest: string; readonly body: string }[];
};

export type Committed =
  /** `length`: of the state as it was written, in characters; without one, of the events. */
  | { readonly ok: true; readonly version: number; readonly position: number; readonly length: number }
  /** Somebody else wrote to the stream: load and decide again. */
  | { readonly ok: false; readonly reason: "conflict" }
  /** Another one holds, or has ended, an effect that it was to end as its holder. */
  | { readonly ok: false; readonly reason: "lost" }
  /** The key is taken: by the same request (`same`) or by another one. */
  | { readonly ok: false; readonly reason: "key"; readonly stream: string; readonly same: boolean };

export type Loaded = StreamRow & {
  /** Number of events of the stream. */
  readonly version: number;
  readonly state: unknown;
  readonly stateVersion: number;
  /** Events after `stateVersion`, oldest first. */
  readonly later: readonly StoredEvent[];
};

/** An effect that we hold. `begunBefore` is the first instant at which an earlier holder began it with unknown outcome. */
export type ClaimedEffect = {
  readonly id: string;
  readonly stream: string;
  readonly body: EffectBody;
  readonly lane: Lane;
  readonly dueAt: number;
  readonly createdAt: number;
  /** Times it was begun, this one included. */
  readonly tries: number;
  readonly begunBefore?: number;
  readonly slot?: { readonly lane: string; readonly attempt: number };
  /** Whose it was: a home that is gone for long. Its files and processes are not here. */
  readonly goneHome?: string;
};

/** A stream that asked to be woken at an instant. */
export type Wake = { readonly stream: string; readonly kind: StreamKind; readonly wakeAt: number };

export type ClaimRequest = {
  readonly holder: string;
  readonly epoch: number;
  readonly lanes: readonly Lane[];
  readonly now: number;
  /** At most so many. */
  readonly limit: number;
  /** How long the claim holds without renewal. */
  readonly holdMs: number;
  /** Capacity of each slot lane; a lane that is not named has 1. */
  readonly capacity: (slotLane: string) => number;
  /** Nothing is taken unless this lease still has this number and is not over: asked in the claim's own transaction. */
  readonly fence?: { readonly lease: string; readonly epoch: number };
};

/** Newest first. `before` is the cursor of the page before. */
export type ListQuery = {
  readonly kind: StreamKind;
  readonly status?: readonly string[];
  readonly agent?: string;
  readonly open?: boolean;
  readonly before?: string;
  readonly limit: number;
};

export type Page<T> = { readonly items: readonly T[]; readonly next?: string };

export type EventQuery = {
  readonly stream?: string;
  readonly types?: readonly string[];
  /** Ascending after this position, or … */
  readonly after?: number;
  /** … descending before this one. */
  readonly before?: number;
  readonly limit: number;
};

export type Lease = {
  readonly name: string;
  readonly holder: string;
  readonly epoch: number;
  readonly expiresAt: number;
};

/**
 * The durable memory. Every promise resolves after the bytes are safe; calls of one tick share a transaction,
 * and when that transaction fails, all of them reject with its error.
 */
export type Ledger = {
  /** The store's clock, epoch ms. */
  readonly now: () => Promise<number>;
  readonly commit: (commit: Commit) => Promise<Committed>;
  readonly load: (stream: string) => Promise<Loaded | undefined>;
  /** What was written to these streams after these versions, in the order of versions. Only where others write too. */
  readonly later?: (
    heads: readonly { readonly stream: string; readonly version: number }[],
  ) => Promise<readonly StoredEvent[]>;
  /** What an earlier commit with this key wrote. */
  readonly keyOf: (
    scope: string,
    key: string,
  ) => Promise<{ readonly stream: string; readonly digest: string } | undefined>;
  /** Takes due effects, marks them begun, and takes the slots they need, in one transaction. Oldest first per slot lane. */
  readonly claim: (request: ClaimRequest) => Promise<readonly ClaimedEffect[]>;
  /** Ends effects without an event. */
  readonly settle: (effects: readonly { readonly id: string; readonly outcome: string }[]) => Promise<void>;
  /**
   * Gives an effect back, to be taken again at `dueAt`; it counts as not begun, and a slot that it took is free again.
   * With `stillBegun` (something may have been sent) the begin stays noted and the slot stays taken.
   * `left` is what is still to be done of it. With a `holder` only what that one still holds.
   */
  readonly postpone: (
    id: string,
    dueAt: number,
    reason: string,
    options?: { readonly stillBegun?: boolean; readonly left?: EffectBody; readonly holder?: string },
  ) => Promise<void>;
  /** Gives back all that holders of earlier epochs hold (`begun` stays noted). Returns how many. */
  readonly release: (epoch: number) => Promise<number>;
  /**
   * `claim` returns nothing before this instant, if nothing else is written; undefined = nothing is waiting.
   * What is due already is due; what is still to come may be told too early.
   */
  readonly nextDue: (
    lanes: readonly Lane[],
    capacity: ClaimRequest["capacity"],
  ) => Promise<number | undefined>;
  /** Streams that are to be woken by `now`, earliest first. Nothing is marked: of two that wake one, the second meets a conflict. */
  readonly wakes: (now: number, limit: number) => Promise<readonly Wake[]>;
  /** `wakes` returns nothing before this instant, which may be too early in the same way; undefined = no stream asked for one. */
  readonly nextWake: () => Promise<number | undefined>;
  /** Moves a wake that changed nothing; without an instant it is over. No effect when the stream was written since. */
  readonly putOff: (wake: Wake, until: number | undefined) => Promise<void>;
  readonly list: (query: ListQuery) => Promise<Page<Loaded>>;
  readonly events: (query: EventQuery) => Promise<readonly StoredEvent[]>;
  readonly receipts: (delivery: string) => Promise<readonly Receipt[]>;
  /** Receipts of all deliveries whose id starts with `<subject>/`. */
  readonly receiptsOf: (subject: string) => Promise<readonly Receipt[]>;
  /** Streams by kind and status, from kept counters. */
  readonly counts: () => Promise<
    readonly { readonly kind: StreamKind; readonly status: string; readonly count: number }[]
  >;
  /** How many open streams each agent has in each of these statuses; none = no row. */
  readonly openByAgent: (
    kind: StreamKind,
    statuses: readonly string[],
  ) => Promise<readonly { readonly agent: string; readonly status: string; readonly count: number }[]>;
  /** Open effects by type, how many and the oldest due instant. */
  readonly backlog: () => Promise<
    readonly { readonly type: string; readonly count: number; readonly oldestDueAt: number }[]
  >;
  readonly putBlob: (digest: string, body: string) => Promise<void>;
  readonly blob: (digest: string) => Promise<string | undefined>;
  /** Takes or renews a lease; the epoch grows when the holder changes. Undefined when another holds it. */
  readonly lease: (name: string, holder: string, ttlMs: number) => Promise<Lease | undefined>;
  /** Small things that are remembered between runs: watermarks, hashes. */
  readonly recall: (name: string) => Promise<string | undefined>;
  readonly remember: (name: string, value: string) => Promise<void>;
  /** What the story of one id is told from. */
  readonly trail: Trail;
  /** Kept figures of what ended, which follow the events. */
  readonly tallies: Tallies;
  /** The index over all history, which follows the events. */
  readonly search: SearchIndex;
  /** The ledger as a whole: audit, export, prune. */
  readonly upkeep: Upkeep;
  /** Who works on it, where several coordinators may share it. */
  readonly members?: Members;
  readonly close: () => Promise<void>;
};
