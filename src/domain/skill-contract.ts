import { Refusal } from "../kernel/refusal.ts";
import { nearest } from "../kernel/text.ts";

/** What a skill takes in or brings out. */
export type ContractPort = {
  readonly name: string;
  readonly type: ContractType;
  /** Only of inputs. */
  readonly required?: boolean;
  readonly description: string;
};

export const CONTRACT_TYPES = [
  "markdown",
  "file_paths",
  "list",
  "string",
  "text",
  "enum",
  "telemetry",
  "number",
  "json",
] as const;
export type ContractType = (typeof CONTRACT_TYPES)[number];

/** What a skill says of itself in config/skill_contracts/<name>.json, in the file's own words. */
export type SkillContract = {
  readonly name: string;
  readonly skill_path: string;
  readonly description: string;
  readonly capabilities: readonly string[];
  readonly inputs: readonly ContractPort[];
  readonly outputs: readonly ContractPort[];
  readonly side_effects: readonly string[];
  readonly triggers_hooks: readonly string[];
  readonly subscribes_hooks: readonly string[];
  readonly upstream: readonly string[];
  readonly downstream: readonly string[];
  readonly estimated_minutes: number;
  readonly model_preference: string;
};

/** One or more of the three; all that are given must fit. */
export type ContractQuery = {
  readonly capability?: string | undefined;
  readonly input?: string | undefined;
  readonly output?: string | undefined;
};

export const isSameWord = (a: string, b: string) => a.trim().toLowerCase() === b.trim().toLowerCase();
const has = (ports: readonly ContractPort[], word: string) =>
  ports.some(({ name }) => isSameWord(name, word));

/** The contracts that fit, in the order of their files: the first one is taken where one is needed. */
export function findSkills(
  contracts: readonly SkillContract[],
  query: ContractQuery,
): readonly SkillContract[] {
  const { capability, input, output } = query;
  return contracts.filter(
    (contract) =>
      (capability === undefined || contract.capabilities.some((word) => isSameWord(word, capability))) &&
      (input === undefined || has(contract.inputs, input)) &&
      (output === undefined || has(contract.outputs, output)),
  );
}

export function contractNamed(contracts: readonly SkillContract[], name: string): SkillContract {
  const found = contracts.find((contract) => isSameWord(contract.name, name));
  if (found) return found;
  const names = contracts.map((contract) => contract.name);
  throw new Refusal("not_found", `There is no skill contract "${name}".`, { hint: hintFor(name, names) });
}

/** A contract for each capability, in order. Every capability that nobody names is refused at once. */
export function buildPipeline(
  contracts: readonly SkillContract[],
  capabilities: readonly string[],
): readonly SkillContract[] {
  const found = capabilities.map((capability) => findSkills(contracts, { capability })[0]);
  const problems = capabilities.flatMap((capability, index) =>
    found[index]
      ? []
      : [{ path: `stages.${index}.capability`, message: `No skill found with capability '${capability}'` }],
  );
  const [first] = problems;
  if (!first) return found.filter((contract) => contract !== undefined);
  const unknown = capabilities.filter((_, index) => !found[index]);
  const words = [...new Set(contracts.flatMap((contract) => contract.capabilities))].toSorted();
  const near = unknown.map((word) => nearest(word, words)).filter((word) => word !== undefined);
  throw new Refusal("invalid_input", `${problems.map(({ message }) => message).join("; ")}.`, {
    problems,
    hint: `${near.length > 0 ? `Did you mean ${near.join(", ")}? ` : ""}Name the capability in a contract in config/skill_contracts/; there are: ${words.join(", ") || "none"}.`,
  });
}

function hintFor(word: string, words: readonly string[]): string {
  const near = nearest(word, words);
  return `${near ? `Did you mean ${near}? ` : ""}There are: ${words.join(", ") || "none"}.`;
}
