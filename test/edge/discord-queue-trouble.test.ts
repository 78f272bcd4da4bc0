import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { createWorld } from "../faults/world.ts";
import { person } from "../support/guild.ts";
import { movableClock, startEdge } from "./discord-fixture.ts";
import { scriptedTasks } from "./scripted-tasks.ts";

const MINUTE = 60_000;
type Check = { readonly name: string; readonly ok: boolean; readonly text: string };
const isPosts = ({ name }: Check) => name === "posts";

/** A supervisor with a clock of its own whose operators may post tasks; `path` leads to the queue's messages. */
async function startQueue(t: TestContext) {
  const clock = movableClock();
  const world = await createWorld(t, { guild: true, overrides: { now: clock.now } });
  const people = "people: { roles: [{ role: Operators, rights: [delegate, any-agent] }] }";
  writeFileSync(join(world.home, "..", "config", "acl.yaml"), `preset: default\n${people}\n`);
  const app = await world.start();
  const { guild } = world;
  assert.ok(guild);
  const path = `/channels/${guild.inspect.channelId("task-queue")}/messages`;
  return { clock, world, app, guild, path };
}

test("tasks that the bot may read and not answer are told by status after five tries, and done once it may", async (t) => {
  const { clock, world, app, guild, path } = await startQueue(t);
  const body = { code: 50013, message: "Missing Permissions" };
  guild.faults.add({ kind: "status", status: 403, body, method: "POST", path, times: 5 });
  const log = join(world.home, "logs", "supervisor.log");
  const tried = () => readFileSync(log, "utf8").split("a task's claim is tried again later").length - 1;
  const posts = async () => (await app.call("GET", "/health/ready")).body.checks.find(isPosts);

  await person(guild, "you").say("task-queue", "a job [agent:webster]");
  for (let tries = 1; tries <= 5; tries++) {
    await app.poll("/health/live", () => tried() >= tries);
    if (tries === 5) break;
    assert.equal(await posts(), undefined);
    clock.pass(5 * MINUTE);
    await app.settled(await app.ask({ agent: "tech-lead", deliver: false }));
  }
  const check = await posts();
  assert.equal(check?.ok, false);
  assert.match(check?.text ?? "", /^1 task waits after five tries or more: .*50013.*`hq doctor`/);
  clock.pass(5 * MINUTE);
  await app.settled(await app.ask({ agent: "tech-lead", deliver: false }));
  await app.poll("/health/ready", ({ checks }) => !checks.some(isPosts));
  await world.seen("task-queue", () => guild.inspect.messages("task-queue").length === 2);
});

test("a queue that cannot be read again and again, or whose channel is gone, is told until it is read", async (t) => {
  const queue = scriptedTasks();
  const { edge, guild, until } = await startEdge(t, {
    verbs: { tasks: queue.verbs },
    config({ settings, ...config }) {
      const roles = { ...settings.channels.roles, taskQueue: "task-queue" };
      return { ...config, settings: { ...settings, channels: { ...settings.channels, roles } } };
    },
  });
  await edge.queue.readBack();
  assert.equal(edge.troubledPosts(), undefined);
  const body = { code: 50001, message: "Missing Access" };
  const path = `/channels/${guild.inspect.channelId("task-queue")}/messages`;
  guild.faults.add({ kind: "status", status: 403, body, method: "GET", path, times: 100 });
  for (let tries = 1; tries <= 5; tries++) {
    assert.equal(edge.troubledPosts(), undefined);
    await assert.rejects(edge.queue.readBack(), /Missing Access/);
  }
  const { what, reason } = edge.troubledPosts() ?? {};
  assert.equal(what, "queue");
  assert.match(reason ?? "", /Missing Access/);
  guild.faults.clear();
  await edge.queue.readBack();
  assert.equal(edge.troubledPosts(), undefined);

  guild.channels.remove("task-queue");
  guild.faults.dropGateway();
  await until(false);
  await until(true);
  edge.reconcile();
  await assert.rejects(edge.queue.readBack(), /has no channel for taskQueue/);
  assert.match(edge.troubledPosts()?.reason ?? "", /no channel any more for the logical channel taskQueue/);
});

test("a claim that Discord lets wait for long is told with the time, and not as one that was tried five times", async (t) => {
  const { clock, world, app, guild, path } = await startQueue(t);
  guild.faults.add({ kind: "rate-limit", retryAfterMs: 10 * MINUTE, method: "POST", path });
  await person(guild, "you").say("task-queue", "a job [agent:webster]");
  const { checks } = await app.poll("/health/ready", ({ checks }) => checks.some(isPosts));
  assert.match(
    checks.find(isPosts)?.text ?? "",
    /^1 task waits until \d{4}-\S+Z, when Discord wants to be asked again: rate limited/,
  );
  clock.pass(10 * MINUTE);
  await app.settled(await app.ask({ agent: "tech-lead", deliver: false }));
  await app.poll("/health/ready", ({ checks }) => !checks.some(isPosts));
  await world.seen("task-queue", () => guild.inspect.messages("task-queue").length === 2);
});
