import { type Actor, actorName } from "./actor.ts";
import { keyOfActor } from "./run-evolve-gate.ts";
import type { RunOrder } from "./run-types.ts";
import type { GateDefinition, WorkflowDefinition } from "./workflow-types.ts";

export type DecidingAnswer =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly text: string; readonly hint: string };

/** Who is asked: after an escalation those above as well. */
export function approversOf(gate: GateDefinition, isEscalated: boolean): readonly string[] {
  return isEscalated ? [...new Set([...gate.approvers, ...gate.escalateTo])] : gate.approvers;
}

/** Whether somebody may decide a gate of a run, and if not, who may. */
export function mayDecide(
  order: Pick<RunOrder, "actor" | "id">,
  gate: GateDefinition,
  actor: Actor,
  isEscalated = false,
): DecidingAnswer {
  const approvers = approversOf(gate, isEscalated);
  const hint = `It can be decided by ${approvers.length > 0 ? approvers.map(approverName).join(", ") : "people with the right `operate`"}, or by the operator.`;
  if (actor.kind === "agent" || actor.kind === "system")
    return { allowed: false, text: `${actorName(actor)} may not decide: gates are for people.`, hint };
  if (gate.preventSelfApproval && keyOfActor(actor) === keyOfActor(order.actor) && actor.kind === "person") {
    const text = `${actorName(actor)} asked for ${order.id} and may not decide its gate.`;
    return { allowed: false, text, hint: "Somebody else has to decide it; this workflow says so." };
  }
  if (actor.kind === "operator" || isNamed(actor, approvers)) return { allowed: true };
  return { allowed: false, text: `${actorName(actor)} may not decide this gate.`, hint };
}

function isNamed(actor: Extract<Actor, { kind: "person" }>, approvers: readonly string[]): boolean {
  if (approvers.length === 0) return actor.rights.includes("operate");
  const roles = new Set(actor.roles?.flatMap(({ id, name }) => [id, plainName(name)]));
  return approvers.some((approver) => {
    const [kind, ...rest] = approver.split(":");
    const name = rest.join(":");
    return kind === "user" ? name === actor.id : kind === "role" && roles.has(plainName(name));
  });
}

/** Roles that gates name, approvers and those they are escalated to, with where they stand. */
export function rolesOfGates(
  workflows: readonly Pick<WorkflowDefinition, "name" | "steps">[],
): readonly { readonly workflow: string; readonly step: string; readonly role: string }[] {
  return workflows.flatMap(({ name, steps }) =>
    steps.flatMap(({ id, action }) => {
      if (action.kind !== "approval") return [];
      const { approvers, escalateTo } = action.gate;
      const roles = [...approvers, ...escalateTo].flatMap((word) => /^role:(.+)$/.exec(word)?.[1] ?? []);
      return [...new Set(roles)].map((role) => ({ workflow: name, step: id, role }));
    }),
  );
}

const plainName = (name: string) => name.trim().replace(/^@/, "").toLowerCase();

function approverName(approver: string): string {
  const [kind, ...rest] = approver.split(":");
  const name = rest.join(":").replace(/^@/, "");
  return kind === "role" ? `@${name}` : `the user ${name}`;
}
