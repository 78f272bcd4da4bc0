import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { after, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Client } from "pg";
import type { AppOptions } from "../../src/app/base.ts";
import { joinLedger } from "../../src/app/membership.ts";
import type { Part } from "../../src/kernel/lifecycle.ts";
import { openPostgresLedger } from "../../src/ledger/postgres/postgres.ts";
import { claimOf, commitOf, line, streams, written } from "../contract/ledger-fixture.ts";
import { createCuttable } from "../support/cuttable.ts";
import { setDatabaseClock } from "../support/database-clock.ts";
import { startPostgres } from "../support/postgres.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { query } from "./postgres-query.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

const LEASE_MS = 10_000;

/** Members of one database, without all that a supervisor does beside that. */
async function world(t: TestContext) {
  const database = await postgres.createDatabase();
  const folder = temporaryFolder("hq-join-");
  t.after(folder.remove);
  return {
    database,
    folder: folder.path,
    async join(
      name: string,
      given: {
        readonly url?: string;
        readonly isEmbedded?: boolean;
        readonly now?: () => number;
        readonly wall?: () => number;
        readonly takeOverMs?: number;
        /** What happens around each word that it lives. */
        readonly onBeat?: <T>(beat: () => Promise<T>) => Promise<T>;
      } = {},
    ) {
      const home = join(folder.path, name);
      mkdirSync(home, { recursive: true });
      const opened = await openPostgresLedger({ url: given.url ?? database, rideOutMs: 100 });
      const { members } = opened;
      assert.ok(members);
      const { onBeat = (beat) => beat() } = given;
      const ledger = {
        ...opened,
        members: { ...members, beat: (id: string) => onBeat(() => members.beat(id)) },
      };
      let aheadMs = 0;
      const now = () => (given.now ?? Date.now)() + aheadMs;
      let part: Part | undefined;
      const said: string[] = [];
      const say = (_: object, text: string) => void said.push(text);
      const { shared, ledger: own } = await joinLedger({
        options: { home, version: "1", env: {}, isEmbedded: given.isEmbedded === true } as AppOptions,
        base: {
          now,
          wall: given.wall ?? Date.now,
          shiftClock: (ms: number) => void (aheadMs += ms),
          log: { debug: say, info: say, warn: say, error: say },
          config: { current: () => ({ settings: { takeOverMs: given.takeOverMs ?? 120_000 } }) },
          credentials: { secret: name },
        } as never,
        begin: async (begun) => {
          part = begun;
        },
        ledger,
        holder: `holder-${name}`,
      });
      assert.ok(shared && part);
      let isGone = false;
      const leave = async () => {
        if (isGone) return;
        isGone = true;
        await part?.stop();
        await ledger.close();
      };
      t.after(leave);
      const changed = (to: boolean) =>
        new Promise<number>((resolve) => {
          const unfollow = shared.onLead((leads) => {
            if (leads !== to) return;
            unfollow();
            resolve(performance.now());
          });
        });
      return { shared, own, ledger, now, leave, said, changed };
    },
    /** Resolves when a member has said so many times that it lives. */
    async beats(name: string, times: number) {
      const seen = new Set<unknown>();
      while (seen.size <= times) {
        const rows = await query(database, "select seen_at from hq.member where id = $1", [`holder-${name}`]);
        seen.add(rows[0]?.["seen_at"]);
        await pause(20);
      }
    },
    leader: async () =>
      (
        await query(
          database,
          "select holder from hq.lease where name = 'discord' and expires_at > hq.now_ms()",
        )
      )[0]?.["holder"],
  };
}

test("members whose names a power loss emptied get new ones, each its own, which stay", async (t) => {
  const { join: enter, folder } = await world(t);
  const fileOf = (name: string) => join(folder, name, "member");
  for (const name of ["a", "b"]) {
    mkdirSync(join(folder, name));
    writeFileSync(fileOf(name), "");
  }
  const [a, b] = [await enter("a"), await enter("b")];
  assert.match(a.shared.home, /^home-/);
  assert.notEqual(a.shared.home, b.shared.home);
  assert.equal(readFileSync(fileOf("a"), "utf8"), `${a.shared.home}\n`);
  await a.leave();
  assert.equal((await enter("a")).shared.home, a.shared.home);
});

test("the lead passes at once to whoever is there when it is resigned, and its number grows; who resigned does not come back", async (t) => {
  const { join: enter, leader, beats } = await world(t);
  const a = await enter("a");
  const b = await enter("b");
  assert.deepEqual([a.shared.leads(), b.shared.leads()], [true, false]);
  const term = a.shared.term() ?? 0;
  const [left, came] = [a.changed(false), b.changed(true)];
  const at = performance.now();
  await a.shared.resign();
  assert.ok((await left) <= (await came), "nobody leads beside another one");
  assert.ok((await came) - at < 2500, "not only with the next beat");
  assert.ok((b.shared.term() ?? 0) > term);
  assert.equal(await leader(), "holder-b");
  await b.leave();
  assert.equal(await leader(), undefined);
  const before = a.said.length;
  await beats("a", 2);
  assert.deepEqual([a.shared.leads(), await leader(), a.said.length], [false, undefined, before]);
});

test("who stands back does not take the lead again while another one may, and takes it when nobody else is there", async (t) => {
  const { join: enter, leader, beats } = await world(t);
  const a = await enter("a");
  const b = await enter("b");
  a.shared.standBack.begin(60_000, "not connected");
  const term = a.shared.term();
  await beats("a", 2);
  assert.deepEqual([a.shared.term(), a.said], [term, []], "what it has it keeps until it is given back");
  const came = b.changed(true);
  await a.shared.giveBack();
  await came;
  assert.equal(await leader(), "holder-b");
  assert.equal(a.shared.leads(), false);
  const again = a.changed(true);
  await b.leave();
  await again;
  assert.equal(await leader(), "holder-a");
});

test("a lead that is given back while it is just being taken once more is another one's alone", async (t) => {
  const { join: enter, leader } = await world(t);
  let giving: Promise<void> | undefined;
  const a = await enter("a", {
    onBeat(beat) {
      const said = beat();
      // The lead is asked for beside that, in the same moment.
      giving ??= Promise.resolve().then(() => a.shared.giveBack());
      return said;
    },
  });
  const b = await enter("b");
  a.shared.standBack.begin(60_000, "not connected");
  await b.changed(true);
  await giving;
  assert.deepEqual([a.shared.leads(), b.shared.leads(), await leader()], [false, true, "holder-b"]);
});

test("alone beside one who could lead and does not, who stands back leaves the lead free with every beat", async (t) => {
  const { database, join: enter, leader, beats } = await world(t);
  const a = await enter("a");
  // It lives, has said who it is, and is slow.
  const facts = JSON.stringify({ host: "beta", pid: 1, behind: 0, clockAheadMs: 0 });
  await query(database, "insert into hq.member select 'slow', 'slow', '1', hq.now_ms(), hq.now_ms() + 60000");
  await query(database, "insert into hq.memo values ('member/slow', $1)", [facts]);
  a.shared.standBack.begin(60_000, "not connected");
  await a.shared.giveBack();
  await beats("a", 2);
  assert.deepEqual([a.shared.leads(), await leader()], [false, undefined]);
  const again = a.changed(true);
  await query(database, "delete from hq.member where id = 'slow'");
  await again;
  assert.equal(await leader(), "holder-a");
});

test("while the database answers no write, and with a clock that stands still, whoever leads stops in time by its own clock", async (t) => {
  let stoodAt: number | undefined;
  const { database, join: enter, leader } = await world(t);
  const a = await enter("a", { now: () => stoodAt ?? Date.now() });
  const left = a.changed(false);
  stoodAt = Date.now();
  const writer = new Client({ connectionString: database });
  await writer.connect();
  await writer.query("select pg_advisory_lock(1213289554, 1)");
  const at = performance.now();
  const tookMs = (await left) - at;
  assert.ok(tookMs < LEASE_MS - 300, `${tookMs} ms`);
  assert.equal(a.shared.term(), undefined);
  assert.equal(await leader(), "holder-a", "nobody else can lead yet");
  await writer.end();
});

test("a member whose machine slept neither leads nor claims before it has said again that it lives", async (t) => {
  const { join: enter } = await world(t);
  let sleptMs = 0;
  const a = await enter("a", { wall: () => Date.now() + sleptMs });
  const now = await a.ledger.now();
  await written(a.ledger, commitOf("run-1", { effects: [line("x", now)] }));
  assert.ok(a.shared.life() !== undefined && a.shared.term() !== undefined);
  sleptMs = LEASE_MS;
  assert.deepEqual([a.shared.life(), a.shared.term(), a.shared.leads()], [undefined, undefined, false]);
  assert.deepEqual(await claimOf(a.own, { holder: "holder-a", now }), []);
  while (a.shared.life() === undefined) await pause(20);
  assert.ok(a.shared.leads());
  assert.deepEqual(streams(await claimOf(a.own, { holder: "holder-a", now })), ["run-1"]);
});

test("a member that sleeps while it says that it lives counts from before: others do", async (t) => {
  const { join: enter } = await world(t);
  let sleptMs = 0;
  let beats = 0;
  const next = Promise.withResolvers<void>();
  const a = await enter("a", {
    wall: () => Date.now() + sleptMs,
    async onBeat(beat) {
      beats++;
      if (beats === 2) next.resolve();
      const said = await beat();
      if (beats === 1) sleptMs = LEASE_MS;
      return said;
    },
  });
  await next.promise;
  assert.deepEqual([a.shared.life(), a.shared.term()], [undefined, undefined]);
  while (a.shared.life() === undefined) await pause(20);
});

test("a member whose clock is an hour ahead goes by the database's from its start, and tells it", async (t) => {
  const HOUR_MS = 3_600_000;
  const { join: enter } = await world(t);
  const a = await enter("a", { now: () => Date.now() + HOUR_MS });
  assert.ok(Math.abs(a.now() - (await a.ledger.now())) < 60_000);
  const [told] = await a.shared.roster.list();
  assert.ok(Math.abs((told?.clockAheadMs ?? 0) + HOUR_MS) < 60_000, JSON.stringify(told));
});

test("what was written by the clock before, while it was just set back, comes earlier as soon as that is seen", async (t) => {
  const BACK_MS = 20_000;
  const { database, join: enter } = await world(t);
  let beats = 0;
  const next = Promise.withResolvers<void>();
  const a = await enter("a", {
    async onBeat(beat) {
      beats++;
      // It has looked at the clock, and not followed it yet.
      if (beats === 1)
        await written(a.ledger, commitOf("run-1", { effects: [line("x", Date.now() + 5000)] }));
      if (beats === 2) next.resolve();
      return beat();
    },
  });
  await setDatabaseClock(database, -BACK_MS);
  await next.promise;
  const [row] = await query(database, "select due_at - hq.now_ms() as comes from hq.outbox");
  assert.ok(Number(row?.["comes"]) < 6000, JSON.stringify(row));
});

test("what a member left in a home that is gone is taken by another one, once that is so for long enough", async (t) => {
  const { join: enter } = await world(t);
  const [a, b] = [await enter("a", { takeOverMs: 0 }), await enter("b")];
  const now = await a.ledger.now();
  await written(b.own, commitOf("run-1", { effects: [line("x", now, "host")] }));
  const claim = () => claimOf(a.own, { holder: "holder-a", lanes: ["host"], now });
  assert.deepEqual(await claim(), []);
  await b.leave();
  for (;;) {
    const [taken] = await claim();
    if (!taken) await pause(20);
    else {
      assert.deepEqual([taken.stream, taken.goneHome], ["run-1", b.shared.home]);
      break;
    }
  }
});

test("a member that is here for one question leads only when it is asked to", async (t) => {
  const { join: enter, leader, beats } = await world(t);
  const a = await enter("a", { isEmbedded: true });
  await beats("a", 1);
  assert.deepEqual([a.shared.leads(), await leader()], [false, undefined]);
  await a.shared.lead();
  assert.deepEqual([a.shared.leads(), await leader()], [true, "holder-a"]);
  await a.shared.resign();
  await Promise.all([a.shared.lead(), a.shared.resign()]);
  assert.deepEqual([a.shared.leads(), await leader()], [false, undefined], "the last word counts");
  await a.shared.lead();
  await a.leave();
  assert.equal(await leader(), undefined, "others need not wait for its end");
});

test("cut off from the database, whoever leads stops leading before its lease ends there, and claims nothing before it may be taken for gone", async (t) => {
  const { database, join: enter, leader } = await world(t);
  const way = await createCuttable();
  t.after(way.stop);
  const url = new URL(database);
  way.leadTo(Number(url.port));
  url.port = `${way.port}`;
  const a = await enter("a", { url: url.href });
  const now = await a.ledger.now();
  await written(a.ledger, commitOf("run-1", { effects: [line("x", now)] }));
  const left = a.changed(false);
  way.cut();
  const cutAt = performance.now();
  const tookMs = (await left) - cutAt;
  assert.equal(await leader(), "holder-a", "nobody else can lead yet");
  assert.ok(tookMs < LEASE_MS - 300, `${tookMs} ms`);
  assert.equal(a.shared.term(), undefined);
  while (a.shared.life() !== undefined) await pause(20);
  const [seen] = await query(database, "select hq.now_ms() - seen_at as ago from hq.member");
  assert.ok(Number(seen?.["ago"]) < LEASE_MS + 1000, `${Number(seen?.["ago"])} ms`);
  // Another one comes, and takes it for gone.
  const b = await enter("b");
  await query(database, "update hq.member set seen_at = seen_at - 10000 where id = 'holder-a'");
  while ((await query(database, "select id from hq.member")).length > 1) await pause(20);
  assert.deepEqual(await claimOf(a.own, { holder: "holder-a", now }), [], "and not with an error");
  const epoch = a.shared.life();
  assert.equal(epoch, undefined);
  way.mend();
  while (a.shared.life() === undefined) await pause(20);
  assert.ok(b.shared.leads() && !a.shared.leads());
  assert.deepEqual(streams(await claimOf(a.own, { holder: "holder-a", now })), ["run-1"], "it works again");
});
