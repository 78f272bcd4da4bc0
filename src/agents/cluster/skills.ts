import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";

/** What stands in a workspace under the name of a skill of ours. */
export type SkillState = "linked" | "absent" | "foreign";

/** The names of the skills that ship, by their folders. */
export function skillsIn(source: string): readonly string[] {
  if (!existsSync(source)) return [];
  return readdirSync(source)
    .filter((name) => existsSync(join(source, name, "SKILL.md")))
    .toSorted();
}

/** `linked` = our link, also one that leads to where we were before; anything else that lies there is foreign. */
export function skillState(source: string, workspace: string, name: string): SkillState {
  const path = join(workspace, "skills", name);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return "absent";
  if (!found.isSymbolicLink()) return "foreign";
  const target = readlinkSync(path);
  const isOurs = existsSync(path)
    ? realpathSync(path) === realpathSync(join(source, name))
    : isStale(target, name);
  return isOurs ? "linked" : "foreign";
}

/** A link into an installation that is gone. */
const isStale = (target: string, name: string) => target.endsWith(join("/skills", name));

/** Resolves to what was there; a foreign folder or link is left as it is. */
export function linkSkill(source: string, workspace: string, name: string): SkillState {
  const before = skillState(source, workspace, name);
  const path = join(workspace, "skills", name);
  if (before === "foreign" || (before === "linked" && existsSync(path))) return before;
  mkdirSync(join(workspace, "skills"), { recursive: true });
  if (before === "linked") unlinkSync(path);
  symlinkSync(join(source, name), path);
  return "absent";
}

export function unlinkSkill(source: string, workspace: string, name: string): SkillState {
  const before = skillState(source, workspace, name);
  if (before === "linked") unlinkSync(join(workspace, "skills", name));
  return before;
}
