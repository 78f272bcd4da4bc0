import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { type FakeGateway, type FakeRun, startFakeGateway } from "../support/fake-gateway.ts";
import { startSupervisor } from "../support/supervisor.ts";
import { createWorld, HOOKS_TOKEN, handBack } from "./world.ts";

/** A world whose clock stands until a test moves it, and how agents.yaml is saved under way. */
async function begin(t: TestContext, given: Parameters<typeof createWorld>[1] = {}) {
  let at = Date.now();
  const now = () => at;
  const world = await createWorld(t, { overrides: { now }, now, ...given });
  // No rule names who may be taken out.
  writeFileSync(join(world.config, "acl.yaml"), "matrix: { tech-lead: [] }\n");
  const app = await world.start();
  const log = () => readFileSync(join(world.home, "logs", "supervisor.log"), "utf8");
  const reads = () => log().split("was read again").length - 1;
  return {
    world,
    app,
    now,
    pass(ms: number) {
      at += ms;
    },
    /** Nobody rings when a test moves the clock: a commit of another agent's work does. */
    async wake() {
      await app.settled(await app.ask({ agent: "tech-lead", deliver: false }));
    },
    /** Resolves when the supervisor has read it. */
    async save(agents: string) {
      const before = reads();
      writeFileSync(join(world.config, "agents.yaml"), agents);
      await app.poll("/health/live", () => reads() > before);
    },
  };
}

const without = (agents: string) => agents.replace(/^ {2}webster: .*\n/m, "");

test("in doubt, its agent taken out of the file: said at once, sent no more, and what it hands in counts", async (t) => {
  let handIn = () => {};
  const { world, app, save, wake, pass } = await begin(t, {
    onRun(run) {
      handIn = () => handBack(run);
    },
  });
  world.gateway.answerWith({ kind: "commit-then-hang" });
  const id = await app.ask();
  await world.gateway.runsReach(1);
  await save(without(world.agents));
  world.gateway.breakOff();
  const isSaid = ({ waiting }: any) => /no longer in config/.test(waiting?.text);
  const { waiting } = await app.until(id, isSaid);
  assert.equal(
    waiting.text,
    "webster is no longer in config/agents.yaml, so nobody can ask it whether it got the work; it may still hand it in",
  );
  pass(250_000);
  await wake();
  handIn();
  assert.equal((await app.settled(id)).status, "succeeded");
  assert.equal(world.gateway.requests.length, 1);
  const doubts = (await app.typesOf(id)).filter((type) => type === "attempt.uncertain");
  assert.equal(doubts.length, 2, "the doubt, and why it lasts");
});

test("in doubt, its agent taken out of the file and silent: it has failed when its time is over, and says why", async (t) => {
  const { world, app, save, wake, pass } = await begin(t);
  world.gateway.answerWith({ kind: "hang" });
  const id = await app.ask({ timeout: "60s" });
  await world.gateway.requestsReach(1);
  await save(without(world.agents));
  world.gateway.breakOff();
  await app.until(id, ({ waiting }) => /no longer in config/.test(waiting?.text));
  pass(61_000);
  await wake();
  const view = await app.settled(id);
  assert.equal(view.status, "failed");
  assert.equal(
    view.reason,
    "webster is no longer in config/agents.yaml; it may have had the work, and gave nothing back",
  );
  assert.equal(world.gateway.requests.length, 1);
});

test("in doubt, its agent taken out of the file and put back: it is asked again, and does it once", async (t) => {
  const { world, app, save, wake, pass } = await begin(t);
  world.gateway.answerWith({ kind: "hang" }, { kind: "ok" });
  const id = await app.ask();
  await world.gateway.requestsReach(1);
  await save(without(world.agents));
  world.gateway.breakOff();
  await app.until(id, ({ waiting }) => /no longer in config/.test(waiting?.text));
  await save(world.agents);
  pass(5000);
  await wake();
  assert.equal((await app.settled(id)).status, "succeeded");
  assert.deepEqual([world.gateway.requests.length, world.gateway.runs.length], [2, 1]);
});

test("work that waits for an agent that is taken out of the file goes to another one where that is allowed", async (t) => {
  const { world, app, save, wake, pass } = await begin(t);
  world.gateway.answerWith({ kind: "busy" });
  const [moved, kept] = [await app.ask({ fallback: ["tech-lead"] }), await app.ask()];
  for (const id of [moved, kept]) await app.until(id, ({ waiting }) => waiting?.reason === "agent_busy");
  await save(without(world.agents));
  pass(31_000);
  await wake();
  const [there, here] = [await app.settled(moved), await app.settled(kept)];
  assert.deepEqual([there.status, there.agent], ["succeeded", "tech-lead"]);
  const [rerouted] = (await app.history(moved)).filter(({ type }) => type === "delegation.rerouted");
  assert.equal(rerouted?.body.why, "webster is no longer in config/agents.yaml; tech-lead is free");
  assert.deepEqual([here.status, here.reason], ["failed", "webster is no longer in config/agents.yaml"]);
});

/** A world in which webster keeps its work until it is told to hand in, and where it is to be found next. */
async function beginToMove(t: TestContext, given: Parameters<typeof createWorld>[1] = {}) {
  const kept: FakeRun[] = [];
  const made = await begin(t, { onRun: (run) => void kept.push(run), ...given });
  made.pass(60_000);
  const next = await startFakeGateway({ token: HOOKS_TOKEN, now: made.now, onRun: (run) => handBack(run) });
  t.after(next.close);
  const { world, save } = made;
  return {
    ...made,
    next,
    handIn: () => kept.forEach((run) => handBack(run)),
    move: () => save(world.agents.replace(world.gateway.url, next.url)),
  };
}

test("an agent that is moved to a younger gateway keeps what the former one took: nothing is sent again", async (t) => {
  const { world, app, next, pass, move, handIn } = await beginToMove(t);
  const id = await app.ask();
  await app.until(id, ({ status }) => status === "dispatched");
  pass(5000);
  await next.restart();
  pass(5000);
  await move();
  await app.stop();
  const again = await world.start();
  // The first look at what was lost asks the gateway that has it, and then another one is sent what is new.
  const asked = world.gateway.asked.length;
  await again.poll("/health/live", () => world.gateway.asked.length > asked || next.requests.length > 0);
  const later = await again.ask({ objective: "Find the CTE of ULE" });
  assert.equal((await again.settled(later)).status, "succeeded");
  handIn();
  assert.equal((await again.settled(id)).status, "succeeded");
  assert.deepEqual([world.gateway.requests.length, next.requests.length], [1, 1]);
});

test("an agent that is moved from a gateway that is not there any more: what that had is sent to the new one at once", async (t) => {
  const { world, app, next, move, pass } = await beginToMove(t);
  const id = await app.ask();
  await app.until(id, ({ status }) => status === "dispatched");
  pass(5000);
  await world.gateway.stop();
  await move();
  await app.stop();
  const again = await world.start();
  const view = await again.settled(id);
  assert.deepEqual([view.status, view.attempt, view.attempts[0].sends], ["succeeded", 1, 2]);
  const lost = (await again.history(id)).find(({ type }) => type === "attempt.lost");
  assert.equal(lost?.body.text, `its gateway at ${world.gateway.url} is gone, and with it what it had taken`);
  assert.deepEqual([world.gateway.requests.length, next.requests.length], [1, 1]);
});

for (const [what, change] of [
  ["gateway", (agents: string, { url }: FakeGateway, to: FakeGateway) => agents.replace(url, to.url)],
  ["role", (agents: string) => agents.replace("webster: {", 'webster: { role: "You look things up.",')],
] as const) {
  test(`in doubt, its agent's ${what} changed: what another one or other words prove counts for nothing`, async (t) => {
    const { world, app, next, pass, wake, save, handIn } = await beginToMove(t);
    world.gateway.answerWith({ kind: "commit-then-hang" }, { kind: "ok" });
    const id = await app.ask();
    await world.gateway.runsReach(1);
    pass(1000);
    await save(change(world.agents, world.gateway, next));
    world.gateway.breakOff();
    await app.until(id, ({ waiting }) => waiting?.reason === "uncertain");
    pass(5000);
    await wake();
    pass(5000);
    await wake();
    handIn();
    assert.equal((await app.settled(id)).status, "succeeded");
    assert.deepEqual([world.gateway.runs.length, next.requests.length], [1, 0]);
    assert.ok(!(await app.typesOf(id)).includes("attempt.lost"));
  });
}

test("killed after the request, its agent's gateway changed before the next start: it is not sent to the new one", async (t) => {
  const kept: FakeRun[] = [];
  const world = await createWorld(t, { onRun: (run) => void kept.push(run) });
  const next = await startFakeGateway({ token: HOOKS_TOKEN, onRun: (run) => handBack(run) });
  t.after(next.close);
  const first = await startSupervisor(world.home, { ...world.env, HQ_CRASH_AT: "dispatch:sent" });
  t.after(first.stop);
  const { body } = await first.call("POST", "/delegations", { agent: "webster", objective: "Find it" });
  await first.exited;
  assert.equal(world.gateway.runs.length, 1);
  writeFileSync(join(world.config, "agents.yaml"), world.agents.replace(world.gateway.url, next.url));
  const second = await startSupervisor(world.home, world.env);
  t.after(second.stop);
  const until = async (isWanted: (view: any) => boolean) => {
    for (;;) {
      const { body: view } = await second.call("GET", `/delegations/${body.id}`);
      if (isWanted(view)) return;
    }
  };
  await until(({ waiting }) => waiting?.reason === "uncertain" || next.requests.length > 0);
  const other = { agent: "tech-lead", objective: "Find it too" };
  const { body: told } = await second.call("POST", "/delegations", other);
  await second.call("GET", `/delegations/${told.id}?wait=30s`);
  for (const run of kept) handBack(run);
  const settled = await second.call("GET", `/delegations/${body.id}?wait=30s`);
  assert.equal(settled.body.status, "succeeded");
  assert.deepEqual([world.gateway.requests.length, next.requests.length], [1, 0]);
});

for (const name of ["webster", "archivist"]) {
  test(`an agent that is renamed and keeps its old name as an alias: what waits for it is done, handed in by ${name}`, async (t) => {
    const { world, app, save, wake, pass } = await begin(t, {
      onRun: (run) => handBack(run, { agent: name }),
    });
    world.gateway.answerWith({ kind: "busy" }, { kind: "ok" });
    const id = await app.ask({ retries: 0 });
    await app.until(id, ({ waiting }) => waiting?.reason === "agent_busy");
    await save(world.agents.replace("  webster: {", "  archivist: { aliases: [webster],"));
    pass(31_000);
    await wake();
    const { status, reason } = await app.settled(id);
    assert.deepEqual([status, reason], ["succeeded", undefined]);
    const [{ message } = { message: "" }] = world.gateway.runs;
    assert.match(message, /This is a direct assignment to archivist /);
    assert.match(message, /"agent": "webster"/);
    assert.equal(world.gateway.runs.length, 1);
  });
}

test("an agent that is renamed with work in hand has no more of it at a time: what was asked for under its old name goes first", async (t) => {
  const runs: FakeRun[] = [];
  const { world, app, save } = await begin(t, { concurrency: 1, onRun: (run) => void runs.push(run) });
  const ids = [await app.ask(), await app.ask()];
  await world.gateway.runsReach(1);
  await save(world.agents.replace("  webster: {", "  archivist: { aliases: [webster],"));
  ids.push(await app.ask());
  await app.stop();
  const next = await world.start();
  ids.push(await next.ask({ agent: "archivist" }));
  for (const [index, id] of ids.entries()) {
    await world.gateway.runsReach(index + 1);
    await next.settled(await next.ask({ agent: "tech-lead", deliver: false }));
    assert.equal(world.gateway.requests.length, index + 1, "one at a time");
    handBack(runs[index] as FakeRun);
    assert.equal((await next.settled(id)).status, "succeeded");
  }
});

test("a drained agent that is taken out of the file, which nobody can resume: its work goes elsewhere or says so", async (t) => {
  const { world, app, save, wake, pass } = await begin(t);
  world.gateway.answerWith({ kind: "busy" });
  const moved = await app.ask({ fallback: ["tech-lead"] });
  await app.until(moved, ({ waiting }) => waiting?.reason === "agent_busy");
  assert.equal((await app.call("POST", "/agents/webster/drain", {})).status, 200);
  const kept = await app.ask();
  for (const id of [moved, kept]) await app.until(id, ({ waiting }) => waiting?.reason === "agent_draining");
  await save(without(world.agents));
  pass(31_000);
  await wake();
  const [there, here] = [await app.settled(moved), await app.settled(kept)];
  assert.deepEqual([there.status, there.agent], ["succeeded", "tech-lead"]);
  assert.deepEqual([here.status, here.reason], ["failed", "webster is no longer in config/agents.yaml"]);
  assert.equal(world.gateway.requests.length, 1);
});

test("an agent that is drained and renamed: its work is sent under the new name, unless that is drained", async (t) => {
  const { world, app, save, wake, pass } = await begin(t);
  world.gateway.answerWith({ kind: "busy" }, { kind: "ok" });
  const before = await app.ask();
  await app.until(before, ({ waiting }) => waiting?.reason === "agent_busy");
  assert.equal((await app.call("POST", "/agents/webster/drain", {})).status, 200);
  const after = await app.ask();
  await app.until(after, ({ waiting }) => waiting?.reason === "agent_draining");
  await save(world.agents.replace("  webster: {", "  archivist: { aliases: [webster],"));
  assert.equal((await app.settled(after)).status, "succeeded");
  assert.equal((await app.call("POST", "/agents/archivist/drain", {})).status, 200);
  pass(31_000);
  await wake();
  assert.equal(world.gateway.requests.length, 2);
  assert.equal((await app.call("POST", "/agents/webster/resume", {})).status, 200);
  assert.equal((await app.settled(before)).status, "succeeded");
  assert.equal(world.gateway.requests.length, 3);
});
