import assert from "node:assert/strict";
import test from "node:test";
import { chooseModel, type ModelRule, type ModelWork, modelText } from "../../src/domain/model-choice.ts";

const PRICES = {
  "p/small": { inputUsd: 0.001, outputUsd: 0.001 },
  "p/answers-dearly": { inputUsd: 0.0005, outputUsd: 0.004 },
  "p/same": { inputUsd: 0.001, outputUsd: 0.001 },
  "p/large": { inputUsd: 0.01, outputUsd: 0.02 },
};
const taskQueue = {
  models: { small: "p/small", dear: "p/answers-dearly", same: "p/same", large: "p/large", new: "p/new" },
  modelPrefixes: ["open/"],
  prices: PRICES,
};
const rule = (name: string, more: Partial<ModelRule> = {}): ModelRule => {
  const model = (taskQueue.models as Readonly<Record<string, string>>)[name] ?? name;
  return { name, model, ...more };
};
const work = (more: Partial<ModelWork> = {}): ModelWork => ({ words: 75, ...more });
const cheapest = (models: readonly ModelRule[], more?: Partial<ModelWork>) =>
  chooseModel("cheapest", work(more), { models, taskQueue });

test("the model that costs least to read the prompt and to answer half as much is the cheapest", () => {
  const choice = cheapest([rule("large"), rule("dear"), rule("small")]);
  assert.equal(choice?.model, "p/small");
  // 75 words are 100 tokens, and the answer is 50.
  assert.equal(choice?.usd, (100 * 0.001 + 50 * 0.001) / 1000);
  assert.equal(choice && modelText(choice), "p/small: the cheapest of 3 that fit 75 words, about 0.0002 USD");
});

test("of two that cost the same the first of the file is taken", () => {
  assert.equal(cheapest([rule("same"), rule("small")])?.model, "p/same");
  assert.equal(cheapest([rule("small"), rule("same")])?.model, "p/small");
});

test("a rule fits by words, template and capability, and what it does not say holds for all work", () => {
  const rules = [
    rule("small", { maxWords: 75, templates: ["research"], capabilities: ["Materials"] }),
    rule("large"),
  ];
  const fit = { template: "research", capability: "materials" };
  assert.equal(cheapest(rules, fit)?.model, "p/small");
  for (const more of [
    { ...fit, words: 76 },
    { ...fit, template: "testing" },
    { ...fit, template: undefined },
    { ...fit, capability: "notes" },
    { ...fit, capability: undefined },
  ])
    assert.equal(cheapest(rules, more)?.model, "p/large", JSON.stringify(more));
  assert.match(cheapest(rules, { words: 1 })?.why ?? "", /^the only one that fits 1 word$/);
});

test("a model without a price is never the cheapest, and when none is left the agent's own is taken", () => {
  assert.equal(cheapest([rule("new"), rule("large")])?.model, "p/large");
  const unpriced = cheapest([rule("new")]);
  assert.equal(unpriced?.model, undefined);
  assert.equal(unpriced?.why, "no model that fits 75 words has a price (new)");
  const misfit = cheapest([rule("small", { maxWords: 50 }), rule("large", { templates: ["testing"] })]);
  assert.deepEqual(misfit, {
    wanted: "cheapest",
    why: "no model fits 75 words (small takes 50 words; large is for testing)",
  });
  assert.match(
    modelText(cheapest([]) ?? { why: "" }),
    /^the agent's own: config\/hq\.yaml names no models to choose from$/,
  );
});

test("a name is taken as it is, whatever the rules say, and an unknown one is none", () => {
  const settings = { models: [rule("small", { maxWords: 1 })], taskQueue };
  const named = chooseModel("Small", work(), settings);
  assert.deepEqual([named?.model, named?.why], ["p/small", "it was asked for"]);
  assert.deepEqual(chooseModel("open/other", work(), settings), {
    wanted: "open/other",
    model: "open/other",
    why: "it was asked for",
  });
  assert.equal(chooseModel("smal", work(), settings), undefined);
});
