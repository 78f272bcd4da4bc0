import assert from "node:assert/strict";
import test from "node:test";
import { TOKEN_PLACEHOLDER } from "../../src/domain/prompt.ts";
import { cardOf, handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { approvalOf, stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const OPERATOR = { kind: "operator" } as const;
const ORIGIN = { door: "rest" } as const;
const SECOND = 1000;

const review = workflowOf("review", [
  stepOf("look", taskOf("webster", "Look at the mirror.")),
  stepOf("judge", taskOf("webster", "Judge it."), { needs: ["look"] }),
  stepOf("other", taskOf("tech-lead", "Something else.")),
  stepOf("sign", approvalOf({ prompt: "Shall ${{ steps.judge.result }} be built?" }), {
    needs: ["judge", "other"],
  }),
]);

async function started(home: string, script: Parameters<typeof startCore>[1] = {}) {
  const core = await startCore(home, { workflows: [review], ...script });
  const { views } = core.verbs;
  return {
    ...core,
    views,
    delegate: async (objective: string, more: object = {}) => {
      const request = { agent: "webster", objective, origin: ORIGIN, ...more };
      return (await core.verbs.delegate(OPERATOR, request)).delegation;
    },
    start: () => core.verbs.runs.startRun(OPERATOR, { workflow: "review", inputs: {}, origin: ORIGIN }),
    async answer(child: string, more: object = {}) {
      await core.until(child, "attempt.dispatched");
      await core.hand(child, handoffOf(child, more));
    },
    found: async (typed: string, more: object = {}) =>
      (await views.search({ typed, ...more })).items.map(({ id }) => id),
  };
}

test("now tells what runs and what waits for it, and where the news begin", async () => {
  using folder = temporaryFolder();
  await using core = await started(folder.path);
  const first = await core.delegate("Find the CTE of ULE\nin ppm/K");
  await core.until(first.id, "attempt.dispatched");
  core.pass(3 * SECOND);
  const second = await core.delegate("Find the price of ULE");
  await core.settled();
  const now = await core.views.now();
  assert.deepEqual(now.counts.delegation, { dispatched: 1, queued: 1 });
  assert.deepEqual(
    now.delegations.map(({ id, status, objective, late }) => [id, status, objective, late]),
    [
      [second.id, "queued", "Find the price of ULE", false],
      [first.id, "dispatched", "Find the CTE of ULE in ppm/K", false],
    ],
  );
  assert.equal(now.at - (now.delegations[1]?.since ?? 0), 3 * SECOND);
  const webster = now.agents.find(({ id }) => id === "webster");
  assert.deepEqual([webster?.state, webster?.running, webster?.queued], ["busy", 1, 1]);
  assert.deepEqual(await core.verbs.eventsAfter(now.position, 10), []);
  assert.deepEqual(now.more, { runs: false, delegations: false, tasks: false });
});

test("gates are shown with what people need to decide, until they have", async () => {
  using folder = temporaryFolder();
  await using core = await started(folder.path);
  const { run } = await core.start();
  await core.answer(`${run.id}.look`);
  await core.answer(`${run.id}.other`, { agent: "tech-lead" });
  await core.answer(`${run.id}.judge`, { result: "the mirror" });
  await core.until(run.id, "gate.opened");
  const { gates, runs } = await core.views.now();
  assert.deepEqual(
    gates.map(({ run: id, step, prompt, late }) => [id, step, prompt, late]),
    [[run.id, "sign", "Shall the mirror be built?", false]],
  );
  assert.deepEqual(
    gates[0]?.results.map(({ id, status, agent, said }) => [id, status, agent, said]),
    [
      ["judge", "succeeded", "webster", "the mirror"],
      ["other", "succeeded", "tech-lead", handoffOf("x").result],
    ],
    "what the steps that it needs came to, not what was before them",
  );
  assert.deepEqual([runs[0]?.id, runs[0]?.waiting], [run.id, "gate"]);
  const [gate] = gates;
  assert.ok(gate);
  const page = { kind: "operator", via: "page" } as const;
  await core.verbs.runs.decideGate(page, {
    run: run.id,
    step: "sign",
    decision: "approve",
    digest: gate.digest,
  });
  assert.deepEqual((await core.views.now()).gates, []);
  const decided = (await core.verbs.runs.run(run.id)).steps.find(({ id }) => id === "sign");
  assert.equal(decided?.by, "operator (page)");
});

test("a run in time says who waited for what, and for how long", async () => {
  using folder = temporaryFolder();
  await using core = await started(folder.path);
  const busy = await core.delegate("something before");
  await core.until(busy.id, "attempt.dispatched");
  const { run } = await core.start();
  await core.until(`${run.id}.look`, "delegation.queued");
  core.pass(5 * SECOND);
  await core.hand(busy.id, handoffOf(busy.id));
  await core.until(`${run.id}.look`, "attempt.dispatched");
  core.pass(7 * SECOND);
  await core.answer(`${run.id}.look`);
  await core.until(`${run.id}.judge`, "attempt.dispatched");
  core.pass(2 * SECOND);
  const { steps, startedAt, at, status } = await core.views.timeline(run.id);
  assert.deepEqual([status, at - startedAt], ["running", 14 * SECOND]);
  const told = (id: string) => {
    const step = steps.find((one) => one.id === id);
    return step?.waitedFor.map((wait) => [
      wait.for,
      wait.id,
      wait.ms,
      wait.to === undefined ? "still" : "over",
    ]);
  };
  assert.deepEqual(told("look"), [["agent", "webster", 5 * SECOND, "over"]]);
  assert.deepEqual(told("judge"), [["need", "look", 12 * SECOND, "over"]]);
  assert.deepEqual(told("sign"), [["need", "judge", 14 * SECOND, "still"]]);
  assert.deepEqual(
    steps.map(({ id, wave, state }) => [id, wave, state]),
    [
      ["look", 0, "succeeded"],
      ["judge", 1, "running"],
      ["other", 0, "running"],
      ["sign", 2, "pending"],
    ],
  );
  const [look] = steps;
  assert.deepEqual(
    look?.children.map(({ id, state, agent }) => [id, state, agent]),
    [[`${run.id}.look`, "succeeded", "webster"]],
  );
  assert.equal((look?.dispatchedAt ?? 0) - startedAt, 5 * SECOND);
  await assert.rejects(core.views.timeline(busy.id), { code: "not_found" });
});

test("a delegation's story shows each attempt with its prompt, but no token", async () => {
  using folder = temporaryFolder();
  await using core = await started(folder.path, {
    cards: [cardOf("webster", { handoffVia: "rest" }), cardOf("tech-lead")],
  });
  const attachments = [{ name: "notes.md", text: "Use the data sheet." }];
  const { id } = await core.delegate("Find the CTE of ULE", { attachments, retries: 1, validate: true });
  await core.until(id, "attempt.dispatched");
  core.pass(4 * SECOND);
  await core.hand(id, { runId: id, agent: "webster" });
  await core.until(id, "attempt.dispatched", 2);
  core.pass(6 * SECOND);
  const second = handoffOf(id, { result: "0.03 ppm/K" });
  await core.hand(id, second, { attempt: 2, inode: "2" });
  await core.until(id, "delegation.settled");
  const story = await core.views.story(id);
  assert.deepEqual(
    story.attempts.map(({ attempt, agent, status, workedMs }) => [attempt, agent, status, workedMs]),
    [
      [1, "webster", "over", 4 * SECOND],
      [2, "webster", "succeeded", 6 * SECOND],
    ],
  );
  for (const [index, { prompt, problems }] of story.attempts.entries()) {
    const sent = core.sent[index]?.message ?? "";
    assert.match(prompt?.text ?? "", /Find the CTE of ULE[\s\S]*Use the data sheet/);
    assert.ok(prompt?.text.includes(TOKEN_PLACEHOLDER));
    const token = /Bearer ([\w.-]+)/.exec(sent)?.[1] ?? "";
    assert.ok(token.length > 20 && !prompt?.text.includes(token));
    assert.equal(problems.length > 0, index === 0);
  }
  assert.match(story.attempts[1]?.prompt?.text ?? "", /What went wrong last time/);
  assert.deepEqual(
    story.handoffs.map(({ verdict }) => verdict),
    ["rejected", "accepted"],
  );
  assert.deepEqual([story.times.totalMs, story.times.workedMs], [10 * SECOND, 10 * SECOND]);
  assert.deepEqual(story.events.map(({ what }) => what)[0], "asked");
  await assert.rejects(core.views.story("orch-none"), { code: "not_found" });
});

test("a story shows what was delegated on its behalf", async () => {
  using folder = temporaryFolder();
  await using core = await started(folder.path);
  const { id } = await core.delegate("Lead this", { agent: "tech-lead" });
  const child = await core.delegate("A part of it", { parent: id });
  const { children } = await core.views.story(id);
  assert.deepEqual(
    children.map((one) => [one.id, one.agent, one.objective]),
    [[child.id, "webster", "A part of it"]],
  );
});

test("an agent's history counts its work by the hour and shows how it was", async () => {
  using folder = temporaryFolder();
  await using core = await started(folder.path);
  const { id } = await core.delegate("Find it");
  await core.answer(id);
  await core.until(id, "delegation.settled");
  await core.verbs.drainAgent(OPERATOR, "webster", "new disk");
  core.pass(SECOND);
  const history = await core.views.agentHistory("webster", 10);
  assert.equal(history.agent, "webster");
  assert.deepEqual(
    history.latest.map((one) => [one.id, one.status]),
    [[id, "succeeded"]],
  );
  assert.equal(history.hours.length, 24);
  assert.deepEqual(history.hours.at(-1), { ...history.hours.at(-1), settled: 1, succeeded: 1, failed: 0 });
  assert.deepEqual([history.changes[0]?.what, history.changes[0]?.by], ["drained", "operator"]);
  assert.equal(history.spans.at(-1)?.state, "draining");
  await assert.rejects(core.views.agentHistory("nobody", 10), { code: "unknown_agent" });
});

test("whatever was asked is found at once, by what was said and what came of it", async () => {
  using folder = temporaryFolder();
  await using core = await started(folder.path, {
    cards: [cardOf("webster", { concurrency: 9 }), cardOf("tech-lead")],
  });
  const cte = await core.delegate("Find the CTE of ULE");
  const price = await core.delegate("Find the price of ULE");
  const { run } = await core.start();
  assert.deepEqual(await core.found("find ul"), [price.id, cte.id]);
  assert.deepEqual(await core.found("review", { kinds: ["run"] }), [run.id]);
  assert.deepEqual(await core.found(cte.id), [cte.id]);
  assert.deepEqual(await core.found(cte.id.slice(0, -1)), [cte.id]);
  assert.deepEqual(await core.found(cte.id, { kinds: ["run"] }), []);
  await core.answer(cte.id, { result: "0.03 ppm/K (Corning)" });
  await core.until(cte.id, "delegation.settled");
  const { items, indexed } = await core.views.search({ typed: "corning", statuses: ["succeeded"] });
  assert.deepEqual(
    items.map(({ id, status, excerpt, marks }) => [id, status, excerpt, marks]),
    [[cte.id, "succeeded", "0.03 ppm/K (Corning)", [[12, 19]]]],
  );
  assert.equal(indexed.isComplete, true);
  assert.deepEqual(
    await core.found("", { statuses: ["queued"], kinds: ["delegation"] }).then((ids) => ids.includes(cte.id)),
    false,
  );
  assert.deepEqual(await core.found('"*" AND (NEAR'), []);
  assert.deepEqual(await core.found("☃"), []);
});

test("the index goes on where it stopped, and an old ledger is taken in from its beginning", async () => {
  using folder = temporaryFolder();
  const cards = [cardOf("webster", { concurrency: 99 }), cardOf("tech-lead")];
  await using before = await started(folder.path, { cards });
  const ids: string[] = [];
  for (let i = 0; i < 40; i++) ids.push((await before.delegate(`glass number ${i}`)).id);
  await before.settled();
  const position = await before.ledger.search.position();
  assert.equal(position, 0);
  await before.searching.step();
  const reached = await before.ledger.search.position();
  assert.ok(reached > 0 && reached < (await before.ledger.search.head()));
  await before.stop();
  await using after = await started(folder.path, { cards, at: before.now() + SECOND });
  assert.deepEqual(await after.found("glass", { limit: 100 }), ids.toReversed());
  let steps = 0;
  while (await after.searching.keepOn()) assert.ok(++steps < 10_000);
  assert.deepEqual(await after.found("glass number 7"), [ids[7]]);
});

test("a run in time has what was begun for each item of a step, and a nested run as it stands", async () => {
  using folder = temporaryFolder();
  const inner = workflowOf("inner", [stepOf("look", taskOf("tech-lead", "Look."))]);
  const outer = workflowOf(
    "outer",
    [
      stepOf("each", taskOf("webster", "Look."), {
        forEach: { expression: `split('${"x,".repeat(59)}x', ',')`, maxParallel: 60 },
      }),
      stepOf("in", { kind: "workflow", workflow: "inner", with: {} }),
      stepOf("late", taskOf("secretary", "Look.")),
    ],
    { limits: { maxParallel: 100, timeoutMs: 9_000_000, maxFailures: 3 } },
  );
  await using core = await started(folder.path, {
    workflows: [inner, outer],
    answer: ({ agent }) =>
      agent.id === "secretary"
        ? { kind: "again", reason: "agent_busy", text: "secretary: it answered 500" }
        : { kind: "accepted" },
  });
  const { run } = await core.verbs.runs.startRun(OPERATOR, {
    workflow: "outer",
    inputs: {},
    origin: ORIGIN,
  });
  const nested = `${run.id}.in`;
  await core.until(nested, "run.started");
  await core.settled();
  core.pass(3 * SECOND);
  const [each, into, late] = (await core.views.timeline(run.id)).steps;
  assert.equal(each?.children.length, 50, "no more than fifty of a step");
  const [first, second] = each?.children ?? [];
  assert.deepEqual(
    [first?.item, first?.state, first?.agent, first?.waiting],
    [0, "dispatched", "webster", undefined],
  );
  assert.deepEqual([second?.item, second?.state], [1, "queued"]);
  assert.equal(late?.children[0]?.waiting, "secretary: it answered 500");
  assert.equal(late?.waitedFor[0]?.text, "waits for secretary: secretary: it answered 500");
  const began = run.startedAt;
  assert.deepEqual(into?.children, [
    { id: nested, kind: "run", state: "running", startedAt: began, dispatchedAt: began },
  ]);
  await core.answer(`${nested}.look`, { agent: "tech-lead" });
  await core.until(run.id, "step.settled");
  const [done] = (await core.views.timeline(run.id)).steps[1]?.children ?? [];
  assert.deepEqual([done?.state, done?.settledAt], ["succeeded", began + 3 * SECOND]);
  const unknown = await core.views.timeline("wf-nothing").catch((error: unknown) => error);
  assert.match(String((unknown as { hint?: string }).hint), /hq workflow status/);
});
