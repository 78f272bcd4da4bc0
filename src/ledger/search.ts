import type { DatabaseSync } from "node:sqlite";
import type { Change, SearchIndex } from "../engine/ports/search.ts";
import { readCursor, writeCursor } from "./queries.ts";
import { type Row, toEvent, toLoaded } from "./rows.ts";
import { indexedWords, matchText } from "./search-query.ts";

/** Memo under which the position is kept. */
export const POSITION = "search position";
/** Pages of the index that are written at once when it is put in order. */
const TIDIED_PAGES = 16;
const COLUMNS =
  "id, kind, status, agent, parent, deadline_at, wake_at, open, version, state, state_version, seq";

export const SEARCH_SQL = {
  position: "select value from memo where name = ?",
  move: "insert into memo (name, value) values (?, ?) on conflict do update set value = excluded.value",
  head: "select max(position) as position from event",
  changes: "select position, stream, type from event where position > ? order by position limit ? + 0",
  seq: "select seq from stream where id = ?",
  put: "insert or replace into search (rowid, words) values (?, ?)",
  remove: "delete from search where rowid = ?",
  find: "select rowid as seq from search where search match ? and rowid < ? order by rowid desc limit ? + 0",
  load: `select ${COLUMNS} from (select value as wanted from json_each(?)) cross join stream on seq = wanted`,
  later: "select * from event where stream = ? and version > ? order by version",
  tidy: "insert into search (search, rank) values ('merge', ?)",
} as const;

/**
 * The full text index in SQLite: a row a stream, numbered like the stream, so that the newest come first without
 * sorting. It holds words only; what is shown is read from the streams.
 */
export function createSearchIndex(deps: {
  readonly db: DatabaseSync;
  readonly read: <T>(query: () => T) => Promise<T>;
  readonly write: <T>(unit: () => T) => Promise<T>;
}): SearchIndex {
  const { db, read, write } = deps;
  const sql = Object.fromEntries(
    Object.entries(SEARCH_SQL).map(([name, text]) => [name, db.prepare(text)]),
  ) as Readonly<Record<keyof typeof SEARCH_SQL, ReturnType<DatabaseSync["prepare"]>>>;
  const changed = db.prepare("select total_changes() as n");

  const position = () => Number(sql.position.get(POSITION)?.["value"] ?? 0);
  const seqOf = (stream: string) => sql.seq.get(stream)?.["seq"] as number | undefined;

  function load(row: Row) {
    const lags = (row["state_version"] as number) < (row["version"] as number);
    const later = lags ? sql.later.all(row["id"] as string, row["state_version"] as number) : [];
    return toLoaded(row, later.map(toEvent));
  }

  return {
    position: () => read(position),
    head: () => read(() => Number(sql.head.get()?.["position"] ?? 0)),
    changes: (after, limit) => read(() => sql.changes.all(after, limit).map(toChange)),
    put: ({ from, to, entries }) =>
      write(() => {
        if (position() !== from) return false;
        for (const entry of entries) {
          const seq = seqOf(entry.stream);
          if (seq !== undefined) sql.put.run(seq, indexedWords(entry).join(" "));
        }
        sql.move.run(POSITION, String(to));
        return true;
      }),
    find: (query) =>
      read(() => {
        const { before, limit } = query;
        const from = before === undefined ? Number.MAX_SAFE_INTEGER : readCursor(before);
        const found = sql.find.all(matchText(query), from, limit + 1).map((row) => row["seq"] as number);
        const items = sql.load.all(JSON.stringify(found.slice(0, limit))).map(load);
        const last = found[limit - 1];
        return found.length > limit && last !== undefined ? { items, next: writeCursor(last) } : { items };
      }),
    forget: (streams) =>
      write(() => {
        for (const stream of streams) {
          const seq = seqOf(stream);
          if (seq !== undefined) sql.remove.run(seq);
        }
      }),
    tidy: () =>
      write(() => {
        const before = Number(changed.get()?.["n"]);
        sql.tidy.run(TIDIED_PAGES);
        // A merge that had something to do changes more than the row that asked for it.
        return Number(changed.get()?.["n"]) - before > 1;
      }),
  };
}

export function toChange(row: Row): Change {
  return {
    position: row["position"] as number,
    stream: row["stream"] as string,
    type: row["type"] as string,
  };
}
