import assert from "node:assert/strict";
import test, { after, type TestContext } from "node:test";
import { Client } from "pg";
import type { Effect } from "../../src/domain/effects.ts";
import type { Ledger } from "../../src/engine/ports/ledger.ts";
import type { AuditPage } from "../../src/engine/ports/upkeep.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { openPostgresLedger } from "../../src/ledger/postgres/postgres.ts";
import { AT, commitOf, written } from "../contract/ledger-fixture.ts";
import { startPostgres } from "../support/postgres.ts";
import { query } from "./postgres-query.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

async function open(t: TestContext) {
  const url = await postgres.createDatabase();
  const ledger = await openPostgresLedger({ url });
  t.after(ledger.close);
  return { url, ledger };
}

const look = (ledger: Ledger, after?: string): Promise<AuditPage> =>
  ledger.upkeep.audit({ now: AT, isRunning: false, limit: 100, ...(after ? { after } : {}) });

test("a look at the whole ledger whose connection is lost fails alone: its process lives, and the next look works", async (t) => {
  const { url, ledger } = await open(t);
  const blocker = new Client({ connectionString: url });
  await blocker.connect();
  await blocker.query("begin; lock table hq.stream in access exclusive mode");
  const looking = look(ledger).catch((error: unknown) => error);
  const end = `select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query like '%from stream where seq%'`;
  while ((await query(url, end)).length === 0);
  const error = await looking;
  assert.ok(isRefusal(error) && /does not answer/.test(error.message), String(error));
  await blocker.end();
  assert.equal((await look(ledger)).looked, 0);
});

test("a text with U+0000 or half a sign in what was posted or sent hides no finding from a look at the whole ledger", async (t) => {
  const { ledger } = await open(t);
  const text = 'a\0 \ud83d \udc4d \\u0000 \\\\ud83d "quoted" 👍';
  const sent = { type: "attempt.dispatched", schema: 1, body: { attempt: 2, agentRunId: text } };
  const post = (id: string, more = {}): Effect => ({
    body: { type: "post", delivery: { id: `run-1/${id}`, kind: "notice", text, ...more } as never },
    lane: "discord",
    dueAt: AT,
  });
  const batch = post("batch", { kind: "batch", members: ["run-1/later"] });
  const effects = [post("twice"), post("twice"), batch, post("later"), post("lost")];
  await written(ledger, commitOf("run-1", { kind: "session", open: false, events: [sent, sent], effects }));
  await ledger.settle([3, 4].map((n) => ({ id: `run-1@2#${n}`, outcome: "posted" })));
  const found: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await look(ledger, after);
    found.push(...page.findings.map(({ fault, id }) => `${fault} ${id}`));
    after = page.next;
    if (after === undefined) break;
  }
  assert.deepEqual(found, ["doubled run-1#2", "doubled run-1/twice", "unseen run-1/lost"]);
});
