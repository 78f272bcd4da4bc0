import { dirname, join } from "node:path";
import { workflowPlaceOf } from "../../src/app/workflow-place.ts";
import { loadConfig } from "../../src/config/load.ts";
import { renderProblems } from "../../src/config/render-problems.ts";
import { type LoadedWorkflows, loadWorkflows } from "../../src/config/workflows.ts";
import type { Config, ConfigProblem } from "../../src/domain/config.ts";
import type { StepDefinition, WorkflowDefinition } from "../../src/domain/workflow-types.ts";
import { formatDuration } from "../../src/kernel/time.ts";

export const ROOT = join(import.meta.dirname, "..", "..");
export const FIXTURES = join(ROOT, "test", "fixtures", "workflows");

/** The shipped configuration: its agents are those that the fixtures name. */
export function shippedConfig(): Config {
  const loaded = loadConfig({
    dir: join(ROOT, "config"),
    installation: ROOT,
    home: join(ROOT, ".hq"),
    env: {},
  });
  if (!loaded.ok) throw new Error(renderProblems(loaded.problems));
  return loaded.config;
}

export function loadFolder(dir: string): LoadedWorkflows {
  return loadWorkflows({ ...workflowPlaceOf(shippedConfig()), dir });
}

/** What is said of one file, a line each, without the file's name. */
export function linesOf(problems: readonly ConfigProblem[], file: string): string {
  const own = problems.filter((problem) => problem.file === file);
  return own.map((problem) => renderProblems([problem], dirname(file)).replace(/^[^: ]+[: ]/, "")).join("\n");
}

/** A definition as people read it: what can begin together, wave by wave, and what else was decided. */
export function planText(definition: WorkflowDefinition): string {
  const { inputs, limits, output, schedules } = definition;
  const waves = wavesOf(definition.steps);
  return [
    ...inputs.map(({ name, type, required, ...more }) => {
      const { description: _, ...rest } = more;
      return `input ${name}: ${type}${required ? " required" : ""} ${JSON.stringify(rest)}`;
    }),
    `limits ${limits.maxParallel} at once, ${limits.maxFailures} failures, ${formatDuration(limits.timeoutMs)}`,
    ...waves.flatMap((wave, index) => wave.map((step) => `${index + 1}. ${stepText(step)}`)),
    ...(output ? [`output ${output.step}${output.channel ? ` to #${output.channel}` : ""}`] : []),
    ...schedules.map((schedule) => `schedule ${JSON.stringify(schedule)}`),
    "",
  ].join("\n");
}

function wavesOf(steps: readonly StepDefinition[]): readonly (readonly StepDefinition[])[] {
  const waves: StepDefinition[][] = [];
  const done = new Set<string>();
  for (const isCleanup of [false, true]) {
    let open = steps.filter(({ cleanup }) => cleanup === isCleanup);
    while (open.length > 0) {
      const wave = open.filter(({ needs }) => needs.every((need) => done.has(need)));
      if (wave.length === 0) throw new Error(`no order for ${open.map(({ id }) => id).join(", ")}`);
      for (const { id } of wave) done.add(id);
      open = open.filter((step) => !wave.includes(step));
      waves.push(wave);
    }
  }
  return waves;
}

function stepText(step: StepDefinition): string {
  const { id, needs, action, forEach } = step;
  return [
    `${id}: ${actionText(action)}`,
    needs.length > 0 ? `after ${needs.join(", ")}` : "",
    step.if === undefined ? "" : `if ${step.if}`,
    forEach ? `for each of ${forEach.expression}, ${forEach.maxParallel} at once` : "",
    step.continueOnError ? "may fail" : "",
    step.cleanup ? "cleanup" : "",
  ]
    .filter(Boolean)
    .join("; ");
}

function actionText(action: StepDefinition["action"]): string {
  switch (action.kind) {
    case "task": {
      const {
        agent,
        workers,
        capability,
        timeoutMs,
        startWithinMs,
        retry,
        validate,
        format,
        expect,
        channelContext,
      } = action;
      return [
        agent ?? (workers ? `one of ${workers.join(", ")}` : `anybody for ${capability}`),
        formatDuration(timeoutMs),
        ...(startWithinMs === undefined ? [] : [`begins within ${formatDuration(startWithinMs)}`]),
        `${retry.maxAttempts} attempts ${retry.backoff} ${formatDuration(retry.delayMs)}`,
        format,
        ...(validate ? ["strict"] : []),
        ...(expect ? [`expects ${expect.file}`] : []),
        ...(channelContext ? [`reads ${channelContext.messages} of #${channelContext.channel}`] : []),
      ].join(", ");
    }
    case "approval":
      return `approval ${JSON.stringify(action.gate)}`;
    case "workflow":
      return `workflow ${action.workflow} with ${JSON.stringify(action.with)}`;
    case "wait":
      return `wait ${formatDuration(action.ms)}`;
    case "conclusion":
      return JSON.stringify(action.of);
  }
}
