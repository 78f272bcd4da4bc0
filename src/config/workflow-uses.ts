import { checkExpression, ExpressionError, expressionsIn, referencesOf } from "../domain/expression.ts";
import type { StepDefinition } from "../domain/workflow-types.ts";
import { suggest } from "./problems.ts";
import { strangerIn } from "./workflow-expect.ts";
import type { Findings, Path } from "./workflow-findings.ts";
import type { StepGraph } from "./workflow-graph.ts";
import { schemaOf, spokenConclusion } from "./workflow-panel.ts";
import type { PlacedStep } from "./workflow-steps.ts";
import { textsIn } from "./workflow-template.ts";

type Known = {
  readonly inputs: ReadonlySet<string>;
  /** All that the file names, also steps that cannot be read. */
  readonly ids: ReadonlySet<string>;
  readonly steps: ReadonlyMap<string, PlacedStep>;
  readonly graph: StepGraph;
  readonly findings: Findings;
};
type Use = { readonly source: string; readonly path: Path; readonly item: boolean; readonly status: boolean };

/** Every expression of a step: what it names must be there, and be settled when it is evaluated. Gives the inputs that are used. */
export function checkUses(placed: PlacedStep, known: Known): ReadonlySet<string> {
  const used = new Set<string>();
  for (const use of usesOf(placed, known.findings)) {
    const { problems, warnings } = checkExpression(use.source, {
      inputs: known.inputs,
      steps: known.ids,
      allowItem: use.item,
      allowStatus: use.status,
    });
    for (const message of problems) known.findings.problem(use.path, message);
    for (const message of warnings) known.findings.warning(use.path, message);
    if (problems.length > 0) continue;
    const { inputs, allInputs, steps } = referencesOf(use.source);
    for (const name of allInputs ? known.inputs : inputs) used.add(name.toLowerCase());
    const told = new Set<string>();
    for (const reference of steps) {
      const { id } = reference;
      if (!told.has(id)) checkOrder(placed.step, id, use.path, known);
      told.add(id);
      const target = known.steps.get(id)?.step;
      const wrong = target && propertyProblem(target, reference);
      if (wrong) known.findings.problem(use.path, wrong.message, wrong.suggestion);
    }
  }
  return used;
}

/** Every expression of a step, with its place. */
export function usesOf(
  { step, path, taskAt }: Pick<PlacedStep, "step" | "path" | "taskAt">,
  findings: Findings,
): readonly Use[] {
  const uses: Use[] = [];
  const isFanOut = step.forEach !== undefined;
  const whole = (source: string, key: string, status: boolean) =>
    uses.push({ source, path: [...path, key], item: false, status });
  const text = (template: string, ...keys: string[]) => textAt(template, [...path, ...keys]);
  const textAt = (template: string, at: Path) => {
    try {
      for (const { source } of expressionsIn(template))
        uses.push({ source, path: at, item: isFanOut, status: false });
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      findings.problem(at, error.message);
    }
  };
  if (step.if !== undefined) whole(step.if, "if", true);
  if (step.forEach) whole(step.forEach.expression, "for_each", false);
  const { action } = step;
  if (action.kind === "task") {
    const { template } = action;
    if (template && !taskAt)
      for (const { text, keys } of textsIn(template.with)) textAt(text, [...path, "with", ...keys]);
    else textAt(action.task, taskAt ?? [...path, "task"]);
  }
  if (action.kind === "approval") {
    if (path.at(-1) === "approval_gate") text(action.gate.prompt, "prompt");
    else text(action.gate.prompt, "approval", "prompt");
  }
  if (action.kind === "workflow")
    for (const [name, value] of Object.entries(action.with))
      if (typeof value === "string") text(value, "with", name);
  return uses;
}

/** Without a need on it, a step may not be settled when it is used: its values would silently be empty. */
function checkOrder(step: StepDefinition, used: string, path: Path, { steps, graph, findings }: Known): void {
  if (used === step.id) return findings.problem(path, `steps.${used} is this step itself`);
  const target = steps.get(used)?.step;
  if (!target || (step.cleanup && !target.cleanup) || graph.isBefore(used, step.id)) return undefined;
  const isAfter = graph.isBefore(step.id, used);
  const why = isAfter ? "comes after this step" : "is not among the needs of this step";
  const advice = isAfter ? undefined : `add ${used} to needs`;
  return findings.problem(path, `steps.${used} is used here, yet ${used} ${why}`, advice);
}

/** Values that a step of its kind never has. */
function propertyProblem(
  target: StepDefinition,
  { id, property = "", rest = [] }: { id: string; property?: string; rest?: readonly string[] },
): { readonly message: string; readonly suggestion?: string } | undefined {
  const { action } = target;
  const name = `steps.${id}.${property}`;
  const isFanOut = target.forEach !== undefined;
  if ((property === "outputs" || property === "results") && !isFanOut)
    return {
      message: `${name} is empty: ${id} has no for_each`,
      suggestion: `use steps.${id}.${property.slice(0, -1)}`,
    };
  if (property === "output" && isFanOut)
    return { message: `${name} is empty: ${id} has for_each`, suggestion: `use steps.${id}.outputs` };
  if (property === "output" || property === "outputs") {
    if (action.kind === "conclusion") {
      const known = schemaOf(action.of);
      const stranger = strangerIn(known, rest);
      const of = `${spokenConclusion(action.of)} gives no such thing`;
      return (
        stranger && {
          message: `${name} has no "${stranger.key}": ${of}`,
          suggestion: suggest(stranger.key, stranger.known) ?? `there are: ${stranger.known.join(", ")}`,
        }
      );
    }
    if (action.kind === "approval" || action.kind === "wait")
      return { message: `${name} is empty: ${id} is ${action.kind === "wait" ? "a wait" : "an approval"}` };
    if (action.kind !== "task") return undefined;
    if (!action.expect)
      return {
        message: `${name} is empty: ${id} has no expect`,
        suggestion: `give ${id} expect: { schema: … }, or use steps.${id}.result`,
      };
    const stranger = strangerIn(action.expect.schema, property === "output" ? rest : rest.slice(1));
    if (stranger)
      return {
        message: `${name} has no "${stranger.key}": ${action.expect.file} does not name it`,
        suggestion: suggest(stranger.key, stranger.known) ?? "add it to the schema",
      };
    return undefined;
  }
  if ((property === "verdict" || property === "issues") && !target.postHooks?.includes("sanity-check")) {
    const isVote = action.kind === "conclusion" && action.of.kind !== "supervise" && property === "verdict";
    const canBeChecked = action.kind === "task" && !isFanOut;
    return {
      message: `${name} is empty: ${id} is not checked`,
      ...(isVote ? { suggestion: `use steps.${id}.output.verdict` } : {}),
      ...(canBeChecked ? { suggestion: `give ${id} post_hooks: [sanity-check]` } : {}),
    };
  }
  const isTask = action.kind === "task" || action.kind === "workflow";
  if (property === "confidence" && action.kind === "conclusion") return undefined;
  if (["confidence", "artifacts", "agent"].includes(property) && action.kind !== "task")
    return { message: `${name} is empty: only tasks have it` };
  if (property === "result" && !isTask && action.kind === "wait")
    return { message: `${name} is empty: a wait has no result` };
  return undefined;
}
