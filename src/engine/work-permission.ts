import { type Actor, actorName } from "../domain/actor.ts";
import type { Registry } from "../domain/agent-card.ts";
import { Refusal } from "../kernel/refusal.ts";
import { type FoundWork, makerOf } from "./work-items.ts";

/** Agents work on what they made and what is theirs to do; people on what they made, or on all with the right `operate`. */
export function permitWork(actor: Actor, found: FoundWork, registry: Registry): void {
  if (actor.kind === "operator" && actor.claims === undefined) return;
  if (actor.kind === "system" || isMaker(actor, makerOf(found))) return;
  if (actor.kind === "person") {
    if (actor.rights.includes("operate")) return;
    if (actor.as !== undefined && isAssigned(actor.as, found, registry)) return;
  } else if (isAssigned(actor.kind === "agent" ? actor.id : (actor.claims ?? ""), found, registry)) return;
  const slug = found.kind === "own" ? found.state.slug : `${found.run.order.id}, step ${found.step.id}`;
  throw new Refusal("not_allowed", `${actorName(actor)} may not change the work item ${slug}.`, {
    hint: "Whoever made it, whoever it is assigned to, an operator or a person with the right `operate` can. `hq work handoff` assigns it to somebody else.",
  });
}

/** Making one is open to everybody who is somebody here. */
export function permitMaking(actor: Actor): void {
  if (actor.kind !== "person" || actor.rights.length > 0) return;
  throw new Refusal("not_allowed", `@${actor.name} may not make work items.`, {
    hint: "No role or user entry in config/acl.yaml gives you a right; ask the operator to add you under people.",
  });
}

function isMaker(actor: Actor, maker: Actor): boolean {
  if (actor.kind === "operator" && maker.kind === "operator") return actor.claims === maker.claims;
  return actor.kind === maker.kind && "id" in actor && "id" in maker && actor.id === maker.id;
}

function isAssigned(agent: string, found: FoundWork, registry: Registry): boolean {
  const card = registry.find(agent);
  if (!card) return false;
  if (found.kind === "step") return found.step.agent === card.id;
  const word = found.state.assignee;
  return word !== undefined && (word === card.id || [...card.skills, ...card.capabilities].includes(word));
}
