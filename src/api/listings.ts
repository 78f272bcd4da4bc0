import type { RunView } from "../domain/run-view.ts";
import type { InputDefinition, ScheduleDefinition } from "../domain/workflow-types.ts";
import type { WorkflowEntry } from "../engine/run-verbs.ts";

/** A workflow in a list; with problems it cannot be started. */
export type WorkflowListing = {
  readonly name: string;
  readonly description?: string;
  readonly inputs: readonly InputDefinition[];
  readonly steps: number;
  readonly schedules: readonly ScheduleDefinition[];
  readonly problems: readonly string[];
};

export function listingOfWorkflow({ name, definition, problems }: WorkflowEntry): WorkflowListing {
  return {
    name,
    ...(definition ? { description: definition.description } : {}),
    inputs: definition?.inputs ?? [],
    steps: definition?.steps.length ?? 0,
    schedules: definition?.schedules ?? [],
    problems,
  };
}

/** A run in a list: without what its steps brought, which may be megabytes. `gates` = the steps that wait for people. */
export type RunListing = Omit<RunView, "steps" | "result" | "output"> & { readonly gates: readonly string[] };

export function listingOfRun(view: RunView): RunListing {
  const { steps, result: _result, output: _output, ...listed } = view;
  const gates = steps
    .filter(({ status, gate }) => status === "waiting" && gate?.status === "open")
    .map(({ id }) => id);
  return { ...listed, gates };
}
