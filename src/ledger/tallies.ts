import type { DatabaseSync } from "node:sqlite";
import { type Figures, sumOf } from "../domain/figures.ts";
import type { Tally } from "../domain/tally.ts";
import type { Tallies } from "../engine/ports/tallies.ts";
import type { Row } from "./rows.ts";

/** Memo under which the position is kept. */
export const POSITION = "tallies position";
const KEY = "span = ? and at = ? and kind = ? and agent = ? and workflow = ? and status = ?";

export const TALLY_SQL = {
  position: "select value from memo where name = ?",
  move: "insert into memo (name, value) values (?, ?) on conflict do update set value = excluded.value",
  figures: `select figures from tally where ${KEY}`,
  put: "insert into tally (span, at, kind, agent, workflow, status, figures) values (?, ?, ?, ?, ?, ?, ?) on conflict do update set figures = excluded.figures",
  read: "select span, at, kind, agent, workflow, status, figures from tally where span = ?1 and at >= ?2 and at < ?3 and (?4 is null or kind = ?4)",
  oldest:
    "select id from stream indexed by stream_status where kind = ? and status = ? and open = 1 order by seq limit 1",
} as const;

/** The kept figures in SQLite. A tally is read, added to and written back: only this connection writes. */
export function createTallies(deps: {
  readonly db: DatabaseSync;
  readonly read: <T>(query: () => T) => Promise<T>;
  readonly write: <T>(unit: () => T) => Promise<T>;
}): Tallies {
  const { db, read, write } = deps;
  const sql = {
    position: db.prepare(TALLY_SQL.position),
    move: db.prepare(TALLY_SQL.move),
    figures: db.prepare(TALLY_SQL.figures),
    put: db.prepare(TALLY_SQL.put),
    read: db.prepare(TALLY_SQL.read),
    oldest: db.prepare(TALLY_SQL.oldest),
  };
  // By the thousand, and objects would take twice as long.
  sql.read.setReturnArrays(true);
  const position = () => Number(sql.position.get(POSITION)?.["value"] ?? 0);

  function addTo({ span, at, kind, agent, workflow, status, figures }: Tally): void {
    const row = sql.figures.get(span, at, kind, agent, workflow, status);
    const all = row ? sumOf([figuresOf(row), figures]).figures() : figures;
    sql.put.run(span, at, kind, agent, workflow, status, JSON.stringify(all));
  }

  return {
    position: () => read(position),
    add: ({ from, to, tallies }) =>
      write(() => {
        if (position() !== from) return false;
        for (const tally of tallies) addTo(tally);
        sql.move.run(POSITION, String(to));
        return true;
      }),
    read: ({ span, from, until, kind }) =>
      read(() => (sql.read.all(span, from, until, kind ?? null) as unknown as Columns[]).map(fromColumns)),
    oldestOpen: ({ kind, status }) => read(() => sql.oldest.get(kind, status)?.["id"] as string | undefined),
  };
}

type Columns = readonly [
  span: Tally["span"],
  at: number,
  kind: Tally["kind"],
  agent: string,
  workflow: string,
  status: string,
  figures: string,
];

function fromColumns([span, at, kind, agent, workflow, status, figures]: Columns): Tally {
  return { span, at, kind, agent, workflow, status, figures: JSON.parse(figures) as Figures };
}

const figuresOf = (row: Row) => JSON.parse(row["figures"] as string) as Figures;

export function toTally(row: Row): Tally {
  return {
    span: row["span"] as Tally["span"],
    at: row["at"] as number,
    kind: row["kind"] as Tally["kind"],
    agent: row["agent"] as string,
    workflow: row["workflow"] as string,
    status: row["status"] as string,
    figures: figuresOf(row),
  };
}
