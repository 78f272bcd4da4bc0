import type { DelegationState } from "./delegation-types.ts";
import { createSum, type Figures, type Sum, spreadOf } from "./figures.ts";
import type { RunState } from "./run-types.ts";
import type { TaskState } from "./task-types.ts";
import type { WorkerState } from "./worker-types.ts";

const TALLIED_KINDS = ["delegation", "run", "task", "worker"] as const;
export type TalliedKind = (typeof TALLIED_KINDS)[number];
const SPANS = ["hour", "day", "all"] as const;
export type Span = (typeof SPANS)[number];

/** What was counted together: what ended in a span, by whom, for which workflow, and how. "" = none, or any. */
export type TallyKey = {
  readonly span: Span;
  /** When the span begins, epoch ms in UTC; 0 = all time. */
  readonly at: number;
  readonly kind: TalliedKind;
  readonly agent: string;
  readonly workflow: string;
  readonly status: string;
};

/**
 * What is counted: `n` (how many), `attempts`, `retries`, `rerouted`, `confidence.high`, `code.timed_out`, `tokens` and
 * `usd` (of how many it is known), `tokens.in`, `tokens.out`, `usd.nano`.
 */
export type Tally = TallyKey & { readonly figures: Figures };

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const NANO = 1e9;

/** What one fact adds, wherever it is counted. */
export type Fact = Omit<TallyKey, "span"> & { readonly figures: Figures };

export function startOf(span: Span, at: number): number {
  if (span === "all") return 0;
  const length = span === "hour" ? HOUR_MS : DAY_MS;
  return Math.floor(at / length) * length;
}

/** Each fact counts in its hour, its day and in all; what belongs together is one tally. */
export function talliesOf(facts: readonly Fact[]): readonly Tally[] {
  const sums = new Map<string, { readonly key: TallyKey; readonly sum: Sum }>();
  for (const { kind, agent, workflow, status, at, figures } of facts.flatMap(partsOf)) {
    for (const span of SPANS) {
      const key = { span, at: startOf(span, at), kind, agent, workflow, status };
      const name = JSON.stringify([key.span, key.at, kind, agent, workflow, status]);
      const { sum } = sums.get(name) ?? { sum: createSum() };
      sums.set(name, { key, sum });
      sum.add(figures);
    }
  }
  return [...sums.values()].map(({ key, sum }) => ({ ...key, figures: sum.figures() }));
}

/** How long it took is kept whatever the status (""): a fifth of the numbers to read, and nobody asks for it by status. */
function partsOf(fact: Fact): readonly Fact[] {
  const { counts, spans } = fact.figures;
  const isCounted = Object.keys(counts).length > 0;
  return [
    ...(isCounted ? [{ ...fact, figures: { counts } }] : []),
    ...(spans ? [{ ...fact, status: "", figures: { counts: {}, spans } }] : []),
  ];
}

/** A delegation that was settled; undefined while it is open. */
export function delegationFact(state: DelegationState, workflow: string): Fact | undefined {
  const { order, outcome, attempts } = state;
  if (!outcome) return undefined;
  const begunAt = begunAtOf(state);
  const { handoff, code } = outcome;
  return {
    ...keyOf(state, workflow),
    figures: {
      counts: {
        n: 1,
        attempts: attempts.length,
        ...count("retries", attempts.length - 1),
        ...count("rerouted", state.reroutes?.length ?? 0),
        ...(handoff?.confidence ? { [`confidence.${handoff.confidence}`]: 1 } : {}),
        ...(code ? { [`code.${code}`]: 1 } : {}),
        ...usage(handoff?.usage),
      },
      ...spansOf(order.queuedAt, begunAt, outcome.at),
    },
  };
}

function keyOf({ order, status, outcome }: DelegationState, workflow: string) {
  return { kind: "delegation", at: outcome?.at ?? 0, agent: order.agent, workflow, status } as const;
}

/** When it was first given to its agent. */
function begunAtOf({ attempts }: DelegationState): number | undefined {
  return attempts.find(({ dispatchedAt }) => dispatchedAt !== undefined)?.dispatchedAt;
}

/** The delivery by which people hear of a settled delegation: its result, or its line where no result is posted. */
export function telling({ order, status }: DelegationState): string {
  return `${order.id}/${order.deliver && status !== "canceled" ? "result" : "log"}`;
}

/** The last part of what people read of it was posted. */
export function postingFact(state: DelegationState, workflow: string, postedAt: number): Fact | undefined {
  if (!state.outcome) return undefined;
  return {
    ...keyOf(state, workflow),
    figures: { counts: {}, spans: { posting: spreadOf(state.outcome.at, postedAt) } },
  };
}

/** A run that ended; one that was retried ends again. */
export function runFact({ order }: RunState, ended: { readonly at: number; readonly status: string }): Fact {
  const { at, status } = ended;
  const key = { kind: "run", at, agent: "", workflow: order.definition.name, status } as const;
  return { ...key, figures: { counts: { n: 1 }, spans: { working: spreadOf(order.startedAt, at) } } };
}

/** One try of a task that ended. */
export function taskFact({ task, tries }: TaskState, number: number): Fact | undefined {
  const tried = tries.find((one) => one.number === number);
  if (!tried?.outcome) return undefined;
  const { executor, claimedAt, outcome } = tried;
  const who =
    executor.kind === "workflow" ? "" : executor.kind === "agent" ? executor.agent : executor.worker;
  const workflow = executor.kind === "workflow" ? executor.workflow : "";
  const key = { kind: "task", at: outcome.at, agent: who, workflow, status: outcome.status } as const;
  const working = spreadOf(claimedAt, outcome.at);
  // A task that is done once more waits for nothing but its claim.
  const spans = number === 1 ? { waiting: spreadOf(task.postedAt, claimedAt), working } : { working };
  return { ...key, figures: { counts: { n: 1, ...count("retries", number - 1) }, spans } };
}

export function workerFact({ work, attempt, begunAt, settledAt, outcome }: WorkerState): Fact | undefined {
  if (!outcome || settledAt === undefined) return undefined;
  const { status } = outcome;
  return {
    kind: "worker",
    at: settledAt,
    agent: work.worker,
    workflow: "",
    status,
    figures: {
      counts: { n: 1, attempts: attempt, ...count("retries", attempt - 1), ...usage(outcome.usage) },
      ...spansOf(work.queuedAt, begunAt, settledAt),
    },
  };
}

type Counts = Figures["counts"];
type Used = { readonly inputTokens?: number; readonly outputTokens?: number; readonly usd?: number };

/** What was not said is unknown, and no zero. */
function usage(used: Used | undefined): Counts {
  if (!used) return {};
  const { inputTokens, outputTokens, usd } = used;
  const hasTokens = inputTokens !== undefined || outputTokens !== undefined;
  return {
    ...(hasTokens ? { tokens: 1, "tokens.in": inputTokens ?? 0, "tokens.out": outputTokens ?? 0 } : {}),
    ...(usd === undefined ? {} : { usd: 1, "usd.nano": Math.round(usd * NANO) }),
  };
}

function count(name: string, value: number): Counts {
  return value > 0 ? { [name]: value } : {};
}

/** Waiting and working; of what never began neither is known. */
function spansOf(from: number, begunAt: number | undefined, to: number): Pick<Figures, "spans"> {
  if (begunAt === undefined) return {};
  return { spans: { waiting: spreadOf(from, begunAt), working: spreadOf(begunAt, to) } };
}
