import type { Receipt } from "./delivery-types.ts";
import type { EffectBody } from "./effects.ts";

export const TRACED_KINDS = ["delegation", "run", "task", "worker"] as const;
export type TracedKind = (typeof TRACED_KINDS)[number];

/** A fact of the history, as the ledger keeps it. */
export type TracedEvent = {
  readonly position: number;
  readonly at: number;
  readonly type: string;
  readonly body: unknown;
  readonly cause: string;
  readonly actor: string;
};

/** What was to follow a commit, done or not. */
export type TracedEffect = {
  readonly id: string;
  readonly body: EffectBody;
  readonly createdAt: number;
  readonly dueAt: number;
  /** When it was last taken; absent = never, or given back since. */
  readonly begunAt?: number;
  /** Times it was taken. */
  readonly tries: number;
  /** Why it was last given back. */
  readonly reason?: string;
  readonly settledAt?: number;
  readonly outcome?: string;
};

/** One thing that was asked for, with all that is known of it and of what was begun for it. */
export type TracedSubject = {
  readonly id: string;
  readonly kind: TracedKind;
  readonly status: string;
  readonly events: readonly TracedEvent[];
  readonly effects: readonly TracedEffect[];
  readonly receipts: readonly Receipt[];
  /** A command or button in Discord that asked for it. */
  readonly interaction: readonly TracedEvent[];
  readonly children: readonly TracedSubject[];
  /** Messages of it that are gone, and that somebody said are not missed. */
  readonly accepted?: readonly TracedEvent[];
  /** Children that are not told, since there are too many. */
  readonly untold: number;
  /** Events that are left out, since there are too many. */
  readonly omitted: number;
};

/** One thing that happened, in the order in which it did. */
export type TraceLine = {
  readonly at: number;
  /** How deep its subject lies below the one that was asked for. */
  readonly depth: number;
  readonly subject: string;
  /** One word for it: `asked`, `queued`, `claimed`, `acknowledged`, `handoff`, `settled`, `posted`, … */
  readonly what: string;
  readonly text: string;
  /** How long what ends here took. */
  readonly tookMs?: number;
  /** Where people can see it. */
  readonly message?: { readonly channel: string; readonly id: string };
};

/**
 * Where the time went. `workingMs`: an agent or a worker had it; `waitingMs`: from the question to the end, nobody had
 * it; `peopleMs`: a gate was open meanwhile; `postingMs`: from the end to the last message about it.
 */
export type TraceTotals = {
  readonly waitingMs: number;
  readonly workingMs: number;
  readonly peopleMs: number;
  readonly postingMs?: number;
  readonly attempts: number;
  readonly messages: number;
};

/** The whole story of one id. */
export type Trace = {
  readonly id: string;
  readonly kind: TracedKind;
  readonly title: string;
  readonly status: string;
  readonly askedAt: number;
  readonly settledAt?: number;
  /** What it was begun for. */
  readonly parent?: string;
  readonly lines: readonly TraceLine[];
  readonly totals: TraceTotals;
  /** The same for each thing that was begun for it, in the order in which they began. */
  readonly children: readonly {
    readonly id: string;
    readonly kind: TracedKind;
    readonly depth: number;
    readonly title: string;
    readonly status: string;
    readonly totals: TraceTotals;
  }[];
  /** How many of those are left out. */
  readonly untold: number;
  /** How many events are left out. */
  readonly omitted: number;
};

/** Span of time, from and to. */
export type Interval = readonly [from: number, to: number];

/** What a subject of one kind tells of itself. */
export type Told = {
  readonly title: string;
  readonly askedAt: number;
  readonly settledAt?: number;
  readonly parent?: string;
  readonly lines: readonly Omit<TraceLine, "depth" | "subject">[];
  /** When somebody worked on it, apart from its children. */
  readonly working: readonly Interval[];
  /** When people were to decide. */
  readonly people: readonly Interval[];
  readonly attempts: number;
};
