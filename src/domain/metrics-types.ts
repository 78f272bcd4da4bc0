import type { Measure } from "./figures.ts";

/** A span as many had it: of how many it is known, and below which value half and nineteen of twenty lie. */
export type Latency = {
  readonly count: number;
  readonly p50Ms?: number;
  readonly p95Ms?: number;
  readonly meanMs?: number;
};

/** What ended, whichever way it is grouped. */
export type Roll = {
  readonly total: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** Succeeded and partial ones among all that were not canceled, 0 to 1; absent when there are none. */
  readonly successRate?: number;
  readonly waiting: Latency;
  readonly working: Latency;
  readonly posting: Latency;
};

/** Of so many it is known; the others said nothing. */
export type Known = { readonly known: number; readonly unknown: number };

export type DelegationRoll = Roll & {
  readonly confidence: {
    readonly high: number;
    readonly medium: number;
    readonly low: number;
    readonly unknown: number;
  };
  readonly attempts: number;
  readonly retries: number;
  readonly rerouted: number;
  /** Why some came to nothing, by code. */
  readonly codes: Readonly<Record<string, number>>;
  readonly tokens: Known & { readonly input: number; readonly output: number };
  readonly usd: Known & { readonly total: number };
};

/** One piece of the time line. */
export type SeriesItem = {
  readonly at: number;
  readonly total: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly p50Ms: Readonly<Partial<Record<Measure, number>>>;
  readonly p95Ms: Readonly<Partial<Record<Measure, number>>>;
};

/** How it stands at this moment. */
export type LiveMetrics = {
  readonly delegations: { readonly queued: number; readonly dispatched: number };
  readonly runs: { readonly running: number };
  readonly tasks: { readonly open: number; readonly claimed: number };
  readonly workers: { readonly queued: number; readonly running: number };
  /** What waits longest, absent when nothing waits. */
  readonly oldestQueued?: { readonly id: string; readonly agent: string; readonly ageMs: number };
  readonly oldestTask?: { readonly id: string; readonly ageMs: number };
  readonly agents: readonly {
    readonly id: string;
    readonly state: string;
    readonly running: number;
    readonly queued: number;
  }[];
  /** Effects that are not done, by type. */
  readonly effects: readonly { readonly type: string; readonly count: number; readonly overdueMs: number }[];
};

/** Figures as every door shows them. Instants are epoch ms in UTC, spans ms, `usd` US dollars. */
export type MetricsView = {
  readonly at: number;
  /** Counted from here on, the begin of an hour or day; absent = everything there ever was. */
  readonly since?: number;
  readonly agent?: string;
  readonly workflow?: string;
  /** Events that are not counted yet; 0 = all is counted. */
  readonly behind: number;
  readonly delegations: DelegationRoll;
  readonly agents: readonly (DelegationRoll & { readonly agent: string })[];
  /** Delegations of each workflow. */
  readonly workflows: readonly (DelegationRoll & { readonly workflow: string })[];
  /** Runs by their workflow. */
  readonly runs: readonly (Roll & { readonly workflow: string })[];
  readonly tasks: Roll;
  readonly workers: DelegationRoll;
  readonly series: { readonly every: "hour" | "day"; readonly items: readonly SeriesItem[] };
  readonly now: LiveMetrics;
};

export type MetricsQuery = {
  /** How far back, in ms; absent = everything. */
  readonly sinceMs?: number;
  readonly agent?: string;
  readonly workflow?: string;
};

/** The pictures of figures; `overview` is all that fits a screen. */
export const CHART_KINDS = ["overview", "hours", "agents", "latency"] as const;
export type ChartKind = (typeof CHART_KINDS)[number];
export const CHART_THEMES = ["dark", "light"] as const;
export type ChartTheme = (typeof CHART_THEMES)[number];
