import type { Actor } from "../domain/actor.ts";
import { Refusal } from "../kernel/refusal.ts";

/** People without the right to operate, and agents, change what they asked for themselves. */
export function refuseForeign(actor: Actor, asker: Actor, id: string, what: string): void {
  if (actor.kind === "operator" || actor.kind === "system") return;
  if (actor.kind === "person" && actor.rights.includes("operate")) return;
  const isOwn = asker.kind === actor.kind && "id" in asker && asker.id === actor.id;
  if (isOwn) return;
  throw new Refusal("not_allowed", `${id} was asked by somebody else.`, {
    hint: `Its asker, an operator, or a person with the right \`operate\` can ${what} it.`,
  });
}

/** Overriding a run's rules is for people. */
export function refuseAgents(actor: Actor, what: string): void {
  if (actor.kind !== "agent") return;
  throw new Refusal("not_allowed", `Agents do not ${what}.`, {
    hint: "Ask a person, or hand the wish back under `needs:`.",
  });
}
