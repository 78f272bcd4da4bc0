import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { stringify } from "yaml";
import type { ConfigProblem } from "../domain/config.ts";
import type { WorkflowDocument } from "../domain/playbook/plan-workflow.ts";
import { loadWorkflows, type WorkflowPlace } from "./workflows.ts";

/** A workflow file's text. Long texts stand in blocks, and nothing is an alias: the loader knows none. */
export function workflowText(document: WorkflowDocument): string {
  const yaml = stringify(document, { lineWidth: 0, aliasDuplicateObjects: false, blockQuote: "literal" });
  const parts = yaml.replace(/^(?=(?:inputs|limits|steps|output):)/gm, "\n");
  return `# yaml-language-server: $schema=../config/schema/workflow.json\n${parts}`;
}

/** What the loader says of a text before it is a file: the same checks as `hq check`. */
export function problemsOfText(
  name: string,
  text: string,
  place: WorkflowPlace,
  scratch: string,
): { readonly problems: readonly ConfigProblem[]; readonly advice: readonly ConfigProblem[] } {
  const dir = mkdtempSync(join(scratch, "hq-plan-"));
  try {
    writeFileSync(join(dir, `${name}.yaml`), text);
    const { problems, warnings, advice } = loadWorkflows({ ...place, dir });
    return { problems, advice: [...warnings, ...advice.filter(({ isNote }) => !isNote)] };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Writes a new file into a folder that is there; false when there is one of that name, which stays as it is. */
export function writeNew(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: "wx" });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw cause;
  }
}

export const nameOfFile = (file: string) => basename(file).replace(/\.ya?ml$/, "");
