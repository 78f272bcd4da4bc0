import { costOf, findModel, type TaskQueueSettings } from "./task-settings.ts";

/** The word that asks for a choice by rule instead of naming a model. */
export const CHEAPEST = "cheapest";
/** Tokens of a word, about. */
const TOKENS_PER_WORD = 4 / 3;
/** An answer is taken to be half as long as what was asked; models differ in the price of both. */
const ANSWER_SHARE = 0.5;
const LEAST_SHOWN_USD = 0.0001;

/** For which work a model is good enough. What a rule does not say holds for all work. */
export type ModelRule = {
  /** As the configuration writes it: an alias or a full name. */
  readonly name: string;
  readonly model: string;
  readonly maxWords?: number;
  readonly templates?: readonly string[];
  readonly capabilities?: readonly string[];
};

export type ModelSettings = {
  readonly models: readonly ModelRule[];
  readonly taskQueue: Pick<TaskQueueSettings, "models" | "modelPrefixes" | "prices">;
};

/** What is to be done, as far as rules ask for it. */
export type ModelWork = {
  readonly words: number;
  readonly template?: string | undefined;
  /** The capability that was asked for, not those of the agent. */
  readonly capability?: string | undefined;
};

export type ModelChoice = {
  /** `cheapest`, or the name as it was asked for. */
  readonly wanted: string;
  /** The full name; absent = the agent's own model, since none fits. */
  readonly model?: string;
  readonly why: string;
  /** For reading the prompt and writing the answer; absent without a price. */
  readonly usd?: number;
};

export const tokensOf = (words: number) => Math.ceil(words * TOKENS_PER_WORD);

export function isModelWord(
  queue: Pick<TaskQueueSettings, "models" | "modelPrefixes">,
  word: string,
): boolean {
  return isCheapest(word) || findModel(queue, word) !== undefined;
}

/** What may be said where a model is asked for, without those that only begin with an allowed prefix. */
export const modelWords = (queue: Pick<TaskQueueSettings, "models">) => [
  CHEAPEST,
  ...Object.keys(queue.models),
];

/**
 * The model that is named, or with `cheapest` the one that costs least of those whose rule fits; the first of the
 * file when two cost the same. A model without a price is never the cheapest. Undefined = there is no such model.
 */
export function chooseModel(
  wanted: string,
  work: ModelWork,
  { models, taskQueue }: ModelSettings,
): ModelChoice | undefined {
  const priceOf = (model: string) => {
    const input = tokensOf(work.words);
    return costOf(taskQueue.prices, model, { input, output: input * ANSWER_SHARE });
  };
  if (!isCheapest(wanted)) {
    const named = findModel(taskQueue, wanted);
    if (!named) return undefined;
    const usd = priceOf(named.model);
    const why = "it was asked for";
    return { wanted, model: named.model, why, ...(usd === undefined ? {} : { usd }) };
  }
  const fitting = models.filter((rule) => misfitOf(rule, work) === undefined);
  const priced = fitting.flatMap(({ model }) => {
    const usd = priceOf(model);
    return usd === undefined ? [] : [{ model, usd }];
  });
  const [first, ...others] = priced;
  if (!first) return { wanted: CHEAPEST, why: whyNone(models, fitting, work) };
  const best = others.reduce((cheapest, one) => (one.usd < cheapest.usd ? one : cheapest), first);
  const among = priced.length === 1 ? "the only one that fits" : `the cheapest of ${priced.length} that fit`;
  return { wanted: CHEAPEST, model: best.model, why: `${among} ${workText(work)}`, usd: best.usd };
}

/** `openrouter/x: the cheapest of 2 that fit 12 words, about 0.0001 USD`, without a full stop. */
export function modelText({ model, why, usd }: Pick<ModelChoice, "model" | "why" | "usd">): string {
  const price = usd === undefined ? "" : `, ${usdText(usd)}`;
  return `${model ?? "the agent's own"}: ${why}${price}`;
}

function usdText(usd: number): string {
  if (usd === 0) return "free";
  return usd < LEAST_SHOWN_USD ? `less than ${LEAST_SHOWN_USD} USD` : `about ${usd.toFixed(4)} USD`;
}

const isCheapest = (word: string) => word.trim().toLowerCase() === CHEAPEST;

/** Why a rule does not fit; undefined when it does. */
function misfitOf(rule: ModelRule, { words, template, capability }: ModelWork): string | undefined {
  const { maxWords, templates, capabilities } = rule;
  if (maxWords !== undefined && words > maxWords) return `takes ${maxWords} words`;
  if (templates && !(template !== undefined && templates.includes(template)))
    return `is for ${templates.join(", ")}`;
  const asked = capability?.trim().toLowerCase();
  if (capabilities && !capabilities.some((one) => one.toLowerCase() === asked))
    return `is for ${capabilities.join(", ")}`;
  return undefined;
}

function whyNone(rules: readonly ModelRule[], fitting: readonly ModelRule[], work: ModelWork): string {
  if (rules.length === 0) return "config/hq.yaml names no models to choose from";
  if (fitting.length > 0)
    return `no model that fits ${workText(work)} has a price (${fitting.map(({ name }) => name).join(", ")})`;
  const misfits = rules.map((rule) => `${rule.name} ${misfitOf(rule, work)}`);
  return `no model fits ${workText(work)} (${misfits.join("; ")})`;
}

function workText({ words, template, capability }: ModelWork): string {
  const facts = [
    `${words} ${words === 1 ? "word" : "words"}`,
    ...(template === undefined ? [] : [`the template ${template}`]),
    ...(capability === undefined ? [] : [`the capability ${capability}`]),
  ];
  return facts.length < 2 ? facts.join("") : `${facts.slice(0, -1).join(", ")} and ${facts.at(-1)}`;
}
