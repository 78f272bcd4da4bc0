import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { WorkflowDefinition } from "../../src/domain/workflow-types.ts";
import { linesOf, loadFolder } from "../config/workflow-fixtures.ts";

/** A workflow from the text of its file, through the same door as those of an installation. */
export function writtenWorkflow(dir: string, name: string, yaml: string): WorkflowDefinition {
  const file = join(dir, `${name}.yaml`);
  writeFileSync(file, yaml);
  const loaded = loadFolder(dir);
  const definition = loaded.entries.find((entry) => entry.name === name)?.definition;
  if (!definition) throw new Error(linesOf(loaded.problems, file));
  return definition;
}
