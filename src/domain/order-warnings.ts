import type { AgentCard } from "./agent-card.ts";
import type { Order } from "./delegation-types.ts";

const MANY_WORDS = 500;
/** With single letters between spaces; fewer characters need no counting. */
const FEWEST_CHARS = 2 * MANY_WORDS;

/** What of an order is not as whoever asked would think, a sentence or two each that say what to do. */
export function warningsFor(
  order: Pick<Order, "objective" | "agentPosts">,
  card: Pick<AgentCard, "id" | "hooksPath">,
): readonly string[] {
  return [...longTask(order), ...silentAgent(order, card)];
}

/** Whether the agent's gateway posts its last reply: a mapped hook takes `deliver` and `to` from its mapping. */
export function isPostedByAgent(
  { agentPosts }: Pick<Order, "agentPosts">,
  card: Pick<AgentCard, "hooksPath">,
): boolean {
  return agentPosts !== undefined && !isMapped(card);
}

/** A gateway's own hook is `agent`, below whatever path its hooks have, and cannot be mapped. */
function isMapped({ hooksPath }: Pick<AgentCard, "hooksPath">): boolean {
  return !/\/agent\/?$/.test(hooksPath);
}

function longTask({ objective }: Pick<Order, "objective">): readonly string[] {
  if (objective.length < FEWEST_CHARS) return [];
  const words = objective.split(/\s+/).filter(Boolean).length;
  if (words <= MANY_WORDS) return [];
  return [
    `The task has ${words} words; agents work better on at most ${MANY_WORDS}. Give the material beside it: --context.`,
  ];
}

function silentAgent(
  order: Pick<Order, "agentPosts">,
  card: Pick<AgentCard, "id" | "hooksPath">,
): readonly string[] {
  if (!order.agentPosts || isPostedByAgent(order, card)) return [];
  return [
    `${card.id} will not post itself: its hook ${card.hooksPath} is mapped, and a mapped hook ignores --agent-posts and --channel. Set its hooks_path to /hooks/agent in config/agents.yaml, or read the result in #results.`,
  ];
}
