import type { EffectBody } from "../../src/domain/effects.ts";
import type { RunOrder } from "../../src/domain/run-types.ts";
import type { Task } from "../../src/domain/task-types.ts";
import { traceOf } from "../../src/domain/trace.ts";
import type { TracedEffect, TracedEvent, TracedKind, TracedSubject } from "../../src/domain/trace-types.ts";
import type { WorkerWork } from "../../src/domain/worker-types.ts";
import { ORDER } from "../support/order.ts";
import { stepOf, taskOf, workflowOf } from "../support/workflow.ts";

export const RUN_ORDER: RunOrder = {
  id: "wf-1",
  definition: workflowOf("study", [stepOf("look", taskOf("webster", "Look."))]),
  nested: {},
  inputs: {},
  actor: { kind: "operator" },
  origin: { door: "rest" },
  deliver: true,
  startedAt: 1000,
  deadlineAt: 61_000,
  depth: 1,
};

export const TASK: Task = {
  id: "task-1",
  place: { channel: "7", message: "1" },
  author: { id: "5", name: "ada", isBot: false },
  actor: { kind: "person", id: "5", name: "ada", rights: [] },
  text: "Find the CTE of ULE",
  attachments: [],
  postedAt: 1000,
  hops: 0,
};

export const WORK: WorkerWork = {
  id: "task-1.w1",
  taskOf: { task: "task-1", try: 1 },
  agent: "agent-1-x",
  worker: "codex",
  model: "m-1",
  thinking: "low",
  text: "Find it",
  timeoutMs: 120_000,
  reruns: 1,
  actor: { kind: "operator" },
  origin: { door: "discord" },
  card: { channel: "7" },
  queuedAt: 1000,
};

/** Facts at their instants, the `at` of a body where it has none of its own. */
export function eventsOf(
  cause: string,
  ...bodies: readonly (readonly [
    at: number,
    body: { readonly type: string; readonly [name: string]: unknown },
  ])[]
): readonly TracedEvent[] {
  return bodies.map(([at, body], index) => ({
    position: index + 1,
    at,
    type: body.type,
    body: { at, ...body },
    cause,
    actor: "operator",
  }));
}

export function effect(body: EffectBody, more: Partial<TracedEffect> = {}): TracedEffect {
  return { id: "orch-1@1#0", body, createdAt: 1000, dueAt: 1000, tries: 1, ...more };
}

export function subject(kind: TracedKind, id: string, more: Partial<TracedSubject>): TracedSubject {
  const nothing = {
    events: [],
    effects: [],
    receipts: [],
    interaction: [],
    children: [],
    untold: 0,
    omitted: 0,
  };
  return { id, kind, status: "running", ...nothing, ...more };
}

/** The lines as `+<ms since the question> <what>: <text>`, with how long it took. */
export function told(traced: TracedSubject, nowMs = 100_000): readonly string[] {
  const { lines, askedAt } = traceOf(traced, nowMs);
  return lines.map(({ at, depth, what, text, tookMs }) => {
    const took = tookMs === undefined ? "" : ` (${tookMs} ms)`;
    return `${"  ".repeat(depth)}+${at - askedAt} ${what}: ${text}${took}`;
  });
}

export const queued = [1000, { type: "delegation.queued", order: ORDER }] as const;
export const dispatched = (at: number, attempt = 1) =>
  [
    at,
    {
      type: "attempt.dispatched",
      attempt,
      deadlineAt: at + 300_000,
      again: attempt > 1,
      agentRunId: `r-${attempt}`,
    },
  ] as const;
