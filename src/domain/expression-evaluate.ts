import { data, Evaluator } from "@actions/expressions";
import { truthy } from "@actions/expressions/result";
import { FUNCTIONS, functionsFor, type Status } from "./expression-functions.ts";
import { ExpressionError, type Parsed, parse, statusCalls } from "./expression-parse.ts";
import { dictionary, follow, toData, toPlain } from "./expression-values.ts";
import type { InputValue } from "./workflow-types.ts";

const LARGEST_RESULT = 64 * 1024;

export type StepValues = {
  status: string;
  result: string;
  output: unknown;
  outputs: unknown[];
  results: string[];
  confidence: string;
  reason: string;
  agent: string;
  artifacts: string[];
  /** Of the output gate, where a step is checked. */
  verdict?: string;
  issues?: string;
};

export type ExpressionContext = {
  readonly inputs: Readonly<Record<string, InputValue>>;
  /** Values of a step, or undefined when it has none yet (then all its properties are empty). Called only for steps that the text names. */
  readonly step: (id: string) => Partial<StepValues> | undefined;
  readonly item?: unknown;
  readonly index?: number;
  readonly status: Status;
};

/** The value of an expression as plain JSON; `source` without `${{ }}`. Throws ExpressionError, and nothing else. */
export function evaluate(source: string, context: ExpressionContext): unknown {
  const value = valueOf(source, context);
  if (parse(source).path || sizeOf(value) <= LARGEST_RESULT) return value;
  throw new ExpressionError(source, `makes more than ${LARGEST_RESULT / 1024} KiB`);
}

/** The same without the limit of what is kept: texts are cut where they are used. */
export function valueOf(source: string, context: ExpressionContext): unknown {
  const parsed = parse(source);
  const { path } = parsed;
  if (!path) return total(source, () => toPlain(run(source, parsed, context)));
  refuseStrangers(source, parsed);
  return follow(valueAt(path.root, path.keys[0], context), path.keys.slice(keysTaken(path.root))) ?? null;
}

/** GitHub's rule: without a status function in it, success() && (source); an absent source is success(). */
export function evaluateCondition(source: string | undefined, context: ExpressionContext): boolean {
  if (source === undefined) return context.status.success;
  const parsed = parse(source);
  const isMet = total(source, () => truthy(run(source, parsed, context)));
  return isMet && (statusCalls(parsed).length > 0 || context.status.success);
}

function total<Value>(source: string, work: () => Value): Value {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof ExpressionError) throw cause;
    const reason = cause instanceof RangeError ? "a value in it is too large" : (cause as Error).message;
    throw new ExpressionError(source, `cannot be evaluated: ${reason}`, cause);
  }
}

function run(source: string, parsed: Parsed, context: ExpressionContext): data.ExpressionData {
  refuseStrangers(source, parsed);
  return new Evaluator(parsed.root, contextsFor(parsed, context), functionsFor(context.status)).evaluate();
}

const ROOTS = new Set(["inputs", "steps", "item", "index"]);

/** The library would call or read anything by name; the load's check has said so before in more words. */
function refuseStrangers(source: string, { calls, paths }: Parsed): void {
  for (const name of calls)
    if (!FUNCTIONS.has(name)) throw new ExpressionError(source, `calls ${name}(), which there is not`);
  for (const { root, keys } of paths) {
    if (!ROOTS.has(root)) throw new ExpressionError(source, `names "${root}", which there is not`);
    if (root === "steps" && keys[0] === undefined)
      throw new ExpressionError(source, "must name the step: steps.<id>.result");
  }
}

/** Only what the expression names is made: a run may have thousands of steps. */
function contextsFor({ paths }: Parsed, context: ExpressionContext): data.Dictionary {
  const contexts = dictionary();
  const inputs = dictionary();
  const steps = dictionary();
  contexts.add("inputs", inputs);
  contexts.add("steps", steps);
  for (const { root, keys } of paths) {
    const [first] = keys;
    if (root === "item" || root === "index") contexts.add(root, toData(valueAt(root, undefined, context)));
    else if (root === "inputs" && first === undefined)
      for (const [name, value] of Object.entries(context.inputs)) inputs.add(name, toData(value));
    else if (root === "inputs" && first !== undefined)
      inputs.add(first, toData(valueAt(root, first, context)));
    else if (first !== undefined) addStep(steps, paths, first, context);
  }
  return contexts;
}

function addStep(
  steps: data.Dictionary,
  paths: Parsed["paths"],
  id: string,
  context: ExpressionContext,
): void {
  if (steps.get(id) !== undefined) return;
  const values = context.step(id.toLowerCase()) ?? {};
  const named = paths.filter(
    ({ root, keys }) => root === "steps" && keys[0]?.toLowerCase() === id.toLowerCase(),
  );
  const isWhole = named.some(({ keys }) => keys[1] === undefined);
  const wanted = new Set(named.map(({ keys }) => keys[1]?.toLowerCase()));
  const made = dictionary();
  for (const [name, value] of Object.entries(values))
    if (isWhole || wanted.has(name)) made.add(name, toData(value));
  steps.add(id, made);
}

/** How many keys `valueAt` has followed. */
const keysTaken = (root: string) => (root === "inputs" || root === "steps" ? 1 : 0);

function valueAt(root: string, key: string | undefined, context: ExpressionContext): unknown {
  if (root === "item") return context.item;
  if (root === "index") return context.index;
  if (key === undefined) return root === "inputs" ? context.inputs : undefined;
  return root === "inputs" ? follow(context.inputs, [key]) : context.step(key.toLowerCase());
}

function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  return typeof value === "object" && value !== null ? JSON.stringify(value).length : 0;
}
