import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { createRegistry } from "../domain/agent-card.ts";
import type { Config, ConfigProblem } from "../domain/config.ts";
import { nearest } from "../kernel/text.ts";
import { checkAcl, doubtsAboutPeople, toAcl, toPeople } from "./acl-file.ts";
import { aclSchema } from "./acl-schema.ts";
import { doubtsAboutAddresses } from "./agent-addresses.ts";
import { agentSchema, agentsSchema } from "./agents-schema.ts";
import { channelsSchema } from "./channels-schema.ts";
import { DEFAULT_AGENTS, DEFAULT_PEOPLE } from "./defaults.ts";
import { checkHandoffPlaces } from "./handoff-places.ts";
import { hqSchema } from "./hq-schema.ts";
import { checkModels } from "./models-file.ts";
import { type JsonSchema, problemsOf } from "./problems.ts";
import { checkAgents, toCards } from "./registry-file.ts";
import { secretsIn } from "./secrets.ts";
import { checkSettings, doubtsAboutSettings, toSettings } from "./settings-file.ts";
import { doubtsAboutSkills, loadContracts } from "./skill-contracts.ts";
import { checkTaskQueue } from "./task-queue-file.ts";
import { readWorkerWishes } from "./worker-env.ts";
import { readYaml, type YamlSource } from "./yaml-source.ts";

export const CONFIG_FILES = ["hq.yaml", "agents.yaml", "channels.yaml", "acl.yaml"] as const;
export type ConfigFileName = (typeof CONFIG_FILES)[number];

/** Where configuration comes from. `home` is HQ_HOME; of `env` HOME is read, for `~`, and the words of worker-env.ts. */
export type ConfigPlace = {
  readonly dir: string;
  readonly installation: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Files that may not be gone or empty: those that said something to a running supervisor before. */
  readonly required?: readonly string[];
};

export type LoadedConfig =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly warnings: readonly ConfigProblem[];
      /** Those that say something. */
      readonly required: readonly string[];
    }
  | {
      readonly ok: false;
      readonly problems: readonly ConfigProblem[];
      readonly warnings: readonly ConfigProblem[];
    };

/** Reads the four files and the skill contracts, checks each and all together, and reports every problem at once. A missing file = its defaults. */
export function loadConfig(place: ConfigPlace): LoadedConfig {
  const problems: ConfigProblem[] = [];
  const warnings: ConfigProblem[] = [...strangersIn(place.dir)];
  const files: string[] = [];
  const required: string[] = [];

  const read = <Schema extends z.ZodType>(name: ConfigFileName, schema: Schema, absent: unknown) => {
    const file = join(place.dir, name);
    const result = readYaml(file);
    const source: YamlSource =
      result.kind === "parsed" ? result.source : { file, value: absent, placeOf: () => ({}) };
    if (result.kind === "bad") problems.push(...result.problems);
    // Whoever writes in place begins with an empty file, and leaves one where the disk is full.
    const isEmpty = result.kind === "parsed" && result.text.trim() === "";
    if (isEmpty || result.kind === "missing") {
      const message = `was read before and is ${isEmpty ? "empty" : "gone"}`;
      if (place.required?.includes(file))
        problems.push({ file, path: "", message, suggestion: "put it back" });
      else if (!isEmpty && existsSync(place.dir))
        warnings.push({ file, path: "", message: "is not there: its defaults hold" });
    } else required.push(file);
    if (result.kind !== "missing") files.push(file);
    const parsed = schema.safeParse(source.value);
    const secrets = secretsIn(source);
    const spoken = new Set(secrets.map((problem) => problem.path));
    const found = parsed.success ? [] : problemsOf(parsed.error, source, jsonSchemaOf(schema));
    problems.push(...secrets, ...found.filter((problem) => !spoken.has(problem.path)));
    return { source, value: parsed.success ? parsed.data : undefined };
  };

  if (!existsSync(place.dir))
    warnings.push({ file: place.dir, path: "", message: "is not there: the defaults hold" });
  const hq = read("hq.yaml", hqSchema, {});
  const agents = read("agents.yaml", agentsSchema, DEFAULT_AGENTS);
  const channels = read("channels.yaml", channelsSchema, {});
  // One agent that is wrong hides neither what is wrong between the others nor what the ACL says of them.
  const entries = entriesOf(agents.source.value);
  problems.push(...checkAgents(entries.good, agents.source));
  const words = wordsOf(entries.all);
  const find = (word: string) => words.get(word.toLowerCase());
  const acl = read("acl.yaml", aclSchema, defaultPeople(find));
  if (acl.value) {
    if (agents.value || words.size > 0)
      problems.push(...checkAcl(acl.value, acl.source, { find, ids: Object.keys(entries.all) }));
    warnings.push(...doubtsAboutPeople(acl.value, acl.source));
  }
  const userHome = place.env["HOME"];
  const base = { installation: place.installation, ...(userHome ? { userHome } : {}) };
  const { wishes, problems: unclear } = readWorkerWishes(place.env);
  problems.push(...unclear);
  if (hq.value) {
    const known = { find, ids: Object.keys(entries.all), tokenNames: tokenNamesOf(agents.value) };
    problems.push(...checkTaskQueue(hq.value.task_queue, hq.source, known));
    problems.push(...checkModels(hq.value, hq.source, abilitiesOf(entries.good)));
    warnings.push(...doubtsAboutSettings(hq.value, hq.source, base));
    warnings.push(...doubtsAboutAddresses(entries.good, agents.source, hq.value));
    problems.push(...checkSettings(hq.value, hq.source));
  }

  const contracts = loadContracts(place.dir);
  problems.push(...contracts.problems);
  warnings.push(...contracts.warnings, ...doubtsAboutSkills(entries.good, agents.source, contracts));

  if (problems.length > 0 || !hq.value || !agents.value || !channels.value || !acl.value)
    return { ok: false, problems: problems.toSorted(byPlace), warnings };
  const settings = toSettings({
    hq: hq.value,
    channels: channels.value,
    find,
    wishes,
    dir: place.dir,
    home: place.home,
    base,
  });
  const cards = toCards(agents.value, base);
  const sources = { hq: hq.source, registry: agents.source };
  const misplaced = checkHandoffPlaces({ settings, agents: cards, place, ...sources });
  if (misplaced.length > 0) return { ok: false, problems: misplaced, warnings };
  const config: Config = {
    settings,
    registry: createRegistry(cards),
    acl: toAcl(acl.value, find),
    people: toPeople(acl.value, find),
    contracts: contracts.contracts,
    files: [...files, ...contracts.files],
  };
  return { ok: true, config, warnings, required };
}

export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: "input" }) as JsonSchema;
}

/** Without the entries that stand for an agent which this installation does not have. */
function defaultPeople(find: (word: string) => string | undefined): typeof DEFAULT_PEOPLE {
  const roles = DEFAULT_PEOPLE.people?.roles?.filter(({ as }) => as === undefined || find(as) !== undefined);
  return { ...DEFAULT_PEOPLE, people: { roles } };
}

function entriesOf(value: unknown) {
  const agents = (value as { agents?: unknown } | null)?.agents;
  const isMap = typeof agents === "object" && agents !== null && !Array.isArray(agents);
  const all: Readonly<Record<string, unknown>> = isMap ? { ...agents } : {};
  const good = Object.entries(all).flatMap(([id, entry]) => {
    const parsed = agentSchema.safeParse(entry);
    return parsed.success ? [[id, parsed.data] as const] : [];
  });
  return { all, good: Object.fromEntries(good) };
}

/** What somebody can be asked for: capabilities, and skills, which count as such. */
function abilitiesOf(agents: Readonly<Record<string, z.output<typeof agentSchema>>>): readonly string[] {
  const words = Object.values(agents).flatMap(({ capabilities, skills }) => [...capabilities, ...skills]);
  return [...new Set(words)].toSorted();
}

function tokenNamesOf(agents: z.output<typeof agentsSchema> | undefined): readonly string[] {
  const entries = Object.values(agents?.agents ?? {});
  return [agents?.defaults.token_env, ...entries.map((each) => each.token_env)].filter(
    (name) => name !== undefined,
  );
}

function wordsOf(agents: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const words = new Map<string, string>();
  for (const [id, entry] of Object.entries(agents)) {
    const { aliases, letter } = (entry ?? {}) as { aliases?: unknown; letter?: unknown };
    for (const word of [id, letter, ...(Array.isArray(aliases) ? aliases : [])]) {
      if (typeof word === "string") words.set(word.toLowerCase(), id);
    }
  }
  return words;
}

/** `hq.yml` beside nothing: a file that people think is read. */
function strangersIn(dir: string): readonly ConfigProblem[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .filter((name) => /\.ya?ml$/i.test(name) && !(CONFIG_FILES as readonly string[]).includes(name))
    .map((name) => {
      const near = nearest(name, CONFIG_FILES);
      const more = near === undefined ? {} : { suggestion: `did you mean "${near}"?` };
      return {
        file: join(dir, name),
        path: "",
        message: "is not read: no file of that name is known",
        ...more,
      };
    });
}

function byPlace(a: ConfigProblem, b: ConfigProblem): number {
  const order = (name: string) => CONFIG_FILES.findIndex((file) => name.endsWith(file));
  return order(a.file) - order(b.file) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
