import type { Meter } from "@opentelemetry/api";
import type { DelegationEvent } from "../domain/delegation-types.ts";
import type { RunEvent } from "../domain/run-types.ts";
import type { TaskEvent } from "../domain/task-events.ts";
import type { Ledger, StoredEvent } from "../engine/ports/ledger.ts";
import { BOUNDS_MS } from "./prometheus.ts";

type Known = DelegationEvent | RunEvent | TaskEvent;

const MOST_OPEN = 4096;

/** Counters of what ended since the start, and how much is open; the kept figures of all history are `hq metrics`. */
export function createFigures(
  meter: Meter,
  ledger: Pick<Ledger, "counts" | "backlog">,
  /** Called whenever figures are collected. */
  onCollect: () => void,
) {
  // The SDK's own bounds are for milliseconds: all that takes less than five seconds would be one.
  const seconds = { unit: "s", advice: { explicitBucketBoundaries: BOUNDS_MS.map((ms) => ms / 1000) } };
  const delegations = meter.createCounter("hq.delegations", { description: "Settled delegations" });
  const runs = meter.createCounter("hq.runs", { description: "Settled runs" });
  const tasks = meter.createCounter("hq.tasks", { description: "Settled tries of tasks" });
  const attempts = meter.createCounter("hq.attempts.failed", { description: "Attempts that failed" });
  const waiting = meter.createHistogram("hq.delegation.waiting", {
    ...seconds,
    description: "Asked until first sent",
  });
  const working = meter.createHistogram("hq.delegation.working", {
    ...seconds,
    description: "First sent until settled",
  });
  /** Delegations that are under way, and when they were asked and sent. */
  const open = new Map<string, { agent: string; readonly askedAt: number; sentAt?: number }>();

  meter
    .createObservableGauge("hq.streams", { description: "How many of each kind are in each state" })
    .addCallback(async (result) => {
      onCollect();
      for (const { kind, status, count } of await ledger.counts()) {
        if (kind === "delegation" || kind === "run" || kind === "task" || kind === "worker")
          result.observe(count, { "hq.kind": kind, "hq.status": status });
      }
    });
  meter
    .createObservableGauge("hq.effects.open", { description: "Work of the supervisor itself that waits" })
    .addCallback(async (result) => {
      for (const { type, count } of await ledger.backlog()) result.observe(count, { "hq.effect": type });
    });

  return {
    count({ stream, body }: StoredEvent): void {
      const event = body as Known;
      if (event.type === "delegation.queued") {
        open.set(stream, { agent: event.order.agent, askedAt: event.order.queuedAt });
        const oldest = open.keys().next();
        if (open.size > MOST_OPEN && !oldest.done) open.delete(oldest.value);
      }
      if (event.type === "attempt.dispatched") {
        const known = open.get(stream);
        if (!known || known.sentAt !== undefined) return;
        known.sentAt = event.at;
        waiting.record((event.at - known.askedAt) / 1000, { "hq.agent": known.agent });
      }
      if (event.type === "delegation.rerouted") {
        const known = open.get(stream);
        if (known) known.agent = event.to;
      }
      if (event.type === "attempt.failed") {
        attempts.add(1, { "hq.agent": open.get(stream)?.agent ?? "unknown", "hq.outcome": event.reason });
      }
      if (event.type === "delegation.settled") {
        const known = open.get(stream);
        open.delete(stream);
        const agent = event.handoff?.agent ?? known?.agent ?? "unknown";
        const status = { "hq.status": event.status };
        delegations.add(1, { "hq.agent": agent, ...status });
        if (known?.sentAt !== undefined)
          working.record((event.at - known.sentAt) / 1000, { "hq.agent": known.agent, ...status });
      }
      if (event.type === "run.settled") runs.add(1, { "hq.status": event.status });
      if (event.type === "task.settled") tasks.add(1, { "hq.status": event.outcome.status });
    },
  };
}
