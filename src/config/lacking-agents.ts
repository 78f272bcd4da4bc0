import { basename, dirname } from "node:path";
import type { ConfigProblem } from "../domain/config.ts";

/** So many files are no slip of the pen: they were written for other agents. */
const MANY = 3;
const MOST_NAMES = 12;

/** One line for workflows that are right but for their agents, when there are many of them. */
export function lackingAgents(problems: readonly ConfigProblem[]): ConfigProblem | undefined {
  const files = filesLackingAgents(problems);
  const [first] = files;
  if (first === undefined || files.length < MANY) return undefined;
  const names = files.slice(0, MOST_NAMES).map((file) => basename(file, ".yaml"));
  const more = files.length > MOST_NAMES ? ` and ${files.length - MOST_NAMES} more` : "";
  return {
    file: dirname(first),
    path: "",
    message: `has ${files.length} files that ask agents whom agents.yaml does not have: ${names.join(", ")}${more}`,
    suggestion:
      "give yours the missing names as aliases, and the capabilities; take away the files you do not use; or name a folder of your own in workflows.dir",
  };
}

/** For who only wants to know: in place of all problems of such files the one line, the others as they are. */
export function summedUp(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const sum = lackingAgents(problems);
  if (!sum) return problems;
  const files = new Set(filesLackingAgents(problems));
  return [...problems.filter(({ file }) => !files.has(file)), sum];
}

function filesLackingAgents(problems: readonly ConfigProblem[]): readonly string[] {
  const wrong = new Set(problems.filter(({ needsAgent }) => !needsAgent).map(({ file }) => file));
  return [...new Set(problems.map(({ file }) => file))].filter((file) => !wrong.has(file));
}
