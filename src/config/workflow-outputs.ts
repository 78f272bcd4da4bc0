import { referencesOf } from "../domain/expression.ts";
import { outputOf } from "../domain/run-end.ts";
import type { StepDefinition, WorkflowDefinition } from "../domain/workflow-types.ts";
import { suggest } from "./problems.ts";
import { strangerIn } from "./workflow-expect.ts";
import type { Findings } from "./workflow-findings.ts";
import { schemaOf, spokenConclusion } from "./workflow-panel.ts";
import { usesOf } from "./workflow-uses.ts";

type Find = (name: string) => WorkflowDefinition | undefined;

/** What steps take of the outputs of nested workflows, by the schema of the step that gives the inner one its output. */
export function checkInnerOutputs(definition: WorkflowDefinition, find: Find, findings: Findings): void {
  const steps = new Map(definition.steps.map((step) => [step.id.toLowerCase(), step]));
  for (const step of definition.steps) {
    for (const { source, path } of usesOf({ step, path: pathOf(step, steps) }, findings)) {
      for (const { id, property = "", rest = [] } of referencesOf(source).steps) {
        if (property !== "output" && property !== "outputs") continue;
        const target = steps.get(id);
        const inner = target?.action.kind === "workflow" ? find(target.action.workflow) : undefined;
        if (!inner) continue;
        const keys = property === "output" ? rest : rest.slice(1);
        const wrong = problemIn(`steps.${id}.${property}`, inner, keys, find);
        if (wrong) findings.problem(path, wrong.message, wrong.suggestion);
      }
    }
  }
}

/** A gate that stands before a task is written in the task. */
function pathOf({ id, action }: StepDefinition, steps: ReadonlyMap<string, StepDefinition>) {
  const task = steps.get(id.replace(/-gate$/, ""));
  const isBefore = action.kind === "approval" && task?.id !== id && task?.needs.includes(id) === true;
  return isBefore && task ? ["steps", task.id, "approval_gate"] : ["steps", id];
}

function problemIn(
  name: string,
  inner: WorkflowDefinition,
  keys: readonly string[],
  find: Find,
): { readonly message: string; readonly suggestion?: string | undefined } | undefined {
  const index = outputOf(inner);
  const last = index === undefined ? undefined : inner.steps[index];
  if (!last) return undefined;
  const { action } = last;
  const of = `${inner.name}'s step ${last.id}`;
  const rest = last.forEach ? keys.slice(1) : keys;
  if (action.kind === "workflow") {
    const deeper = find(action.workflow);
    return deeper && problemIn(name, deeper, rest, find);
  }
  if (action.kind === "conclusion") {
    const stranger = strangerIn(schemaOf(action.of), rest);
    return (
      stranger && { message: `${name} has no "${stranger.key}": ${of} is ${spokenConclusion(action.of)}` }
    );
  }
  if (action.kind !== "task" || !action.expect) {
    const suggestion =
      action.kind === "task" ? `give ${last.id} expect: { schema: … }, or use the result` : "use the result";
    return { message: `${name} is empty: ${of}, which gives its output, has no expect`, suggestion };
  }
  const stranger = strangerIn(action.expect.schema, rest);
  if (!stranger) return undefined;
  return {
    message: `${name} has no "${stranger.key}": ${action.expect.file} of ${of} does not name it`,
    suggestion: suggest(stranger.key, stranger.known) ?? "add it to the schema",
  };
}
