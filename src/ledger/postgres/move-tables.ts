import { POSITION as SEARCHED } from "../search.ts";

type Column = readonly [name: string, type: "text" | "bigint" | "integer" | "bytea"];

export type MovedTable = {
  readonly name: string;
  readonly columns: readonly Column[];
  /** Reads it from SQLite in the order of its key. */
  readonly from: string;
  /** Columns that only people read: there a NUL, which PostgreSQL does not keep, becomes another sign. */
  readonly readable?: readonly string[];
  /** Whether new rows are numbered by the database. */
  readonly isNumbered?: true;
};

const table = (
  name: string,
  columns: readonly Column[],
  order: string,
  more: Partial<MovedTable> = {},
): MovedTable => ({
  name,
  columns,
  from: `select ${columns.map(([column]) => column).join(", ")} from ${name} order by ${order}`,
  ...more,
});

/**
 * All that is moved. The full text index is not: the first supervisor makes it anew in quiet moments, as for any old
 * ledger. Leases are of a life that has ended; their highest number goes on (`LIFE`).
 */
export const MOVED: readonly MovedTable[] = [
  table(
    "event",
    [
      ["position", "bigint"],
      ["stream", "text"],
      ["version", "integer"],
      ["at", "bigint"],
      ["type", "text"],
      ["schema", "integer"],
      ["body", "text"],
      ["cause", "text"],
      ["actor", "text"],
    ],
    "position",
  ),
  table(
    "stream",
    [
      ["seq", "bigint"],
      ["id", "text"],
      ["kind", "text"],
      ["status", "text"],
      ["agent", "text"],
      ["parent", "text"],
      ["deadline_at", "bigint"],
      ["wake_at", "bigint"],
      ["open", "integer"],
      ["version", "integer"],
      ["state", "text"],
      ["state_version", "integer"],
    ],
    "seq",
    { isNumbered: true },
  ),
  table(
    "counter",
    [
      ["kind", "text"],
      ["status", "text"],
      ["open", "integer"],
      ["count", "bigint"],
    ],
    "kind, status, open",
  ),
  table(
    "key",
    [
      ["scope", "text"],
      ["key", "text"],
      ["digest", "text"],
      ["stream", "text"],
      ["version", "integer"],
    ],
    "scope, key",
  ),
  table(
    "outbox",
    [
      ["seq", "bigint"],
      ["id", "text"],
      ["stream", "text"],
      ["type", "text"],
      ["body", "text"],
      ["lane", "text"],
      ["slot", "text"],
      ["attempt", "integer"],
      ["created_at", "bigint"],
      ["due_at", "bigint"],
      ["ready_at", "bigint"],
      ["holder", "text"],
      ["epoch", "bigint"],
      ["begun_at", "bigint"],
      ["begun_before", "bigint"],
      ["tries", "integer"],
      ["reason", "text"],
      ["settled_at", "bigint"],
      ["outcome", "text"],
    ],
    "seq",
    {
      isNumbered: true,
      readable: ["reason", "outcome"],
    },
  ),
  table(
    "slot",
    [
      ["lane", "text"],
      ["n", "integer"],
      ["stream", "text"],
      ["attempt", "integer"],
      ["until", "bigint"],
      ["effect", "text"],
    ],
    "lane, n",
  ),
  table(
    "delivery_part",
    [
      ["delivery", "text"],
      ["part", "integer"],
      ["nonce", "text"],
      ["channel", "text"],
      ["message_id", "text"],
      ["posted_at", "bigint"],
    ],
    "delivery, part",
  ),
  table(
    "blob",
    [
      ["digest", "text"],
      ["body", "bytea"],
    ],
    "digest",
  ),
  table(
    "memo",
    [
      ["name", "text"],
      ["value", "text"],
    ],
    "name",
    { from: `select name, value from memo where name <> '${SEARCHED}' order by name` },
  ),
  table(
    "tally",
    [
      ["span", "text"],
      ["at", "bigint"],
      ["kind", "text"],
      ["agent", "text"],
      ["workflow", "text"],
      ["status", "text"],
      ["figures", "text"],
    ],
    "span, at, kind, agent, workflow, status",
  ),
  table("pruned", [["stream", "text"]], "stream"),
];

/** Whoever held something has ended: as at a start, it is given back, and what was begun stays noted. */
export const GIVE_BACK =
  "update outbox set ready_at = due_at, holder = null where settled_at is null and holder is not null";

/** The number of the next life is higher than that of any before. */
export const LIFE = {
  from: "select max(epoch) as epoch from lease",
  to: `insert into lease (name, holder, epoch, expires_at) values ('life', '', $1, 0)
    on conflict (name) do update set epoch = greatest(lease.epoch, excluded.epoch)`,
};
