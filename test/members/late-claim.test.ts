import assert from "node:assert/strict";
import test, { after } from "node:test";
import { ask, createMembersWorld, settled } from "../edge/members-fixture.ts";
import { query } from "../ledger/postgres-query.ts";
import { createLateWay } from "../support/late-way.ts";
import { startPostgres } from "../support/postgres.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

/** What work of these tests takes by itself on a busy machine. */
const WORK_MS = 10_000;
const questionOf = (key: string) => ({ agent: "webster", objective: "a late question", runId: key });

test("a claim that the network delivers after its member was given up on takes nothing, and others do the work at once", {
  timeout: 120_000,
}, async (t) => {
  const { database, join: joinAs } = await createMembersWorld(t, postgres, {
    behaviour: { answer: () => ({ kind: "ok" }), handIn: () => "good", worksMs: () => 50 },
  });
  const way = await createLateWay(postgres.port);
  t.after(way.stop);
  const other = await joinAs("b");
  const late = await joinAs("a", { DATABASE_URL: database.replace(`:${postgres.port}/`, `:${way.port}/`) });
  const [member] = await query(database, "select id from hq.member order by started_at desc limit 1");
  const holder = member?.["id"];
  const held = way.hold((sent) => sent.includes("a late question") && sent.includes('"do":"claim"'));
  // A claim rides on the commit before it unless another write is just under way.
  let key = "";
  for (let isHeld = false, n = 1; !isHeld; n++) {
    key = `late-question-${n}`;
    const answer = ask(late, key, questionOf(key)).then(() => false);
    answer.catch(() => undefined);
    isHeld = await Promise.race([held.then(() => true), answer]);
  }
  late.supervisor.child.kill("SIGKILL");
  await late.supervisor.exited;
  // As if it had been silent for long: whoever beats next gives up on it.
  await query(database, "update hq.member set seen_at = seen_at - 10000 where id = $1", [holder]);
  for (;;) if ((await query(database, "select 1 from hq.member where id = $1", [holder])).length === 0) break;

  const deliveredAt = Date.now();
  await way.deliver();
  const id = await ask(other, key, questionOf(key));
  const claimed = await query(database, "select type from hq.outbox where holder = $1", [holder]);
  assert.deepEqual(claimed, [], "nobody would end what it holds");
  const view = await settled(other, id);
  assert.deepEqual([view.status, view.attempts.length], ["succeeded", 1]);
  assert.ok(Date.now() - deliveredAt < WORK_MS);
});
