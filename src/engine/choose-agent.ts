import type { Acl } from "../domain/acl.ts";
import type { Actor } from "../domain/actor.ts";
import type { Registry } from "../domain/agent-card.ts";
import { resolveCapability } from "../domain/workflow-check.ts";
import type { TaskAction } from "../domain/workflow-types.ts";
import { Refusal } from "../kernel/refusal.ts";
import { findAgent } from "./delegate.ts";
import type { Agents } from "./ports/agents.ts";

export type Choice = { readonly agent: string; readonly why: string };
export type ChooseAgent = (actor: Actor, action: Pick<TaskAction, "agent" | "capability">) => Promise<Choice>;

/** The agent that a step names, or the first one with its capability that is allowed and not known to be down. */
export function createChooseAgent(deps: {
  readonly registry: () => Registry;
  readonly acl: () => Acl;
  readonly agents: Pick<Agents, "health">;
}): ChooseAgent {
  return async (actor, { agent, capability }) => {
    const registry = deps.registry();
    if (agent !== undefined) return { agent: findAgent(registry, agent).id, why: "named by the step" };
    const wanted = capability ?? "";
    const candidates = resolveCapability(registry, deps.acl(), actor, wanted);
    const allowed = candidates.filter((candidate) => candidate.allowed);
    const isUp = (id: string) =>
      !["down", "unauthorized"].includes(deps.agents.health(id)?.state ?? "unknown");
    const best = allowed.find(({ agent: id }) => isUp(id)) ?? allowed[0];
    if (best) {
      const others = candidates.filter((other) => other !== best);
      const lacked = others.map((other) =>
        other.allowed ? `${other.agent} ${isUp(other.agent) ? "comes after it" : "is down"}` : other.why,
      );
      const rest = lacked.length > 0 ? `; ${lacked.join("; ")}` : "";
      return { agent: best.agent, why: `has ${wanted}${rest}` };
    }
    if (candidates.length === 0) {
      const known = [...new Set(registry.agents.flatMap(({ capabilities }) => capabilities))].toSorted();
      throw new Refusal("unknown_agent", `No agent has the capability "${wanted}".`, {
        hint: `There are: ${known.join(", ")}.`,
      });
    }
    throw new Refusal("not_allowed", `Nobody with the capability "${wanted}" may be asked.`, {
      hint: candidates.map(({ why }) => why).join(" "),
    });
  };
}
