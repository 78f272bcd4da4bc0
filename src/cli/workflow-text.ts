import type { WorkflowListing } from "../api/listings.ts";
import { scheduleFacts } from "../domain/schedule-text.ts";
import { whoDoes } from "../domain/task-who.ts";
import type { InputDefinition, ScheduleDefinition, StepDefinition } from "../domain/workflow-types.ts";
import type { WorkflowEntry } from "../engine/run-verbs.ts";
import { forTerminal, oneLine } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import { table } from "./print.ts";

export function workflowTable(items: readonly WorkflowListing[]): string {
  const rows = items.map(({ name, inputs, steps, problems, description }) => [
    name,
    String(steps),
    inputs.map((input) => (input.required ? input.name : `[${input.name}]`)).join(" ") || "–",
    problems.length > 0 ? `! ${problems.length} to mend` : (description ?? ""),
  ]);
  return table([["WORKFLOW", "STEPS", "INPUTS", "WHAT"], ...rows]);
}

/** Everything about one workflow, for people. */
export function describeWorkflow({ name, definition, problems }: WorkflowEntry): string {
  const wrong = problems.map((problem) => forTerminal(`! ${problem}\n`)).join("");
  if (!definition) return `${oneLine(name)} cannot be run:\n${wrong}`;
  const { maxParallel, timeoutMs, maxFailures } = definition.limits;
  const rows: (readonly [string, string])[] = [
    ["workflow", definition.name],
    ["what", definition.description],
    ...definition.inputs.map((input) => ["input", inputText(input)] as const),
    ["limits", `${maxParallel} at once, ${formatDuration(timeoutMs)}, stops after ${maxFailures} failures`],
    ...definition.schedules.map((one) => ["schedule", scheduleText(one)] as const),
  ];
  const { output } = definition;
  if (output) rows.push(["result", `of ${output.step}${output.channel ? `, to #${output.channel}` : ""}`]);
  const head = rows.map(([what, value]) => `${what.padEnd(9)} ${oneLine(value, 600)}\n`).join("");
  const steps = definition.steps.map((step) => [
    step.id,
    whoOf(step),
    step.needs.length === 0 ? "–" : step.needs.join(", "),
    notesOf(step).join("; "),
  ]);
  return `${head}\n${table([["STEP", "WHO", "NEEDS", "HOW"], ...steps])}${wrong}`;
}

function scheduleText(schedule: ScheduleDefinition): string {
  return `${schedule.cron} (${schedule.timezone}), ${scheduleFacts(schedule)}`;
}

function inputText(input: InputDefinition): string {
  const { name, type, required, description, options, min, max, minLength, maxLength } = input;
  const kept = input.default === undefined ? [] : [`default ${input.default}`];
  const range = [
    ...(options ? [options.join(" | ")] : []),
    ...(min === undefined ? [] : [`at least ${min}`]),
    ...(max === undefined ? [] : [`at most ${max}`]),
    ...(minLength === undefined ? [] : [`at least ${minLength} characters`]),
    ...(maxLength === undefined ? [] : [`at most ${maxLength} characters`]),
  ];
  const facts = [type, ...(required ? ["required"] : []), ...kept, ...range].join(", ");
  return `${name} (${facts})${description ? `: ${description}` : ""}`;
}

function whoOf({ action }: StepDefinition): string {
  switch (action.kind) {
    case "task":
      return whoDoes(action);
    case "approval":
      return action.gate.approvers.join(", ") || "whoever may operate";
    case "workflow":
      return `workflow ${action.workflow}`;
    case "wait":
      return `wait ${formatDuration(action.ms)}`;
    case "conclusion":
      return "the coordinator";
  }
}

function notesOf({
  action,
  forEach,
  cleanup,
  continueOnError,
  if: condition,
}: StepDefinition): readonly string[] {
  return [
    ...(action.kind === "approval"
      ? [`gate: ${action.gate.min} to approve, ${formatDuration(action.gate.timeoutMs)}`]
      : []),
    ...(action.kind === "task" && action.template ? [`template ${action.template.name}`] : []),
    ...(action.kind === "task" && action.model !== undefined ? [`model ${action.model}`] : []),
    ...(action.kind === "task"
      ? [`${formatDuration(action.timeoutMs)}, ${attempts(action.retry.maxAttempts)}`]
      : []),
    ...(forEach ? [`for each of ${forEach.expression}, ${forEach.maxParallel} at once`] : []),
    ...(condition === undefined ? [] : [`if ${condition}`]),
    ...(continueOnError ? ["its failure is tolerated"] : []),
    ...(cleanup ? ["cleanup: runs last"] : []),
  ];
}

function attempts(most: number): string {
  return most === 1 ? "1 attempt" : `${most} attempts`;
}
