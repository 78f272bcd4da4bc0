import assert from "node:assert/strict";
import test from "node:test";
import type { Actor } from "../../src/domain/actor.ts";
import type { TaskAction } from "../../src/domain/workflow-types.ts";
import { cardOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const OPERATOR = { kind: "operator" } as const;
const CODER = "openrouter/qwen/qwen3-coder-next";
const CHEAP = "openrouter/stepfun/step-3.5-flash:free";
const RESEARCH = "openrouter/google/gemini-3-pro-preview";

/** A task of four tokens that names no agent. */
function anybody(more: Partial<TaskAction>): TaskAction {
  const { agent: _, ...task } = taskOf("", "one two three", more);
  return task;
}

test("a plan names who does each task and why, also when nobody answers now", async () => {
  using folder = temporaryFolder();
  const definition = workflowOf("w", [
    stepOf("named", taskOf("manager", "Go.")),
    stepOf("found", anybody({ capability: "research" })),
    stepOf("drawn", anybody({ capability: "cad" })),
    stepOf("built", anybody({ workers: ["nx-expert", "study-builder"] })),
    stepOf("mended", anybody({ workers: ["webster", "auditor"] })),
  ]);
  const cards = [
    cardOf("manager"),
    cardOf("optimizer", { capabilities: ["research"] }),
    cardOf("webster", { capabilities: ["research"] }),
    cardOf("nx-expert", { capabilities: ["cad"] }),
    cardOf("study-builder"),
    cardOf("auditor"),
  ];
  await using core = await startCore(folder.path, { workflows: [definition], cards });
  core.setHealth("down");
  const plan = await core.verbs.runs.planRun(OPERATOR, { workflow: "w", inputs: {} });
  const whom = "whom the supervising agent names";
  assert.deepEqual(
    plan.waves.flat().map(({ id, agent, why, estimatedMs }) => [id, agent, why, estimatedMs]),
    [
      ["named", "manager", "named by the step", undefined],
      ["found", "optimizer", "has research; webster comes after it", undefined],
      ["drawn", "nx-expert", "has cad", undefined],
      ["built", "nx-expert or study-builder", whom, undefined],
      ["mended", "webster or auditor", whom, undefined],
    ],
  );
  assert.equal(plan.cost.usd, undefined, "nobody knows yet whose price that is");
});

test("a capability goes to somebody whom the one who asks may ask", async () => {
  using folder = temporaryFolder();
  const definition = workflowOf("w", [stepOf("found", anybody({ capability: "research" }))]);
  const cards = ["tech-lead", "optimizer", "webster"].map((id) => cardOf(id, { capabilities: ["research"] }));
  await using core = await startCore(folder.path, { workflows: [definition], cards });
  const chosenBy = async (actor: Actor) => {
    const plan = await core.verbs.runs.planRun(actor, { workflow: "w", inputs: {} });
    return plan.waves[0]?.[0]?.agent;
  };
  assert.deepEqual(
    [await chosenBy(OPERATOR), await chosenBy({ kind: "agent", id: "tech-lead" })],
    ["tech-lead", "webster"],
  );
});

test("what is known to go wrong with a plan, or with a workflow inside it, is told by name", async () => {
  using folder = temporaryFolder();
  const long = taskOf("webster", "Look.", { timeoutMs: 16 * 60_000 });
  const inner = workflowOf("inner", [stepOf("look", long)]);
  const outer = workflowOf(
    "outer",
    [
      stepOf("lead", taskOf("tech-lead", "Go.")),
      stepOf("in", { kind: "workflow", workflow: "inner", with: {} }),
    ],
    { output: { step: "in" } },
  );
  await using core = await startCore(folder.path, { workflows: [inner, outer] });
  const { warnings } = await core.verbs.runs.planRun(OPERATOR, { workflow: "outer", inputs: {} });
  assert.deepEqual(
    warnings.map((text) => text.split(/ \(|, which| may /, 1)[0]),
    [
      "lead: tech-lead has no history; its time is not in the estimate.",
      "lead: recursive dream",
      "lead: fire and forget: no step uses its result, and it is not the run's",
      "inner, look: monolith spawn: one worker",
    ],
  );
});

test("reading the prompts costs what the model asked for costs, else the agent's own", async () => {
  const cards = [
    cardOf("webster", { model: "primary" }),
    cardOf("optimizer", { model: "nobody knows" }),
    cardOf("auditor"),
  ];
  const task = (agent: string, more: Partial<TaskAction> = {}) => taskOf(agent, "one two three", more);
  const costOf = async (...actions: readonly TaskAction[]) => {
    using folder = temporaryFolder();
    const steps = actions.map((action, index) => stepOf(`s${index}`, action));
    await using core = await startCore(folder.path, { workflows: [workflowOf("w", steps)], cards });
    return (await core.verbs.runs.planRun(OPERATOR, { workflow: "w", inputs: {} })).cost.usd?.toFixed(8);
  };
  assert.equal(await costOf(task("webster")), "0.00000180", "four tokens of 0.00045 USD a thousand");
  assert.equal(await costOf(task("webster", { model: "coder" })), "0.00000060");
  assert.equal(await costOf(task("webster"), task("auditor", { model: "coder" })), "0.00000240");
  assert.equal(await costOf(task("optimizer")), undefined);
  assert.equal(await costOf(task("webster"), task("auditor")), undefined, "not every price is known");
});

test("the cheapest model of a plan is one for the template and the capability of the step", async () => {
  using folder = temporaryFolder();
  const template = { name: "code_review", with: {} };
  const definition = workflowOf("w", [
    stepOf("review", taskOf("webster", "one two three", { model: "cheapest", template })),
    stepOf("find", anybody({ model: "cheapest", capability: "research" })),
    stepOf("plain", taskOf("webster", "one two three", { model: "cheapest" })),
  ]);
  await using core = await startCore(folder.path, {
    workflows: [definition],
    cards: [cardOf("webster", { capabilities: ["research"] })],
    models: [
      { name: "research", model: RESEARCH },
      { name: "coder", model: CODER, templates: ["code_review"] },
      { name: "cheap", model: CHEAP, capabilities: ["research"] },
    ],
  });
  const plan = await core.verbs.runs.planRun(OPERATOR, { workflow: "w", inputs: {} });
  assert.deepEqual(
    plan.waves.flat().map(({ id, model }) => [id, model?.model]),
    [
      ["review", CODER],
      ["find", CHEAP],
      ["plain", RESEARCH],
    ],
  );
});
