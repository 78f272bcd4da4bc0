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
  read: "select * from tally where span = ? and at >= ? and at < ?",
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
      read(() => {
        const tallies = sql.read.all(span, from, until).map(toTally);
        return kind === undefined ? tallies : tallies.filter((tally) => tally.kind === kind);
      }),
    oldestOpen: ({ kind, status }) => read(() => sql.oldest.get(kind, status)?.["id"] as string | undefined),
  };
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
