import assert from "node:assert/strict";
import test, { after } from "node:test";
import { untilQuiet } from "../chaos/load.ts";
import { judge } from "../chaos/verdict.ts";
import { ask, createMembersWorld, settled } from "../edge/members-fixture.ts";
import { setDatabaseClock } from "../support/database-clock.ts";
import { startPostgres } from "../support/postgres.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

const HOUR_MS = 3_600_000;
/** What a member that is gone may cost, and what the work of this test takes by itself on a busy machine. */
const WITHIN_MS = 45_000;

test("when the database's clock is set back by three hours, nothing waits for that: what is put off, what a supervisor that just died held, and its lead", {
  timeout: 180_000,
}, async (t) => {
  let isAway = true;
  const {
    world,
    database,
    join: joinAs,
  } = await createMembersWorld(t, postgres, {
    behaviour: {
      answer: () => (isAway ? { kind: "status", status: 503 } : { kind: "ok" }),
      handIn: () => "good",
      worksMs: () => 50,
    },
  });
  const leader = await joinAs("a");
  const other = await joinAs("b");
  const ids = [
    await ask(leader, "one", { agent: "webster", objective: "one", runId: "one", timeout: "30m" }),
    await ask(other, "two", { agent: "auditor", objective: "two", runId: "two", timeout: "30m" }),
  ];
  for (const id of ids) {
    for (;;) {
      const { body } = await other.supervisor.call("GET", `/delegations/${id}`);
      if (body.attempts[0].deferrals > 0) break;
    }
  }
  leader.supervisor.child.kill("SIGKILL");
  await leader.supervisor.exited;
  const setAt = performance.now();
  await setDatabaseClock(database, -3 * HOUR_MS);
  isAway = false;
  ids.push(
    await ask(other, "three", { agent: "webster", objective: "three", runId: "three", timeout: "30m" }),
  );
  for (const id of ids) assert.equal((await settled(other, id)).status, "succeeded");
  await untilQuiet(other.supervisor, ids);
  const tookMs = performance.now() - setAt;
  t.diagnostic(`all done and posted after ${(tookMs / 1000).toFixed(1)} s`);
  assert.ok(tookMs < WITHIN_MS, `${tookMs}`);
  const verdict = await judge(world, other.supervisor, ids);
  assert.deepEqual(
    { ...verdict, ambiguous: 0 },
    { asked: 3, lost: [], doubled: [], unseen: [], seenTwice: [], ambiguous: 0 },
  );
  const again = await joinAs("a");
  const { body: health } = await again.supervisor.call("GET", "/health/ready");
  assert.equal(health.ready, true, JSON.stringify(health));
  assert.equal(health.members.length, 2);
});
