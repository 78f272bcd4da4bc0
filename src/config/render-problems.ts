import { relative } from "node:path";
import type { ConfigProblem } from "../domain/config.ts";
import { oneLine } from "../kernel/text.ts";

/** One line each: `config/hq.yaml:3:5 delegation.timout: unknown key "timout" (did you mean "timeout"?)`. */
export function renderProblems(problems: readonly ConfigProblem[], from = ""): string {
  return problems.map((problem) => renderProblem(problem, from)).join("\n");
}

function renderProblem(
  { file, line, column, path, message, suggestion }: ConfigProblem,
  from: string,
): string {
  const near = from === "" ? file : relative(from, file);
  const name = near.startsWith("..") || near === "" ? file : near;
  const place = line === undefined ? name : `${name}:${line}:${column ?? 1}`;
  const what = path === "" ? message : `${path}: ${message}`;
  return oneLine(`${place} ${what}${suggestion === undefined ? "" : ` (${suggestion})`}`, 600);
}
