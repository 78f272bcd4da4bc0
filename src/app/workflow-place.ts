import type { WorkflowPlace } from "../config/workflows.ts";
import type { Config } from "../domain/config.ts";
import { schemaProblem } from "../schemas/check-schema.ts";
import { scheduleProblem } from "../triggers/schedule.ts";

/** Where an installation's workflows are, and everything that they are checked by. */
export function workflowPlaceOf({
  settings,
  registry,
  acl,
}: Pick<Config, "settings" | "registry"> & Partial<Pick<Config, "acl">>): WorkflowPlace {
  const { workflows, taskQueue: models } = settings;
  return { dir: workflows.dir, registry, acl, models, schemaProblem, scheduleProblem };
}
