import { type Actor, actorName } from "../domain/actor.ts";
import type { AgentCard, Registry } from "../domain/agent-card.ts";
import { type SkillState, skillStream } from "../domain/skill.ts";
import { Refusal } from "../kernel/refusal.ts";
import { type Engine, stateOf } from "./accept.ts";
import { findAgent } from "./choose-agent.ts";
import type { OrchestratorVerbs, SkillView } from "./orchestrator-verbs.ts";
import type { Ledger } from "./ports/ledger.ts";

const MOST_LISTED = 500;

/** What skills were made known here. The registry stays as config/agents.yaml has it. */
export function createSkills(deps: {
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly registry: () => Registry;
  readonly now: () => number;
}): Pick<OrchestratorVerbs, "register" | "skills"> {
  const { engine, ledger, now } = deps;

  const viewOf = ({ skill, ...rest }: SkillState): SkillView => ({
    skillId: skill,
    ...rest,
    cards: deps
      .registry()
      .agents.filter(({ skills, capabilities }) => [...skills, ...capabilities].includes(skill))
      .map(({ id }) => id),
  });

  /** An agent registers for itself; everybody else names an agent of the registry, or none. */
  function cardFor(actor: Actor, word: string | undefined): AgentCard | undefined {
    const card = word === undefined ? undefined : findAgent(deps.registry(), word);
    if (actor.kind !== "agent") return card;
    if (card && card.id !== actor.id) {
      throw new Refusal("not_allowed", `${actor.id} registers skills for itself alone.`, {
        instance: card.id,
      });
    }
    return findAgent(deps.registry(), actor.id);
  }

  return {
    async register(actor, { skillId, instance, version, description }) {
      const card = cardFor(actor, instance);
      const input = {
        type: "register",
        at: now(),
        skill: skillId,
        by: actorName(actor),
        ...(card ? { agent: card.id } : {}),
        ...(version === undefined ? {} : { version }),
        ...(description === undefined ? {} : { description }),
      } as const;
      const stream = skillStream(skillId);
      const { state } = await engine.accept({
        kind: "skill",
        stream,
        input,
        cause: `register ${skillId}`,
        actor,
      });
      if (!state) throw new Error(`${skillId} was registered without a state`);
      const skill = viewOf(state);
      if (!card) return { skill };
      const { id: agent, letter, capabilities, skills } = card;
      return { skill, card: { agent, ...(letter ? { letter } : {}), capabilities, skills } };
    },
    async skills() {
      const { items } = await ledger.list({ kind: "skill", limit: MOST_LISTED });
      return items.map((item) => viewOf(stateOf("skill", item)));
    },
  };
}
