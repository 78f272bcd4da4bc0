import { DatabaseSync } from "node:sqlite";
import { delegation } from "../src/domain/delegation.ts";
import type {
  DelegationEvent,
  DelegationInput,
  DelegationState,
  Order,
} from "../src/domain/delegation-types.ts";
import { openSqliteLedger } from "../src/ledger/sqlite.ts";

const NAME = "orch-NUMBER";
const CHUNK = 50_000;
const ASKED_AT = 1_700_000_000_000;

const ORDER: Order = {
  id: NAME,
  agent: "webster",
  objective: "Find the coefficient of thermal expansion of Zerodur over 0 to 50 °C, with its source",
  attachments: [],
  timeoutMs: 300_000,
  startWithinMs: 3_600_000,
  maxAttempts: 2,
  validate: false,
  format: "json",
  deliver: true,
  actor: { kind: "operator" },
  origin: { door: "rest" },
  queuedAt: ASKED_AT,
  slotGraceMs: 30_000,
};

/** What really happens to a delegation that succeeds, by its own rules. */
function story(): { readonly events: readonly DelegationEvent[]; readonly state: DelegationState } {
  const handoff = {
    schemaVersion: "1.0",
    runId: NAME,
    agent: "webster",
    status: "complete",
    result: "0 ± 0.1 ppm/K over 0 to 50 °C (class 2), by the maker's data sheet.",
    artifacts: [],
    confidence: "high",
    notes: "",
    timestamp: "2026-02-17T10:00:00Z",
  };
  const source = { path: `/handoffs/${NAME}.json`, digest: "d".repeat(64), inode: "1", attempt: 1 };
  const inputs = [
    { type: "queue", order: ORDER },
    { type: "dispatched", attempt: 1, at: ASKED_AT + 20, again: false },
    { type: "handoff", at: ASKED_AT + 4000, source, handoff },
  ] as unknown as readonly DelegationInput[];
  let state: DelegationState | undefined;
  const events: DelegationEvent[] = [];
  for (const input of inputs) {
    for (const event of delegation.decide(state, input)) {
      state = delegation.evolve(state, event);
      events.push(event);
    }
  }
  if (!state) throw new Error("nothing happened");
  return { events, state };
}

/** A ledger with so many delegations that succeeded, their events, keys and receipts; a minute apart each ten. */
export async function fillLedger(path: string, count: number): Promise<void> {
  await (await openSqliteLedger({ path, ballastBytes: 0 })).close();
  const db = new DatabaseSync(path);
  db.exec("pragma synchronous = off; pragma journal_mode = wal; pragma cache_size = -200000");
  const { events, state } = story();
  const numbers = "with recursive n (i) as (select ?1 union all select i + 1 from n where i + 1 < ?2)";
  const id = "'orch-' || printf('%09d', i)";
  const filled = (text: string) => `replace(?3, '${NAME}', ${text})`;
  const at = `${ASKED_AT} + i / 10 * 60000`;
  const perEvent = events.map(
    ({ type }, index) =>
      `${numbers} insert into event (stream, version, at, type, schema, body, cause, actor) select ${id}, ${index + 1}, ${at} + ${index}, '${type}', 1, ${filled(id)}, 'bench', 'operator' from n`,
  );
  const stream = `${numbers} insert into stream (id, kind, status, agent, open, version, state, state_version) select ${id}, 'delegation', 'succeeded', 'webster', 0, ${events.length}, ${filled(id)}, ${events.length} from n`;
  const receipts = ["result", "log"].map(
    (name) =>
      `${numbers} insert into delivery_part select ${id} || '/${name}', 0, 'n' || i, '1', i || '${name === "log" ? 1 : 2}', ${at} from n`,
  );
  const key = `${numbers} insert into key select 'operator', 'key-' || i, 'd', ${id}, 1 from n`;
  for (let from = 0; from < count; from += CHUNK) {
    const to = Math.min(count, from + CHUNK);
    db.exec("begin");
    for (const [index, sql] of perEvent.entries())
      db.prepare(sql).run(from, to, JSON.stringify(events[index]));
    db.prepare(stream).run(from, to, JSON.stringify(state));
    for (const sql of [...receipts, key]) db.prepare(sql).run(from, to);
    db.exec("commit");
  }
  db.prepare("insert into counter values ('delegation', 'succeeded', 0, ?)").run(count);
  db.close();
}
