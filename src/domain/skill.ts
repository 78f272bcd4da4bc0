import type { Decider } from "../kernel/decider.ts";
import type { Effect } from "./effects.ts";

/** A skill that somebody made known here, and the agent that has it when one was named. It carries no address. */
export type SkillState = {
  readonly skill: string;
  readonly at: number;
  readonly by: string;
  readonly agents: readonly string[];
  readonly version?: string;
  readonly description?: string;
};

export type SkillInput = {
  readonly type: "register";
  readonly at: number;
  readonly skill: string;
  readonly by: string;
  readonly agent?: string;
  readonly version?: string;
  readonly description?: string;
};
export type SkillEvent = Omit<SkillInput, "type"> & { readonly type: "skill.registered" };

export const skillStream = (skill: string) => `skill-${skill}`;

/** What is known already is no news. */
function decide(state: SkillState | undefined, input: SkillInput): readonly SkillEvent[] {
  const { agent, version, description } = input;
  const isKnown =
    state !== undefined &&
    (agent === undefined || state.agents.includes(agent)) &&
    (version === undefined || version === state.version) &&
    (description === undefined || description === state.description);
  return isKnown ? [] : [{ ...input, type: "skill.registered" }];
}

function evolve(state: SkillState | undefined, event: SkillEvent): SkillState {
  const { type: _, agent, ...rest } = event;
  const agents = state?.agents ?? [];
  return {
    ...state,
    ...rest,
    agents: agent === undefined || agents.includes(agent) ? agents : [...agents, agent],
  };
}

export const skill: Decider<SkillState, SkillInput, SkillEvent, Effect> = {
  decide,
  evolve,
  effects: () => [],
};
