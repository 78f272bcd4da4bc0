import assert from "node:assert/strict";
import test, { after } from "node:test";
import { untilQuiet } from "../chaos/load.ts";
import { judge } from "../chaos/verdict.ts";
import { createCuttable } from "../support/cuttable.ts";
import { person } from "../support/guild.ts";
import { startPostgres } from "../support/postgres.ts";
import {
  answerOf,
  cardsOf,
  createLeaderWorld,
  delegate,
  hasSaid,
  leadsAlone,
  openOn,
  shownSoon,
  until,
  withClaim,
} from "./leader-fixture.ts";
import { ask } from "./members-fixture.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

const TAKEOVER_MS = 15_000;
const HANDOVER_MS = 2000;
/** What the steps of a handover cost by themselves on a busy machine. */
const BUSY_MS = 3000;
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

test("the leader is killed: another one leads within 15 s, finishes what it had acknowledged, takes what was posted meanwhile once, and shows open cards anew", {
  timeout: 120_000,
}, async (t) => {
  let runs = 0;
  const worksMs = () => (runs++ === 0 ? 25_000 : 100);
  const { world, guild, join } = await createLeaderWorld(t, postgres, { worksMs });
  const a = await join("a");
  const b = await join("b");
  const open = await delegate(a, guild, "webster", "goes on for long");
  const card = await shownSoon(guild, "technical", openOn(open));
  // The answer of an acknowledged command is on its way when it dies.
  const answering = guild.faults.hold({ method: "PATCH", path: "/webhooks/" });
  const command = await person(guild).must<{ id: string }>("POST", "/local/commands", {
    channel: "technical",
    name: "delegate",
    options: { agent: "auditor", objective: "acknowledged, not answered" },
  });
  await answering.arrived;

  const killedAt = Date.now();
  a.supervisor.child.kill("SIGKILL");
  await a.supervisor.exited;
  t.after(answering.release);
  const anew = guild.inspect.next(
    (event) => (event.kind === "message-update" && event.message.id === card.id ? true : undefined),
    TAKEOVER_MS + 5000,
  );
  const said = await person(guild).say("task-queue", "In the gap [agent:optimizer]");
  await guild.inspect.next((event) => (event.kind === "bot" && event.online ? true : undefined), TAKEOVER_MS);
  const tookMs = Date.now() - killedAt;
  t.diagnostic(`takeover after kill -9: ${seconds(tookMs)}`);
  assert.ok(tookMs < TAKEOVER_MS);
  await anew;

  await shownSoon(guild, "task-queue", withClaim(said.id));
  await until(async () => /Asked \*\*auditor\*\*/.test(await answerOf(guild, command.id)));
  answering.release();
  const { body } = await b.supervisor.call("GET", "/delegations?limit=50");
  assert.equal(body.items.filter(({ agent }: { agent: string }) => agent === "auditor").length, 1);
  assert.equal(cardsOf(guild, "task-queue", said.id).length, 1, "taken once");
  const ids: string[] = body.items.map(({ id }: { id: string }) => id);
  await untilQuiet(b.supervisor, ids);
  assert.deepEqual({ ...(await judge(world, b.supervisor, ids)), ambiguous: 0 }, clean(ids.length));
});

test("a leader that is stopped in order leaves Discord first and hands over within 2 s", {
  timeout: 60_000,
}, async (t) => {
  const { world, guild, join } = await createLeaderWorld(t, postgres, {});
  const a = await join("a");
  const b = await join("b");
  const ids = await Promise.all(
    Array.from({ length: 12 }, (_, n) => ask(a, `stop-${n}`, { agent: "webster", objective: `job ${n}` })),
  );
  const presence: boolean[] = [];
  guild.inspect.on((event) => {
    if (event.kind === "bot") presence.push(event.online);
  });
  const next = guild.inspect.next((event) => (event.kind === "bot" && event.online ? Date.now() : undefined));
  const stoppedAt = Date.now();
  const stopping = a.supervisor.stop();
  const tookMs = (await next) - stoppedAt;
  t.diagnostic(`takeover after an ordered stop: ${seconds(tookMs)}`);
  assert.deepEqual(presence, [false, true], "one left before the other one came");
  assert.ok(tookMs < HANDOVER_MS + BUSY_MS);
  await stopping;
  await untilQuiet(b.supervisor, ids);
  assert.deepEqual({ ...(await judge(world, b.supervisor, ids)), ambiguous: 0 }, clean(12));
});

test("cut off from the database, the leader leaves Discord by itself before another one leads, and works on when it is back", {
  timeout: 120_000,
}, async (t) => {
  const way = await createCuttable();
  t.after(way.stop);
  const { world, database, guild, join } = await createLeaderWorld(t, postgres, {});
  const url = new URL(database);
  way.leadTo(Number(url.port));
  url.port = `${way.port}`;
  const a = await join("a", { DATABASE_URL: url.href });
  const b = await join("b");
  const presence: { online: boolean; at: number }[] = [];
  guild.inspect.on((event) => {
    if (event.kind === "bot") presence.push({ online: event.online, at: Date.now() });
  });
  const back = guild.inspect.next(
    (event) => (event.kind === "bot" && event.online ? true : undefined),
    TAKEOVER_MS,
  );
  const cutAt = Date.now();
  way.cut();
  const ids = await Promise.all(
    Array.from({ length: 6 }, (_, n) => ask(b, `cut-${n}`, { agent: "webster", objective: `job ${n}` })),
  );
  await back;
  const [left, came] = presence;
  assert.deepEqual([left?.online, came?.online], [false, true]);
  t.diagnostic(
    `left ${seconds((left?.at ?? 0) - cutAt)} after the cut, another one led ${seconds((came?.at ?? 0) - (left?.at ?? 0))} later`,
  );
  await untilQuiet(b.supervisor, ids);
  way.mend();
  await leadsAlone(a, "b");
  const later = await ask(a, "later", { agent: "auditor", objective: "it is back" });
  await untilQuiet(b.supervisor, [later]);
  assert.deepEqual({ ...(await judge(world, b.supervisor, [...ids, later])), ambiguous: 0 }, clean(7));
});

test("a leader that stands still between claim and post and wakes up after the takeover makes no second visible post in any channel", {
  timeout: 100_000,
}, async (t) => {
  const { world, guild, join } = await createLeaderWorld(t, postgres, { worksMs: () => 300 });
  const a = await join("a");
  const b = await join("b");
  const results = guild.inspect.channelId("results");
  const logs = guild.inspect.channelId("agent-logs");
  const queue = guild.inspect.channelId("task-queue");
  // One post waits for its next try, one is on its way, and a claim is just about to be posted.
  guild.faults.add({
    kind: "rate-limit",
    method: "POST",
    path: `/channels/${results}/messages`,
    retryAfterMs: 3000,
  });
  const limited = guild.faults.hold({ method: "POST", path: `/channels/${results}/messages` });
  const onItsWay = guild.faults.hold({ method: "POST", path: `/channels/${logs}/messages` });
  const claiming = guild.faults.hold({ method: "GET", path: `/channels/${queue}/messages/` });
  t.after(() => {
    for (const { release } of [limited, onItsWay, claiming]) release();
  });
  const said = await person(guild).say("task-queue", "While it stands still [agent:optimizer]");
  await claiming.arrived;
  const id = await delegate(a, guild, "webster", "stands still");
  const answering = guild.faults.hold({ method: "PATCH", path: "/webhooks/" });
  t.after(answering.release);
  await Promise.all([limited.arrived, onItsWay.arrived]);
  const command = await person(guild).must<{ id: string }>("POST", "/local/commands", {
    channel: "technical",
    name: "delegate",
    options: { agent: "auditor", objective: "asked before it stood still" },
  });
  await answering.arrived;
  a.supervisor.child.kill("SIGSTOP");
  const frozenAt = Date.now();
  limited.release();
  claiming.release();

  await leadsAlone(b, "b");
  t.diagnostic(`takeover after SIGSTOP: ${seconds(Date.now() - frozenAt)}`);
  await untilQuiet(b.supervisor, [id]);
  await shownSoon(guild, "task-queue", withClaim(said.id));
  await until(async () => /Asked \*\*auditor\*\*/.test(await answerOf(guild, command.id)));

  a.supervisor.child.kill("SIGCONT");
  onItsWay.release();
  answering.release();
  await leadsAlone(a, "b");
  // Whatever it still had in hand has come to its end when all that it is asked now is done.
  const after = await ask(a, "after", { agent: "optimizer", objective: "after it woke up" });
  // What it still had in hand it gave back: the post before its next try, the claim before its post.
  await until(() => hasSaid(a, /nothing was sent.*a post is tried again later/));
  await until(() => hasSaid(a, /nothing was sent.*a task's claim is tried again later/));
  await untilQuiet(b.supervisor, [after]);
  const { body } = await b.supervisor.call("GET", "/delegations?limit=50");
  const ids: string[] = body.items.map(({ id: one }: { id: string }) => one);
  await untilQuiet(b.supervisor, ids);
  assert.equal(cardsOf(guild, "task-queue", said.id).length, 1, "one card of the task");
  assert.deepEqual({ ...(await judge(world, b.supervisor, ids)), ambiguous: 0 }, clean(ids.length));
  const cards = guild.inspect.messages("technical").filter((message) => openOn(id)(message));
  assert.equal(cards.length, 1, "one card of the delegation");
  assert.equal(body.items.filter(({ agent }: { agent: string }) => agent === "auditor").length, 1);

  // It leads again when it is its turn.
  await b.supervisor.stop();
  await leadsAlone(a, "a");
  const last = await ask(a, "last", { agent: "webster", objective: "leads once more" });
  await untilQuiet(a.supervisor, [last]);
});

function clean(asked: number) {
  return { asked, lost: [], doubled: [], unseen: [], seenTwice: [], ambiguous: 0 };
}
