import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import type { ConfigProblem } from "../domain/config.ts";
import { CONTRACT_TYPES, type SkillContract } from "../domain/skill-contract.ts";
import { type JsonSchema, problemAt, problemsOf, suggest } from "./problems.ts";
import { readYaml, type YamlSource } from "./yaml-source.ts";

export const CONTRACTS_DIR = "skill_contracts";

const skillName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,59}$/, "must be small letters, digits and dashes, such as python-backend");
const word = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,59}$/, "must be small letters, digits, dashes and underscores");
const port = {
  name: word,
  type: z.enum(CONTRACT_TYPES),
  description: z.string().max(400).default(""),
};
const words = z.array(word).max(50).default([]);

/** A file of config/skill_contracts: what a skill can do, what it needs and what it brings. */
export const skillContractSchema = z.strictObject({
  $schema: z.string().optional(),
  name: skillName.describe("The file's name without .json."),
  skill_path: z.string().min(1).max(300).describe("Where the skill's text is, for people."),
  description: z.string().max(1000).default(""),
  capabilities: z.array(word).min(1).max(50).describe("What stages of pipelines ask for."),
  inputs: z
    .array(z.strictObject({ ...port, required: z.boolean().default(false) }))
    .max(50)
    .default([]),
  outputs: z.array(z.strictObject(port)).max(50).default([]),
  side_effects: z.array(z.string().max(400)).max(50).default([]),
  triggers_hooks: words.describe("Events of work items that it causes."),
  subscribes_hooks: words.describe("Events of work items that it follows."),
  upstream: words.describe("Skills whose work comes to it."),
  downstream: words.describe("Skills to which its work goes."),
  estimated_minutes: z.number().positive().max(1440),
  model_preference: z.string().max(120).default(""),
});

export type LoadedContracts = {
  readonly contracts: readonly SkillContract[];
  readonly files: readonly string[];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];
};

/** Every contract of a configuration folder in the order of the file names; a folder that is not there has none. */
export function loadContracts(configDir: string): LoadedContracts {
  const dir = join(configDir, CONTRACTS_DIR);
  const names = contractNames(dir);
  const read = names
    .filter((name) => name.endsWith(".json"))
    .map((name) => ({ file: join(dir, name), ...readContract(join(dir, name)) }));
  const contracts = read.flatMap(({ contract }) => (contract ? [contract] : []));
  return {
    contracts,
    files: read.map(({ file }) => file),
    problems: read.flatMap(({ problems }) => problems),
    warnings: [
      ...names
        .filter((name) => !name.endsWith(".json") && !name.startsWith("."))
        .map((name) => ({
          file: join(dir, name),
          path: "",
          message: "is not read: contracts are files that end in .json",
        })),
      ...read.flatMap(({ contract, source }) =>
        contract && source ? strangersOf(contract, source, contracts) : [],
      ),
    ],
  };
}

/** The names in the folder, sorted: the order is the same on every machine. */
export function contractNames(dir: string): readonly string[] {
  try {
    return readdirSync(dir).toSorted();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw cause;
  }
}

function readContract(file: string): {
  readonly contract?: SkillContract;
  readonly source?: YamlSource;
  readonly problems: readonly ConfigProblem[];
} {
  // JSON is YAML too, and only that parser knows where things stand; yet comments and bare words are no JSON.
  const read = readYaml(file);
  if (read.kind === "missing") return { problems: [{ file, path: "", message: "is gone" }] };
  if (read.kind === "bad") return { problems: read.problems };
  const { source } = read;
  const broken = jsonProblem(file);
  if (broken) return { problems: [broken] };
  const parsed = skillContractSchema.safeParse(source.value);
  const schema = z.toJSONSchema(skillContractSchema, { io: "input" }) as JsonSchema;
  if (!parsed.success) return { source, problems: problemsOf(parsed.error, source, schema) };
  const { $schema: _, ...contract } = parsed.data;
  const expected = basename(file, ".json");
  if (contract.name === expected) return { contract, source, problems: [] };
  const message = `is "${contract.name}", and the file is ${expected}.json`;
  const suggestion = `name the file ${contract.name}.json, or the skill "${expected}"`;
  return { source, problems: [problemAt(source, ["name"], message, { suggestion })] };
}

function jsonProblem(file: string): ConfigProblem | undefined {
  try {
    JSON.parse(readFileSync(file, "utf8"));
    return undefined;
  } catch (cause) {
    const suggestion = "JSON has no comments, no bare words and no comma before a closing bracket";
    return { file, path: "", message: `is not JSON: ${(cause as Error).message}`, suggestion };
  }
}

/** Skills before and after it of which there is no contract: a slip, or one that is to be written. */
function strangersOf(
  contract: SkillContract,
  source: YamlSource,
  all: readonly SkillContract[],
): readonly ConfigProblem[] {
  const names = all.map(({ name }) => name);
  return (["upstream", "downstream"] as const).flatMap((key) =>
    contract[key].flatMap((word, index) =>
      names.includes(word)
        ? []
        : [
            problemAt(source, [key, index], `there is no contract "${word}"`, {
              suggestion: suggest(word, names),
            }),
          ],
    ),
  );
}

/** Skills of agents of which there is no contract: no stage of a pipeline would ever ask for them. */
export function doubtsAboutSkills(
  agents: Readonly<Record<string, { readonly skills: readonly string[] }>>,
  source: YamlSource,
  { contracts, problems }: Pick<LoadedContracts, "contracts" | "problems">,
): readonly ConfigProblem[] {
  const names = contracts.map(({ name }) => name);
  if (names.length === 0 || problems.length > 0) return [];
  return Object.entries(agents).flatMap(([id, { skills }]) =>
    skills.flatMap((word, index) =>
      names.includes(word)
        ? []
        : [
            problemAt(source, ["agents", id, "skills", index], `there is no contract "${word}"`, {
              suggestion: suggest(word, names),
            }),
          ],
    ),
  );
}
