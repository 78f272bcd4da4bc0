import { type Acl, DEFAULT_ACL, HOOKS_PROTOCOL_ACL } from "../domain/acl.ts";
import type { Right } from "../domain/actor.ts";
import type { ConfigProblem } from "../domain/config.ts";
import type { People } from "../domain/people.ts";
import type { AclFile } from "./acl-schema.ts";
import { checkVerbRules, toVerbRules } from "./acl-verbs.ts";
import { problemAt, suggest } from "./problems.ts";
import type { YamlSource } from "./yaml-source.ts";

const PRESETS = { default: DEFAULT_ACL, "hooks-protocol": HOOKS_PROTOCOL_ACL } as const;

/** Standing for an agent without naming rights means: delegate as it, and read. */
const RIGHTS_OF_AN_AGENT: readonly Right[] = ["delegate", "read"];

/** `find` gives an agent's id for its id or another word for it. */
type Find = (word: string) => string | undefined;

export function toAcl(file: AclFile, find: Find): Acl {
  const preset = PRESETS[file.preset ?? "default"];
  const ids = (words: readonly string[]) => words.map((word) => find(word) ?? word);
  const never = ids(file.never ?? preset.never);
  const verbs = toVerbRules(file, find);
  const rules = { never, ...(verbs ? { verbs } : {}) };
  if (!file.matrix) return { ...preset, ...rules };
  const rows = Object.entries(file.matrix).map(
    ([caller, row]) => [find(caller) ?? caller, ids(row)] as const,
  );
  return { name: "own", matrix: Object.fromEntries(rows), ...rules };
}

export function toPeople(file: AclFile, find: Find): People {
  const grant = (entry: { as?: string | undefined; rights?: readonly Right[] | undefined }) => {
    const as = entry.as === undefined ? undefined : (find(entry.as) ?? entry.as);
    const rights = entry.rights ?? (as === undefined ? [] : RIGHTS_OF_AN_AGENT);
    return { rights, ...(as === undefined ? {} : { as }) };
  };
  return {
    roles: file.people.roles.map((entry) => ({ role: entry.role, ...grant(entry) })),
    users: file.people.users.map((entry) => ({ user: entry.user, ...grant(entry) })),
  };
}

/** Agents that do not exist, entries that say two things, people listed twice. */
export function checkAcl(
  file: AclFile,
  source: YamlSource,
  agents: { readonly find: Find; readonly ids: readonly string[] },
): readonly ConfigProblem[] {
  const found: ConfigProblem[] = [];
  const known = (word: string, path: readonly PropertyKey[], part: "key" | "value" = "value") => {
    if (word === "*" || agents.find(word) !== undefined) return;
    const suggestion = suggest(word, agents.ids);
    found.push(problemAt(source, path, `there is no agent "${word}" in agents.yaml`, { suggestion, part }));
  };
  if (file.preset && file.matrix) {
    const suggestion = "keep one of them: presets are never mixed with rows of your own";
    found.push(
      problemAt(source, ["preset"], "preset and matrix are both given", { suggestion, part: "key" }),
    );
  }
  const rows = new Map<string, string>();
  for (const [caller, row] of Object.entries(file.matrix ?? {})) {
    known(caller, ["matrix", caller], "key");
    const id = agents.find(caller) ?? caller;
    const twin = rows.get(id);
    if (twin !== undefined)
      found.push(problemAt(source, ["matrix", caller], `is the same agent as ${twin}`, { part: "key" }));
    rows.set(id, caller);
    for (const [index, target] of row.entries()) known(target, ["matrix", caller, index]);
  }
  for (const [index, target] of (file.never ?? []).entries()) known(target, ["never", index]);
  for (const kind of ["roles", "users"] as const) {
    for (const [index, entry] of file.people[kind].entries()) {
      if (entry.as !== undefined) known(entry.as, ["people", kind, index, "as"]);
    }
  }
  return [
    ...found,
    ...checkVerbRules(file, source, agents),
    ...twice(file.people.roles, "roles", (entry) => entry.role, source),
    ...twice(file.people.users, "users", (entry) => entry.user, source),
  ];
}

function twice<Entry>(
  entries: readonly Entry[],
  kind: "roles" | "users",
  wordOf: (entry: Entry) => string,
  source: YamlSource,
): readonly ConfigProblem[] {
  const words = entries.map(wordOf);
  return words.flatMap((word, index) =>
    words.indexOf(word) === index
      ? []
      : [
          problemAt(source, ["people", kind, index], `"${word}" is listed twice`, {
            suggestion: "one entry each",
          }),
        ],
  );
}

/** Entries that give nobody anything: allowed, and surely not meant. */
export function doubtsAboutPeople(file: AclFile, source: YamlSource): readonly ConfigProblem[] {
  return (["roles", "users"] as const).flatMap((kind) =>
    file.people[kind].flatMap((entry, index) => {
      const doubt = (message: string, suggestion: string) => [
        problemAt(source, ["people", kind, index], message, { suggestion }),
      ];
      const given = entry.rights ?? (entry.as === undefined ? [] : RIGHTS_OF_AN_AGENT);
      if (given.length === 0)
        return doubt("gives no rights", "add as: <agent>, rights: [delegate, any-agent], or take it away");
      if (given.includes("delegate") && entry.as === undefined && !given.includes("any-agent"))
        return doubt(
          "may delegate, yet to nobody",
          "add as: <agent> for an agent's row, or the right any-agent",
        );
      if (entry.as !== undefined && !given.includes("delegate") && !given.includes("any-agent"))
        return doubt(`stands for ${entry.as} without the right to delegate`, "add delegate to its rights");
      return [];
    }),
  );
}
