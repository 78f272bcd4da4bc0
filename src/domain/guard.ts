import { Refusal } from "../kernel/refusal.ts";
import { formatDuration } from "../kernel/time.ts";
import { type Acl, askableBy } from "./acl.ts";
import type { Actor } from "./actor.ts";
import type { Registry } from "./agent-card.ts";
import type { Order } from "./delegation-types.ts";
import { mayDo } from "./permissions.ts";

type Parent = NonNullable<Order["parent"]>;
type Link = Pick<Order, "agent" | "parent" | "actor">;

/** The agents at work on a delegation, the first to ask comes first: whatever is asked next is asked by the last one. */
export function chainOf({ agent, parent, actor }: Link): readonly string[] {
  const asker = actor.kind === "operator" ? actor.claims : actor.kind === "agent" ? actor.id : undefined;
  return [...(parent?.chain ?? (asker === undefined ? [] : [asker])), agent];
}

/**
 * What an agent asks for in a run belongs to that run: with the run's token whatever the request says, with its own
 * token where it says so.
 */
export function boundToRun<Request extends { readonly parent?: string }>(
  actor: Actor,
  request: Request,
): Request {
  if (actor.kind !== "agent" || actor.run === undefined || request.parent === actor.run) return request;
  if (request.parent === undefined) return { ...request, parent: actor.run };
  throw new Refusal("not_allowed", `The token is of ${actor.run} and binds to nothing else.`, {
    hint: `Leave the parent (--parent ${request.parent}) out: the token says on whose behalf you ask.`,
  });
}

/** Only whoever works on a delegation asks on its behalf; people and the operator may, for it. */
export function refuseForeignParent(actor: Actor, { id, agent }: Pick<Order, "id" | "agent">): void {
  if (actor.kind !== "agent" || actor.id === agent) return;
  throw new Refusal("not_allowed", `${id} is worked on by ${agent}, not by ${actor.id}.`, {
    hint: "Give the run id from your own prompt as the parent, or leave it out.",
  });
}

/**
 * Whether a delegation may begin another one: not too deep, not in a circle, not beyond its own deadline.
 * Returns the child's place in the chain; throws a Refusal before anything is sent.
 */
export function placeInChain(input: {
  readonly parent: Pick<Order, "id"> & Link & { readonly deadlineAt?: number };
  readonly agent: string;
  readonly timeoutMs: number | undefined;
  /** How often an agent may hand on what another one asked of it. */
  readonly maxDepth: number;
  readonly nowMs: number;
}): Parent {
  const { parent, agent, maxDepth } = input;
  const chain = chainOf(parent);
  const depth = chain.length;
  if (chain.includes(agent)) {
    throw new Refusal("guard_cycle", `${[...chain, agent].join(" → ")} goes in a circle.`, {
      hint: "An agent that already works on this chain cannot be asked again inside it.",
    });
  }
  if (depth > maxDepth) {
    throw new Refusal(
      "guard_depth",
      `${[...chain, agent].join(" → ")} would be level ${depth}; at most ${maxDepth} are allowed.`,
      {
        hint: "Hand the work back instead, with what is needed under `needs:`.",
      },
    );
  }
  const remainingMs = parent.deadlineAt === undefined ? undefined : parent.deadlineAt - input.nowMs;
  if (remainingMs !== undefined && (remainingMs <= 0 || (input.timeoutMs ?? 0) > remainingMs)) {
    throw new Refusal(
      "guard_deadline",
      `${parent.id} has ${formatDuration(remainingMs)} left, the child asks for more.`,
      {
        hint: "Ask with a shorter --timeout, or leave it out to take what remains.",
      },
    );
  }
  return {
    id: parent.id,
    chain,
    depth,
    ...(parent.deadlineAt === undefined ? {} : { deadlineAt: parent.deadlineAt }),
  };
}

/** Whom the agent that works on a delegation may ask in turn. */
export function colleaguesOf(
  order: Pick<Order, "id"> & Link,
  rules: { readonly acl: Acl; readonly registry: Registry; readonly maxDepth: number },
): readonly string[] {
  const { acl, registry, maxDepth } = rules;
  const chain = chainOf(order);
  const actor = { kind: "agent", id: order.agent, run: order.id } as const;
  if (chain.length > maxDepth || !mayDo(acl, actor, "delegate").allowed) return [];
  const mayAsk = askableBy(acl, actor);
  return registry.agents.map(({ id }) => id).filter((id) => !chain.includes(id) && mayAsk(id));
}

/** A part has at most the budget of the whole. */
export function budgetWithin(own: Order["budget"], parent: Order["budget"]): Order["budget"] {
  if (!own || !parent) return own ?? parent;
  const least = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
  const usd = least(own.usd, parent.usd);
  const tokens = least(own.tokens, parent.tokens);
  return { ...(usd === undefined ? {} : { usd }), ...(tokens === undefined ? {} : { tokens }) };
}
