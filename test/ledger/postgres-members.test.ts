import assert from "node:assert/strict";
import test, { after, type TestContext } from "node:test";
import type { Ledger } from "../../src/engine/ports/ledger.ts";
import type { Members } from "../../src/engine/ports/members.ts";
import { openPostgresLedger } from "../../src/ledger/postgres/postgres.ts";
import { AT, claimOf, commitOf, dispatch, line, one, written } from "../contract/ledger-fixture.ts";
import { startPostgres } from "../support/postgres.ts";
import { query } from "./postgres-query.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

type Coordinator = Ledger & { readonly members: Members };

/** Two coordinators on one database. */
async function two(t: TestContext) {
  const url = await postgres.createDatabase();
  const open = async (): Promise<Coordinator> => {
    const ledger = await openPostgresLedger({ url });
    t.after(ledger.close);
    assert.ok(ledger.members);
    return { ...ledger, members: ledger.members };
  };
  return { url, a: await open(), b: await open() };
}

const member = (id: string, home = id) => ({ id, home, version: "1" });

/** As if a member had not been heard of for so long. */
function silence(url: string, id: string, ms: number): Promise<unknown> {
  return query(url, "update hq.member set seen_at = seen_at - $2 where id = $1", [id, ms]);
}

test("effects that two coordinators claim at once are taken once, and an agent's limit holds across both", async (t) => {
  const { a, b } = await two(t);
  for (let n = 0; n < 60; n++) {
    const stream = `run-${n}`;
    await written(a, commitOf(stream, { effects: [line(stream, AT), dispatch(stream, `agent-${n % 3}`)] }));
  }
  const capacity = () => 2;
  const claims = await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      claimOf(n % 2 ? a : b, { holder: n % 2 ? "a" : "b", limit: 4, capacity }),
    ),
  );
  const ids = claims.flat().map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length, "none twice");
  const bySlot = Map.groupBy(
    claims.flat().flatMap(({ slot }) => slot?.lane ?? []),
    (lane) => lane,
  );
  assert.deepEqual(
    [...bySlot.values()].map((taken) => taken.length),
    [2, 2, 2],
  );
  assert.equal(ids.length, 60 + 6);
});

test("lanes whose limits a coordinator never heard of are asked for and held", async (t) => {
  const { a, b } = await two(t);
  await written(a, commitOf("run-1", { effects: [dispatch("run-1", "closed")] }));
  await written(a, commitOf("run-2", { effects: [dispatch("run-2", "webster")] }));
  const asked: string[] = [];
  const capacity = (lane: string) => {
    asked.push(lane);
    return lane === "agent:closed" ? 0 : 1;
  };
  const claimed = await claimOf(b, { capacity });
  assert.deepEqual(
    claimed.map(({ stream }) => stream),
    ["run-2"],
  );
  assert.deepEqual([...new Set(asked)].sort(), ["agent:closed", "agent:webster"]);
  assert.equal(await b.nextDue(["any"], one), AT);
});

test("what a living member holds stays with it, whatever its epoch", async (t) => {
  const { a, b } = await two(t);
  const first = await a.members.join(member("a"));
  const second = await b.members.join(member("b"));
  assert.ok(second.epoch > first.epoch);
  await written(a, commitOf("run-1", { effects: [line("x", AT)] }));
  await claimOf(a, { holder: "a", epoch: first.epoch });
  assert.equal(await b.release(second.epoch), 0);
  assert.deepEqual(await b.members.beat("b"), { alive: true, given: 0 });
  assert.deepEqual(await claimOf(b, { holder: "b", epoch: second.epoch }), []);
});

test("a member that was not heard of for 10 s is over: what it held and its leases are free, and it is told so", async (t) => {
  const { url, a, b } = await two(t);
  const { epoch } = await a.members.join(member("a"));
  await b.members.join(member("b"));
  await a.lease("discord", "a", 60_000);
  await written(a, commitOf("run-1", { effects: [line("x", AT)] }));
  await claimOf(a, { holder: "a", epoch });
  await silence(url, "a", 9000);
  assert.deepEqual(await b.members.beat("b"), { alive: true, given: 0 });
  await silence(url, "a", 1000);
  assert.deepEqual(await b.members.beat("b"), { alive: true, given: 1 });
  assert.equal((await b.lease("discord", "b", 60_000))?.epoch, 2);
  const [taken] = await claimOf(b, { holder: "b", epoch: 9, now: AT + 1 });
  assert.equal(taken?.begunBefore, AT, "it may have been done: it is looked into first");
  assert.deepEqual(await a.members.beat("a"), { alive: false, given: 0 });
  assert.deepEqual(
    (await a.members.list()).map(({ id }) => id),
    ["b"],
  );
});

test("a new life of the same home ends the earlier one at once; another home's goes on", async (t) => {
  const { a, b } = await two(t);
  const before = await a.members.join(member("a-1", "home"));
  await b.members.join(member("b"));
  await a.lease("discord", "a-1", 60_000);
  await written(a, commitOf("run-1", { effects: [line("x", AT)] }));
  await written(a, commitOf("run-2", { effects: [line("y", AT)] }));
  await claimOf(a, { holder: "a-1", epoch: before.epoch, limit: 1 });
  await claimOf(b, { holder: "b", epoch: 1, limit: 1 });
  const later = await a.members.join(member("a-2", "home"));
  assert.equal(later.given, 1);
  assert.ok(later.epoch > before.epoch);
  assert.ok(await a.lease("discord", "a-2", 60_000));
  const claimed = await claimOf(a, { holder: "a-2", epoch: later.epoch, now: AT + 1 });
  assert.deepEqual(
    claimed.map(({ stream, begunBefore }) => [stream, begunBefore]),
    [["run-1", AT]],
  );
});

test("a member that leaves gives back what it holds", async (t) => {
  const { a, b } = await two(t);
  await a.members.join(member("a"));
  await a.lease("discord", "a", 60_000);
  await written(a, commitOf("run-1", { effects: [line("x", AT)] }));
  await claimOf(a, { holder: "a" });
  await a.members.leave("a");
  assert.ok(await b.lease("discord", "b", 60_000));
  assert.equal((await claimOf(b, { holder: "b", now: AT + 1 })).length, 1);
  assert.deepEqual(await b.members.list(), []);
});

test("a write of one coordinator rings the others, also after their connection was lost", async (t) => {
  const { url, a, b } = await two(t);
  const rings: (() => void)[] = [];
  const rung = () => new Promise<void>((resolve) => rings.push(resolve));
  let own = 0;
  b.members.onOthers(() => {
    for (const ring of rings.splice(0)) ring();
  });
  a.members.onOthers(() => own++);
  await rung();
  // It may ring once more without a reason, when it has begun to listen.
  const listening = () =>
    query(
      url,
      "select count(*)::int as n from pg_stat_activity where query = 'listen hq' and datname = current_database()",
    );
  while ((await listening())[0]?.["n"] !== 2) await new Promise((resolve) => setImmediate(resolve));
  const called = rung();
  await written(a, commitOf("run-1"));
  await called;
  await query(
    url,
    "select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen hq' and datname = current_database()",
  );
  const again = rung();
  await written(a, commitOf("run-2"));
  await again;
});
