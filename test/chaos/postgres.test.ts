import assert from "node:assert/strict";
import test, { after } from "node:test";
import { CRASH_POINTS, RUN_CRASH_POINTS } from "../../src/engine/ports/log.ts";
import { startPostgres } from "../support/postgres.ts";
import { runRound, summary } from "./rounds.ts";
import { runDiamonds } from "./run-rounds.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

/** Every fourth point in the suite; `npm run test:chaos` is where all are passed. */
const some = <T>(points: readonly T[]) => points.filter((_, index) => index % 4 === 0);

test("with the ledger in PostgreSQL, killed at named crash points, nothing is lost, doubled or unseen", {
  timeout: 300_000,
}, async (t) => {
  const points = some(CRASH_POINTS);
  const round = await runRound({
    points,
    perKill: 4,
    nth: (_, point) => (point.startsWith("interaction:") ? 1 : 2),
    database: await postgres.createDatabase(),
  });
  const { text, isClean } = summary(round);
  t.diagnostic(text);
  assert.deepEqual(round.notPassed, []);
  assert.equal(round.kills, points.length);
  assert.ok(isClean, text);
});

test("with the ledger in PostgreSQL, runs go on after kills at their crash points", {
  timeout: 300_000,
}, async (t) => {
  const round = await runDiamonds({
    points: some(RUN_CRASH_POINTS),
    perKill: 1,
    nth: () => 1,
    database: await postgres.createDatabase(),
  });
  t.diagnostic(`runs ${round.runs} · kills ${round.kills} · marked ambiguous ${round.ambiguous}`);
  const { lost, doubled, unseen } = round.findings;
  assert.deepEqual([...lost, ...doubled, ...unseen], []);
  assert.ok(round.kills > 0);
});
