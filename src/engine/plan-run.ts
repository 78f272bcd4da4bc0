import type { Actor } from "../domain/actor.ts";
import { planOf } from "../domain/run-plan.ts";
import type { InputValue, TaskAction, WorkflowDefinition } from "../domain/workflow-types.ts";
import type { Choice, ChooseAgent } from "./choose-agent.ts";
import type { ExpectedMs } from "./expectations.ts";
import type { RunVerbs, StartRunRequest } from "./run-verbs.ts";

/** What a run would do: agents with reasons, waves, gates, and the time it would take by the agents' history. Changes nothing. */
export function createPlanRun(deps: {
  readonly agreed: (
    actor: Actor,
    request: Pick<StartRunRequest, "workflow" | "inputs">,
  ) => {
    readonly definition: WorkflowDefinition;
    readonly nested: Readonly<Record<string, WorkflowDefinition>>;
    readonly inputs: Readonly<Record<string, InputValue>>;
  };
  readonly chooseAgent: ChooseAgent;
  readonly expectedMs: ExpectedMs;
}): RunVerbs["planRun"] {
  return async (actor, request) => {
    const { definition, nested, inputs } = deps.agreed(actor, request);
    const chosen = new Map<string, Choice & { readonly ms: number | undefined }>();
    for (const { steps } of [definition, ...Object.values(nested)]) {
      for (const { action } of steps) {
        if (action.kind !== "task" || chosen.has(wordOf(action))) continue;
        const choice = await deps.chooseAgent(actor, action);
        chosen.set(wordOf(action), { ...choice, ms: await deps.expectedMs(choice.agent) });
      }
    }
    return planOf({
      definition,
      nested,
      inputs,
      resolve: (action) => chosen.get(wordOf(action)),
      estimate: (action) => chosen.get(wordOf(action))?.ms,
    });
  };
}

function wordOf({ agent, capability }: TaskAction): string {
  return agent === undefined ? `capability ${capability}` : agent;
}
