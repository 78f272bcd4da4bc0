import type { Registry } from "../domain/agent-card.ts";
import { seriesOf, windowsOf } from "../domain/metrics.ts";
import type {
  ChartKind,
  ChartTheme,
  LiveMetrics,
  MetricsQuery,
  MetricsView,
} from "../domain/metrics-types.ts";
import { endedView } from "../domain/metrics-view.ts";
import type { Tally } from "../domain/tally.ts";
import { Refusal } from "../kernel/refusal.ts";
import { stateOf } from "./accept.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { Pictures } from "./ports/pictures.ts";
import { createTallying } from "./tallying.ts";
import type { AgentStatus } from "./verbs.ts";

/** How long an answer waits for what is not counted yet. */
const COUNT_WITHIN_MS = 250;
const KEPT_PICTURE_MS = 10_000;

export type MetricsVerbs = {
  /** Figures of what ended, and how it stands; from what is kept, so the size of the history does not matter. */
  readonly read: (query: MetricsQuery) => Promise<MetricsView>;
  /** A PNG of them. */
  readonly chart: (kind: ChartKind, query: MetricsQuery, theme?: ChartTheme) => Promise<Uint8Array>;
  /** What Prometheus reads: sums since the beginning, and how it stands. */
  readonly exposition: () => Promise<string>;
  /** Counts a little more into what is kept; false when all is counted. */
  readonly countOn: () => Promise<boolean>;
};

export function createMetricsVerbs(deps: {
  readonly ledger: Ledger;
  readonly registry: () => Registry;
  readonly workflows: () => readonly { readonly name: string }[];
  readonly agents: () => Promise<readonly AgentStatus[]>;
  readonly pictures: Pictures;
  readonly now: () => number;
}): MetricsVerbs {
  const { ledger, now } = deps;
  const { tallies } = ledger;
  const tallying = createTallying({ ledger, now });

  async function read(query: MetricsQuery): Promise<MetricsView> {
    const at = now();
    const { behind } = await tallying.catchUp(COUNT_WITHIN_MS);
    const since = query.sinceMs === undefined ? undefined : Math.max(0, at - query.sinceMs);
    const windows = windowsOf(since, at);
    const pages = await Promise.all(windows.map((window) => tallies.read(window)));
    const all = pages.flat();
    const cut = seriesOf(since, at);
    const line =
      since === undefined
        ? await tallies.read({ span: cut.every, from: cut.from, until: at + 1, kind: "delegation" })
        : all;
    const begun = since === undefined ? {} : { since: windows[0]?.from ?? since };
    const ended = endedView({ at, ...begun, ...named(query, all), tallies: all, line, cut });
    return { ...ended, behind, now: await live(at) };
  }

  /** An agent by any of its names, a workflow by its own; also of those that are gone, while there are figures of them. */
  function named({ agent, workflow }: MetricsQuery, all: readonly Tally[]) {
    const card = agent === undefined ? undefined : deps.registry().find(agent);
    if (agent !== undefined && !card && !all.some((tally) => tally.agent === agent)) {
      throw new Refusal("unknown_agent", `There are no figures of an agent ${agent}.`, {
        hint: "`hq agents list` names the agents of the registry.",
      });
    }
    const names = new Set([
      ...deps.workflows().map(({ name }) => name),
      ...all.map((tally) => tally.workflow),
    ]);
    if (workflow !== undefined && !names.has(workflow)) {
      throw new Refusal("not_found", `There are no figures of a workflow ${workflow}.`, {
        hint: "`hq workflow list` names the workflows.",
      });
    }
    return {
      ...(agent === undefined ? {} : { agent: card?.id ?? agent }),
      ...(workflow === undefined ? {} : { workflow }),
    };
  }

  async function live(at: number): Promise<LiveMetrics> {
    const [counts, backlog, agents, queued, task] = await Promise.all([
      ledger.counts(),
      ledger.backlog(),
      deps.agents(),
      tallies.oldestOpen({ kind: "delegation", status: "queued" }),
      tallies.oldestOpen({ kind: "task", status: "open" }),
    ]);
    const count = (kind: string, status: string) =>
      counts.find((one) => one.kind === kind && one.status === status)?.count ?? 0;
    const [oldestQueued, oldestTask] = await Promise.all([
      queued === undefined ? undefined : waitingDelegation(queued, at),
      task === undefined ? undefined : waitingTask(task, at),
    ]);
    return {
      delegations: { queued: count("delegation", "queued"), dispatched: count("delegation", "dispatched") },
      runs: { running: count("run", "running") },
      tasks: { open: count("task", "open"), claimed: count("task", "claimed") },
      workers: { queued: count("worker", "queued"), running: count("worker", "running") },
      ...(oldestQueued ? { oldestQueued } : {}),
      ...(oldestTask ? { oldestTask } : {}),
      agents: agents.map(({ card, state, running, queued }) => ({ id: card.id, state, running, queued })),
      effects: backlog.map(({ type, count, oldestDueAt }) => ({
        type,
        count,
        overdueMs: Math.max(0, at - oldestDueAt),
      })),
    };
  }

  async function waitingDelegation(id: string, at: number): Promise<LiveMetrics["oldestQueued"]> {
    const loaded = await ledger.load(id);
    if (!loaded) return undefined;
    const { order } = stateOf("delegation", loaded);
    return { id, agent: order.agent, ageMs: Math.max(0, at - order.queuedAt) };
  }

  async function waitingTask(id: string, at: number): Promise<LiveMetrics["oldestTask"]> {
    const loaded = await ledger.load(id);
    if (!loaded) return undefined;
    const { task } = stateOf("task", loaded);
    return { id, ageMs: Math.max(0, at - task.postedAt) };
  }

  const drawn = new Map<string, { readonly at: number; readonly png: Promise<Uint8Array> }>();

  /** The same picture is drawn once for all who ask for it within a moment. */
  async function chart(
    kind: ChartKind,
    query: MetricsQuery,
    theme: ChartTheme = "dark",
  ): Promise<Uint8Array> {
    const at = now();
    for (const [name, known] of drawn) if (at - known.at >= KEPT_PICTURE_MS) drawn.delete(name);
    const name = JSON.stringify([kind, theme, query]);
    const known = drawn.get(name);
    if (known) return known.png;
    const png = read(query).then((view) => deps.pictures.chart(kind, view, theme));
    drawn.set(name, { at, png });
    png.catch(() => drawn.delete(name));
    return png;
  }

  async function exposition(): Promise<string> {
    await tallying.catchUp(COUNT_WITHIN_MS);
    const [kept, standing] = await Promise.all([
      tallies.read({ span: "all", from: 0, until: 1 }),
      live(now()),
    ]);
    return deps.pictures.exposition({ tallies: kept, live: standing });
  }

  return { read, chart, exposition, countOn: tallying.step };
}
