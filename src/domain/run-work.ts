import { digestOf } from "../kernel/id.ts";
import {
  evaluate,
  expressionsIn,
  type References,
  referencesOf,
  renderText,
  usesInput,
} from "./expression.ts";

import { type FileOf, type Fitted, fitting } from "./run-attachments.ts";
import { contextFor } from "./run-conditions.ts";
import { workIn } from "./run-evolve.ts";
import { graphOf } from "./run-graph.ts";
import { definitionAt, stepOf } from "./run-tally.ts";
import type { Place, RunState, StepState, WorkState } from "./run-types.ts";
import type { InputValue, StepDefinition } from "./workflow-types.ts";

const LONGEST_ID = 60;

/**
 * The id of the delegation or nested run at a place, always the same. An item stands behind `_`, which no step's id
 * holds: `a_1` is an item of `a`, `a-1` another step.
 */
export function childIdOf(run: string, { step, item, generation }: Place): string {
  const path = `${step}${item === undefined ? "" : `_${item}`}${generation > 1 ? `~${generation}` : ""}`;
  const id = `${run}.${path}`;
  return id.length <= LONGEST_ID ? id : `orch-${digestOf(id).slice(0, 24)}`;
}

export function stepAt(state: RunState, id: string): StepState | undefined {
  const index = graphOf(state.order.definition).indexOf.get(id);
  return index === undefined ? undefined : stepOf(state, index);
}

/** What stands at a place; undefined when its step began anew since. */
export function workAt(state: RunState, of: Place): WorkState | undefined {
  const step = stepAt(state, of.step);
  return step?.generation === of.generation ? workIn(step, of) : undefined;
}

export function kindOfChild({ action }: StepDefinition): "delegation" | "run" {
  return action.kind === "workflow" ? "run" : "delegation";
}

export type ComposedTask = Pick<Fitted, "attachments" | "files"> & { readonly objective: string };

/**
 * The task with its values; what steps handed in stands beside it as data, or its beginning where `fileOf` gives a file
 * that the agent can read. Throws ExpressionError.
 */
export function composeTask(state: RunState, of: Place, fileOf: FileOf = () => undefined): ComposedTask {
  const { index, definition } = found(state, of);
  const { action } = definition;
  const template = stepOf(state, index).task ?? (action.kind === "task" ? action.task : "");
  const { text, data } = renderText(template, contextFor(state, index, of.item), {
    foreignItem: isItemForeign(state, definition),
    foreignInputs: state.order.foreignInputs ?? [],
  });
  const { attachments, notes, files } = fitting(data, state.order.id, fileOf);
  return {
    objective: [text, ...doubtNotes(state, index, template), ...notes].join("\n\n"),
    attachments,
    files,
  };
}

/** What is only a part is never passed on as the whole, nor what a failed step left behind as its result. */
function doubtNotes(state: RunState, index: number, template: string): readonly string[] {
  const { needs, forEach } = definitionAt(state, index);
  const sources = expressionsIn(template).map(({ source }) => source);
  const used = [...sources, ...(forEach ? [forEach.expression] : [])].flatMap(
    (source) => referencesOf(source).steps,
  );
  const brought = new Set(used.filter(({ property }) => WHAT_IT_BROUGHT.has(property)).map(({ id }) => id));
  return [...new Set([...needs, ...brought])].flatMap((id) => {
    const { status, outcome } = stepAt(state, id) ?? {};
    const why = outcome?.reason ? ` (${outcome.reason})` : "";
    if (status === "partial")
      return [`Note: the result of the step ${id} is partial${why}. Treat it as incomplete.`];
    if (status === "failed" && brought.has(id))
      return [`Note: the step ${id} failed${why}. What stands here of it is not its result.`];
    return [];
  });
}

const WHAT_IT_BROUGHT: ReadonlySet<string | undefined> = new Set([
  undefined,
  "result",
  "results",
  "output",
  "outputs",
]);

/** The inputs of a nested run, values of one expression with their type. Throws ExpressionError. */
export function composeInputs(state: RunState, of: Place): Readonly<Record<string, InputValue>> {
  const { index, definition } = found(state, of);
  const { action } = definition;
  if (action.kind !== "workflow") return {};
  const context = contextFor(state, index, of.item);
  const inputs = Object.entries(action.with).map(([name, value]): [string, InputValue] => {
    if (typeof value !== "string") return [name, value];
    const [only] = expressionsIn(value);
    const isWhole = only !== undefined && only.at === 0 && only.end === value.length;
    const found = isWhole ? evaluate(only.source, context) : undefined;
    if (typeof found === "number" || typeof found === "boolean") return [name, found];
    return [name, renderText(value, context, { inline: true }).text];
  });
  return Object.fromEntries(inputs);
}

/** Which of those inputs hold what steps handed in: the nested run's prompts fence them as well. */
export function foreignInputsOf(state: RunState, of: Place): readonly string[] {
  const { definition } = found(state, of);
  const { action } = definition;
  if (action.kind !== "workflow") return [];
  return Object.entries(action.with).flatMap(([name, value]) =>
    typeof value === "string" && isForeign(state, definition, value) ? [name] : [],
  );
}

function isForeign(state: RunState, definition: StepDefinition, template: string): boolean {
  return expressionsIn(template).some(({ source }) => {
    const references = referencesOf(source);
    return namesForeign(state, references) || (references.item && isItemForeign(state, definition));
  });
}

function isItemForeign(state: RunState, { forEach }: StepDefinition): boolean {
  return forEach !== undefined && namesForeign(state, referencesOf(forEach.expression));
}

function namesForeign({ order }: RunState, references: References): boolean {
  return references.steps.length > 0 || usesInput(references, order.foreignInputs ?? []);
}

function found(state: RunState, of: Place) {
  const index = graphOf(state.order.definition).indexOf.get(of.step);
  if (index === undefined) throw new Error(`${state.order.id} has no step ${of.step}`);
  return { index, definition: definitionAt(state, index) };
}
