import type { Acl } from "../domain/acl.ts";
import type { Registry } from "../domain/agent-card.ts";
import type { ConfigProblem } from "../domain/config.ts";
import type { WorkflowDefinition } from "../domain/workflow-types.ts";
import { digestOf } from "../kernel/id.ts";
import { jsonSchemaOf } from "./load.ts";
import { type JsonSchema, problemsOf, suggest } from "./problems.ts";
import { adviceFor } from "./workflow-advice.ts";
import type { SchemaProblem } from "./workflow-expect.ts";
import { createFindings, type Findings } from "./workflow-findings.ts";
import { createStepGraph } from "./workflow-graph.ts";
import { toInputs } from "./workflow-inputs.ts";
import { checkModelNames, type ModelNames } from "./workflow-models.ts";
import { type ScheduleProblem, toSchedules } from "./workflow-schedules.ts";
import { MOST_STEPS, type WorkflowFile, workflowSchema } from "./workflow-schema.ts";
import { type PlacedStep, toSteps } from "./workflow-steps.ts";
import { checkUses } from "./workflow-uses.ts";
import { readYaml, type YamlSource } from "./yaml-source.ts";

/** A file of 10,000 steps. */
const LARGEST_BYTES = 4 * 1024 * 1024;
const MOST_PROBLEMS = 200;

/** What the checks of one file need from outside. */
export type WorkflowChecks = {
  /** The folder of the workflows: paths of schemas begin there. */
  readonly dir: string;
  readonly registry: Registry;
  /** With it, steps are told whose agents may delegate on. */
  readonly acl?: Acl | undefined;
  /** With it, models that there are not are refused. */
  readonly models?: ModelNames | undefined;
  readonly schemaProblem?: SchemaProblem | undefined;
  readonly scheduleProblem?: ScheduleProblem | undefined;
};

export type ReadWorkflow = {
  /** Absent when there are problems. */
  readonly definition?: WorkflowDefinition;
  /** To say more about places in the file; absent when it is no YAML. */
  readonly source?: YamlSource;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];
  /** Anti-patterns of a valid file: they stop nothing and are told to who asks. */
  readonly advice?: readonly ConfigProblem[];
};

let json: JsonSchema | undefined;

/** One file: parsed, checked as far as one file can be, every problem at once. */
export function readWorkflow(file: string, name: string, checks: WorkflowChecks): ReadWorkflow {
  const result = readYaml(file, LARGEST_BYTES);
  if (result.kind === "missing")
    return { problems: [{ file, path: "", message: "is not there any more" }], warnings: [] };
  if (result.kind === "bad") return { problems: result.problems, warnings: [] };
  const { source, text } = result;
  const findings = createFindings(source);
  const parsed = workflowSchema.safeParse(source.value);
  if (!parsed.success) {
    json ??= jsonSchemaOf(workflowSchema);
    findings.problems.push(...problemsOf(parsed.error, source, json));
  }
  const draft = parsed.success ? parsed.data : readableParts(source.value, name);
  const { rest, placed } = checkParts(draft, name, source.value, checks, findings);
  const { problems, warnings } = findings;
  if (problems.length > 0) return { source, problems: capped(problems), warnings };
  const definition = { ...rest, digest: digestOf(text) };
  return { definition, source, problems, warnings, advice: adviceFor(definition, placed, source, checks) };
}

function capped(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const [first] = problems;
  if (!first || problems.length <= MOST_PROBLEMS) return sorted(problems);
  const more = {
    file: first.file,
    path: "",
    message: `and ${problems.length - MOST_PROBLEMS} more problems`,
  };
  return [...sorted(problems).slice(0, MOST_PROBLEMS), more];
}

function sorted(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  return problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};

/** Every name that the file gives, so that one wrong entry makes no further problem where it is used. */
function namesIn(value: unknown) {
  const { inputs, steps } = fieldsOf(value);
  return { inputs: Object.keys(fieldsOf(inputs)), steps: Object.keys(fieldsOf(steps)) };
}

/** What can be read of a file with problems; the rest is as if it were not there. */
function readableParts(value: unknown, name: string): WorkflowFile {
  const { shape } = workflowSchema;
  const fields = fieldsOf(value);
  const kept = Object.entries(fields).flatMap(([key, part]) => {
    const field = (shape as Readonly<Record<string, (typeof shape)[keyof typeof shape]>>)[key];
    if (!field) return [];
    if (key !== "inputs" && key !== "steps")
      return field.safeParse(part).success ? [[key, part] as const] : [];
    const entries = Object.entries(fieldsOf(part)).filter(
      ([name, entry]) => shape[key].safeParse({ [name]: entry }).success,
    );
    return [[key, Object.fromEntries(entries)] as const];
  });
  return workflowSchema.parse({ name, steps: {}, ...Object.fromEntries(kept) });
}

function checkParts(
  file: WorkflowFile,
  name: string,
  value: unknown,
  checks: WorkflowChecks,
  findings: Findings,
): { readonly rest: Omit<WorkflowDefinition, "digest">; readonly placed: readonly PlacedStep[] } {
  const names = namesIn(value);
  if (file.name !== name)
    findings.problem(["name"], `is "${file.name}", and the file is ${name}.yaml`, "make them the same");
  if (names.steps.length === 0) findings.problem(["steps"], "there are no steps", undefined, "key");
  const inputs = toInputs(file.inputs, findings);
  const schedules = toSchedules(file.name, value, inputs, findings, checks.scheduleProblem);
  const placed = toSteps({ ...checks, file, findings });
  if (checks.models) checkModelNames(file, checks.models, findings);
  if (placed.length > MOST_STEPS)
    findings.problem(
      ["steps"],
      `there are ${placed.length} steps; at most ${MOST_STEPS} are read`,
      undefined,
      "key",
    );
  const last = placed.length > MOST_STEPS ? [] : checkSteps(file, placed, names, findings);
  const rest = {
    name: file.name,
    description: file.description,
    inputs,
    limits: {
      maxParallel: file.limits.max_parallel,
      timeoutMs: file.limits.timeout,
      maxFailures: file.limits.max_failures,
    },
    steps: placed.map(({ step }) => step),
    ...outputOf(file, last),
    schedules,
  };
  return { rest, placed };
}

/** What the file says, else the only last step. */
function outputOf({ output }: WorkflowFile, last: readonly string[]): Pick<WorkflowDefinition, "output"> {
  if (!output) return last[0] !== undefined && last.length === 1 ? { output: { step: last[0] } } : {};
  const { step, channel } = output;
  return { output: { step, ...(channel === undefined ? {} : { channel }) } };
}

/** What only shows when all steps are seen together; gives the last steps of the main part. */
function checkSteps(
  file: WorkflowFile,
  placed: readonly PlacedStep[],
  names: ReturnType<typeof namesIn>,
  findings: Findings,
): readonly string[] {
  const steps = new Map(placed.map((one) => [one.step.id, one]));
  const ids = new Set([...names.steps, ...steps.keys()]);
  const graph = createStepGraph(placed.filter(({ isCheck }) => !isCheck).map(({ step }) => step));
  const used = new Set<string>();
  const known = { inputs: new Set(names.inputs), ids, steps, graph, findings };
  for (const one of placed) {
    if (one.isChecked) continue;
    checkNeeds(one, steps, ids, findings);
    for (const name of checkUses(one, known)) used.add(name);
    checkSpan(one, file, findings);
  }
  for (const circle of graph.circles) {
    const [first = ""] = circle;
    const way = [...circle, first].join(" → ");
    findings.problem(
      ["steps", first],
      `needs itself: ${way} (each needs the next)`,
      "take one of the needs away",
      "key",
    );
  }
  for (const name of findings.problems.length > 0 ? [] : names.inputs) {
    if (!used.has(name.toLowerCase()))
      findings.warning(["inputs", name], "is used nowhere", undefined, "key");
  }
  const last = graph.last.filter((id) => steps.get(id)?.step.cleanup === false);
  checkOutput(file, ids, last, findings);
  return last;
}

function checkNeeds(
  { step, needsAt }: PlacedStep,
  steps: ReadonlyMap<string, PlacedStep>,
  ids: ReadonlySet<string>,
  { problem }: Findings,
): void {
  for (const [index, need] of step.needs.entries()) {
    const at = [...needsAt, index];
    const other = steps.get(need)?.step;
    if (!ids.has(need)) problem(at, `there is no step "${need}"`, suggest(need, [...ids]));
    else if (other && other.cleanup !== step.cleanup)
      problem(
        at,
        step.cleanup
          ? `${need} is over anyway: cleanup runs after all others`
          : `${need} is cleanup: it runs last`,
        step.cleanup ? "take it out of needs" : "take one of the two words away",
      );
  }
}

function checkSpan({ step, path }: PlacedStep, file: WorkflowFile, { warning }: Findings): void {
  const { action } = step;
  const span = action.kind === "approval" ? action.gate.timeoutMs : action.kind === "wait" ? action.ms : 0;
  if (span >= file.limits.timeout)
    warning(path, "may wait longer than the whole run has", "raise limits.timeout", "key");
}

function checkOutput(
  { output }: WorkflowFile,
  ids: ReadonlySet<string>,
  last: readonly string[],
  { problem, warning }: Findings,
): void {
  if (output && !ids.has(output.step))
    problem(["output", "step"], `there is no step "${output.step}"`, suggest(output.step, [...ids]));
  if (!output && last.length > 1)
    warning(
      ["steps"],
      `whose result is the run's is not said, and there are several last steps: ${last.slice(0, 5).join(", ")}`,
      "add output: { step: … }",
      "key",
    );
}
