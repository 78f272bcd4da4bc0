import assert from "node:assert/strict";
import test, { after } from "node:test";
import { startPostgres } from "../support/postgres.ts";
import { runCluster, summaryOf } from "./cluster-round.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

test("three supervisors on one database, killed, cut off, frozen while they lead, and the database restarted: nothing is lost, doubled or unseen", {
  timeout: 290_000,
}, async (t) => {
  const plan = { kill: 3, restart: 1, partition: 1, freeze: 1 };
  const round = await runCluster(postgres, { ...plan, seed: 3, log: (text) => t.diagnostic(text) });
  const { text, isClean } = summaryOf(round);
  t.diagnostic(text);
  assert.ok(isClean, text);
  assert.equal(round.settled, round.asked);
  const { kill, restart, partition, freeze } = round.counts;
  assert.ok(kill >= plan.kill);
  assert.deepEqual({ restart, partition, freeze }, { restart: 1, partition: 1, freeze: 1 });
  assert.ok(round.takeovers.length >= 2, "of the frozen leader and of the one that was cut off");
});
