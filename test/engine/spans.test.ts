import assert from "node:assert/strict";
import test from "node:test";
import type { Attributes, Meter } from "@opentelemetry/api";
import type { StoredEvent } from "../../src/engine/ports/ledger.ts";
import { createFigures } from "../../src/telemetry/otel-figures.ts";
import { createSpanReader } from "../../src/telemetry/span-reader.ts";
import type { SpanDraft } from "../../src/telemetry/spans.ts";
import { cardOf, handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { approvalOf, stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const OPERATOR = { kind: "operator" } as const;
type Core = Awaited<ReturnType<typeof startCore>>;

/** The spans of all that happened, by one reader, or by one that knows nothing before each event. */
async function spansOf(core: Core, isForgetful = false): Promise<readonly SpanDraft[]> {
  const events: readonly StoredEvent[] = await core.ledger.events({ after: 0, limit: 10_000 });
  const reader = createSpanReader(core.ledger);
  const made: SpanDraft[] = [];
  for (const event of events)
    made.push(...(await (isForgetful ? createSpanReader(core.ledger) : reader)(event)));
  return made;
}

const brief = ({ name, from, to, failure }: SpanDraft) => [name, to - from, failure];

test("waiting, attempts and the whole of a delegation are spans with their own times", async () => {
  using folder = temporaryFolder();
  await using core = await startCore(folder.path);
  const request = {
    agent: "webster",
    objective: "secret words",
    retries: 1,
    timeoutMs: 10_000,
    origin: { door: "cli" },
  } as const;
  const { id } = (await core.verbs.delegate(OPERATOR, request)).delegation;
  await core.until(id, "attempt.dispatched");
  core.pass(10_000);
  await core.until(id, "attempt.failed");
  // The first attempt may still work: its place is free after the grace.
  core.pass(30_000);
  await core.until(id, "attempt.dispatched", 2);
  core.pass(3000);
  await core.hand(id, handoffOf(id), { attempt: 2 });
  await core.until(id, "delegation.settled");
  const spans = await spansOf(core);
  assert.deepEqual(spans.map(brief), [
    ["delegate webster", 43_000, undefined],
    ["attempt", 10_000, "timed_out"],
    ["waiting", 30_000, undefined],
    ["attempt", 3000, undefined],
  ]);
  const [whole, ...others] = spans;
  assert.ok(others.every(({ parent, trace }) => parent === whole?.id && trace === whole?.trace));
  assert.equal(new Set(spans.map((span) => span.id)).size, spans.length);
  assert.equal(whole?.attributes["hq.attempts"], 2);
  assert.doesNotMatch(JSON.stringify(spans), /secret words/);
  assert.deepEqual(await spansOf(core, true), spans);
});

test("work that another agent took over is told of that one", async () => {
  using folder = temporaryFolder();
  const cards = ["webster", "tech-lead"].map((id) => cardOf(id, { capabilities: ["materials"] }));
  const down = new Set<string>();
  await using core = await startCore(folder.path, {
    cards,
    condition: (id) => (down.has(id) ? "down" : "up"),
    answer: ({ agent }) =>
      down.has(agent.id)
        ? { kind: "again", reason: "agent_down", text: "connection refused" }
        : { kind: "accepted" },
  });
  const request = {
    agent: "webster",
    objective: "Find the CTE",
    fallback: true,
    origin: { door: "cli" },
  } as const;
  const { id } = (await core.verbs.delegate(OPERATOR, request)).delegation;
  await core.until(id, "attempt.dispatched");
  core.pass(5000);
  down.add("webster");
  await core.lookForLostRuns();
  core.pass(60_000);
  await core.lookForLostRuns();
  await core.until(id, "attempt.dispatched", 2);
  core.pass(3000);
  await core.hand(id, handoffOf(id, { agent: "tech-lead" }));
  await core.until(id, "delegation.settled");
  const spans = await spansOf(core);
  assert.deepEqual(
    spans.map(({ name, attributes, failure }) => [name, attributes["hq.agent"], failure]),
    [
      ["delegate tech-lead", "tech-lead", undefined],
      ["attempt", "webster", "lost"],
      ["attempt", "tech-lead", undefined],
    ],
  );
  const counted: (readonly [string, unknown])[] = [];
  const instrument = (name: string) => ({
    add: (_: number, { "hq.agent": agent }: Attributes = {}) => counted.push([name, agent]),
    record: (_: number, { "hq.agent": agent }: Attributes = {}) => counted.push([name, agent]),
    addCallback: () => undefined,
  });
  const meter = {
    createCounter: instrument,
    createHistogram: instrument,
    createObservableGauge: instrument,
  } as unknown as Meter;
  const figures = createFigures(meter, core.ledger, () => undefined);
  for (const event of await core.ledger.events({ after: 0, limit: 10_000 })) figures.count(event);
  assert.deepEqual(
    counted.filter(([name]) => name === "hq.delegation.working"),
    [["hq.delegation.working", "tech-lead"]],
  );
});

test("a gate is a step that tells how it was decided, and a run that was opened again is a span below the first", async () => {
  using folder = temporaryFolder();
  const flow = workflowOf("flow", [
    stepOf("ask", approvalOf()),
    stepOf("look", taskOf("webster", "Look."), { needs: ["ask"] }),
  ]);
  await using core = await startCore(folder.path, { workflows: [flow] });
  const { run } = await core.verbs.runs.startRun(OPERATOR, {
    workflow: "flow",
    inputs: {},
    origin: { door: "cli" },
  });
  const { id } = run;
  await core.until(id, "gate.opened");
  core.pass(5000);
  await core.verbs.runs.decideGate(OPERATOR, { run: id, step: "ask", decision: "approve" });
  const child = `${id}.look`;
  await core.until(child, "attempt.dispatched");
  await core.hand(child, handoffOf(child, { status: "blocked" }));
  await core.until(id, "run.settled");
  core.pass(1000);
  await core.verbs.runs.retryRun(OPERATOR, id, {});
  const again = `${child}~2`;
  await core.until(again, "attempt.dispatched");
  core.pass(2000);
  await core.hand(again, handoffOf(again));
  await core.until(id, "run.settled", 2);

  const spans = await spansOf(core);
  const named = (name: string) => spans.filter((span) => span.name === name);
  const [ask] = named("step ask");
  assert.deepEqual([ask && ask.to - ask.from, ask?.attributes["hq.gate"]], [5000, "approved"]);
  const [first, second] = named("workflow flow");
  assert.deepEqual(
    [first?.failure, second?.failure, second?.parent, second && second.to - second.from],
    ["failed", undefined, first?.id, 2000],
  );
  const [looked, lookedAgain] = named("step look");
  assert.deepEqual(
    [looked?.failure, lookedAgain?.failure, lookedAgain?.attributes["hq.generation"]],
    ["failed", undefined, 2],
  );
  const [below, belowAgain] = named("delegate webster");
  assert.deepEqual([below?.parent, belowAgain?.parent], [looked?.id, lookedAgain?.id]);
  assert.equal(new Set(spans.map(({ trace }) => trace)).size, 1);
  assert.deepEqual(await spansOf(core, true), spans);
});

test("a post is a span from the end of what it tells about, also when a batch carried it", async () => {
  using folder = temporaryFolder();
  await using core = await startCore(folder.path);
  const ids: string[] = [];
  for (const _ of [1, 2]) {
    const { delegation } = await core.verbs.delegate(OPERATOR, {
      agent: "webster",
      objective: "o",
      origin: { door: "cli" },
    });
    ids.push(delegation.id);
    await core.until(delegation.id, "attempt.dispatched");
    await core.hand(delegation.id, handoffOf(delegation.id));
    await core.until(delegation.id, "delegation.settled");
  }
  core.pass(700);
  const members = ids.map((id) => `${id}/log`);
  const delivery = { id: "batch-1", kind: "batch", to: { role: "agentLogs" }, members } as const;
  const receipt = {
    delivery: "batch-1",
    part: 0,
    nonce: "n",
    channel: "9",
    message: "1",
    postedAt: core.now(),
  };
  const input = { type: "part-posted", delivery, receipt, of: 1 } as const;
  await core.engine.accept({ kind: "delivery", stream: "batch-1", input, cause: "test" });
  const spans = await spansOf(core);
  const posts = spans.filter(({ name }) => name === "post log");
  assert.deepEqual(
    posts.map(({ from, to }) => to - from),
    [700, 700],
  );
  const wholes = spans.filter(({ name }) => name === "delegate webster");
  assert.deepEqual(
    posts.map(({ parent }) => parent),
    wholes.map(({ id }) => id),
  );
});
