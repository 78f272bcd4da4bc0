import type { Acl } from "../domain/acl.ts";
import type { Registry } from "../domain/agent-card.ts";
import { delegateOnBy } from "../domain/delegate-on.ts";
import { chooseModel, type ModelChoice } from "../domain/model-choice.ts";
import { adviceOn, adviceText } from "../domain/pattern-advice.ts";
import { planOf } from "../domain/run-plan.ts";
import type { Settings } from "../domain/settings.ts";
import { costOf, findModel } from "../domain/task-settings.ts";
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
  readonly registry: () => Registry;
  readonly acl: () => Acl;
  /** For what models cost. */
  readonly settings: () => Pick<Settings, "taskQueue" | "models">;
}): RunVerbs["planRun"] {
  return async function planRun(actor, request) {
    const { definition, nested, inputs } = deps.agree(actor, request);
    const chosen = new Map<string, Choice & { readonly ms: number | undefined }>();
    for (const { steps } of [definition, ...Object.values(nested)]) {
      for (const { action } of steps) {
        if (action.kind !== "task" || chosen.has(wordOf(action))) continue;
        if (action.workers) {
          const agent = action.workers.join(" or ");
          chosen.set(wordOf(action), { agent, why: "whom the supervising agent names", ms: undefined });
          continue;
        }
        const choice = await deps.chooseAgent(actor, whoOf(action));
        chosen.set(wordOf(action), { ...choice, ms: await deps.expectedMs(choice.agent) });
      }
    }
    const all = [definition, ...Object.values(nested)];
    const mayDelegateOn = delegateOnBy(deps.acl(), deps.registry());
    return planOf({
      advice: all.flatMap((one) =>
        adviceOn(one, mayDelegateOn).map(
          (advice) => `${one === definition ? "" : `${one.name}, `}${adviceText(advice)}`,
        ),
      ),
      price: (action, tokens, words) => {
        const named = modelOf(action, words)?.model;
        return named === undefined
          ? priceOf(chosen.get(wordOf(action))?.agent, tokens)
          : costOf(deps.settings().taskQueue.prices, named, { input: tokens, output: 0 });
      },
      model: modelOf,
      definition,
      nested,
      inputs,
      resolve: (action) => chosen.get(wordOf(action)),
      estimate: (action) => chosen.get(wordOf(action))?.ms,
    });
  };

  function modelOf({ model, template, capability }: TaskAction, words: number): ModelChoice | undefined {
    if (model === undefined) return undefined;
    return chooseModel(model, { words, template: template?.name, capability }, deps.settings());
  }

  /** By the model that the registry names for the agent. */
  function priceOf(agent: string | undefined, tokens: number): number | undefined {
    const { taskQueue } = deps.settings();
    const named = agent === undefined ? undefined : deps.registry().find(agent)?.model;
    const model = named === undefined ? undefined : findModel(taskQueue, named)?.model;
    return model === undefined ? undefined : costOf(taskQueue.prices, model, { input: tokens, output: 0 });
  }
}

function wordOf({ agent, capability, workers }: TaskAction): string {
  if (workers) return `workers ${workers.join(" ")}`;
  return agent === undefined ? `capability ${capability}` : agent;
}

/** A plan changes nothing and asks nobody how they are. */
function whoOf({ agent, capability }: TaskAction) {
  return {
    ...(agent === undefined ? {} : { agent }),
    ...(capability === undefined ? {} : { capability }),
  };
}
