import { z } from "zod";
import type { Actor } from "../domain/actor.ts";
import type { Verbs } from "../engine/verbs.ts";
import { Refusal } from "../kernel/refusal.ts";

/** Set on the answer to a request that was carried out before. */
export const REPEATED = "idempotent-replay";
export const keyHeader = z.looseObject({ "idempotency-key": z.string().optional() });

export function keyOf(header: string | undefined): string | undefined {
  if (header === undefined || /^[\x21-\x7e]{1,200}$/.test(header)) return header;
  throw new Refusal("invalid_input", "Idempotency-Key: 1 to 200 printable characters without spaces.");
}

/** `caller` is a claim: the operator may make any, an agent only that it is itself. */
export async function claimed(
  actor: Actor,
  caller: string | undefined,
  verbs: Pick<Verbs, "agent">,
): Promise<Actor> {
  if (caller === undefined || (caller === "operator" && actor.kind === "operator")) return actor;
  const { card } = await verbs.agent(caller);
  if (actor.kind === "operator") return { ...actor, claims: card.id };
  if (actor.kind === "agent" && actor.id === card.id) return actor;
  throw new Refusal("not_allowed", `Only the operator may ask in the name of ${card.id}.`, {
    hint: "Leave the caller out: your key already says who you are.",
  });
}
