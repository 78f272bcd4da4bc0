import assert from "node:assert/strict";
import test from "node:test";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const OPERATOR = { kind: "operator" } as const;
const study = workflowOf("study", [
  stepOf("look", taskOf("webster", "Look for it.")),
  stepOf("judge", taskOf("tech-lead", "Judge: ${{ steps.look.result }}"), { needs: ["look"] }),
]);

test("the story of a run holds its steps' delegations, from what the ledger kept", async () => {
  using folder = temporaryFolder();
  await using core = await startCore(folder.path, { workflows: [study] });
  const key = { scope: "rest", key: "k-1" };
  const { run } = await core.verbs.runs.startRun(OPERATOR, {
    workflow: "study",
    inputs: {},
    key,
    origin: { door: "rest" },
  });
  for (const [step, agent] of [
    ["look", "webster"],
    ["judge", "tech-lead"],
  ] as const) {
    const child = `${run.id}.${step}`;
    await core.until(child, "attempt.dispatched");
    core.pass(2000);
    await core.hand(child, handoffOf(child, { agent }));
  }
  await core.until(run.id, "run.settled");
  await core.settled();
  const trace = await core.verbs.trace(run.id);
  assert.deepEqual([trace.kind, trace.status], ["run", "succeeded"]);
  assert.deepEqual(
    trace.children.map(({ id, totals }) => [id, totals.workingMs]),
    [
      [`${run.id}.look`, 2000],
      [`${run.id}.judge`, 2000],
    ],
  );
  const whats = trace.lines.filter(({ subject }) => subject === `${run.id}.judge`).map(({ what }) => what);
  for (const what of ["asked", "queued", "claimed", "acknowledged", "handoff", "settled", "told", "filed"])
    assert.ok(whats.includes(what), `${what} is missing in ${whats.join(", ")}`);
  assert.match(trace.lines[0]?.text ?? "", /^operator over REST, key rest:k-1$/);
  assert.deepEqual([trace.totals.workingMs, trace.totals.attempts], [4000, 2]);
  const sorted = trace.lines.map(({ at }) => at);
  assert.deepEqual(
    sorted,
    sorted.toSorted((a, b) => a - b),
  );
});

test("a delegation that was begun on behalf of another is told with it", async () => {
  using folder = temporaryFolder();
  await using core = await startCore(folder.path);
  const ask = async (agent: string, more: object = {}) =>
    (await core.verbs.delegate(OPERATOR, { agent, objective: "o", origin: { door: "cli" }, ...more }))
      .delegation.id;
  const top = await ask("tech-lead", { timeoutMs: 600_000, key: { scope: "rest", key: "k-2" } });
  await core.until(top, "attempt.dispatched");
  const below = await ask("webster", { parent: top, timeoutMs: 60_000, runId: "chosen-by-its-caller" });
  const trace = await core.verbs.trace(top);
  assert.equal(trace.lines[0]?.text, "operator by the command line, key rest:k-2");
  assert.deepEqual(
    trace.children.map(({ id }) => id),
    [below],
  );
  assert.equal((await core.verbs.trace(below)).parent, top);
});

test("a whole history holds what became of the deliveries, each event in its place, and says up to where", async () => {
  using folder = temporaryFolder();
  await using core = await startCore(folder.path);
  const { delegation } = await core.verbs.delegate(OPERATOR, {
    agent: "webster",
    objective: "o",
    origin: { door: "rest" },
  });
  const { id } = delegation;
  const post = async (name: string, message: string) => {
    const delivery = { id: `${id}/${name}`, kind: "log", to: { role: "agentLogs" }, subject: id } as const;
    const receipt = {
      delivery: delivery.id,
      part: 0,
      nonce: "n",
      channel: "9",
      message,
      postedAt: core.now(),
    };
    const input = { type: "part-posted", delivery, receipt, of: 1 } as const;
    const receipts = [receipt];
    await core.engine.accept({ kind: "delivery", stream: delivery.id, input, cause: "test", receipts });
  };
  await post("progress", "1");
  await core.verbs.cancel(OPERATOR, id);
  await core.until(id, "delegation.settled");
  await post("result", "2");
  const { events, upTo } = await core.verbs.wholeHistory(id);
  const told = events.map(({ stream }) => stream);
  assert.deepEqual([told[0], told.at(-1), upTo], [id, `${id}/result`, events.at(-1)?.position]);
  assert.ok(told.indexOf(`${id}/progress`) > 0);
  const types = events.map(({ type }) => type);
  assert.ok(told.indexOf(`${id}/progress`) < types.indexOf("delegation.settled"), types.join());
  assert.deepEqual(
    events.map(({ position }) => position),
    events.map(({ position }) => position).toSorted((a, b) => a - b),
  );
  await assert.rejects(core.verbs.wholeHistory("orch-none"), isRefusal);
});

test("a command, a message and a delivery lead to what they are about", async () => {
  using folder = temporaryFolder();
  await using core = await startCore(folder.path);
  const command = "1471858737599519001";
  const person = { kind: "person", id: "5", name: "ada", rights: ["any-agent", "delegate"] } as const;
  await core.verbs.interactions.note(command, { type: "delegate" }, person);
  const { delegation } = await core.verbs.delegate(person, {
    agent: "webster",
    objective: "o",
    key: { scope: "interaction", key: command },
    origin: { door: "discord", channel: "9" },
  });
  const delivery = {
    id: `${delegation.id}/log`,
    kind: "log",
    to: { role: "agentLogs" },
    subject: delegation.id,
  } as const;
  const receipt = {
    delivery: delivery.id,
    part: 0,
    nonce: "n",
    channel: "9",
    message: "1573656703822462976",
    postedAt: core.now(),
  };
  await core.engine.accept({
    kind: "delivery",
    stream: delivery.id,
    input: { type: "part-posted", delivery, receipt, of: 1 },
    cause: "test",
    receipts: [receipt],
  });
  for (const word of [command, delivery.id, `${delegation.id}/result`, receipt.message]) {
    const trace = await core.verbs.trace(word);
    assert.equal(trace.id, delegation.id, word);
    assert.equal(trace.lines[0]?.what, "received");
  }
  for (const word of ["orch-nobody", "1471858737599519002", "nobody/result", ""])
    await assert.rejects(core.verbs.trace(word), (error) => isRefusal(error) && error.code === "not_found");
});

test("a very long history is told from both ends, and read whole page by page", async () => {
  using folder = temporaryFolder();
  await using core = await startCore(folder.path);
  const released = {
    type: "attempt.released",
    schema: 1,
    body: { type: "attempt.released", attempt: 1, at: core.now() },
  };
  const written = { effects: [], cause: "test", actor: "test", open: false, at: core.now() } as const;
  // What came before in the ledger: its positions are not the versions of this history.
  const before = Array.from({ length: 1200 }, () => released);
  await core.ledger.commit({
    ...written,
    stream: "elsewhere",
    kind: "notice",
    status: "given",
    expectedVersion: 0,
    events: before,
    state: {},
  });
  const request = { agent: "webster", objective: "o", origin: { door: "cli" } } as const;
  const { delegation } = await core.verbs.delegate(OPERATOR, request);
  const { id } = delegation;
  await core.until(id, "attempt.dispatched");
  const at = core.now();
  const { version: expectedVersion = 0, state } = (await core.ledger.load(id)) ?? {};
  const settled = { type: "delegation.settled", at, status: "canceled", problems: [] };
  const events = [
    ...Array.from({ length: 5600 }, () => released),
    { type: settled.type, schema: 1, body: settled },
  ];
  await core.ledger.commit({
    ...written,
    stream: id,
    kind: "delegation",
    status: "canceled",
    expectedVersion,
    events,
    state,
  });
  const trace = await core.verbs.trace(id);
  assert.equal(trace.omitted, expectedVersion + 5601 - 5500);
  assert.equal(trace.settledAt, at);
  const history = await core.verbs.history(id);
  assert.deepEqual(
    history.map(({ version }) => version),
    Array.from({ length: expectedVersion + 5601 }, (_, index) => index + 1),
  );
});
