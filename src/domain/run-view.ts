import { valuesOf } from "../kernel/vector.ts";
import { actorName, callerOf, type Origin } from "./actor.ts";
import { approversOf } from "./gate.ts";
import { isStepSettled } from "./run-tally.ts";
import {
  type GateState,
  isRunSettled,
  type RunState,
  type RunStatus,
  type StepState,
  type StepStatus,
} from "./run-types.ts";
import type { GateVerdict } from "./work-types.ts";
import type { GateDefinition, InputValue, StepDefinition } from "./workflow-types.ts";

/** A run as every door shows it. Instants are epoch ms; absent = not (yet) so. */
export type RunView = {
  readonly id: string;
  readonly workflow: string;
  readonly status: RunStatus;
  /** What it waits for, when nothing of it runs: people at a gate, an answer after too many failures, or time. */
  readonly waiting?: "gate" | "answer" | "time";
  readonly caller: string;
  readonly asker: string;
  readonly inputs: Readonly<Record<string, InputValue>>;
  readonly startedAt: number;
  readonly deadlineAt: number;
  readonly settledAt?: number;
  readonly steps: readonly StepView[];
  readonly progress: { readonly settled: number; readonly total: number; readonly running: number };
  readonly stopped?: { readonly failures: number; readonly at: number };
  readonly round: number;
  readonly resumes: number;
  /** Its time was over before it was done. */
  readonly code?: "timed_out";
  readonly reason?: string;
  readonly result?: string;
  readonly output?: unknown;
  readonly missing: readonly string[];
  readonly deliver: boolean;
  readonly origin: Origin;
  readonly parent?: { readonly run: string; readonly step: string };
};

export type StepView = {
  readonly id: string;
  readonly kind: "task" | "approval" | "workflow" | "wait" | "conclusion";
  readonly status: StepStatus;
  readonly needs: readonly string[];
  readonly generation: number;
  readonly agent?: string;
  /** Its model and why, when one was asked for. */
  readonly model?: string;
  readonly capability?: string;
  /** Of a fan-out over workers: who got its items, and of whom they came to nothing. */
  readonly workers?: string;
  readonly child?: string;
  readonly startedAt?: number;
  readonly settledAt?: number;
  readonly reason?: string;
  readonly confidence?: string;
  readonly result?: string;
  readonly output?: unknown;
  readonly artifacts?: readonly string[];
  readonly stalled?: string;
  readonly untilAt?: number;
  readonly items?: {
    readonly total: number;
    readonly settled: number;
    readonly failed: number;
    readonly running: number;
  };
  readonly gate?: GateView;
  /** What the output gate said of it. */
  readonly verdict?: GateVerdict;
  readonly issues?: readonly string[];
  /** Who decided, skipped or canceled it. */
  readonly by?: string;
};

export type ApprovalView = { readonly who: string; readonly at: number; readonly reason?: string };

export type GateView = {
  readonly status: "open" | "approved" | "rejected" | "expired";
  readonly prompt: string;
  readonly digest: string;
  readonly approvers: readonly string[];
  readonly min: number;
  readonly approvals: readonly ApprovalView[];
  readonly openedAt: number;
  readonly expiresAt: number;
  readonly escalated: boolean;
  readonly decidedAt?: number;
  readonly decidedBy?: string;
  readonly reason?: string;
};

export function viewOfRun(state: RunState): RunView {
  const { order, outcome, counts, stopped } = state;
  const steps = [...valuesOf(state.steps)];
  const waiting = waitingFor(state, steps);
  return {
    id: order.id,
    workflow: order.definition.name,
    status: state.status,
    ...(waiting ? { waiting } : {}),
    caller: callerOf(order.actor),
    asker: actorName(order.actor),
    inputs: order.inputs,
    startedAt: order.startedAt,
    deadlineAt: order.deadlineAt,
    ...(outcome ? { settledAt: outcome.at } : {}),
    steps: steps.map((step, index) => viewOfStep(step, order.definition.steps[index] as StepDefinition)),
    progress: { settled: counts.settled, total: steps.length, running: counts.running },
    ...(stopped ? { stopped } : {}),
    round: state.round,
    resumes: state.resumes ?? 0,
    ...(outcome && state.canceling?.expired ? { code: "timed_out" } : {}),
    ...(outcome?.reason === undefined ? {} : { reason: outcome.reason }),
    ...(outcome?.result === undefined ? {} : { result: outcome.result }),
    ...(outcome?.output === undefined ? {} : { output: outcome.output }),
    missing: outcome?.missing ?? [],
    deliver: order.deliver,
    origin: order.origin,
    ...(order.parent ? { parent: { run: order.parent.run, step: order.parent.step } } : {}),
  };
}

/** Nothing of it moves without people, or without time. */
function waitingFor({ status, counts, stopped }: RunState, steps: readonly StepState[]): RunView["waiting"] {
  if (isRunSettled(status) || counts.running > 0) return undefined;
  const waits = steps.filter((step) => step.status === "waiting");
  if (waits.some(({ gate }) => gate)) return "gate";
  if (stopped) return "answer";
  return waits.length > 0 ? "time" : undefined;
}

function viewOfStep(step: StepState, definition: StepDefinition): StepView {
  const { outcome, items, itemCounts, gate } = step;
  const { action } = definition;
  const agent = step.outcome?.agent ?? step.agent ?? (action.kind === "task" ? action.agent : undefined);
  const isSettled = isStepSettled(step.status);
  return {
    id: definition.id,
    kind: action.kind,
    status: step.status,
    needs: definition.needs,
    generation: step.generation,
    ...(agent === undefined ? {} : { agent }),
    ...(step.model === undefined ? {} : { model: step.model }),
    ...(action.kind === "task" && action.capability !== undefined ? { capability: action.capability } : {}),
    ...(action.kind === "task" && action.workers ? { workers: workersIn(step, action.workers) } : {}),
    ...(step.child === undefined ? {} : { child: step.child }),
    ...(step.startedAt === undefined ? {} : { startedAt: step.startedAt }),
    ...(outcome ? { settledAt: outcome.at } : {}),
    ...(outcome?.reason === undefined ? {} : { reason: outcome.reason }),
    ...(outcome?.confidence === undefined ? {} : { confidence: outcome.confidence }),
    ...(outcome?.result === undefined ? {} : { result: outcome.result }),
    ...(outcome?.output === undefined ? {} : { output: outcome.output }),
    ...(outcome?.artifacts ? { artifacts: outcome.artifacts } : {}),
    ...stalledIn(step),
    ...(step.status === "waiting" && step.untilAt !== undefined ? { untilAt: step.untilAt } : {}),
    ...(items && itemCounts
      ? {
          items: {
            total: items.size,
            settled: itemCounts.settled,
            failed: itemCounts.failed,
            running: isSettled ? 0 : itemCounts.running,
          },
        }
      : {}),
    ...(gate && action.kind === "approval" ? { gate: viewOfGate(gate, action.gate) } : {}),
    ...(outcome?.verdict === undefined ? {} : { verdict: outcome.verdict, issues: outcome.issues ?? [] }),
    ...(outcome?.by ? { by: actorName(outcome.by) } : {}),
  };
}

/** `nx-expert failed, study-builder`; before it begins, all that may get something. */
function workersIn({ items }: StepState, workers: readonly string[]): string {
  if (!items) return workers.join(" or ");
  const named = Array.from(valuesOf(items), ({ agent, status, outcome, value }) => {
    const who = outcome?.agent ?? agent ?? (value as { readonly agent?: string } | null)?.agent ?? "";
    return status === "failed" ? `${who} failed` : who;
  });
  return [...new Set(named)].join(", ");
}

/** What was found out about a step, or about the first item of it of which nothing is heard. */
function stalledIn({ status, stalled, items }: StepState): Pick<StepView, "stalled"> {
  if (status !== "running") return {};
  if (stalled !== undefined) return { stalled };
  for (const item of items ? valuesOf(items) : [])
    if (item.status === "running" && item.stalled !== undefined) return { stalled: item.stalled };
  return {};
}

function viewOfGate(gate: GateState, definition: GateDefinition): GateView {
  const { status, prompt, digest, openedAt, expiresAt, escalated, decidedAt, decidedBy, reason } = gate;
  return {
    status,
    prompt,
    digest,
    approvers: approversOf(definition, escalated),
    min: definition.min,
    approvals: gate.approvals.map(({ actor, ...rest }) => ({ who: actorName(actor), ...rest })),
    openedAt,
    expiresAt,
    escalated,
    ...(decidedAt === undefined ? {} : { decidedAt }),
    ...(decidedBy ? { decidedBy: actorName(decidedBy) } : {}),
    ...(reason === undefined ? {} : { reason }),
  };
}
