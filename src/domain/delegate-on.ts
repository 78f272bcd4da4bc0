import { type Acl, mayDelegate } from "./acl.ts";
import type { Registry } from "./agent-card.ts";
import type { MayDelegateOn } from "./pattern-advice.ts";

/** Whom the agent of a task may ask in turn; of a capability, the first of those that have it and may. */
export function delegateOnBy(acl: Acl, registry: Registry): MayDelegateOn {
  const targetsOf = (agent: string) =>
    registry.agents.map(({ id }) => id).filter((target) => mayDelegate(acl, agent, target).allowed);
  return ({ agent, capability }) => {
    const able = agent === undefined ? registry.able(capability ?? "") : [registry.find(agent)];
    const found = able.flatMap((card) => (card ? [{ agent: card.id, to: targetsOf(card.id) }] : []));
    return found.find(({ to }) => to.length > 0);
  };
}
