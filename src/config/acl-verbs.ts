import type { ConfigProblem } from "../domain/config.ts";
import { GROUPS, VERB_FACTS, VERBS, type Verb, type VerbRules } from "../domain/permissions.ts";
import type { AclFile } from "./acl-schema.ts";
import { RIGHTS, SNOWFLAKE } from "./fields.ts";
import { problemAt, suggest } from "./problems.ts";
import type { YamlSource } from "./yaml-source.ts";

type Find = (word: string) => string | undefined;
const WORDS: readonly string[] = [...RIGHTS, ...GROUPS];

/** The rules with every agent by its id; undefined when the file has none. */
export function toVerbRules({ verbs }: AclFile, find: Find): VerbRules | undefined {
  if (!verbs) return undefined;
  const rules = VERBS.flatMap((verb) => {
    const words = verbs[verb];
    return words === undefined ? [] : [[verb, words.map((word) => idOf(word, find))] as const];
  });
  return rules.length === 0 ? undefined : Object.fromEntries(rules);
}

function idOf(word: string, find: Find): string {
  return WORDS.includes(word) || word.includes(":") ? word : (find(word) ?? word);
}

/** Words that mean nobody, and such as can never hold. */
export function checkVerbRules(
  file: AclFile,
  source: YamlSource,
  agents: { readonly find: Find; readonly ids: readonly string[] },
): readonly ConfigProblem[] {
  return VERBS.flatMap((verb) =>
    (file.verbs?.[verb] ?? []).flatMap((word, index) => {
      const wrong = wrongWith(word, verb, file, agents);
      return wrong ? [problemAt(source, ["verbs", verb, index], wrong[0], { suggestion: wrong[1] })] : [];
    }),
  );
}

type Wrong = readonly [message: string, suggestion: string | undefined];

function wrongWith(
  word: string,
  verb: Verb,
  file: AclFile,
  agents: { readonly find: Find; readonly ids: readonly string[] },
): Wrong | undefined {
  const [, kind, name = ""] = /^(role|user):(.+)$/.exec(word) ?? [];
  if (kind === "user") {
    return SNOWFLAKE.test(name) ? undefined : ["a user is an id of 17 to 20 digits", "write user:<id>"];
  }
  if (kind === "role") return unknownRole(name, file);
  const { agents: mayAgents, owned } = VERB_FACTS[verb];
  const isAgent = !WORDS.includes(word) && agents.find(word) !== undefined;
  if (!mayAgents && (isAgent || word === "agents" || word === "everyone"))
    return [
      `agents never ${verb}, whatever is written here`,
      "write people, a right, role:<name> or user:<id>",
    ];
  if (word === "asker" && !owned)
    return [`${verb} is not done to work that somebody asked for`, "leave it out"];
  if (WORDS.includes(word) || isAgent) return undefined;
  const roles = file.people.roles.map(({ role }) => role);
  if (roles.includes(word)) return [`"${word}" is a role`, `write role:${word}`];
  return [
    `"${word}" is no right, agent or group`,
    suggest(word, [...WORDS, ...agents.ids]) ??
      `write role:<name>, user:<id>, an agent, or one of ${WORDS.join(", ")}`,
  ];
}

function unknownRole(name: string, { people }: AclFile): Wrong | undefined {
  const plain = (role: string) => role.replace(/^@/, "").toLowerCase();
  const roles = people.roles.map(({ role }) => role);
  if (roles.some((role) => plain(role) === plain(name))) return undefined;
  return [`there is no role "${name}" under people.roles`, suggest(name, roles) ?? "list it there first"];
}
