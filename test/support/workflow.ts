import type {
  GateDefinition,
  StepAction,
  StepDefinition,
  TaskAction,
  WorkflowDefinition,
} from "../../src/domain/workflow-types.ts";

/** A definition as the loader would make it. */
export function workflowOf(
  name: string,
  steps: readonly StepDefinition[],
  more: Partial<WorkflowDefinition> = {},
): WorkflowDefinition {
  return {
    name,
    description: `The workflow ${name}.`,
    inputs: [],
    limits: { maxParallel: 4, timeoutMs: 2 * 3_600_000, maxFailures: 3 },
    steps,
    schedules: [],
    digest: "0".repeat(64),
    ...more,
  };
}

export function stepOf(id: string, action: StepAction, more: Partial<StepDefinition> = {}): StepDefinition {
  return { id, needs: [], continueOnError: false, cleanup: false, action, ...more };
}

export function taskOf(agent: string, task: string, more: Partial<TaskAction> = {}): TaskAction {
  return {
    kind: "task",
    agent,
    task,
    timeoutMs: 300_000,
    retry: { maxAttempts: 1, delayMs: 0, backoff: "fixed" },
    validate: false,
    format: "json",
    ...more,
  };
}

export function approvalOf(more: Partial<GateDefinition> = {}): StepAction {
  return {
    kind: "approval",
    gate: {
      prompt: "Go on?",
      approvers: [],
      min: 1,
      preventSelfApproval: false,
      timeoutMs: 24 * 3_600_000,
      onTimeout: "reject",
      escalateTo: [],
      ...more,
    },
  };
}
