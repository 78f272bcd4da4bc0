import type { ConfigProblem } from "../domain/config.ts";
import { problemAt } from "./problems.ts";
import type { YamlSource } from "./yaml-source.ts";

export type Path = readonly PropertyKey[];
type Tell = (path: Path, message: string, suggestion?: string, part?: "key" | "value") => void;
type TellOfAgent = (path: Path, message: string, suggestion: string | undefined) => void;

/** What is found in one file, each with its place. */
export type Findings = {
  readonly problems: ConfigProblem[];
  readonly warnings: ConfigProblem[];
  readonly problem: Tell;
  readonly warning: Tell;
  /** A problem of the agents, not of the file. */
  readonly needsAgent: TellOfAgent;
};

export function createFindings(source: YamlSource): Findings {
  const problems: ConfigProblem[] = [];
  const warnings: ConfigProblem[] = [];
  const tellInto =
    (list: ConfigProblem[]): Tell =>
    (path, message, suggestion, part = "value") =>
      list.push(problemAt(source, path, message, { suggestion, part }));
  const needsAgent: TellOfAgent = (path, message, suggestion) =>
    problems.push({ ...problemAt(source, path, message, { suggestion }), needsAgent: true });
  return { problems, warnings, problem: tellInto(problems), warning: tellInto(warnings), needsAgent };
}
