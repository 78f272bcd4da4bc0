import type { ClientBase } from "pg";
import type { Row } from "../rows.ts";
import type { SCAN_SQL, ScanStatements } from "../scan-statements.ts";
import type { Connections } from "./connect.ts";
import { explain } from "./trouble.ts";

type Name = keyof typeof SCAN_SQL;

const STREAM = "seq, id, kind, status, agent, parent, wake_at, open, version, state, state_version";
const EFFECT = "id, stream, type, body, slot, due_at, ready_at, begun_at";

/**
 * A body whose JSON the database reads: to it U+0000 and half a sign, which stand there as escapes, are errors. What only
 * looks like one, behind a second backslash, is letters before and after.
 */
const JSON_BODY = String.raw`regexp_replace(body, '\\u(0000|d[89a-f][0-9a-f]{2})', '\\ufffd', 'g')::json`;

/** The same statements as the embedded store's, with their values as {0}, {1} … and their types. */
const TEXTS: Readonly<Record<Name, string>> = {
  streams: `select ${STREAM} from stream where seq > {0:bigint} order by seq limit {1:bigint}`,
  stream: `select ${STREAM} from stream where id = {0:text}`,
  lastAt: "select at from event where stream = {0:text} and version = {1:integer}",
  firstAt: "select at from event where stream = {0:text} order by version limit 1",
  counts: "select type, count(*) as count from event where stream = {0:text} group by type",
  later: "select body from event where stream = {0:text} and version > {1:integer} order by version",
  sentAgain: `select (${JSON_BODY}->>'attempt')::integer as attempt from event where stream = {0:text} and type = 'attempt.dispatched'
    and ${JSON_BODY}->>'again' is distinct from 'true' group by 1 having count(*) > 1`,
  postedTwice: `select ${JSON_BODY}->'delivery'->>'id' as delivery, count(*) as count from outbox where stream = {0:text} and type = 'post'
    group by 1 having count(*) > 1`,
  openOf: `select ${EFFECT} from outbox where stream = {0:text} and settled_at is null order by id`,
  seen: "select distinct delivery from delivery_part where delivery >= {0:text} and delivery < {1:text}",
  standing: "select kind, status, open from stream where id = {0:text}",
  newest: `select (select stream from event where position = (select max(position) from event)) as event,
    (select id from stream where seq = (select max(seq) from stream)) as stream,
    (select stream from outbox where seq = (select max(seq) from outbox)) as effect`,
  children: "select id from stream where parent = {0:text} order by seq",
  open: `select ${EFFECT} from outbox where settled_at is null and (stream, id) > ({0:text}, {1:text}) order by stream, id limit {2:bigint}`,
  outbox: `select seq, stream, type, body, created_at, settled_at, outcome from outbox where seq > {0:bigint} order by seq limit {1:bigint}`,
  batches: `select body from outbox where settled_at is null and type = 'post' and ${JSON_BODY}->'delivery'->>'kind' = 'batch'`,
  hasReceipt: "select 1 as there from delivery_part where delivery = {0:text} limit 1",
  keys: `select scope, key, stream, exists (select from stream s where s.id = key.stream)::integer as known from key
    where (scope, key) > ({0:text}, {1:text}) order by scope, key limit {2:bigint}`,
  receipts:
    "select * from delivery_part where (delivery, part) > ({0:text}, {1:integer}) order by delivery, part limit {2:bigint}",
  events: "select * from event where position > {0:bigint} order by position limit {1:bigint}",
  lastPosition: "select max(position) as position from event",
};

type Question = { readonly name: Name; readonly values: readonly unknown[] };

/** Asks one statement for many sets of values at once: $1 is a list of lists. */
function textOf(name: Name): string {
  const text = TEXTS[name].replace(
    /\{(\d):(\w+)\}/g,
    (_, index: string, type: string) => `(a.v->>${index})::${type}`,
  );
  return `select (select jsonb_agg(to_jsonb(r)) from (${text}) r) as rows from jsonb_array_elements($1) with ordinality as a (v, n) order by a.n`;
}

/**
 * Runs what is written for a store that answers at once. It is run again and again: each time it notes what it asks and
 * was not told yet, and goes on as if there were nothing; then all that is asked together. The time that it asks nothing
 * new, its result counts. All answers are of one instant.
 */
export async function scan<T>({ pool, place }: Connections, look: (sql: ScanStatements) => T): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw explain(error, place);
  });
  let failed: unknown;
  try {
    await client.query("begin isolation level repeatable read read only");
    return await scanWithin(client, look);
  } catch (error) {
    failed = error;
    throw explain(error, place);
  } finally {
    await client.query("rollback").catch((error: unknown) => {
      failed ??= error;
    });
    client.release(failed !== undefined);
  }
}

/** The same inside a transaction of the caller, who sees what is not committed yet. */
export async function scanWithin<T>(
  client: Pick<ClientBase, "query">,
  look: (sql: ScanStatements) => T,
): Promise<T> {
  const answers = new Map<string, readonly Row[]>();
  for (;;) {
    const asked = new Map<string, Question>();
    const outcome = attempt(() => look(statements(answers, asked)));
    if (asked.size === 0) {
      if ("thrown" in outcome) throw outcome.thrown;
      return outcome.value;
    }
    for (const [name, questions] of Map.groupBy(asked, ([, question]) => question.name)) {
      const { rows } = await client.query<{ rows: readonly Row[] | null }>({
        name: `scan-${name}`,
        text: textOf(name),
        values: [JSON.stringify(questions.map(([, { values }]) => values))],
      });
      for (const [index, [key]] of questions.entries()) answers.set(key, rows[index]?.rows ?? []);
    }
  }
}

function statements(
  answers: ReadonlyMap<string, readonly Row[]>,
  asked: Map<string, Question>,
): ScanStatements {
  const all =
    (name: Name) =>
    (...values: readonly unknown[]) => {
      const key = JSON.stringify([name, values]);
      const rows = answers.get(key);
      if (!rows) asked.set(key, { name, values });
      return rows ?? [];
    };
  const names = Object.keys(TEXTS) as readonly Name[];
  const made = names.map((name) => [
    name,
    { all: all(name), get: (...values: readonly unknown[]) => all(name)(...values)[0] },
  ]);
  return Object.fromEntries(made) as ScanStatements;
}

function attempt<T>(run: () => T): { readonly value: T } | { readonly thrown: unknown } {
  try {
    return { value: run() };
  } catch (thrown) {
    return { thrown };
  }
}
