import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { after, type TestContext } from "node:test";
import { createMembersWorld, type Member, settled } from "../edge/members-fixture.ts";
import { person } from "../support/guild.ts";
import { startPostgres } from "../support/postgres.ts";
import { createRecorder } from "../support/recorder.ts";
import { cleanEnv, ROOT } from "../support/supervisor.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

const TASK = "Find the CTE of Zerodur [agent:webster]";

/** Two members on one guild; the first leads. */
async function twoMembers(t: TestContext, channels = "") {
  const { world, join: joinAs } = await createMembersWorld(t, postgres, {
    behaviour: { answer: () => ({ kind: "ok" }), handIn: () => "good", worksMs: () => 50 },
  });
  if (channels) writeFileSync(join(world.env.HQ_CONFIG, "channels.yaml"), channels);
  const leader = await joinAs("a");
  const recorder = await createRecorder(world.guild.restApi);
  t.after(recorder.stop);
  const second = await joinAs("b", { DISCORD_API: recorder.url });
  return { world, leader, second, recorder, you: person(world.guild) };
}

/** The command line in a member's folder. */
function hq(member: Member, env: Record<string, string>, ...args: readonly string[]) {
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(
      process.execPath,
      [join(ROOT, "bin/hq.js"), ...args],
      { env: cleanEnv({ ...env, HQ_HOME: member.home }) },
      (error, out, err) => resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}

test("a task that is submitted to the member that does not lead is posted by the leader, once, and answered with its id", async (t) => {
  const { world, leader, second, recorder } = await twoMembers(t);
  const { code, out, err } = await hq(second, world.env, "submit", TASK, "--json");
  assert.equal(code, 0, err);
  const task = JSON.parse(out);
  const { body: same } = await leader.supervisor.call("GET", `/tasks/${task.id}`);
  assert.equal(same.id, task.id);
  const [message, ...others] = world.guild.inspect
    .messages("task-queue")
    .filter(({ content }) => content.includes("Find the CTE of Zerodur"));
  assert.match(message?.content ?? "", /submitted by `hq`/);
  assert.deepEqual(others, []);
  assert.deepEqual(
    recorder.asked.filter(({ method }) => method !== "GET"),
    [],
    "the member itself writes nothing",
  );
  const { body: done } = await second.supervisor.call("GET", `/tasks/${task.id}?wait=30s`);
  assert.equal(done.status, "done", JSON.stringify(done));

  // The same key is the same task, whoever is asked.
  const key = { "idempotency-key": "one" };
  const [one, two] = await Promise.all([
    second.supervisor.call("POST", "/tasks", { text: "Twice [agent:webster]" }, key),
    leader.supervisor.call("POST", "/tasks", { text: "Twice [agent:webster]" }, key),
  ]);
  assert.deepEqual([one.status < 300, two.status < 300], [true, true], JSON.stringify([one.body, two.body]));
  assert.equal(one.body.id ?? one.body.task?.id, two.body.id ?? two.body.task?.id);
  const twice = world.guild.inspect
    .messages("task-queue")
    .filter(({ content }) => content.startsWith("Twice"));
  assert.equal(twice.length, 1);
});

test("a task that is submitted just after the leader was killed is posted by who takes over, once", async (t) => {
  const { world, leader, second } = await twoMembers(t);
  leader.supervisor.child.kill("SIGKILL");
  const at = Date.now();
  const { status, body } = await second.supervisor.call(
    "POST",
    "/tasks",
    { text: TASK },
    { "idempotency-key": "gap" },
  );
  t.diagnostic(`answered after ${((Date.now() - at) / 1000).toFixed(1)} s`);
  assert.equal(status, 201, JSON.stringify(body));
  const { body: done } = await second.supervisor.call("GET", `/tasks/${body.id}?wait=30s`);
  assert.equal(done.status, "done");
  const posted = world.guild.inspect
    .messages("task-queue")
    .filter(({ content }) => content.includes("Find the CTE of Zerodur"));
  assert.equal(posted.length, 1);
});

test("what the leader may not post is refused where it was asked for, and the key is free again", async (t) => {
  const { world, second } = await twoMembers(t, "roles: { taskQueue: nowhere }");
  const ask = () =>
    second.supervisor.call("POST", "/tasks", { text: TASK }, { "idempotency-key": "refused" });
  const refused = await ask();
  assert.equal(refused.body.code, "unknown_channel", JSON.stringify(refused.body));
  assert.match(refused.body.hint, /roles\.taskQueue/);
  writeFileSync(join(world.env.HQ_CONFIG, "channels.yaml"), "roles: { taskQueue: task-queue }");
  let again = await ask();
  while (again.body.code === "unknown_channel") again = await ask();
  assert.equal(again.status, 201, JSON.stringify(again.body));
});

test("the queue is read back and a channel's history is read over REST by the member that does not lead", async (t) => {
  const { second, world, recorder, you } = await twoMembers(t);
  await you.say("technical", "The mirror is of Zerodur.");
  const { code, out, err } = await hq(second, world.env, "queue", "trigger", "--json");
  assert.equal(code, 0, err);
  assert.equal(typeof JSON.parse(out).messages, "number");
  const { status, body } = await second.supervisor.call("POST", "/delegations", {
    agent: "webster",
    objective: "Summarise",
    channelContext: { channel: "technical", messages: 5 },
  });
  assert.equal(status, 201, JSON.stringify(body));
  await settled(second, body.id);
  const read = recorder.asked.filter(({ path }) => /\/messages(\?|$)/.test(path));
  assert.ok(read.length >= 2, JSON.stringify(recorder.asked));
  assert.deepEqual(
    recorder.asked.filter(({ method }) => method !== "GET"),
    [],
  );
});

test("what only the leader does is refused with who leads and where, and after a takeover it is done", async (t) => {
  const { world, leader, second } = await twoMembers(t);
  // Also where nothing is to be removed: "0 messages" would be taken for an empty channel.
  const idle = await hq(second, world.env, "queue", "clear", "--yes");
  assert.deepEqual([idle.code, idle.out], [5, ""], idle.err);
  assert.match(idle.err, new RegExp(`leads on Discord does that: .*pid ${leader.supervisor.ready.pid}`));
  const { code: submitted } = await hq(leader, world.env, "submit", TASK, "--wait");
  assert.equal(submitted, 0);
  const { code, err } = await hq(
    second,
    world.env,
    "queue",
    "clear",
    "--channel",
    "task-queue",
    "--yes",
    "--json",
  );
  assert.equal(code, 5, err);
  assert.match(err, new RegExp(`leads on Discord does that: \\S+ \\(pid ${leader.supervisor.ready.pid}\\)`));
  assert.ok(err.includes(leader.supervisor.ready.api), err);
  const { body } = await second.supervisor.call("GET", "/health/ready");
  const discord = body.checks.find(({ name }: { name: string }) => name === "discord");
  assert.match(discord.text, new RegExp(`pid ${leader.supervisor.ready.pid}\\) leads`));

  await leader.supervisor.stop();
  for (;;) {
    const now = await second.supervisor.call("GET", "/health/ready");
    if (now.body.checks.some(({ text }: { text: string }) => text === "connected")) break;
  }
  const cleared = await hq(second, world.env, "queue", "clear", "--channel", "task-queue", "--yes", "--json");
  assert.equal(cleared.code, 0, cleared.err);
  assert.ok(JSON.parse(cleared.out).removed >= 1, cleared.out);
  assert.deepEqual(world.guild.inspect.messages("task-queue"), []);
});
