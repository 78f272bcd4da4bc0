import type { SearchFor, SearchIndex } from "../../engine/ports/search.ts";
import { readCursor, writeCursor } from "../queries.ts";
import type { Row } from "../rows.ts";
import { POSITION, toChange } from "../search.ts";
import { indexedWords, MARKS, markOf } from "../search-query.ts";
import type { Read } from "./connect.ts";
import { LOADED, loaded } from "./queries.ts";
import type { Writer } from "./writer.ts";

/** What PostgreSQL takes as one word, in bytes, and as the words of one row, in characters. */
const LONGEST_WORD = 2000;
const MOST_CHARACTERS = 250_000;

export function createSearchIndex({
  read,
  write,
}: {
  readonly read: Read;
  readonly write: Writer["write"];
}): SearchIndex {
  const number = async (name: string, text: string, values: readonly unknown[]) =>
    Number((await read<Row>(name, text, values))[0]?.["n"] ?? 0);
  return {
    position: () => number("search-position", "select value as n from memo where name = $1", [POSITION]),
    head: () => number("search-head", "select position as n from head", []),
    async changes(after, limit) {
      const text = "select position, stream, type from event where position > $1 order by position limit $2";
      return (await read<Row>("changes", text, [after, limit])).map(toChange);
    },
    async put({ from, to, entries }) {
      const list = entries.map((entry) => [entry.stream, keepable(indexedWords(entry))]);
      return (
        await write<{ put: boolean }>({ do: "search", name: POSITION, from, to: String(to), entries: list })
      ).put;
    },
    async find(query) {
      const { limit } = query;
      const before = query.before === undefined ? Number.MAX_SAFE_INTEGER : readCursor(query.before);
      const text = `select ${LOADED} from search_1($1, $2, $3) found (seq) join stream s on s.seq = found.seq order by s.seq desc`;
      const rows = await read<Row>("search", text, [tsquery(query), before, limit + 1]);
      const last = rows[limit - 1]?.["seq"] as number | undefined;
      const items = rows.slice(0, limit).map(loaded);
      return rows.length > limit && last !== undefined ? { items, next: writeCursor(last) } : { items };
    },
    forget: async (streams) => void (await write({ do: "forget", streams })),
    async tidy() {
      return (
        (await number("search-tidy", "select gin_clean_pending_list('search_words'::regclass) as n", [])) > 0
      );
    },
  };
}

function keepable(words: readonly string[]): readonly string[] {
  let characters = 0;
  return words.filter((word) => {
    characters += word.length;
    return characters <= MOST_CHARACTERS && Buffer.byteLength(word) <= LONGEST_WORD;
  });
}

/** What is asked as a tsquery, every word quoted; "" asks for everything. */
function tsquery({ asked, kinds, statuses, agents }: SearchFor): string {
  const oneOf = (sign: string, names: readonly string[] | undefined) =>
    names && names.length > 0 ? [`(${names.map((name) => quoted(markOf(sign, name))).join(" | ")})`] : [];
  return [
    ...asked.words.map(quoted),
    ...(asked.beginning === undefined ? [] : [`${quoted(asked.beginning)}:*`]),
    ...oneOf(MARKS.kind, kinds),
    ...oneOf(MARKS.status, statuses),
    ...oneOf(MARKS.agent, agents),
  ].join(" & ");
}

function quoted(word: string): string {
  return `'${word.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
