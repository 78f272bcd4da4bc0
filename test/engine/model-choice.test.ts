import assert from "node:assert/strict";
import test from "node:test";
import type { ModelRule } from "../../src/domain/model-choice.ts";
import { routeWords } from "../../src/domain/view.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { cardOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const operator = { kind: "operator" } as const;
const CODER = "openrouter/qwen/qwen3-coder-next";
const PRIMARY = "openrouter/moonshotai/kimi-k2.5";
const MODELS: readonly ModelRule[] = [
  { name: "primary", model: PRIMARY },
  { name: "coder", model: CODER, maxWords: 4 },
];
const ask = { agent: "webster", objective: "Find it in four", origin: { door: "rest" } } as const;

test("the cheapest model that fits is chosen once, goes to the agent, and is kept with its reason", async () => {
  using folder = temporaryFolder();
  await using core = await startCore(folder.path, { models: MODELS });
  const { delegation } = await core.verbs.delegate(operator, { ...ask, model: "cheapest" });
  assert.equal(delegation.model?.model, CODER);
  assert.match(
    routeWords(delegation).join(),
    /^Model openrouter\/qwen\/.*: the cheapest of 2 that fit 4 words, /,
  );
  await core.until(delegation.id, "attempt.dispatched");
  assert.equal(core.sent[0]?.model, CODER);

  const attachments = [{ name: "a.md", text: "one more" }];
  const longer = await core.verbs.delegate(operator, { ...ask, model: "cheapest", attachments });
  assert.equal(longer.delegation.model?.model, PRIMARY, "what is attached counts");
  const plain = await core.verbs.delegate(operator, ask);
  assert.equal(plain.delegation.model, undefined);
  await core.stop();
  assert.deepEqual(core.broken, []);
});

test("when no model fits the agent's own is taken, and the reason is kept", async () => {
  using folder = temporaryFolder();
  await using core = await startCore(folder.path, { models: MODELS.slice(1) });
  const objective = "Find it in five words";
  const { delegation } = await core.verbs.delegate(operator, { ...ask, objective, model: "cheapest" });
  assert.deepEqual(delegation.model, {
    wanted: "cheapest",
    why: "no model fits 5 words (coder takes 4 words)",
  });
  await core.until(delegation.id, "attempt.dispatched");
  assert.equal(core.sent[0]?.model, undefined);
});

test("a model that there is not is refused with what was meant, and nothing is sent", async () => {
  using folder = temporaryFolder();
  await using core = await startCore(folder.path, { models: MODELS });
  await assert.rejects(core.verbs.delegate(operator, { ...ask, model: "codr" }), (error) => {
    assert.ok(isRefusal(error));
    assert.equal(error.code, "invalid_input");
    assert.match(error.message, /model names no model "codr": did you mean "coder"\?/);
    return true;
  });
  assert.equal(core.sent.length, 0);
});

test("a dry run says which model each step would have and why; the run and its work items say it too", async () => {
  using folder = temporaryFolder();
  const definition = workflowOf("w", [
    stepOf("look", taskOf("webster", "Find it", { model: "cheapest" })),
    stepOf("think", taskOf("webster", "Think about what was found there", { model: "cheapest" })),
    stepOf("tell", taskOf("webster", "Tell us")),
  ]);
  const cards = [cardOf("webster", { concurrency: 3 })];
  await using core = await startCore(folder.path, { models: MODELS, workflows: [definition], cards });
  const asked = { workflow: "w", inputs: {}, origin: { door: "cli" } } as const;
  const plan = await core.verbs.runs.planRun(operator, asked);
  const planned = plan.waves.flat().map(({ id, model }) => [id, model?.model]);
  assert.deepEqual(planned, [
    ["look", CODER],
    ["think", PRIMARY],
    ["tell", undefined],
  ]);
  assert.equal(plan.cost.usd, undefined, "the agent's own model has no price");
  assert.equal(core.sent.length, 0);
  const { run } = await core.verbs.runs.startRun(operator, asked);
  for (const step of ["look", "think", "tell"]) await core.until(`${run.id}.${step}`, "attempt.dispatched");
  const sent = core.sent.map(({ name, model }) => [name.split(".").at(-1), model]).toSorted();
  assert.deepEqual(sent, [
    ["look", CODER],
    ["tell", undefined],
    ["think", PRIMARY],
  ]);
  const { steps } = await core.verbs.runs.run(run.id);
  assert.match(
    steps[0]?.model ?? "",
    /^openrouter\/qwen\/qwen3-coder-next: the cheapest of 2 that fit 2 words/,
  );
  const item = await core.verbs.work.show(`${run.id}.look`);
  assert.equal(item.lifecycle.model, steps[0]?.model);
  await core.stop();
  assert.deepEqual(core.broken, []);
});
