import { type ExpressionContext, ExpressionError, evaluate, renderText } from "./expression.ts";
import { tokensOf } from "./model-choice.ts";
import { wordsIn } from "./templates/render-template.ts";
import type { InputValue, StepDefinition, TaskAction, WorkflowDefinition } from "./workflow-types.ts";

/** What the prompts of a run take: words × workers. What steps hand to each other comes on top. */
export type PromptCost = {
  readonly workers: number;
  /** Of all prompts together. */
  readonly words: number;
  /** A list is known only when its step begins; one item was counted. */
  readonly isAtLeast: boolean;
  /** For reading the prompts; absent when not every model has a price. */
  readonly usd?: number;
};

type Priced = (action: TaskAction, tokens: number, words: number) => number | undefined;

export function promptCostOf(
  definition: WorkflowDefinition,
  inputs: Readonly<Record<string, InputValue>>,
  nested: Readonly<Record<string, WorkflowDefinition>> = {},
  price: Priced = () => undefined,
): PromptCost {
  const context = contextOf(inputs);
  const counted = definition.steps.flatMap((step): readonly PromptCost[] => {
    const items = itemsOf(step, context);
    const one = costOfOne(step, context, nested, price);
    if (!one) return [];
    const times = items ?? 1;
    return [
      {
        workers: one.workers * times,
        words: one.words * times,
        isAtLeast: one.isAtLeast || items === undefined,
        ...(one.usd === undefined ? {} : { usd: one.usd * times }),
      },
    ];
  });
  return total(counted);
}

function costOfOne(
  { action }: StepDefinition,
  context: ExpressionContext,
  nested: Readonly<Record<string, WorkflowDefinition>>,
  price: Priced,
): PromptCost | undefined {
  if (action.kind === "task") {
    const words = wordsIn(rendered(action.task, context));
    const usd = price(action, tokensOf(words), words);
    return { workers: 1, words, isAtLeast: false, ...(usd === undefined ? {} : { usd }) };
  }
  const inner = action.kind === "workflow" ? nested[action.workflow] : undefined;
  return inner && promptCostOf(inner, {}, nested, price);
}

function total(all: readonly PromptCost[]): PromptCost {
  const sum = (of: (one: PromptCost) => number) => all.reduce((before, one) => before + of(one), 0);
  const isPriced = all.length > 0 && all.every(({ usd }) => usd !== undefined);
  return {
    workers: sum(({ workers }) => workers),
    words: sum(({ words }) => words),
    isAtLeast: all.some(({ isAtLeast }) => isAtLeast),
    ...(isPriced ? { usd: sum(({ usd }) => usd ?? 0) } : {}),
  };
}

/** Words of a task before steps hand anything on. */
export function wordsOfTask(task: string, inputs: Readonly<Record<string, InputValue>>): number {
  return wordsIn(rendered(task, contextOf(inputs)));
}

function contextOf(inputs: Readonly<Record<string, InputValue>>): ExpressionContext {
  return { inputs, step: () => undefined, status: { success: true, failure: false, canceled: false } };
}

/** How many items a fan-out has, where the inputs alone say it; 1 for a step without one. */
function itemsOf({ forEach }: StepDefinition, context: ExpressionContext): number | undefined {
  if (!forEach) return 1;
  if (/\bsteps\b/i.test(forEach.expression)) return undefined;
  try {
    const list = evaluate(forEach.expression, context);
    return Array.isArray(list) ? list.length : undefined;
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}

function rendered(task: string, context: ExpressionContext): string {
  try {
    return renderText(task, context).text;
  } catch (error) {
    if (error instanceof ExpressionError) return task;
    throw error;
  }
}
