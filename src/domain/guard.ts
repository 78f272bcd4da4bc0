import { Refusal } from "../kernel/refusal.ts";
import { formatDuration } from "../kernel/time.ts";
import type { Order } from "./delegation-types.ts";

type Parent = NonNullable<Order["parent"]>;

/**
 * Whether a delegation may begin another one: not too deep, not in a circle, not beyond its own deadline.
 * Returns the child's place in the chain; throws a Refusal before anything is sent.
 */
export function placeInChain(input: {
  readonly parent: Pick<Order, "id" | "agent" | "parent"> & { readonly deadlineAt?: number };
  readonly agent: string;
  readonly timeoutMs: number | undefined;
  readonly maxDepth: number;
  readonly nowMs: number;
}): Parent {
  const { parent, agent, maxDepth } = input;
  const chain = [...(parent.parent?.chain ?? []), parent.agent];
  const depth = (parent.parent?.depth ?? 1) + 1;
  if (depth > maxDepth) {
    throw new Refusal(
      "guard_depth",
      `${[...chain, agent].join(" → ")} would be level ${depth}; at most ${maxDepth} are allowed.`,
      {
        hint: "Hand the work back instead, with what is needed under `needs:`.",
      },
    );
  }
  if (chain.includes(agent)) {
    throw new Refusal("guard_cycle", `${[...chain, agent].join(" → ")} goes in a circle.`, {
      hint: "An agent that already works on this chain cannot be asked again inside it.",
    });
  }
  const remainingMs = parent.deadlineAt === undefined ? undefined : parent.deadlineAt - input.nowMs;
  if (remainingMs !== undefined && (remainingMs <= 0 || (input.timeoutMs ?? 0) > remainingMs)) {
    throw new Refusal(
      "guard_deadline",
      `${parent.id} has ${formatDuration(Math.max(0, remainingMs))} left, the child asks for more.`,
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
