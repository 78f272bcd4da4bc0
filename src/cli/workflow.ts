import type { Command } from "commander";
import type { Hq } from "./hq.ts";
import { registerPipelines } from "./pipeline.ts";
import { registerWorkflowChanges } from "./workflow-change.ts";
import { registerWorkflowReading } from "./workflow-read.ts";
import { registerWorkflowRun } from "./workflow-run.ts";

/** `hq workflow …`; a name in place of a word runs that workflow. */
export function registerWorkflow(program: Command, hq: Hq): void {
  const workflow = program
    .command("workflow")
    .description("run workflows of many steps, and watch, mend and decide in their runs")
    .usage("[run] <name> [options] | <command> …");
  registerWorkflowRun(workflow, hq);
  registerWorkflowReading(workflow, hq);
  registerWorkflowChanges(workflow, hq);
  registerPipelines(workflow, hq);
}
