import type { TaskAction } from "./workflow-types.ts";

/** Who does a task, in words: an agent, one of some workers, or whoever has a capability. */
export function whoDoes({ agent, workers, capability }: TaskAction): string {
  return agent ?? workers?.join(" or ") ?? `capability ${capability ?? ""}`;
}
