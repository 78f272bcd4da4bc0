import assert from "node:assert/strict";
import test from "node:test";
import { createRegistry } from "../../src/domain/agent-card.ts";
import { cardOf, handoffOf, startCore } from "../support/core.ts";
import { runOf } from "../support/orchestra.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const OPERATOR = { kind: "operator" } as const;
const able = { capabilities: ["search"] };
const origin = { door: "rest" } as const;

/** One agent, by the names that it has now, and another one whose work shows that the loop has looked. */
async function startRenamed(home: string, workflows: Parameters<typeof startCore>[1] = {}) {
  const cards = [cardOf("webster", able), cardOf("secretary", { ...able, concurrency: 64 })];
  const core = await startCore(home, { cards, ...workflows });
  const sent = () => core.sent.filter(({ agent }) => agent.id !== "secretary").map(runOf);
  const begun = async (id: string) => {
    await core.until(id, "attempt.dispatched");
    return id;
  };
  const ask = async (agent: string) => {
    const { delegation } = await core.verbs.delegate(OPERATOR, { agent, objective: "Find it", origin });
    return delegation.id;
  };
  return {
    core,
    ask,
    begun,
    /** What was sent to it, once everything was claimed for which there is room. */
    async sent() {
      for (let looks = 0; looks < 2; looks++) await begun(await ask("secretary"));
      return sent();
    },
    rename(id: string, ...aliases: string[]) {
      const named = cardOf(id, { ...able, aliases });
      Object.assign(core.config, { registry: createRegistry([named, cards[1] as typeof named]) });
      core.loop.ring();
    },
    handIn: (id: string) => core.hand(id, handoffOf(id)),
    [Symbol.asyncDispose]: () => core[Symbol.asyncDispose](),
  };
}

test("an agent that is renamed and has its old name back does no more at a time", async () => {
  using folder = temporaryFolder();
  await using agent = await startRenamed(folder.path);
  const first = await agent.begun(await agent.ask("webster"));
  agent.rename("archivist", "webster");
  const second = await agent.ask("archivist");
  assert.deepEqual(await agent.sent(), [first]);
  agent.rename("webster", "archivist");
  const third = await agent.ask("webster");
  assert.deepEqual(await agent.sent(), [first], "one at a time");
  await agent.handIn(first);
  await agent.begun(second);
  assert.deepEqual(await agent.sent(), [first, second]);
  await agent.handIn(second);
  await agent.begun(third);
  assert.deepEqual(await agent.sent(), [first, second, third]);
  assert.deepEqual(agent.core.broken, []);
});

test("an agent that is renamed twice does no more at a time, and what was asked for first goes first", async () => {
  using folder = temporaryFolder();
  await using agent = await startRenamed(folder.path);
  const ids = [await agent.begun(await agent.ask("webster")), await agent.ask("webster")];
  agent.core.pass(1);
  agent.rename("archivist", "webster");
  ids.push(await agent.ask("archivist"));
  agent.core.pass(1);
  agent.rename("librarian", "webster", "archivist");
  ids.push(await agent.ask("webster"));
  for (const [index, id] of ids.entries()) {
    await agent.begun(id);
    assert.deepEqual(await agent.sent(), ids.slice(0, index + 1));
    await agent.handIn(id);
  }
  assert.deepEqual(agent.core.broken, []);
});

test("what waits for a later attempt under an old id keeps nothing else waiting", async () => {
  using folder = temporaryFolder();
  const retry = { maxAttempts: 2, delayMs: 120_000, backoff: "fixed" } as const;
  const patient = workflowOf("patient", [stepOf("find", taskOf("webster", "Find it", { retry }))]);
  await using agent = await startRenamed(folder.path, { workflows: [patient] });
  const { verbs, pass, until } = agent.core;
  await verbs.runs.startRun(OPERATOR, { workflow: "patient", inputs: {}, origin, runId: "r" });
  const step = await agent.begun("r.find");
  await agent.core.hand(step, handoffOf(step, { status: "failed" }));
  await until(step, "attempt.failed");
  agent.rename("archivist", "webster");
  const next = await agent.begun(await agent.ask("archivist"));
  pass(120_000);
  assert.deepEqual(await agent.sent(), [step, next], "nor does it begin beside what runs");
  await agent.handIn(next);
  await until(step, "attempt.dispatched", 2);
  assert.deepEqual(await agent.sent(), [step, next, step]);
  assert.deepEqual(agent.core.broken, []);
});

test("what an agent has under an old id is shown, and counts, under the one that it has now", async () => {
  using folder = temporaryFolder();
  await using agent = await startRenamed(folder.path);
  await agent.begun(await agent.ask("webster"));
  await agent.ask("webster");
  agent.rename("archivist", "webster");
  const anybody = { capability: "search", objective: "Find it", origin } as const;
  assert.equal((await agent.core.verbs.delegate(OPERATOR, anybody)).delegation.agent, "secretary");
  await agent.ask("archivist");
  const [{ card, state, running, queued } = assert.fail()] = await agent.core.verbs.agents();
  assert.deepEqual([card.id, state, running, queued], ["archivist", "busy", 1, 2]);
  const named = await agent.core.verbs.agent("webster");
  assert.deepEqual([named.running, named.queued], [1, 2]);
});
