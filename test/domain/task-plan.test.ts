import assert from "node:assert/strict";
import test from "node:test";
import type { Actor } from "../../src/domain/actor.ts";
import { createRegistry } from "../../src/domain/agent-card.ts";
import { authorProblem, planTask } from "../../src/domain/task-plan.ts";
import type { TaskQueueSettings } from "../../src/domain/task-settings.ts";
import { parseTask } from "../../src/domain/task-tags.ts";
import { cardOf } from "../support/core.ts";
import { taskQueueOf } from "../support/task-queue.ts";

const usual = taskQueueOf("/nowhere");
const off: TaskQueueSettings = { ...usual, worker: { ...usual.worker, enabled: false } };

function plan(text: string, settings = usual, more: Partial<Parameters<typeof planTask>[1]> = {}) {
  const known = {
    models: settings,
    workers: Object.keys(settings.worker.kinds),
    agents: createRegistry([cardOf("webster"), cardOf("tech-lead")]),
    workflows: ["quick-research"],
  };
  return planTask(parseTask(text, known), { attachments: [], hops: 0, ...more }, settings);
}

function planned(...given: Parameters<typeof plan>) {
  const answer = plan(...given);
  assert.ok(answer.ok);
  return answer.plan;
}

test("without tags the configuration says who does it", () => {
  assert.deepEqual(planned("x"), { executor: { kind: "agent", agent: "tech-lead" }, text: "x" });
  const worker = planned("x", { ...usual, executor: "worker" });
  assert.deepEqual(worker, {
    executor: {
      kind: "worker",
      worker: "standard",
      alias: "primary",
      model: "openrouter/moonshotai/kimi-k2.5",
      thinking: "medium",
    },
    text: "x",
    timeoutMs: 120_000,
  });
});

test("an agent, a workflow or a kind of worker that is named does it", () => {
  assert.deepEqual(planned("x [agent:webster] [thinking:high] [model:coder] [timeout:9]"), {
    executor: {
      kind: "agent",
      agent: "webster",
      model: "openrouter/qwen/qwen3-coder-next",
      thinking: "high",
    },
    text: "x",
    timeoutMs: 9000,
  });
  assert.deepEqual(planned("x [workflow:quick-research]").executor, {
    kind: "workflow",
    workflow: "quick-research",
  });
  assert.equal(planned("x [worker:standard]").executor.kind, "worker");
});

test("a model means a worker where one is configured, else it is passed on to the agent", () => {
  const { executor } = planned("x [model:cheap]");
  assert.ok(executor.kind === "worker");
  assert.deepEqual([executor.alias, executor.model], ["cheap", "openrouter/stepfun/step-3.5-flash:free"]);
  assert.deepEqual(planned("x [model:cheap]", off).executor, {
    kind: "agent",
    agent: "tech-lead",
    model: "openrouter/stepfun/step-3.5-flash:free",
  });
});

test("the time limit is the kind's, longer for high thinking, and a tag wins", () => {
  assert.equal(planned("x [model:cheap] [thinking:high]").timeoutMs, 300_000);
  assert.equal(planned("x [model:cheap] [thinking:high] [timeout:5]").timeoutMs, 5000);
});

test("where workers are off, whoever wants one is told how to switch them on", () => {
  for (const answer of [plan("x [worker:standard]", off), plan("x", { ...off, executor: "worker" })]) {
    assert.ok(!answer.ok);
    assert.match(answer.problems[0]?.message ?? "", /task_queue\.worker\.enabled/);
  }
});

test("a kind of worker without settings is a mistake of the program, not of the author", () => {
  const broken: TaskQueueSettings = { ...usual, executor: "worker", worker: { ...usual.worker, kinds: {} } };
  assert.throws(() => plan("x", broken), /no worker standard/);
  const unknown = planned("x", { ...usual, executor: "worker", defaultModel: "own/model" });
  assert.ok(unknown.executor.kind === "worker" && unknown.executor.model === "own/model");
});

test("attachments travel as links, and where bots may post the number of hops goes along", () => {
  const attachments = [{ name: "spec.pdf", url: "https://cdn/spec.pdf", bytes: 2000 }];
  assert.equal(
    planned("x", usual, { attachments }).text,
    "x\n\nAttached:\n- spec.pdf (2 KiB): https://cdn/spec.pdf",
  );
  const withBots = { ...usual, authors: { ...usual.authors, bots: ["77"] } };
  assert.match(planned("x", withBots, { hops: 1 }).text, /line hop:2\)$/);
});

const person = (more: object = {}): Actor => ({ kind: "person", id: "9", name: "ada", rights: [], ...more });
const AUTHORS = { roles: ["Engineering", "55"], users: ["9"], bots: ["77"] };

test("named people, roles and bots may post; others are told where they would be named", () => {
  const said = (author: object, actor: Actor, hops = 0, authors: TaskQueueSettings["authors"] = AUTHORS) =>
    authorProblem({ id: "8", name: "x", isBot: false, ...author }, actor, hops, { ...usual, authors });
  assert.equal(said({ id: "9" }, person()), undefined);
  assert.equal(said({}, person({ roles: [{ id: "1", name: "engineering" }] })), undefined);
  assert.equal(said({}, person({ roles: [{ id: "55", name: "other" }] })), undefined);
  assert.match(said({}, person({ roles: [{ id: "56", name: "other" }] })) ?? "", /task_queue\.authors/);
  assert.match(said({}, person()) ?? "", /Ask the operator/);
  assert.equal(said({}, person(), 0, { roles: [], users: [], bots: [] }), undefined);
  assert.equal(said({ id: "77", isBot: true }, person(), 2), undefined);
  assert.match(said({ id: "77", isBot: true }, person(), 3) ?? "", /came over 3 bots, and at most 2/);
  assert.match(
    said({ id: "78", isBot: true }, person(), 1, { roles: [], users: [], bots: [] }) ?? "",
    /authors\.bots/,
  );
  assert.match(said({ id: "77", isBot: true, isWebhook: true }, person(), 1) ?? "", /by a webhook.*whoever/);
  assert.match(said({ id: "9", isBot: true, isWebhook: true }, person(), 1) ?? "", /by a webhook/);
  assert.equal(said({ id: "1", isBot: true }, { kind: "operator" }), undefined);
  assert.equal(said({ id: "1", isBot: true }, { kind: "agent", id: "webster" }), undefined);
});
