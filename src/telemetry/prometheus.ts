import { createSum, MEASURES, type Measure, type Sum } from "../domain/figures.ts";
import { countBelow, sizeOf } from "../domain/histogram.ts";
import type { LiveMetrics } from "../domain/metrics-types.ts";
import { NANO, type Tally } from "../domain/tally.ts";

/** Every other doubling from 16 ms to four and a half hours: bounds that the kept buckets have too, so nothing is estimated. */
export const BOUNDS_MS = [4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24].map((power) => 2 ** power);

const HELP: Readonly<Record<Measure, string>> = {
  waiting: "From the request to the first time that an agent took it",
  working: "From then until it was settled, further attempts included",
  posting: "From then until the last message that tells of it was in Discord",
};

/** What Prometheus reads. Counters are what was kept since the beginning, so a restart is no reset. */
export async function prometheusText(figures: {
  readonly tallies: readonly Tally[];
  readonly live: LiveMetrics;
}): Promise<string> {
  const prom = await import("prom-client");
  const registry = new prom.Registry();
  const registers = [registry];
  const { tallies, live } = figures;

  function counter(name: string, help: string, labelNames: readonly string[]) {
    return new prom.Counter({ name, help, labelNames, registers });
  }
  function gauge(name: string, help: string, labelNames: readonly string[] = []) {
    return new prom.Gauge({ name, help, labelNames, registers });
  }

  const ended = {
    delegation: counter("hq_delegations_total", "Delegations that were settled", [
      "agent",
      "workflow",
      "status",
    ]),
    run: counter("hq_runs_total", "Ends of workflow runs", ["workflow", "status"]),
    task: counter("hq_tasks_total", "Tries of tasks that ended", ["agent", "workflow", "status"]),
    worker: counter("hq_workers_total", "Worker processes that ended", ["worker", "status"]),
  };
  const retries = counter("hq_delegation_retries_total", "Attempts after the first one", ["agent"]);
  const confidence = counter("hq_delegation_confidence_total", "What agents say of their results", [
    "agent",
    "confidence",
  ]);
  const tokens = counter("hq_tokens_total", "Tokens, where they are known", ["agent", "direction"]);
  const usd = counter("hq_cost_usd_total", "US dollars, where they are known", ["agent"]);
  const unknown = counter("hq_cost_unknown_total", "Settled without a word on what it cost", ["agent"]);

  for (const { kind, agent, workflow, status, figures: all } of tallies) {
    // Only how long it took: that is told by the histograms.
    if (status === "") continue;
    const get = (name: string) => all.counts[name] ?? 0;
    if (kind === "delegation" || kind === "task") ended[kind].inc({ agent, workflow, status }, get("n"));
    else if (kind === "run") ended.run.inc({ workflow, status }, get("n"));
    else ended.worker.inc({ worker: agent, status }, get("n"));
    if (kind === "run" || kind === "task") continue;
    tokens.inc({ agent, direction: "input" }, get("tokens.in"));
    tokens.inc({ agent, direction: "output" }, get("tokens.out"));
    usd.inc({ agent }, get("usd.nano") / NANO);
    unknown.inc({ agent }, get("n") - get("usd"));
    if (kind === "worker") continue;
    retries.inc({ agent }, get("retries"));
    for (const word of ["high", "medium", "low"])
      confidence.inc({ agent, confidence: word }, get(`confidence.${word}`));
  }
  for (const measure of MEASURES) {
    const name = `hq_delegation_${measure}_seconds`;
    const histogram = new prom.Histogram({ name, help: HELP[measure], labelNames: ["agent"], registers });
    const told = { ...(await histogram.get()), values: histogramValues(tallies, measure, name) };
    // It was observed long ago: the buckets are told as they were kept.
    Object.assign(histogram, { get: async () => told, getForPromString: async () => told });
  }

  const open = gauge("hq_open", "What is not settled", ["kind", "status"]);
  for (const kind of ["delegations", "runs", "tasks", "workers"] as const) {
    for (const [status, count] of Object.entries(live[kind])) open.set({ kind, status }, count);
  }
  const age = gauge("hq_queue_age_seconds", "How long the oldest one waits; 0 = nothing waits", ["kind"]);
  age.set({ kind: "delegations" }, (live.oldestQueued?.ageMs ?? 0) / 1000);
  age.set({ kind: "tasks" }, (live.oldestTask?.ageMs ?? 0) / 1000);
  const state = gauge("hq_agent_state", "1 for the state that an agent is in", ["agent", "state"]);
  const load = gauge("hq_agent_open", "Delegations of an agent that are not settled", ["agent", "status"]);
  for (const { id, state: now, running, queued } of live.agents) {
    state.set({ agent: id, state: now }, 1);
    load.set({ agent: id, status: "running" }, running);
    load.set({ agent: id, status: "queued" }, queued);
  }
  const effects = gauge("hq_effects_open", "Effects of the outbox that are not done", ["type"]);
  for (const { type, count } of live.effects) effects.set({ type }, count);
  return registry.metrics();
}

function histogramValues(tallies: readonly Tally[], measure: Measure, name: string) {
  const byAgent = new Map<string, Sum>();
  for (const { kind, agent, figures } of tallies) {
    if (kind !== "delegation") continue;
    const all = byAgent.get(agent) ?? createSum();
    all.add(figures);
    byAgent.set(agent, all);
  }
  return [...byAgent].flatMap(([agent, all]) => {
    const histogram = all.histogram(measure);
    const size = sizeOf(histogram);
    if (size === 0) return [];
    const buckets = BOUNDS_MS.map((ms) => ({
      metricName: `${name}_bucket`,
      labels: { agent, le: ms / 1000 } as Record<string, string | number>,
      value: countBelow(histogram, ms),
    }));
    return [
      ...buckets,
      { metricName: `${name}_bucket`, labels: { agent, le: "+Inf" }, value: size },
      { metricName: `${name}_sum`, labels: { agent }, value: all.ms(measure) / 1000 },
      { metricName: `${name}_count`, labels: { agent }, value: size },
    ];
  });
}
