import type { Acl } from "../domain/acl.ts";
import type { Actor } from "../domain/actor.ts";
import { type About, mayDo, type Verb } from "../domain/permissions.ts";
import { Refusal } from "../kernel/refusal.ts";

type Rules = Pick<Acl, "verbs">;

/** Says no with the rule unless an actor may do something; `about` names the work that it is done to. */
export function permit(acl: Rules, actor: Actor, verb: Verb, about?: About): void {
  const { allowed, text, hint } = mayDo(acl, actor, verb, about);
  if (!allowed) throw new Refusal("not_allowed", text, hint === undefined ? {} : { hint });
}
