import type { Registry } from "../domain/agent-card.ts";
import { ExpressionError, expressionsIn } from "../domain/expression.ts";
import { SUMMARY_FILE } from "../domain/run-documents.ts";
import type { RetryDefinition, StepAction, StepDefinition, TaskAction } from "../domain/workflow-types.ts";
import { suggest } from "./problems.ts";
import { agentNamed } from "./workflow-agents.ts";
import { readSchema, type SchemaProblem } from "./workflow-expect.ts";
import type { Findings, Path } from "./workflow-findings.ts";
import { toGate } from "./workflow-gates.ts";
import { heldByChecks, withHooks } from "./workflow-hooks.ts";
import { kindOf, type StepKind } from "./workflow-kinds.ts";
import { type Common, type Places, panelSteps, type ToTask } from "./workflow-panel.ts";
import { type GateEntry, gateSchema, NAME, type StepEntry, type WorkflowFile } from "./workflow-schema.ts";
import { superviseSteps } from "./workflow-supervise.ts";
import { plainValues, templateTask } from "./workflow-template.ts";

const DEFAULT_TIMEOUT_MS = 300_000;
const DEFAULT_RETRY: RetryDefinition = { maxAttempts: 2, delayMs: 0, backoff: "exponential" };

const TAKEN = `"${SUMMARY_FILE}" is the name of the run's own file, ${SUMMARY_FILE}.json`;
const PLAIN_GATE: GateEntry = gateSchema.parse({});

/** A step and where it stands in the file; a gate before an agent stands where that agent asks for it. */
export type PlacedStep = {
  readonly step: StepDefinition;
  readonly path: Path;
  readonly needsAt: Path;
  /** Where its task stands, when that is not `task`. */
  readonly taskAt?: Path;
  /** What it says has been checked in another step, made of the same lines. */
  readonly isChecked?: boolean;
  /** It only holds what needs the step before it: nobody's last step, and no use of a result. */
  readonly isCheck?: boolean;
};

export type StepSurroundings = {
  readonly file: Pick<WorkflowFile, "defaults" | "limits" | "steps">;
  /** The workflows' folder. */
  readonly dir: string;
  readonly registry: Registry;
  readonly schemaProblem?: SchemaProblem | undefined;
  readonly findings: Findings;
};

/** The steps of a file in its order, each gate of an agent as a step before it, each check of an output as one after it. What cannot be a step is told and left out. */
export function toSteps(around: StepSurroundings): readonly PlacedStep[] {
  const steps = Object.entries(around.file.steps).flatMap(([id, entry]) => {
    const path = ["steps", id];
    // What the loader names itself has a dash, so only a name of the file can be this one.
    if (id === SUMMARY_FILE) around.findings.problem(path, TAKEN, "give it another name", "key");
    const kind = kindOf(entry, path, around.findings);
    return kind === undefined ? [] : placed(id, entry, kind, path, around);
  });
  return heldByChecks(steps);
}

function placed(
  id: string,
  entry: StepEntry,
  kind: StepKind,
  path: Path,
  around: StepSurroundings,
): readonly PlacedStep[] {
  const { findings } = around;
  if (entry.needs !== undefined && entry.depends_on !== undefined)
    findings.problem([...path, "depends_on"], "says the same as needs", "keep one of them", "key");
  const condition = conditionOf(entry.if, [...path, "if"], findings);
  const rest = {
    needs: [...new Set([entry.needs ?? entry.depends_on ?? []].flat())],
    continueOnError: entry.continue_on_error,
    cleanup: entry.cleanup,
  };
  const limit = around.file.limits.max_parallel;
  const maxParallel = Math.min(entry.max_parallel ?? limit, limit);
  const list =
    entry.for_each === undefined ? undefined : wholeOf(entry.for_each, [...path, "for_each"], findings);
  const needsAt = [...path, entry.needs === undefined ? "depends_on" : "needs"];
  if (kind === "panel" || kind === "supervise") {
    const common = { id, ...rest, ...(condition === undefined ? {} : { if: condition }) };
    const expand = kind === "panel" ? panelSteps : superviseSteps;
    const toTask: ToTask = (one, at) => taskOf(one, at, around);
    const asked = entry.approval_gate;
    if (!asked) return expand(common, entry, { path, needsAt }, around, toTask);
    const gate = gateBefore(common, { path, needsAt }, asked === true ? undefined : asked, around);
    const begun = { id, ...rest, needs: [gate.step.id] };
    return [gate, ...expand(begun, entry, { path, needsAt: gate.path }, around, toTask)];
  }
  const step: StepDefinition = {
    id,
    ...rest,
    ...(condition === undefined ? {} : { if: condition }),
    ...(list === undefined ? {} : { forEach: { expression: list, maxParallel } }),
    action: actionOf(id, entry, kind, path, around),
  };
  const gate = entry.approval_gate;
  const whole = { step, path, needsAt };
  const gated = gate ? withGate(whole, gate === true ? undefined : gate, around) : [whole];
  return gated.flatMap((one) => (one.step.id === id ? withHooks(one, entry.post_hooks, around) : [one]));
}

/** The gate takes over the step's needs and condition: it begins when people have said yes, and only then. */
function withGate(
  { step, path, needsAt }: PlacedStep,
  given: GateEntry | undefined,
  around: StepSurroundings,
): readonly PlacedStep[] {
  const gate = gateBefore(step, { path, needsAt }, given, around);
  const { if: _, ...rest } = step;
  return [gate, { path, needsAt: gate.path, step: { ...rest, needs: [gate.step.id] } }];
}

function gateBefore(
  { id: step, if: condition, needs, cleanup }: Common,
  { path, needsAt }: Places,
  given: GateEntry | undefined,
  { file, findings }: StepSurroundings,
): PlacedStep {
  const at = [...path, "approval_gate"];
  const id = `${step}-gate`;
  const taken = `needs the name "${id}", and there is a step of that name`;
  if (Object.hasOwn(file.steps, id)) findings.problem(at, taken, "rename that step", "key");
  if (!NAME.test(id)) findings.problem(at, `makes a step "${id}", whose name is too long`, undefined, "key");
  const gate = toGate(given ?? PLAIN_GATE, `May ${step} begin?`, at, findings);
  return {
    path: at,
    needsAt,
    step: {
      id,
      needs,
      continueOnError: false,
      cleanup,
      ...(condition === undefined ? {} : { if: condition }),
      action: { kind: "approval", gate },
    },
  };
}

function conditionOf(given: StepEntry["if"], path: Path, findings: Findings): string | undefined {
  if (given === undefined) return undefined;
  return typeof given === "boolean" ? String(given) : wholeOf(given, path, findings);
}

/** `${{ x }}` or `x`: the source of one expression that is all there is. */
function wholeOf(text: string, path: Path, { problem }: Findings): string | undefined {
  if (!text.includes("${{")) return text.trim();
  try {
    const [only, more] = expressionsIn(text);
    if (only && !more && text.trim().length === only.end - only.at) return only.source;
    problem(path, "must be one expression and nothing beside it", "write ${{ a && b }}");
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    problem(path, error.message);
  }
  return undefined;
}

function actionOf(
  id: string,
  entry: StepEntry,
  kind: Exclude<StepKind, "panel" | "supervise">,
  path: Path,
  around: StepSurroundings,
): StepAction {
  switch (kind) {
    case "task":
      return taskOf(entry, path, around);
    case "approval": {
      const at = [...path, "approval"];
      if (!entry.approval) throw new Error(`step ${id} has no approval`);
      return { kind, gate: toGate(entry.approval, undefined, at, around.findings) };
    }
    case "workflow":
      return { kind, workflow: entry.workflow ?? "", with: plainValues(entry.with, path, around.findings) };
    case "wait":
      return { kind, ms: entry.wait ?? 0 };
  }
}

function taskOf(entry: StepEntry, path: Path, around: StepSurroundings): TaskAction {
  const { defaults } = around.file;
  const { findings } = around;
  const format = entry.format ?? defaults.format ?? "json";
  const startWithinMs = entry.start_within ?? defaults.start_within;
  const retry = { ...defaults.retry, ...entry.retry };
  const made = entry.template === undefined ? undefined : templateTask(entry, path, around);
  const expect = made?.expect ?? expectOf(entry, path, around);
  const fallback = entry.fallback ?? defaults.fallback;
  const model = entry.model ?? defaults.model;
  if (expect && format === "text")
    findings.problem(
      [...path, made ? "template" : "expect"],
      "needs format: json: text has no fields to check",
      undefined,
      "key",
    );
  return {
    kind: "task",
    ...whoOf(entry, path, around),
    task: made?.task ?? entry.task ?? "",
    ...(made?.template ? { template: made.template } : {}),
    ...(model === undefined ? {} : { model }),
    ...(entry.channel_context ? { channelContext: contextOf(entry.channel_context) } : {}),
    timeoutMs: entry.timeout ?? defaults.timeout ?? DEFAULT_TIMEOUT_MS,
    ...(startWithinMs === undefined ? {} : { startWithinMs }),
    retry: {
      maxAttempts: retry.max_attempts ?? DEFAULT_RETRY.maxAttempts,
      delayMs: retry.delay ?? DEFAULT_RETRY.delayMs,
      backoff: retry.backoff ?? DEFAULT_RETRY.backoff,
    },
    validate: entry.validate ?? defaults.validate ?? false,
    format,
    ...(fallback === undefined ? {} : { fallback }),
    ...(expect ? { expect } : {}),
  };
}

function whoOf(
  { agent, capability }: StepEntry,
  path: Path,
  { registry, findings }: StepSurroundings,
): Pick<TaskAction, "agent" | "capability"> {
  if (agent !== undefined) return { agent: agentNamed(agent, [...path, "agent"], { registry, findings }) };
  if (capability === undefined) return {};
  const known = registry.capabilities;
  if (!known.includes(capability))
    findings.needsAgent(
      [...path, "capability"],
      `no agent has the capability "${capability}"`,
      suggest(capability, known) ?? "agents.yaml says what each can do",
    );
  return { capability };
}

function contextOf({ channel, messages }: NonNullable<StepEntry["channel_context"]>) {
  return { channel, ...(messages === undefined ? {} : { messages }) };
}

function expectOf(
  { expect }: StepEntry,
  path: Path,
  { dir, schemaProblem, findings }: StepSurroundings,
): TaskAction["expect"] {
  if (!expect) return undefined;
  const read = readSchema(dir, expect.schema, schemaProblem);
  if (read.ok) return { file: expect.schema, schema: read.schema };
  findings.problem([...path, "expect", "schema"], read.message, read.suggestion);
  return undefined;
}
