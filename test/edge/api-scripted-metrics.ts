import { delegationRollOf, groupsOf, rollOf, seriesItems } from "../../src/domain/metrics.ts";
import type { MetricsQuery, MetricsView } from "../../src/domain/metrics-types.ts";
import { type Fact, HOUR_MS, talliesOf } from "../../src/domain/tally.ts";
import type { MetricsVerbs } from "../../src/engine/metrics-verbs.ts";
import { createPictures } from "../../src/telemetry/pictures.ts";

const AT = Date.parse("2026-03-04T10:30:00Z");
export const SCRIPTED_FACTS: readonly Fact[] = [
  {
    kind: "delegation",
    at: AT,
    agent: "webster",
    workflow: "quick-research",
    status: "succeeded",
    figures: {
      counts: { n: 3, attempts: 4, retries: 1, "confidence.high": 2 },
      spans: { working: [15_000, 80, 3] },
    },
  },
];

/** Figures without a ledger: the same whoever asks; `queries` is what was asked for. */
export function createScriptedMetrics() {
  const queries: MetricsQuery[] = [];
  const tallies = talliesOf(SCRIPTED_FACTS);
  const hours = tallies.filter(({ span }) => span === "hour");
  const now: MetricsView["now"] = {
    delegations: { queued: 1, dispatched: 0 },
    runs: { running: 0 },
    tasks: { open: 0, claimed: 0 },
    workers: { queued: 0, running: 0 },
    oldestQueued: { id: "orch-1", agent: "webster", ageMs: 90_000 },
    agents: [{ id: "webster", state: "up", running: 0, queued: 1 }],
    effects: [],
  };
  const view: MetricsView = {
    at: AT,
    behind: 0,
    delegations: delegationRollOf(hours),
    agents: groupsOf(hours, "agent", delegationRollOf),
    workflows: groupsOf(hours, "workflow", delegationRollOf),
    runs: [],
    tasks: rollOf([]),
    workers: delegationRollOf([]),
    series: { every: "hour", items: seriesItems(hours, "hour", AT - 23 * HOUR_MS, AT) },
    now,
  };
  const pictures = createPictures();
  const metrics: MetricsVerbs = {
    async read(query) {
      queries.push(query);
      return view;
    },
    async chart(kind, query, theme = "dark") {
      queries.push(query);
      return pictures.chart(kind, view, theme);
    },
    exposition: () =>
      pictures.exposition({ tallies: tallies.filter(({ span }) => span === "all"), live: now }),
    countOn: async () => false,
  };
  return { metrics, queries };
}
