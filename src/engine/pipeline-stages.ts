import type { Actor } from "../domain/actor.ts";
import type { Registry } from "../domain/agent-card.ts";
import type { PipelineView } from "../domain/pipeline.ts";
import type { StageDefinition } from "../domain/pipeline-types.ts";
import { buildPipeline, contractNamed, isSameWord, type SkillContract } from "../domain/skill-contract.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Engine } from "./accept.ts";
import type { ChooseAgent } from "./choose-agent.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { CreatePipeline } from "./work-verbs.ts";

const NAME = /^[a-z][a-z0-9-]{0,39}$/;
const MOST_STAGES = 20;

/** Each stage with the skill that its capability names and an agent that holds it; everything that is missing is told at once. */
export function createStages(deps: {
  readonly registry: () => Registry;
  readonly contracts: () => readonly SkillContract[];
  readonly chooseAgent: ChooseAgent;
  readonly engine: Pick<Engine, "read">;
  readonly ledger: Pick<Ledger, "keyOf">;
}) {
  return async (
    actor: Actor,
    { key, stages: wanted }: CreatePipeline,
  ): Promise<readonly StageDefinition[]> => {
    const before = key && (await deps.ledger.keyOf(key.scope, key.key));
    return (before && (await chosenBefore(before.stream, wanted))) ?? choose(actor, wanted);
  };

  /** As they were when this was asked for before: who holds what, and who can be reached, may differ by now. */
  async function chosenBefore(
    id: string,
    wanted: CreatePipeline["stages"],
  ): Promise<readonly StageDefinition[] | undefined> {
    const run = await deps.engine.read("run", id);
    const made = run?.order.definition.pipeline ?? (await deps.engine.read("pipeline", id));
    if (made?.stages.length !== wanted.length) return undefined;
    return wanted.flatMap(({ capability, goal, skill }, index) => {
      const stage = made.stages[index];
      if (!stage) return [];
      const isKept = skill === undefined || isSameWord(skill, stage.skill);
      return [{ ...stage, capability, goal: goal.trim(), skill: isKept ? stage.skill : skill }];
    });
  }

  async function choose(actor: Actor, wanted: CreatePipeline["stages"]): Promise<readonly StageDefinition[]> {
    const contracts = deps.contracts();
    const found = buildPipeline(
      contracts,
      wanted.map(({ capability }) => capability),
    );
    const skills = wanted.map(({ skill, capability }, index) => {
      const name = skill === undefined ? (found[index]?.name ?? "") : contractNamed(contracts, skill).name;
      return { name, via: heldAs(deps.registry(), name, capability) };
    });
    const problems = skills.flatMap(({ name, via }, index) => {
      const capability = wanted[index]?.capability ?? "";
      const empty = wanted[index]?.goal.trim()
        ? []
        : [{ path: `stages.${index}.goal`, message: "say what is to be done" }];
      return via === undefined
        ? [
            ...empty,
            {
              path: `stages.${index}`,
              message: `no agent holds the skill ${name} or the capability ${capability}`,
            },
          ]
        : empty;
    });
    if (problems.length > 0) {
      const missing = [...new Set(skills.flatMap(({ name, via }) => (via === undefined ? [name] : [])))];
      throw new Refusal(
        "invalid_input",
        problems.map(({ path, message }) => `${path}: ${message}`).join("; "),
        {
          problems,
          ...(missing.length > 0
            ? { hint: `Add \`skills: [${missing.join(", ")}]\` to an agent in config/agents.yaml.` }
            : {}),
        },
      );
    }
    const stages: StageDefinition[] = [];
    for (const [index, { capability, goal }] of wanted.entries()) {
      const { name: skill, via = capability } = skills[index] ?? { name: capability };
      const { agent } = await deps.chooseAgent(actor, { capability: via });
      stages.push({ index, step: `stage-${index}`, capability, goal: goal.trim(), skill, via, agent });
    }
    return stages;
  }
}

/** The word by which somebody is found: the skill itself, else what it is for. */
function heldAs(registry: Registry, skill: string, capability: string): string | undefined {
  return [skill, capability].find((word) => registry.able(word).length > 0);
}

/** The name of a pipeline that can be made. */
export function nameOf({ name, stages }: CreatePipeline): string {
  if (!NAME.test(name))
    throw new Refusal(
      "invalid_input",
      "name: small letters, digits and dashes, beginning with a letter, at most 40.",
    );
  if (stages.length === 0 || stages.length > MOST_STAGES)
    throw new Refusal("invalid_input", `stages: a pipeline has 1 to ${MOST_STAGES} of them.`);
  return name;
}

export function stageOrRefuse(id: string, count: number, index: number, view?: PipelineView) {
  if (Number.isInteger(index) && index >= 0 && index < count)
    return view?.stages[index] as PipelineView["stages"][number];
  throw new Refusal("not_found", `${id} has no stage ${index}.`, {
    hint: `Its stages are 0 to ${count - 1}.`,
  });
}
