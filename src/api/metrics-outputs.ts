import { z } from "zod";
import type { MetricsView } from "../domain/metrics-types.ts";
import { instant, shows } from "./outputs.ts";

const count = z.int().min(0);
const counts = z.record(z.string(), count);
const latency = z.object({
  count: count.describe("Of how many it is known"),
  p50Ms: z.number().optional(),
  p95Ms: z.number().optional(),
  meanMs: z.number().optional(),
});
const roll = z.looseObject({
  total: count,
  byStatus: counts,
  successRate: z.number().min(0).max(1).optional().describe("Of all that were not canceled"),
  waiting: latency,
  working: latency,
  posting: latency,
});
const known = { known: count, unknown: count };
const delegations = roll.extend({
  confidence: z.object({ high: count, medium: count, low: count, unknown: count }),
  attempts: count,
  retries: count,
  rerouted: count,
  codes: counts,
  tokens: z.object({ ...known, input: count, output: count }),
  usd: z.object({ ...known, total: z.number() }),
});
const spans = z.object({
  waiting: z.number().optional(),
  working: z.number().optional(),
  posting: z.number().optional(),
});

export const metricsOut = shows<MetricsView>(
  z.looseObject({
    at: instant,
    since: instant
      .optional()
      .describe("The begin of the hour or day that is counted from; absent = all time"),
    agent: z.string().optional(),
    workflow: z.string().optional(),
    behind: count.describe("Events that are not counted yet"),
    delegations,
    agents: z.array(delegations.extend({ agent: z.string() })),
    workflows: z.array(delegations.extend({ workflow: z.string() })),
    runs: z.array(roll.extend({ workflow: z.string() })),
    tasks: roll,
    workers: delegations,
    series: z.object({
      every: z.enum(["hour", "day"]),
      items: z.array(z.object({ at: instant, total: count, byStatus: counts, p50Ms: spans, p95Ms: spans })),
    }),
    now: z.looseObject({
      delegations: z.object({ queued: count, dispatched: count }),
      runs: z.object({ running: count }),
      tasks: z.object({ open: count, claimed: count }),
      workers: z.object({ queued: count, running: count }),
      oldestQueued: z.object({ id: z.string(), agent: z.string(), ageMs: z.number() }).optional(),
      oldestTask: z.object({ id: z.string(), ageMs: z.number() }).optional(),
      agents: z.array(z.looseObject({ id: z.string(), state: z.string(), running: count, queued: count })),
      effects: z.array(z.object({ type: z.string(), count, overdueMs: z.number() })),
    }),
  }),
);

export const promOut = {
  description: "The figures as Prometheus reads them",
  content: { "text/plain": { schema: shows<string>(z.string()) } },
};
export const pngOut = {
  description: "A picture",
  content: { "image/png": { schema: shows<Buffer>(z.string().meta({ format: "binary" })) } },
};
