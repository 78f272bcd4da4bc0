import { gatesOf, nowOfDelegation, nowOfRun, nowOfTask } from "../domain/now.ts";
import type { NowDelegation, NowGate, NowRun, NowTask } from "../domain/now-types.ts";
import { viewOfRun } from "../domain/run-view.ts";
import { stateOf } from "./accept.ts";
import type { ExpectedMs } from "./expectations.ts";
import type { Ledger, StreamKind } from "./ports/ledger.ts";
import type { AgentStatus, Health } from "./verbs.ts";

const MOST_RUNS = 100;
const MOST_DELEGATIONS = 200;
const MOST_TASKS = 200;
const COUNTED = ["delegation", "run", "task", "worker"] as const;

export type NowAgent = Pick<
  AgentStatus,
  "state" | "since" | "queued" | "running" | "draining" | "unsteady" | "lastHandoffAt"
> & {
  readonly id: string;
  readonly name: string;
  readonly letter?: string;
  readonly text: string;
  readonly concurrency: number;
};

/** Everything that runs, waits or is late, as it is at one instant. */
export type NowView = Pick<Health, "version" | "mode" | "ready" | "checks" | "members"> & {
  readonly at: number;
  /** The last event that this takes in; whatever comes after it is news. */
  readonly position: number;
  readonly counts: Readonly<Partial<Record<(typeof COUNTED)[number], Readonly<Record<string, number>>>>>;
  readonly runs: readonly NowRun[];
  readonly delegations: readonly NowDelegation[];
  readonly tasks: readonly NowTask[];
  readonly gates: readonly NowGate[];
  readonly agents: readonly NowAgent[];
  /** Whether there are more than are listed. */
  readonly more: { readonly runs: boolean; readonly delegations: boolean; readonly tasks: boolean };
};

/** Reads what is open by kept counters and indexes: what is settled long since costs nothing. */
export function createNow(deps: {
  readonly ledger: Pick<Ledger, "list" | "counts" | "events">;
  readonly expectedMs: ExpectedMs;
  readonly agents: () => Promise<readonly AgentStatus[]>;
  readonly health: () => Promise<Health>;
  readonly now: () => number;
}): () => Promise<NowView> {
  const { ledger, now } = deps;

  const open = (kind: StreamKind, limit: number) => ledger.list({ kind, open: true, limit });

  return async () => {
    const position = await lastPosition(ledger);
    const [counts, runPage, delegationPage, taskPage, agents, health] = await Promise.all([
      ledger.counts(),
      open("run", MOST_RUNS),
      open("delegation", MOST_DELEGATIONS),
      open("task", MOST_TASKS),
      deps.agents(),
      deps.health(),
    ]);
    const at = now();
    const states = delegationPage.items.map((loaded) => stateOf("delegation", loaded));
    const usual = await usually(deps.expectedMs, new Set(states.map(({ order }) => order.agent)));
    const delegations = states.map((state) => nowOfDelegation(state, at, usual.get(state.order.agent)));
    const runs = runPage.items.map((loaded) => viewOfRun(stateOf("run", loaded)));
    const shownRuns = runs.map((view) => nowOfRun(view, at));
    const children = new Map(
      [...delegations, ...shownRuns].map(({ id, late, lateWhy }) => [
        id,
        { late, ...(lateWhy === undefined ? {} : { lateWhy }) },
      ]),
    );
    const tasks = taskPage.items.map((loaded) => {
      const state = stateOf("task", loaded);
      const shown = nowOfTask(state, at);
      return { ...shown, ...(shown.child === undefined ? {} : children.get(shown.child)) };
    });
    const { version, mode, ready, checks, members } = health;
    return {
      at,
      position,
      version,
      mode,
      ready,
      checks,
      ...(members ? { members } : {}),
      counts: countsOf(counts),
      runs: shownRuns,
      delegations,
      tasks,
      gates: runs.flatMap((view) => gatesOf(view, at)),
      agents: agents.map(nowOfAgent),
      more: {
        runs: runPage.next !== undefined,
        delegations: delegationPage.next !== undefined,
        tasks: taskPage.next !== undefined,
      },
    };
  };
}

/** The position of the last event; 0 = nothing happened yet. */
async function lastPosition(ledger: Pick<Ledger, "events">): Promise<number> {
  const [last] = await ledger.events({ before: Number.MAX_SAFE_INTEGER, limit: 1 });
  return last?.position ?? 0;
}

async function usually(expectedMs: ExpectedMs, agents: ReadonlySet<string>) {
  const known = await Promise.all(
    [...agents].map(async (agent) => [agent, await expectedMs(agent)] as const),
  );
  return new Map(known);
}

function countsOf(rows: Awaited<ReturnType<Ledger["counts"]>>): NowView["counts"] {
  return Object.fromEntries(
    COUNTED.map((kind) => [
      kind,
      Object.fromEntries(rows.filter((row) => row.kind === kind).map(({ status, count }) => [status, count])),
    ]),
  );
}

function nowOfAgent(status: AgentStatus): NowAgent {
  const { card, health, state, since, queued, running, draining, unsteady, lastHandoffAt } = status;
  return {
    id: card.id,
    name: card.name,
    ...(card.letter === undefined ? {} : { letter: card.letter }),
    state,
    since,
    text: health.text,
    queued,
    running,
    concurrency: card.concurrency,
    ...(draining ? { draining } : {}),
    ...(unsteady ? { unsteady } : {}),
    ...(lastHandoffAt === undefined ? {} : { lastHandoffAt }),
  };
}
