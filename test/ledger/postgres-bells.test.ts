import assert from "node:assert/strict";
import test, { after } from "node:test";
import { createBells } from "../../src/ledger/postgres/bells.ts";
import { openConnections } from "../../src/ledger/postgres/connect.ts";
import { startPostgres } from "../support/postgres.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

/** How often is looked without having been called. */
const LOOK_MS = 5000;

test("who listens after a time in which nobody did is called, and looks without having been called", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const connections = await openConnections(await postgres.createDatabase());
  t.after(() => connections.pool.end());
  const bells = createBells(connections, "own");
  t.after(bells.stop);
  let rings = 0;
  let onRing: (() => void) | undefined;
  const listener = () => {
    rings++;
    onRing?.();
  };
  const rung = () => new Promise<void>((resolve) => (onRing = resolve));
  const unlisten = bells.onOthers(listener);
  assert.equal(rings, 1);
  // It listens to the database.
  await rung();
  await new Promise(setImmediate);
  unlisten();
  t.mock.timers.tick(LOOK_MS);
  assert.equal(rings, 2, "nobody is left to be told");

  bells.onOthers(listener);
  assert.equal(rings, 3, "what was written meanwhile is looked for");
  t.mock.timers.tick(LOOK_MS);
  assert.equal(rings, 4);
  const called = rung();
  await connections.pool.query("select pg_notify('hq', 'another')");
  await called;
  const again = rung();
  await connections.pool.query("select pg_notify('hq', 'own'), pg_notify('hq', 'another one')");
  await again;
  assert.equal(rings, 6, "its own are none");
});
