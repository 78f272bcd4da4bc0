import assert from "node:assert/strict";
import test from "node:test";
import { DEFAULT_ACL } from "../../src/domain/acl.ts";
import { createRegistry } from "../../src/domain/agent-card.ts";
import { delegateOnBy } from "../../src/domain/delegate-on.ts";
import { adviceOn, adviceText } from "../../src/domain/pattern-advice.ts";
import { promptCostOf } from "../../src/domain/prompt-cost.ts";
import type { StepDefinition, WorkflowDefinition } from "../../src/domain/workflow-types.ts";
import { cardOf } from "../support/core.ts";
import { stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const words = (count: number) => "word ".repeat(count).trim();
const MINUTE = 60_000;

function names(steps: readonly StepDefinition[], more: Partial<WorkflowDefinition> = {}) {
  const last = steps.at(-1)?.id ?? "";
  return adviceOn(workflowOf("plan", steps, { output: { step: last }, ...more })).map(
    ({ name, step, keys }) => `${step ?? "plan"} ${keys.join(".")}: ${name}`,
  );
}

test("a prompt of more than 500 words is a context dump; 500 are not", () => {
  assert.deepEqual(names([stepOf("a", taskOf("webster", words(500)))]), []);
  assert.deepEqual(names([stepOf("a", taskOf("webster", words(501)), { forEach: LIST })]), [
    "a task: context dump",
  ]);
});

const LIST = { expression: "fromJSON('[1, 2]')", maxParallel: 4 };

test("one worker for more than 15 minutes or 500 words is a monolith spawn; a fan-out is not", () => {
  const long = taskOf("webster", "Look.", { timeoutMs: 15 * MINUTE + 1000 });
  assert.deepEqual(names([stepOf("a", long)]), ["a timeout: monolith spawn"]);
  assert.deepEqual(names([stepOf("a", long, { forEach: LIST })]), []);
  assert.deepEqual(names([stepOf("a", taskOf("webster", "Look.", { timeoutMs: 15 * MINUTE }))]), []);
  assert.deepEqual(names([stepOf("a", taskOf("webster", words(501)))]), [
    "a task: context dump",
    "a task: monolith spawn",
  ]);
});

test("more than six workers at once are told where it is said, and once", () => {
  const limits = { maxParallel: 10, timeoutMs: 60 * MINUTE, maxFailures: 3 };
  const each = (maxParallel: number) =>
    stepOf("a", taskOf("webster", "x"), { forEach: { ...LIST, maxParallel } });
  assert.deepEqual(names([each(6)], { limits: { ...limits, maxParallel: 6 } }), []);
  assert.deepEqual(names([each(7)], { limits }), ["a max_parallel: more than 6 workers"]);
  assert.deepEqual(names([each(5)], { limits }), ["plan limits.max_parallel: more than 6 workers"]);
});

test("a result that nobody uses and that is not the run's is fire and forget", () => {
  const a = stepOf("a", taskOf("webster", "x"));
  const z = stepOf("z", taskOf("tech-lead", "y"));
  const cleanup = (task: string) => stepOf("c", taskOf("tech-lead", task), { cleanup: true });
  assert.deepEqual(names([a, z]), ["a : fire and forget"]);
  assert.deepEqual(names([a, { ...z, needs: ["a"] }]), []);
  const output = { output: { step: "z" } };
  assert.deepEqual(names([a, z, cleanup("Sum up ${{ steps.a.result }}.")], output), []);
  assert.deepEqual(names([a, z, cleanup("Sum up ${{ steps.z.result }}.")], output), ["a : fire and forget"]);
});

test("an agent that may delegate on is a note, once, and only where somebody knows the rules", () => {
  const registry = createRegistry(["manager", "tech-lead", "webster", "secretary"].map((id) => cardOf(id)));
  const definition = workflowOf(
    "plan",
    [
      stepOf("a", taskOf("tech-lead", "x")),
      stepOf("b", taskOf("tech-lead", "y"), { needs: ["a"] }),
      stepOf("c", taskOf("webster", "z"), { needs: ["b"] }),
    ],
    { output: { step: "c" } },
  );
  const told = adviceOn(definition, delegateOnBy(DEFAULT_ACL, registry));
  assert.deepEqual(told.map(adviceText), [
    "a: recursive dream (only a note): tech-lead may delegate on to webster, secretary (what can be planned stands better as steps of this workflow)",
  ]);
  assert.deepEqual(adviceOn(definition), []);
});

test("prompts cost words × workers: inputs and lists count, what steps bring does not", () => {
  const definition = workflowOf("plan", [
    stepOf("a", taskOf("webster", "Look for ${{ inputs.what }}."), {
      forEach: { expression: "split(inputs.list, ',')", maxParallel: 4 },
    }),
    stepOf("b", taskOf("tech-lead", "Judge ${{ steps.a.results }}."), { needs: ["a"] }),
  ]);
  const inputs = { what: "a low CTE", list: "x, y, z" };
  const cost = promptCostOf(definition, inputs);
  assert.equal(cost.workers, 4);
  assert.equal(cost.isAtLeast, false);
  assert.equal(cost.usd, undefined);
  assert.equal(
    cost.words,
    3 * 5 + promptCostOf(workflowOf("b", [definition.steps[1] as StepDefinition]), {}).words,
  );
});

test("a list that a step brings makes the cost a lower bound; a price needs every model", () => {
  const each = (id: string, agent: string) =>
    stepOf(id, taskOf(agent, words(3)), {
      forEach: { expression: "steps.a.output", maxParallel: 4 },
    });
  const definition = workflowOf("plan", [each("b", "webster"), stepOf("c", taskOf("tech-lead", words(6)))]);
  const priced = promptCostOf(definition, {}, {}, (_, tokens) => tokens / 1000);
  assert.deepEqual(priced, { workers: 2, words: 9, isAtLeast: true, usd: 0.012 });
  const half = promptCostOf(definition, {}, {}, ({ agent }) => (agent === "webster" ? 1 : undefined));
  assert.equal("usd" in half, false);
});
