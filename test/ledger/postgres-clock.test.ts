import assert from "node:assert/strict";
import test, { after, type TestContext } from "node:test";
import type { Effect } from "../../src/domain/effects.ts";
import { openPostgresLedger } from "../../src/ledger/postgres/postgres.ts";
import { claimOf, commitOf, line, streams, written } from "../contract/ledger-fixture.ts";
import { setDatabaseClock } from "../support/database-clock.ts";
import { startPostgres } from "../support/postgres.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

const HOUR_MS = 3_600_000;
const BACK_MS = 3 * HOUR_MS;

/** A ledger whose clock was right until now, with two members. */
async function twoMembers(t: TestContext) {
  const url = await postgres.createDatabase();
  const ledger = await openPostgresLedger({ url });
  t.after(ledger.close);
  const { members } = ledger;
  assert.ok(members);
  await members.join({ id: "a", home: "home-a", version: "1" });
  await members.join({ id: "b", home: "home-b", version: "1" });
  assert.equal(await members.lookAtClock(0), 0, "nothing is known of the time before");
  return { url, ledger, members, before: await ledger.now() };
}

const near = (ms: number, wanted: number) => assert.ok(Math.abs(ms - wanted) < 5000, `${ms}, not ${wanted}`);

const timerOf = (run: string, dueAt: number): Effect => ({
  body: { type: "run-timer", run, what: "wait" },
  lane: "any",
  dueAt,
});

test("when the database's clock is set back, what was to be done comes earlier by as much, once, and a run's wait does not", async (t) => {
  const { url, ledger, members, before } = await twoMembers(t);
  await written(ledger, commitOf("again", { effects: [line("again", before + 60_000)] }));
  await written(ledger, commitOf("due", { effects: [line("due", before - 1000)] }));
  await written(ledger, commitOf("wait", { effects: [timerOf("wait", before + 60_000)] }));
  await setDatabaseClock(url, -BACK_MS);
  near(await members.lookAtClock(0), BACK_MS);
  assert.equal(await members.lookAtClock(0), 0, "only once");
  const now = await ledger.now();
  assert.deepEqual(streams(await claimOf(ledger, { now, holdMs: HOUR_MS })), ["due"]);
  const [again, ...others] = await claimOf(ledger, { now: now + 65_000, holdMs: HOUR_MS });
  assert.equal(again?.stream, "again");
  near(again.dueAt, now + 60_000);
  assert.deepEqual(others, []);
});

test("what a member wrote before it saw that the clock was set back comes earlier when it sees it, and nothing twice", async (t) => {
  const { url, ledger, members, before } = await twoMembers(t);
  await setDatabaseClock(url, -BACK_MS);
  near(await members.lookAtClock(0), BACK_MS);
  const now = await ledger.now();
  await written(ledger, commitOf("late", { effects: [line("late", before + 1000)] }));
  await written(ledger, commitOf("right", { effects: [line("right", now + 60_000)] }));
  near(await members.lookAtClock(BACK_MS), BACK_MS);
  await members.lookAtClock(BACK_MS);
  assert.deepEqual(streams(await claimOf(ledger, { now: now + 5000, holdMs: HOUR_MS })), ["late"]);
  const [right] = await claimOf(ledger, { now: now + 65_000, holdMs: HOUR_MS });
  assert.equal(right?.dueAt, now + 60_000);
});

test("a member that is gone, and its lead, end as soon as they would have when the clock is set back meanwhile", async (t) => {
  const { url, ledger, members, before } = await twoMembers(t);
  await ledger.lease("discord", "a", 10_000);
  await written(ledger, commitOf("run-1", { effects: [line("x", before - 1000)] }));
  await claimOf(ledger, { now: before, holder: "a", holdMs: 600_000 });
  // Ten seconds pass in which only b speaks up, and the clock is set back.
  await setDatabaseClock(url, 10_000);
  await members.lookAtClock(0);
  await setDatabaseClock(url, 10_000 - BACK_MS);
  assert.deepEqual(await members.beat("b"), { alive: true, given: 0 });
  assert.equal(await ledger.lease("discord", "b", 10_000), undefined, "not before anybody looked");
  near(await members.lookAtClock(0), BACK_MS);
  assert.equal((await ledger.lease("discord", "b", 10_000))?.epoch, 2);
  await members.beat("b");
  assert.deepEqual(
    (await members.list()).map(({ id, leads }) => [id, leads]),
    [["b", ["discord"]]],
  );
  const now = await ledger.now();
  assert.deepEqual(streams(await claimOf(ledger, { now, holder: "b" })), ["run-1"]);
  const { epoch } = await members.join({ id: "c", home: "home-c", version: "1" });
  assert.equal(epoch, 3, "a life has a number");
});

test("a clock that is set back by less than ten seconds, or forwards, moves nothing", async (t) => {
  const { url, ledger, members, before } = await twoMembers(t);
  await written(ledger, commitOf("again", { effects: [line("again", before + HOUR_MS)] }));
  for (const ahead of [-9000, HOUR_MS / 2, HOUR_MS / 2 - 9000]) {
    await setDatabaseClock(url, ahead);
    assert.equal(await members.lookAtClock(9000), 0);
  }
  assert.equal((await ledger.nextDue(["any"], () => 1)) ?? 0, before + HOUR_MS);
});
