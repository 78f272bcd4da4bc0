import { summedUp } from "../config/lacking-agents.ts";
import { renderProblems } from "../config/render-problems.ts";
import { loadWorkflows, savedWorkflows, type WorkflowPlace, watchWorkflows } from "../config/workflows.ts";
import type { Config, ConfigProblem } from "../domain/config.ts";
import type { Log } from "../engine/ports/log.ts";
import type { Part } from "../kernel/lifecycle.ts";
import { workflowPlaceOf } from "./workflow-place.ts";

/** The workflows that the next run uses: what is on disk, and of a file that is not valid the last good definition. */
export function createWorkflowHolder(options: {
  readonly config: () => Config;
  readonly installation: string;
}) {
  const place = (): WorkflowPlace => workflowPlaceOf(options.config());
  const render = (problems: readonly ConfigProblem[]) => renderProblems(problems, options.installation);
  const saved = savedWorkflows(place().dir);
  let current = loadWorkflows(place());
  let watcher: ReturnType<typeof watchWorkflows> | undefined;

  return {
    entries: () => current.entries,
    notices: (): readonly string[] =>
      [...summedUp(current.problems), ...current.warnings].map((problem) => render([problem])),
    /** Reads again when the agents, or the folder, have changed. */
    reload: () => watcher?.reload(),
    watch(told: { readonly log: Log; readonly onProblems: (text: string) => void }): Part {
      watcher = watchWorkflows({
        place,
        first: current,
        saved,
        onChange(loaded) {
          current = loaded;
          told.log.info({ workflows: loaded.entries.length }, "the workflows were read again");
        },
        onProblems(problems) {
          const text = render(summedUp(problems));
          told.log.error(
            { text },
            "a change of workflows or agents left something that is not valid; the last good one stays",
          );
          told.onProblems(text);
        },
      });
      return { name: "workflows", start: watcher.start, stop: watcher.stop };
    },
  };
}

export type WorkflowHolder = ReturnType<typeof createWorkflowHolder>;
