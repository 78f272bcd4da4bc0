import type { Actor } from "../domain/actor.ts";
import type { Config } from "../domain/config.ts";
import type { RunPlan } from "../domain/run-plan.ts";
import { checkInputs, permissionProblems } from "../domain/workflow-check.ts";
import type { InputValue, WorkflowDefinition } from "../domain/workflow-types.ts";
import { createChooseAgent } from "../engine/choose-agent.ts";
import { nestedOf } from "../engine/create-run-verbs.ts";
import { findAgent } from "../engine/delegate.ts";
import { createPlanRun } from "../engine/plan-run.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Io } from "./io.ts";
import { findEntry, readWorkflows } from "./workflow-files.ts";

export type Asked = {
  readonly name: string;
  readonly inputs: Readonly<Record<string, InputValue>>;
  readonly caller?: string | undefined;
};

/** What a run would be made of; refused with every problem at once, as the supervisor would. */
export function agreeOffline(io: Io, asked: Asked) {
  const { config, entries } = readWorkflows(io);
  const { registry, acl } = config;
  const actor = actorOf(io, config, asked.caller);
  const find = (name: string): WorkflowDefinition => {
    const { definition, problems } = findEntry(entries, name);
    if (definition) return definition;
    throw new Refusal("invalid_input", `The workflow ${name} is not valid: ${problems.join("; ")}`, {
      hint: "Mend the file; `hq check` names every place.",
    });
  };
  const definition = find(asked.name);
  const nested = nestedOf(definition, find);
  const checked = checkInputs(definition, asked.inputs);
  const forbidden = permissionProblems(definition, nested, actor, acl, registry);
  const problems = [...(checked.ok ? [] : checked.problems), ...forbidden];
  if (checked.ok && problems.length === 0)
    return { config, actor, definition, nested, inputs: checked.inputs };
  const code = checked.ok ? "not_allowed" : "invalid_input";
  throw new Refusal(code, `${definition.name} cannot be started.`, {
    problems,
    ...(checked.ok ? { hint: "`hq acl explain` shows the rules." } : {}),
  });
}

/** The plan without a supervisor: nothing is called, and nothing is known of how long agents took before. */
export async function planOffline(io: Io, asked: Asked): Promise<RunPlan> {
  const { config, actor, definition, nested, inputs } = agreeOffline(io, asked);
  const plan = createPlanRun({
    agreed: () => ({ definition, nested, inputs }),
    chooseAgent: createChooseAgent({
      registry: () => config.registry,
      acl: () => config.acl,
      agents: { health: () => undefined },
    }),
    expectedMs: async () => undefined,
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
