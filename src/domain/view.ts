import type { Problem } from "../kernel/refusal.ts";
import { actorName, callerOf, type Origin } from "./actor.ts";
import type {
  DelegationState,
  DelegationStatus,
  FailureReason,
  Reroute,
  WaitingReason,
} from "./delegation-types.ts";
import type { Handoff } from "./handoff-types.ts";
import { type ModelChoice, modelText } from "./model-choice.ts";

/** A delegation as every door shows it. Instants are epoch ms, spans ms; absent = not (yet) so. */
export type DelegationView = {
  readonly id: string;
  readonly status: DelegationStatus;
  readonly agent: string;
  /** What was asked for when no agent was named, and why this one was chosen. */
  readonly capability?: string;
  readonly choice?: string;
  /** The model that was asked for or chosen, and why; without a name it is the agent's own. */
  readonly model?: ModelChoice;
  /** Other agents that were to do it and could not be given the work, oldest first. */
  readonly reroutes?: readonly Reroute[];
  /** What is not as whoever asked would think, a sentence or two each. */
  readonly warnings?: readonly string[];
  readonly caller: string;
  readonly asker: string;
  readonly objective: string;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  readonly queuedAt: number;
  readonly dispatchedAt?: number;
  readonly deadlineAt?: number;
  readonly settledAt?: number;
  readonly waiting?: { readonly reason: WaitingReason; readonly text: string; readonly untilAt: number };
  readonly code?: FailureReason | "canceled" | "blocked";
  readonly reason?: string;
  readonly problems: readonly Problem[];
  readonly handoff?: Handoff;
  readonly deliver: boolean;
  readonly validate: boolean;
  readonly format: "json" | "text";
  readonly parent?: string;
  readonly workflow?: { readonly run?: string; readonly step?: string };
  readonly origin: Origin;
  readonly attempts: DelegationState["attempts"];
};

export function viewOf(state: DelegationState): DelegationView {
  const { order, outcome } = state;
  const current = state.attempts.at(-1);
  const failed = state.attempts.findLast((attempt) => attempt.problems?.length);
  return {
    id: order.id,
    status: state.status,
    agent: order.agent,
    ...(order.capability === undefined ? {} : { capability: order.capability }),
    ...(order.choice === undefined ? {} : { choice: order.choice }),
    ...(order.modelChoice ? { model: order.modelChoice } : {}),
    ...(state.reroutes ? { reroutes: state.reroutes } : {}),
    ...(order.warnings ? { warnings: order.warnings } : {}),
    caller: callerOf(order.actor),
    asker: actorName(order.actor),
    objective: order.objective,
    attempt: current?.attempt ?? 1,
    maxAttempts: order.maxAttempts,
    timeoutMs: order.timeoutMs,
    queuedAt: order.queuedAt,
    ...(current?.dispatchedAt === undefined ? {} : { dispatchedAt: current.dispatchedAt }),
    ...(current?.deadlineAt === undefined ? {} : { deadlineAt: current.deadlineAt }),
    ...(outcome ? { settledAt: outcome.at } : {}),
    ...(state.waiting && !outcome ? { waiting: state.waiting } : {}),
    ...(outcome?.code ? { code: outcome.code } : {}),
    ...(outcome?.reason ? { reason: outcome.reason } : {}),
    problems: outcome?.problems ?? failed?.problems ?? [],
    ...(outcome?.handoff ? { handoff: outcome.handoff } : {}),
    deliver: order.deliver,
    validate: order.validate,
    format: order.format,
    ...(order.parent ? { parent: order.parent.id } : {}),
    ...(order.workflow ? { workflow: order.workflow } : {}),
    origin: order.origin,
    attempts: state.attempts,
  };
}

/** Why this agent does it, and with which model, a sentence each; none when it was named and has it still. */
export function routeWords(
  view: Pick<DelegationView, "agent" | "capability" | "choice" | "reroutes" | "model">,
): readonly string[] {
  const { choice, reroutes = [], model } = view;
  const first = reroutes[0]?.from ?? view.agent;
  return [
    ...(choice === undefined ? [] : [`${first} was chosen: ${choice}.`]),
    ...reroutes.map(({ from, to, why }) => `Rerouted from ${from} to ${to}: ${why}.`),
    ...(model ? [`Model ${modelText(model)}.`] : []),
  ];
}
