import type { StageStatus } from "./pipeline.ts";
import type { StepStatus } from "./run-types.ts";
import type { WorkStatus } from "./work-types.ts";

type Words = {
  /** In the files under handoffs/workflows, of runs as well; what old tools had no word for keeps ours. */
  readonly handoff: string;
  /** As a work item: what came to nothing has failed, what was left out is still to do. */
  readonly item: WorkStatus;
  /** As a stage of a pipeline. */
  readonly stage: StageStatus;
};

/** How a step stands, in the words of each boundary. */
export const WORDS_OF_STEP: Readonly<Record<StepStatus, Words>> = {
  pending: { handoff: "pending", item: "todo", stage: "pending" },
  running: { handoff: "running", item: "in_progress", stage: "in_progress" },
  waiting: { handoff: "waiting", item: "in_progress", stage: "in_progress" },
  succeeded: { handoff: "complete", item: "done", stage: "done" },
  partial: { handoff: "partial", item: "review", stage: "done" },
  failed: { handoff: "failed", item: "failed", stage: "failed" },
  skipped: { handoff: "skipped", item: "todo", stage: "skipped" },
  canceled: { handoff: "canceled", item: "failed", stage: "failed" },
};

/** A pipeline by hand knows its stages as work items. */
export const STAGE_OF_ITEM: Readonly<Record<WorkStatus, StageStatus>> = {
  todo: "pending",
  blocked: "pending",
  in_progress: "in_progress",
  review: "in_progress",
  done: "done",
  failed: "failed",
};
