import { workflowPlaceOf } from "../app/workflow-place.ts";
import { loadConfig } from "../config/load.ts";
import { renderProblems } from "../config/render-problems.ts";
import { loadWorkflows } from "../config/workflows.ts";
import type { Config } from "../domain/config.ts";
import type { WorkflowEntry } from "../engine/run-verbs.ts";
import { Refusal } from "../kernel/refusal.ts";
import { nearest } from "../kernel/text.ts";
import { readInstallation } from "./installation.ts";
import type { Io } from "./io.ts";

/** The workflows as they are on disk, with the configuration that they were checked against. */
export function readWorkflows(io: Io): {
  readonly config: Config;
  readonly entries: readonly WorkflowEntry[];
} {
  const loaded = loadConfig(readInstallation(io).place);
  if (!loaded.ok) {
    throw new Refusal("invalid_input", "The configuration is not valid.", {
      hint: renderProblems(loaded.problems, io.cwd),
    });
  }
  const { config } = loaded;
  const { entries } = loadWorkflows(workflowPlaceOf(config));
  return { config, entries };
}

export function findEntry(entries: readonly WorkflowEntry[], name: string): WorkflowEntry {
  const entry = entries.find((one) => one.name === name);
  if (entry) return entry;
  const names = entries.map((one) => one.name);
  const near = nearest(name, names);
  throw new Refusal("not_found", `There is no workflow "${name}".`, {
    hint: `${near ? `Did you mean ${near}? ` : ""}There are: ${names.join(", ") || "none"}.`,
  });
}
