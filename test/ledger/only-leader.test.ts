import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { onlyAlive, onlyLeader } from "../../src/app/permitted-claims.ts";
import type { Lease } from "../../src/engine/ports/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { AT, claimOf, commitOf, line, one, streams, written } from "../contract/ledger-fixture.ts";
import { temporaryFolder } from "../support/supervisor.ts";

test("Discord's work is done only under the lease that is held, and all other work without it", async (t) => {
  const folder = temporaryFolder();
  const store = await openSqliteLedger({ path: join(folder.path, "ledger.db"), ballastBytes: 0 });
  t.after(async () => {
    await store.close();
    folder.remove();
  });
  let lease: Lease | undefined;
  const ledger = onlyLeader(store, () => lease);
  await written(store, commitOf("run-1", { effects: [line("x", AT, "discord"), line("y", AT)] }));
  const lanes = ["any", "discord"] as const;
  assert.equal(await ledger.nextDue(["discord"], one), undefined, "nobody wakes for what may not be done");
  assert.deepEqual(await claimOf(ledger, { lanes: ["discord"] }), []);
  assert.deepEqual(
    (await claimOf(ledger, { lanes })).map(({ lane }) => lane),
    ["any"],
  );

  lease = await store.lease("discord", "us", 60_000);
  await store.lease("discord", "us", 0);
  await store.lease("discord", "them", 60_000);
  assert.deepEqual(
    await claimOf(ledger, { lanes: ["discord"] }),
    [],
    "another took it, and we do not know yet",
  );

  await store.lease("discord", "them", 0);
  lease = await store.lease("discord", "us", 60_000);
  assert.equal(await ledger.nextDue(["discord"], one), AT);
  assert.deepEqual(streams(await claimOf(ledger, { lanes })), ["run-1"]);
});

test("who may be taken for gone claims nothing until it was heard of again, and looks again soon", async (t) => {
  const folder = temporaryFolder();
  const store = await openSqliteLedger({ path: join(folder.path, "ledger.db"), ballastBytes: 0 });
  t.after(async () => {
    await store.close();
    folder.remove();
  });
  let life: number | undefined;
  let place = await store.lease("member:home-a", "a", 60_000);
  const ledger = onlyAlive(store, { life: () => life, place: () => place, now: () => AT });
  await written(store, commitOf("run-1", { effects: [line("x", AT - 1000)] }));
  assert.deepEqual(await claimOf(ledger, { lanes: ["any"] }), [], "it would hold what nobody takes from it");
  const nextAt = await ledger.nextDue(["any"], one);
  assert.ok(nextAt !== undefined && nextAt > AT && nextAt <= AT + 1000, "not at once, and not in a minute");

  life = 2;
  const before = place;
  place = undefined;
  assert.deepEqual(await claimOf(ledger, { lanes: ["any"] }), [], "it has no place yet");
  assert.equal(await ledger.nextDue(["any"], one), nextAt);

  place = before;
  await store.lease("member:home-a", "a", 0);
  assert.deepEqual(await claimOf(ledger, { lanes: ["any"] }), [], "its place was ended and it does not know");

  place = await store.lease("member:home-a", "a", 60_000);
  assert.equal(await ledger.nextDue(["any"], one), AT - 1000);
  assert.deepEqual(streams(await claimOf(ledger, { lanes: ["any"] })), ["run-1"]);
});
