import { isModelWord, modelWords } from "../domain/model-choice.ts";
import type { TaskQueueSettings } from "../domain/task-settings.ts";
import { suggest } from "./problems.ts";
import type { Findings, Path } from "./workflow-findings.ts";
import type { WorkflowFile } from "./workflow-schema.ts";

/** Which models there are, by config/hq.yaml. */
export type ModelNames = Pick<TaskQueueSettings, "models" | "modelPrefixes">;

/** Models that config/hq.yaml does not know. */
export function checkModelNames(file: WorkflowFile, known: ModelNames, { problem }: Findings): void {
  const check = (word: string | undefined, path: Path) => {
    if (word === undefined || isModelWord(known, word)) return;
    const there = suggest(word, modelWords(known));
    problem(
      [...path, "model"],
      `there is no model "${word}"`,
      there ?? "config/hq.yaml says which there are",
    );
  };
  check(file.defaults.model, ["defaults"]);
  for (const [id, { model }] of Object.entries(file.steps)) check(model, ["steps", id]);
}
