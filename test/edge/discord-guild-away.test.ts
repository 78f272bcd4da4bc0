import assert from "node:assert/strict";
import test from "node:test";
import { postOf, startEdge, TOKEN } from "./discord-fixture.ts";
import { scriptedTasks } from "./scripted-tasks.ts";

const noteOf = (id: string) => postOf({ id, kind: "notice", to: { channel: "technical" }, text: "a line" });
const REMOVED = /^The bot is not in the guild \d+\. Invite it: https:\S+client_id=\d+/;
const UNAVAILABLE = /^Discord does not have the guild \d+ available now\. Nothing has to be done/;

/** An edge whose queue is heard of. */
async function startReading(t: Parameters<typeof startEdge>[0]) {
  const queue = scriptedTasks();
  const started = await startEdge(t, {
    verbs: { tasks: queue.verbs },
    config({ settings, ...config }) {
      const roles = { ...settings.channels.roles, taskQueue: "task-queue" };
      return { ...config, settings: { ...settings, channels: { ...settings.channels, roles } } };
    },
  });
  const untilSeen = (text: string) => queue.until(() => queue.texts().includes(text));
  return { ...started, untilSeen };
}

test("a bot that is removed while it is connected says so with its invitation, and works again once it is back", async (t) => {
  const { guild, edge, connections, waits, until, untilSeen, act } = await startReading(t);
  guild.faults.guildAway("removed");
  await until(false);
  assert.equal(edge.isConnected(), false);
  assert.match(waits.at(-1) ?? "", REMOVED);
  await act("messages", { as: "you", channel: "task-queue", content: "meanwhile" });
  guild.faults.guildAway(undefined);
  await until(true);
  assert.equal(waits.at(-1), undefined);
  assert.deepEqual(connections, [true, false, true]);
  await untilSeen("meanwhile");
  assert.equal((await edge.perform.post(noteOf("note-back"))).kind, "recorded");
});

test("a bot whose new session lacks the guild waits for it, and works again without a restart", async (t) => {
  const { guild, edge, waits, until, untilWait, clock } = await startReading(t);
  // Sessions are begun five seconds apart.
  clock.pass(60_000);
  guild.faults.outage(true);
  await until(false);
  assert.deepEqual(waits, []);
  // It was removed while nobody was connected: no event tells of it, the next session does.
  guild.faults.outage(false);
  guild.faults.refuseResume();
  guild.faults.guildAway("removed");
  await untilWait(REMOVED);
  assert.equal(edge.isConnected(), false);
  guild.faults.guildAway(undefined);
  await until(true);
  assert.equal(waits.at(-1), undefined);
  assert.equal((await edge.perform.post(noteOf("note-back"))).kind, "recorded");
});

test("while Discord has the guild not available nothing is taken for missing, and what was said meanwhile is read", async (t) => {
  const { guild, logs, waits, until, untilSeen, act } = await startReading(t);
  guild.faults.guildAway("unavailable");
  await until(false);
  assert.match(waits.at(-1) ?? "", UNAVAILABLE);
  await act("messages", { as: "you", channel: "task-queue", content: "meanwhile" });
  guild.faults.guildAway(undefined);
  await until(true);
  await untilSeen("meanwhile");
  assert.ok(!logs.some(({ message }) => /the guild lacks/.test(message)));
});

test("a start while Discord has the guild not available waits for it", async (t) => {
  const { guild, edge, connections, logs, until, untilWait } = await startEdge(t, { isIdle: true });
  guild.faults.guildAway("unavailable");
  const starting = edge.start();
  // discord.js waits 15 seconds for the guilds of a session.
  await untilWait(UNAVAILABLE);
  await starting;
  assert.deepEqual([edge.isConnected(), connections], [false, []]);
  guild.faults.guildAway(undefined);
  await until(true);
  assert.equal((await edge.perform.post(noteOf("note-late"))).kind, "recorded");
  assert.ok(!logs.some(({ message }) => /the guild lacks/.test(message)));
});

test("a guild that is not available and of which the bot is removed meanwhile says what is the matter now", async (t) => {
  const { guild, waits, until, untilWait } = await startReading(t);
  guild.faults.guildAway("unavailable");
  await until(false);
  assert.match(waits.at(-1) ?? "", UNAVAILABLE);
  guild.faults.guildAway("removed");
  await untilWait(REMOVED);
  guild.faults.guildAway(undefined);
  await until(true);
  assert.equal(waits.at(-1), undefined);
});

test("a bot that waits for its guild says so again once a new session of its was waited for", async (t) => {
  const { guild, waits, until, untilWait, clock } = await startReading(t);
  clock.pass(60_000);
  guild.faults.guildAway("removed");
  await untilWait(REMOVED);
  const token = { headers: { authorization: `Bot ${TOKEN}` } };
  const told = (await (await fetch(`${guild.restApi}/v10/gateway/bot`, token)).json()) as object;
  const limit = { total: 1000, remaining: 0, reset_after: 5100, max_concurrency: 1 };
  const body = { ...told, session_start_limit: limit };
  guild.faults.add({ kind: "status", status: 200, path: "/gateway/bot", body });
  guild.faults.refuseResume();
  guild.faults.dropGateway();
  await untilWait(/the next one is begun in/);
  await untilWait(REMOVED);
  guild.faults.guildAway(undefined);
  await until(true);
  assert.equal(waits.at(-1), undefined);
});

test("a bot that left Discord while it waits for its guild waits for it once it is back there", async (t) => {
  const { guild, edge, waits, until, untilWait, clock } = await startReading(t);
  guild.faults.guildAway("removed");
  await until(false);
  clock.pass(60_000);
  // As a member does that does not lead for a moment.
  await edge.leave();
  waits.length = 0;
  const starting = edge.start();
  await Promise.race([untilWait(REMOVED), starting]);
  guild.faults.guildAway(undefined);
  await until(true);
  await starting;
});
