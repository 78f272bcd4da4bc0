import assert from "node:assert/strict";
import test, { after, type TestContext } from "node:test";
import { Client } from "pg";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { openPostgresLedger } from "../../src/ledger/postgres/postgres.ts";
import { AT, claimOf, commitOf, dispatch, line, written } from "../contract/ledger-fixture.ts";
import { startDeafWay } from "../support/deaf-way.ts";
import { createLateWay } from "../support/late-way.ts";
import { startPostgres } from "../support/postgres.ts";
import { query } from "./postgres-query.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

/** A ledger whose answers may be lost, and one beside it whose are not. */
async function two(t: TestContext, options: { readonly rideOutMs?: number; readonly writeMs?: number }) {
  const url = await postgres.createDatabase();
  const way = await startDeafWay(t, postgres.port);
  const far = await openPostgresLedger({ url: through(url, way.port), ...options });
  t.after(far.close);
  const near = await openPostgresLedger({ url });
  t.after(near.close);
  return { url, way, far, near };
}

const through = (url: string, port: number) => url.replace(`:${postgres.port}/`, `:${port}/`);

const saysAway = (error: unknown) => isRefusal(error) && /does not answer/.test(error.message);

/** Until the database has done what its writer never hears of. */
async function untilDone(url: string, batch: number): Promise<void> {
  while ((await query(url, "select 1 from hq.answer where batch = $1", [batch])).length === 0);
}

test("what another one has taken since is not given back by who never heard of an earlier claim of it", async (t) => {
  const { url, way, far, near } = await two(t, { rideOutMs: 100 });
  const effects = [dispatch("run-1", "webster"), line("x", AT), line("y", AT + 1)];
  await written(far, commitOf("run-1", { effects }));
  way.set("deaf");
  const claim = claimOf(far, { holder: "far", now: AT + 1 });
  await untilDone(url, 2);
  way.set("shut");
  way.cut();
  await assert.rejects(claim, saysAway);

  // Others gave up on it, and one of them does a part of what it held.
  await query(url, "update hq.outbox set ready_at = due_at, holder = null");
  const taken = [...(await claimOf(near, { holder: "near" })), ...(await claimOf(near, { holder: "near" }))];
  assert.deepEqual(taken.map(({ id }) => id).sort(), ["run-1@1#0", "run-1@1#1"]);
  // One more that fails, and never arrives, makes the first doubt no older.
  await assert.rejects(far.commit(commitOf("run-3")), saysAway);
  way.set("open");
  await written(far, commitOf("run-2"));
  const held = await query(url, "select id, holder, begun_at::float8 as begun from hq.outbox order by seq");
  assert.deepEqual(held, [
    { id: "run-1@1#0", holder: "near", begun: AT },
    { id: "run-1@1#1", holder: "near", begun: AT },
    { id: "run-1@1#2", holder: null, begun: null },
  ]);
  assert.equal((await query(url, "select 1 from hq.slot")).length, 1, "the slot of what is under way");
});

test("a write whose answer was lost, and whose second try fails otherwise, is not told as never done, and its claims are given back", async (t) => {
  const { url, way, far } = await two(t, { writeMs: 500, rideOutMs: 800 });
  await written(far, commitOf("run-1", { effects: [line("x", AT)] }));
  way.set("deaf");
  const claim = claimOf(far, { holder: "far" });
  await untilDone(url, 2);
  const blocker = new Client({ connectionString: url });
  await blocker.connect();
  t.after(() => blocker.end());
  await blocker.query("select pg_advisory_lock(1213289554, 1)");
  way.set("open");
  way.cut();
  // What does not hear of the lock in time is stopped again and again.
  const told = await claim.catch((error: unknown) => error);
  assert.ok(saysAway(told), String(told));
  await blocker.query("select pg_advisory_unlock(1213289554, 1)");
  await written(far, commitOf("run-2"));
  assert.deepEqual(
    (await claimOf(far)).map(({ id, begunBefore }) => [id, begunBefore]),
    [["run-1@1#0", undefined]],
  );
  // Of this one it heard: it stays with who has begun it.
  await written(far, commitOf("run-3"));
  assert.deepEqual(await claimOf(far), []);
});

test("a claim that is heard of at its second try, after an earlier doubt, is who made it's alone", async (t) => {
  const { url, way, far, near } = await two(t, { rideOutMs: 3000 });
  await written(far, commitOf("run-1", { effects: [line("x", AT)] }));
  way.set("deaf");
  const lost = far.commit(commitOf("run-2"));
  await untilDone(url, 2);
  way.set("shut");
  way.cut();
  await assert.rejects(lost, saysAway);

  way.set("open", '"do":"claim"');
  const claim = claimOf(far, { holder: "far" });
  await untilDone(url, 3);
  way.set("open");
  way.cut();
  assert.deepEqual(
    (await claim).map(({ id }) => id),
    ["run-1@1#0"],
  );
  assert.deepEqual(await claimOf(near, { holder: "near" }), []);
});

test("what a claim took is told also when the question for lanes that it did not know fails", async (t) => {
  const url = await postgres.createDatabase();
  const near = await openPostgresLedger({ url });
  t.after(near.close);
  await written(near, commitOf("run-1", { effects: [dispatch("run-1", "webster"), line("x", AT)] }));
  const way = await createLateWay(postgres.port);
  t.after(way.stop);
  const far = await openPostgresLedger({ url: through(url, way.port), rideOutMs: 100, writeMs: 300 });
  t.after(far.close);
  void way.hold((sent) => sent.includes('"do":"claim"') && sent.includes("agent:webster"));
  assert.deepEqual(
    (await claimOf(far)).map(({ id }) => id),
    ["run-1@1#1"],
  );
  await assert.rejects(claimOf(far), saysAway);
});
