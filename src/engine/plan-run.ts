import { planOf } from "../domain/run-plan.ts";
import type { TaskAction } from "../domain/workflow-types.ts";
import type { Agree } from "./agree.ts";
import type { Choice, ChooseAgent } from "./choose-agent.ts";
import type { ExpectedMs } from "./expectations.ts";
import type { RunVerbs } from "./run-verbs.ts";

/** What a run would do: agents with reasons, waves, gates, and the time it would take by the agents' history. Changes nothing. */
export function createPlanRun(deps: {
  readonly agree: Agree;
  readonly chooseAgent: ChooseAgent;
  readonly expectedMs: ExpectedMs;
}): RunVerbs["planRun"] {
  return async (actor, request) => {
    const { definition, nested, inputs } = deps.agree(actor, request);
    const chosen = new Map<string, Choice & { readonly ms: number | undefined }>();
    for (const { steps } of [definition, ...Object.values(nested)]) {
      for (const { action } of steps) {
        if (action.kind !== "task" || chosen.has(wordOf(action))) continue;
        const choice = await deps.chooseAgent(actor, whoOf(action));
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

/** A plan changes nothing and asks nobody how they are. */
function whoOf({ agent, capability }: TaskAction) {
  return {
    ...(agent === undefined ? {} : { agent }),
    ...(capability === undefined ? {} : { capability }),
  };
}
