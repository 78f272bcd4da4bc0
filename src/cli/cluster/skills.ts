import { join } from "node:path";
import {
  linkSkill,
  type SkillState,
  skillState,
  skillsIn,
  unlinkSkill,
} from "../../agents/cluster/skills.ts";
import { Refusal } from "../../kernel/refusal.ts";
import type { Io } from "../io.ts";
import { jsonText, table } from "../print.ts";
import { type Instance, readCluster } from "./here.ts";

export type SkillsOptions = { readonly skill?: readonly string[]; readonly json?: true };
type Row = { readonly agent: string; readonly skill: string; readonly state: string; readonly path: string };

const REFUSED = 3;

const SAYS = {
  list: { linked: "linked", absent: "absent", foreign: "not ours" },
  install: { linked: "was linked", absent: "linked", foreign: "refused: something else lies there" },
  remove: { linked: "removed", absent: "was not there", foreign: "refused: not ours" },
} as const satisfies Record<string, Record<SkillState, string>>;

const DO = { list: skillState, install: linkSkill, remove: unlinkSkill };

/** Links the skills that ship into agents' workspaces, or takes the links away; a folder of people is never replaced. */
export function runSkills(
  io: Io,
  verb: keyof typeof DO,
  words: readonly string[],
  { skill, json }: SkillsOptions,
): number {
  const { here, instances } = readCluster(io, words);
  const source = join(here.place.installation, "skills");
  const names = chosen(skillsIn(source), skill);
  const rows = instances.flatMap(({ id, workspace }: Instance) =>
    names.map((name) => {
      const state = DO[verb](source, workspace, name);
      return { agent: id, skill: name, state: SAYS[verb][state], path: join(workspace, "skills", name) };
    }),
  );
  if (json) io.out(`${jsonText(rows)}\n`);
  else io.out(table([["AGENT", "SKILL", "STATE", "PATH"], ...rows.map(cellsOf)], 200));
  return rows.some(({ state }) => state.startsWith("refused")) ? REFUSED : 0;
}

const cellsOf = ({ agent, skill, state, path }: Row) => [agent, skill, state, path];

function chosen(all: readonly string[], asked: readonly string[] | undefined): readonly string[] {
  if (!asked) return all;
  const unknown = asked.filter((name) => !all.includes(name));
  if (unknown.length === 0) return asked;
  throw new Refusal("not_found", `There is no skill ${unknown.join(", ")}.`, {
    hint: `There are: ${all.join(", ")}.`,
  });
}
