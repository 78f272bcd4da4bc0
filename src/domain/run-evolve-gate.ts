import type { Actor } from "./actor.ts";
import type { GateApproval, GateState, RunEvent, StepState } from "./run-types.ts";

type GateEvent = Extract<RunEvent, { type: `gate.${string}` }>;

/** A person in two roles, or the operator in two names, is one. */
export function keyOfActor(actor: Actor): string {
  return actor.kind === "operator" ? "operator" : `${actor.kind} ${actor.id}`;
}

/** What a decision after the decision is known by. */
export function lateKey(decision: "approve" | "reject", actor: Actor): string {
  return `${decision} by ${keyOfActor(actor)}`;
}

export function evolveGate(step: StepState, event: GateEvent): StepState {
  if (event.type === "gate.opened") {
    const { at: openedAt, prompt, digest, expiresAt, remindAt } = event;
    const gate: GateState = {
      status: "open",
      openedAt,
      expiresAt,
      prompt,
      digest,
      approvals: [],
      reminders: 0,
      escalated: false,
      ...(remindAt === undefined ? {} : { remindAt }),
    };
    const { held: _, ...before } = step;
    return { ...before, status: "waiting", startedAt: openedAt, gate };
  }
  const { gate } = step;
  if (!gate || event.generation !== step.generation) return step;
  return { ...step, gate: changed(gate, event) };
}

function changed(gate: GateState, event: Exclude<GateEvent, { type: "gate.opened" }>): GateState {
  const { remindAt: _, ...rest } = gate;
  switch (event.type) {
    case "gate.approval":
      return { ...gate, approvals: [...gate.approvals, approvalIn(event)] };
    case "gate.reminded":
      return { ...rest, reminders: gate.reminders + 1, ...reminder(event) };
    case "gate.escalated":
      return { ...rest, escalated: true, expiresAt: event.expiresAt, ...reminder(event) };
    case "gate.decided":
      return {
        ...rest,
        status: event.status,
        decidedAt: event.at,
        ...(event.actor ? { decidedBy: event.actor } : {}),
        ...(event.reason === undefined ? {} : { reason: event.reason }),
      };
    case "gate.late-decision":
      return { ...gate, late: [...(gate.late ?? []), lateKey(event.decision, event.actor)] };
  }
}

function approvalIn({ actor, at, reason }: Extract<GateEvent, { type: "gate.approval" }>): GateApproval {
  return { actor, at, ...(reason === undefined ? {} : { reason }) };
}

function reminder({ remindAt }: { readonly remindAt?: number }): Pick<GateState, "remindAt"> {
  return remindAt === undefined ? {} : { remindAt };
}
