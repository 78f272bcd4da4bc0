import type { Actor } from "../domain/actor.ts";
import type { Config } from "../domain/config.ts";
import type { RunPlan } from "../domain/run-plan.ts";
import type { InputValue } from "../domain/workflow-types.ts";
import { createAgree } from "../engine/agree.ts";
import { createChooseAgent, findAgent } from "../engine/choose-agent.ts";
import { createPlanRun } from "../engine/plan-run.ts";
import type { Io } from "./io.ts";
import { readWorkflows } from "./workflow-files.ts";

export type Asked = {
  readonly name: string;
  readonly inputs: Readonly<Record<string, InputValue>>;
  readonly caller?: string | undefined;
};

/** What a run would be made of; refused with every problem at once, as the supervisor would. */
export function agreeOffline(io: Io, asked: Asked) {
  const { config, entries } = readWorkflows(io);
  const actor = actorOf(io, config, asked.caller);
  const agree = createAgree({
    workflows: () => entries,
    registry: () => config.registry,
    acl: () => config.acl,
  });
  return { config, actor, agree, ...agree(actor, { workflow: asked.name, inputs: asked.inputs }) };
}

/** The plan without a supervisor: nothing is called, and nothing is known of how long agents took before. */
export async function planOffline(io: Io, asked: Asked): Promise<RunPlan> {
  const { config, actor, agree } = agreeOffline(io, asked);
  const plan = createPlanRun({
    agree,
    chooseAgent: createChooseAgent({
      registry: () => config.registry,
      acl: () => config.acl,
      agents: { probe: async () => ({ state: "unknown", text: "not asked", checkedAt: 0, since: 0 }) },
      conditions: async () => () => undefined,
    }),
    expectedMs: async () => undefined,
    registry: () => config.registry,
    acl: () => config.acl,
    settings: () => config.settings,
  });
  return plan(actor, { workflow: asked.name, inputs: asked.inputs });
}

/** Nobody is here to check a token: what it may is the supervisor's to say. */
function actorOf(io: Io, config: Config, caller: string | undefined): Actor {
  if (io.env.HQ_AGENT_TOKEN)
    io.err("No supervisor runs, so the token is not looked at: the plan is the operator's.\n");
  if (caller === undefined || caller === "operator") return { kind: "operator" };
  return { kind: "operator", claims: findAgent(config.registry, caller).id };
}
