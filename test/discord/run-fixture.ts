import type { GateView, RunView, StepView } from "../../src/domain/run-view.ts";
import type { InputDefinition, StepDefinition, WorkflowDefinition } from "../../src/domain/workflow-types.ts";
import { AT } from "./view-fixture.ts";

export function stepWith(id: string, status: StepView["status"], more: Partial<StepView> = {}): StepView {
  const isBegun = status !== "pending";
  const isOver = isBegun && status !== "running" && status !== "waiting";
  return {
    id,
    kind: "task",
    status,
    needs: [],
    generation: 1,
    agent: "webster",
    ...(isBegun ? { startedAt: AT } : {}),
    ...(isOver ? { settledAt: AT + 38_000 } : {}),
    ...more,
  };
}

export function gateWith(status: GateView["status"], more: Partial<GateView> = {}): GateView {
  return {
    status,
    prompt: "Consolidate now?",
    digest: "9f2c41ab77d0",
    approvers: ["role:Engineering"],
    min: 1,
    approvals: [],
    openedAt: AT,
    expiresAt: AT + 86_400_000,
    escalated: false,
    ...(status === "open" ? {} : { decidedAt: AT + 60_000, decidedBy: "@ada" }),
    ...more,
  };
}

/** A gate as a step that needs two others. */
export function gateStep(status: GateView["status"], more: Partial<GateView> = {}): StepView {
  const { agent: _, ...step } = stepWith("sign-off", status === "open" ? "waiting" : "succeeded", {
    kind: "approval",
    needs: ["technical", "optimization"],
    gate: gateWith(status, more),
  });
  return step;
}

/** A run that was asked at AT and, when settled, took 4 min 12 s. */
export function runWith(
  status: RunView["status"],
  steps: readonly StepView[],
  more: Partial<RunView> = {},
): RunView {
  const isOver = (step: StepView) => !["pending", "running", "waiting"].includes(step.status);
  return {
    id: "wf-design-review-1",
    workflow: "design-review",
    status,
    caller: "manager",
    asker: "@you",
    inputs: {},
    startedAt: AT,
    deadlineAt: AT + 7_200_000,
    ...(status === "running" ? {} : { settledAt: AT + 252_000 }),
    steps,
    progress: {
      settled: steps.filter(isOver).length,
      total: steps.length,
      running: steps.filter((step) => step.status === "running").length,
    },
    round: 1,
    resumes: 0,
    missing: [],
    deliver: true,
    origin: { door: "discord", channel: "100000000000000001" },
    ...more,
  };
}

export function inputWith(name: string, more: Partial<InputDefinition> = {}): InputDefinition {
  return { name, type: "string", description: `the ${name}`, required: true, ...more };
}

export function taskStep(id: string, task: string, needs: readonly string[] = []): StepDefinition {
  return {
    id,
    needs,
    continueOnError: false,
    cleanup: false,
    action: {
      kind: "task",
      agent: "webster",
      task,
      timeoutMs: 300_000,
      retry: { maxAttempts: 1, delayMs: 0, backoff: "fixed" },
      validate: false,
      format: "text",
    },
  };
}

export function workflowWith(name: string, inputs: readonly InputDefinition[]): WorkflowDefinition {
  return {
    name,
    description: `What ${name} does`,
    inputs,
    limits: { maxParallel: 4, timeoutMs: 7_200_000, maxFailures: 3 },
    steps: [taskStep("research", "Find it"), taskStep("evaluate", "Judge it", ["research"])],
    schedules: [],
    digest: "0".repeat(64),
  };
}
