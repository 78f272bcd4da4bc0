import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createHunt, type Process } from "../../src/agents/workers/processes.ts";
import type { WorkerView } from "../../src/domain/worker-view.ts";
import type { TaskView } from "../../src/engine/task-verbs.ts";
import { person } from "../support/guild.ts";
import { goneWithin, newRoot, pidIn, runHq, startHq } from "./cli-process.ts";

type Shown = TaskView & { readonly worker?: WorkerView };

function desk(t: TestContext) {
  const { home } = newRoot(t);
  const options = { env: { HQ_HOME: home }, cwd: tmpdir() };
  const hq = (...argv: string[]) => runHq(t, argv, options);
  const start = async () => {
    const supervisor = startHq(t, ["start", "--json", "--port", "0", "--guild-port", "0"], options);
    await supervisor.said(/"event":"ready"/);
    return { ...supervisor, ready: JSON.parse(supervisor.out()) as { guild: string } };
  };
  const show = async (id: string) => JSON.parse((await hq("queue", "show", id, "--json")).out) as Shown;
  /** Asks the supervisor itself: a process for each look would take longer than what is looked at. */
  const look = async (id: string): Promise<TaskView> => {
    const { api } = JSON.parse(readFileSync(join(home, "run.json"), "utf8")) as { api: string };
    const authorization = `Bearer ${readFileSync(join(home, "api.key"), "utf8").trim()}`;
    const answer = await fetch(`${api}/api/v1/tasks/${id}`, { headers: { authorization } });
    return (await answer.json()) as TaskView;
  };
  return { home, options, hq, start, show, look };
}

type Message = { readonly content: string };

function messagesOf(guild: string, channel: string): Promise<readonly Message[]> {
  return person({ url: guild }).get(`/local/channels/${channel}/messages?limit=100`);
}

/** All messages of a channel as people see them, their components included. */
async function textOf(guild: string, channel: string): Promise<string> {
  return JSON.stringify(await messagesOf(guild, channel));
}

/** Nothing tells a test when the last post is there. */
async function until(what: () => Promise<boolean>, ms = 15_000): Promise<void> {
  for (const deadline = Date.now() + ms; Date.now() < deadline; await pause(50)) if (await what()) return;
  assert.fail("it did not come about in time");
}

test("a submitted task stands in the channel, is done once by whom it names, and its result is printed and posted", async (t) => {
  const { home, hq, start, show } = desk(t);
  const supervisor = await start();
  const [agent, worker, wrong] = await Promise.all([
    hq("submit", "The CTE of ULE [slow 10ms]", "--agent", "webster", "--wait"),
    hq("submit", "Compare Zerodur and ULE", "CHEAP", "low", "--key", "mine", "--wait", "--json"),
    hq("submit", "a", "chaep"),
  ]);
  assert.equal(agent.code, 0, agent.err);
  assert.match(agent.out, /ULE/);
  assert.equal(worker.code, 0, worker.err);
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /chaep.*cheap, primary, coder, research/);

  const task = JSON.parse(worker.out) as TaskView;
  assert.deepEqual([task.status, task.tags], ["done", { model: "cheap", thinking: "low" }]);
  const again = await hq("submit", "Compare Zerodur and ULE", "CHEAP", "low", "--key", "mine");
  assert.equal(again.out, `${task.id}\n`);
  const shown = await show(task.task.place.message);
  assert.equal(shown.tries.length, 1);
  const folder = shown.worker?.folder ?? "";
  assert.ok(folder.startsWith(join(home, "workers")), folder);
  assert.match(readFileSync(join(folder, "TASK.txt"), "utf8"), /^TASK: Compare Zerodur and ULE\n$/);
  const words = await hq("queue", "show", task.id);
  assert.match(words.out, /log +\S+agent-output\.log\n/);
  assert.match(words.out, /tokens +\d+ in, \d+ out, \$0\.000000\n/);

  const { guild } = supervisor.ready;
  await until(async () => (await textOf(guild, "results")).includes("Compare Zerodur and ULE"));
  const posted = (await messagesOf(guild, "task-queue")).filter(({ content }) =>
    content.includes("[model:CHEAP]"),
  );
  assert.equal(posted.length, 1, "one message for one key");
  await until(async () => (await textOf(guild, "worker-pool")).includes(shown.worker?.agent ?? "?"));

  const cleared = await hq("queue", "clear", "--yes");
  assert.deepEqual([cleared.code, cleared.out], [0, "4 messages removed.\n"], cleared.err);
  assert.deepEqual(await messagesOf(guild, "task-queue"), [], "their cards are gone with them");
  const lines = (await hq("queue", "export")).out.trimEnd().split("\n");
  assert.equal(lines.length, 2, "the ledger keeps what was cleared");
});

test("people's messages are listed with the reason why one is not done, and handled ones of older tools are left alone", async (t) => {
  const { home, hq, start, look } = desk(t);
  const first = await start();
  const you = person({ url: first.ready.guild });
  const wrong = await you.say("task-queue", "Mesh the mount [agent:nx-exprt]");
  await until(async () => (await look(`task-${wrong.id}`)).refused !== undefined);
  const list = await hq("queue");
  assert.match(list.out, /open .*not taken: .*nx-exprt.*did you mean nx-expert\?/);
  first.child.kill("SIGTERM");
  await first.done;
  assert.equal(pidIn(home), undefined);

  // What was posted while nobody looked is found at the next start, except what an older tool had claimed.
  writeFileSync(join(home, "handled-tasks.txt"), `${wrong.id}\n`);
  await start();
  const { out } = await hq("queue", "trigger", "--json");
  assert.deepEqual((JSON.parse(out) as { claimed: number }).claimed, 0);
});

test("without a supervisor submit and trigger use a temporary one, two passes at once are one, and it leaves with nothing undone", async (t) => {
  const { home, hq, show } = desk(t);
  // As long as something is open it stays, however long the next command takes to begin.
  const open = await hq("delegate", "webster", "Find it [silent]", "--no-wait", "--format", "text");
  assert.equal(open.code, 0, open.err);
  const submitted = await hq("submit", "Compare Zerodur and ULE [slow 200ms]", "cheap");
  assert.equal(submitted.code, 0, submitted.err);
  const passes = await Promise.all([hq("queue", "trigger", "--wait"), hq("queue", "trigger", "--wait")]);
  for (const { code, err } of passes) assert.equal(code, 0, err);
  const id = submitted.out.trim();
  assert.equal((await show(id)).status, "done");
  const ready = readFileSync(join(home, "logs", "temporary.log"), "utf8").match(/"event":"ready"/g);
  assert.equal(ready?.length, 1, "all of them shared one");
  const temporary = pidIn(home);
  assert.equal((await hq("cancel", open.out.trim())).code, 0);
  assert.ok(temporary !== undefined && (await goneWithin(temporary, 20_000)), "it leaves");
  const agents = readdirSync(join(home, "workers")).filter((name) => name.startsWith("agent-"));
  assert.equal(agents.length, 1, "the task was done once");
  const later = await hq("wait", id, "--format", "text");
  assert.match(later.out, /This is the result of the sample worker/);
});

test("an emergency stop ends workers that fork and hear nothing within 5 s; nothing begins until start", async (t) => {
  const { home, hq, start, show, look } = desk(t);
  const supervisor = await start();
  const hunt = createHunt((mark) => mark.startsWith(join(home, "workers")));
  t.after(() => {
    for (const { pid } of hunt()) process.kill(pid, "SIGKILL");
  });
  const ids: string[] = [];
  for (const text of ["one [fork] [stubborn] [slow 5m]", "two [stubborn] [slow 5m]"])
    ids.push((await hq("submit", text, "cheap")).out.trim());
  const silent = (await hq("submit", "three [silent]", "--agent", "webster")).out.trim();
  let before: readonly Process[] = [];
  await until(async () => {
    before = hunt();
    const [forked, other, third] = await Promise.all([...ids, silent].map(look));
    const isDispatched = third?.tries.at(-1)?.child !== undefined;
    return before.length >= 5 && forked?.status === "claimed" && other?.status === "claimed" && isDispatched;
  });
  const startedAt = Date.now();
  const stopping = startHq(t, ["stop", "--now"], { env: { HQ_HOME: home }, cwd: tmpdir() });
  await until(async () => hunt().length === 0, 5000);
  const tookMs = Date.now() - startedAt;
  const { code, err } = await stopping.done;
  assert.equal(code, 0, err);
  assert.ok(tookMs < 5000, `${tookMs} ms`);
  assert.equal((await supervisor.done).code, 0);
  assert.match(err, /2 workers killed/);
  assert.match(
    err,
    /Could not be canceled at webster: task-\d+\.d1 \(.*what it hands in is kept as late\)\.\n/,
  );
  assert.match(err, /No process of a worker is left/);

  // A temporary supervisor reads, and begins nothing.
  const failed = await show(ids[0] ?? "");
  assert.deepEqual([failed.status, failed.tries.at(-1)?.outcome?.reason], ["failed", "stopped"]);
  const refused = await hq("delegate", "webster", "x");
  assert.equal(refused.code, 3);
  assert.match(refused.err, /hq start/);
  // What is submitted waits for `hq start`, and must not keep a supervisor that may not begin it in its way.
  const waiting = await hq("submit", "three", "cheap");
  assert.equal(waiting.code, 0, waiting.err);
  assert.deepEqual(hunt(), []);
  // Whoever waits is told that nothing comes, and does not wait for it.
  for (const argv of [
    ["wait", waiting.out.trim()],
    ["submit", "four", "cheap", "--wait"],
    ["queue", "trigger", "--wait"],
  ]) {
    const told = await hq(...argv);
    assert.equal(told.code, 3, told.err);
    assert.match(told.err, /task-\d+ waits: Everything was stopped with `hq stop --now`.*`hq start`/);
    assert.match(told.err, /`hq wait task-\d+`/);
  }
  assert.match((await hq("status")).out, /Everything was stopped with `hq stop --now`/);
  const pid = pidIn(home);
  if (pid !== undefined) assert.ok(await goneWithin(pid, 15_000), "the temporary supervisor leaves");

  await start();
  assert.equal(existsSync(join(home, "held")), false);
  const begun = await hq("wait", waiting.out.trim());
  assert.equal(begun.code, 0, begun.err);
  const done = await hq("submit", "five", "cheap", "--wait");
  assert.equal(done.code, 0, done.err);
});
