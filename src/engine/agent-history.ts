import { type AgentChange, type AgentSpan, changeOf, spansFrom } from "../domain/agent-history.ts";
import { agentStream } from "../domain/agent-state.ts";
import type { AgentEvent } from "../domain/agent-types.ts";
import type { DelegationStatus } from "../domain/delegation-types.ts";
import { HOUR_MS, startOf, type Tally } from "../domain/tally.ts";
import { type DelegationView, viewOf } from "../domain/view.ts";
import { oneLine } from "../kernel/text.ts";
import { stateOf } from "./accept.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { AgentStatus } from "./verbs.ts";

const HOURS = 24;
const LATEST = 20;
const LONGEST_OBJECTIVE = 200;
/** An agent that changed more often within a day is shown from the earliest of these on. */
const MOST_CHANGES = 1000;

export type AgentHour = {
  /** When it begins. */
  readonly at: number;
  readonly settled: number;
  /** Partial ones too. */
  readonly succeeded: number;
  readonly failed: number;
};

/** How an agent was, and what it did. */
export type AgentHistory = {
  readonly agent: string;
  readonly state: AgentStatus["state"];
  readonly since: number;
  /** Newest first. */
  readonly changes: readonly AgentChange[];
  /** The last day, oldest first. */
  readonly spans: readonly AgentSpan[];
  /** Newest first. */
  readonly latest: readonly LatestWork[];
  /** The last 24 hours by the clock, oldest first. */
  readonly hours: readonly AgentHour[];
};

export type LatestWork = Pick<DelegationView, "id" | "status" | "objective" | "queuedAt"> &
  Partial<Pick<DelegationView, "dispatchedAt" | "settledAt" | "reason">> & {
    readonly run?: string;
    readonly step?: string;
  };

export function createAgentHistory(deps: {
  readonly ledger: Pick<Ledger, "events" | "list" | "tallies">;
  readonly agent: (word: string) => Promise<AgentStatus>;
  /** Counts what is not counted yet, for a short time at most. */
  readonly countOn: () => Promise<boolean>;
  readonly now: () => number;
}) {
  const { ledger, now } = deps;

  return async (word: string, limit: number): Promise<AgentHistory> => {
    const { card, state, since } = await deps.agent(word);
    const at = now();
    await deps.countOn();
    const from = startOf("hour", at) - (HOURS - 1) * HOUR_MS;
    const [newest, page, tallies] = await Promise.all([
      ledger.events({ stream: agentStream(card.id), before: Number.MAX_SAFE_INTEGER, limit: MOST_CHANGES }),
      ledger.list({ kind: "delegation", agent: card.id, limit: LATEST }),
      ledger.tallies.read({ span: "hour", from, until: at + 1, kind: "delegation" }),
    ]);
    const events = newest.map(({ body }) => body as AgentEvent);
    return {
      agent: card.id,
      state,
      since,
      changes: events.slice(0, limit).map(changeOf),
      spans: spansFrom(events.toReversed(), at - HOURS * HOUR_MS),
      latest: page.items.map((loaded) => latestOf(viewOf(stateOf("delegation", loaded)))),
      hours: hoursOf(
        tallies.filter(({ agent }) => agent === card.id),
        from,
      ),
    };
  };
}

const SUCCEEDED: ReadonlySet<string> = new Set<DelegationStatus>(["succeeded", "partial"]);

function hoursOf(tallies: readonly Tally[], from: number): readonly AgentHour[] {
  return Array.from({ length: HOURS }, (_, i) => {
    const at = from + i * HOUR_MS;
    const own = tallies.filter((tally) => tally.at === at);
    const settled = countOf(own);
    const succeeded = countOf(own.filter(({ status }) => SUCCEEDED.has(status)));
    const canceled = countOf(own.filter(({ status }) => status === "canceled"));
    return { at, settled, succeeded, failed: settled - succeeded - canceled };
  });
}

function countOf(tallies: readonly Tally[]): number {
  return tallies.reduce((sum, { figures }) => sum + (figures.counts["n"] ?? 0), 0);
}

function latestOf(view: DelegationView): LatestWork {
  const { id, status, objective, queuedAt, dispatchedAt, settledAt, reason, workflow } = view;
  return {
    id,
    status,
    objective: oneLine(objective, LONGEST_OBJECTIVE),
    queuedAt,
    ...(dispatchedAt === undefined ? {} : { dispatchedAt }),
    ...(settledAt === undefined ? {} : { settledAt }),
    ...(reason === undefined ? {} : { reason }),
    ...workflow,
  };
}
