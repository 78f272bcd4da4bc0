import type { Receipt } from "../../domain/delivery-types.ts";
import type {
  EventQuery,
  Ledger,
  ListQuery,
  Loaded,
  Page,
  StoredEvent,
  Wake,
} from "../../engine/ports/ledger.ts";
import { readCursor, writeCursor } from "../queries.ts";
import { type Row, toEvent, toLoaded, toReceipt, toWake } from "../rows.ts";
import type { Read } from "./connect.ts";

/** The events after the folded state ride on the stream's row, so that both are of one instant. */
export const LOADED = `s.*, case when s.state_version < s.version then (
    select jsonb_agg(to_jsonb(e) order by e.version) from event e where e.stream = s.id and e.version > s.state_version
  ) end as later`;

export function loaded(row: Row): Loaded {
  return toLoaded(row, ((row["later"] ?? []) as readonly Row[]).map(toEvent));
}

/** Newest first, from the ends of the indexes of the statuses that there are, as in the embedded store. */
async function list(read: Read, query: ListQuery): Promise<Page<Loaded>> {
  const { kind, agent, limit, status, open } = query;
  const before = query.before === undefined ? Number.MAX_SAFE_INTEGER : readCursor(query.before);
  const ofAgent = agent === undefined ? "" : "and s.agent = $6";
  const rows = await read<Row>(
    agent === undefined ? "list" : "list-agent",
    `select ${LOADED} from (
      select n.seq from counter c, lateral (
        select s.seq from stream s where s.kind = c.kind and s.status = c.status and s.open = c.open ${ofAgent} and s.seq < $2
          order by s.seq desc limit $3
      ) n where c.kind = $1 and c.count > 0 and ($4::text[] is null or c.status = any ($4)) and ($5::integer is null or c.open = $5)
      order by n.seq desc limit $3
    ) page join stream s on s.seq = page.seq order by s.seq desc`,
    [
      kind,
      before,
      limit + 1,
      status ?? null,
      open === undefined ? null : Number(open),
      ...(agent === undefined ? [] : [agent]),
    ],
  );
  const items = rows.slice(0, limit).map(loaded);
  const last = rows[limit - 1]?.["seq"] as number | undefined;
  return rows.length > limit && last !== undefined ? { items, next: writeCursor(last) } : { items };
}

async function events(read: Read, query: EventQuery): Promise<readonly StoredEvent[]> {
  const { stream, types, limit } = query;
  const isDown = query.before !== undefined;
  const from = query.before ?? query.after ?? 0;
  const [than, order] = isDown ? ["<", "desc"] : [">", "asc"];
  const way = isDown ? "down" : "up";
  if (stream !== undefined) {
    const text = `select * from event where stream = $1 and position ${than} $2 and ($3::text[] is null or type = any ($3)) order by version ${order} limit $4`;
    return (await read<Row>(`stream-${way}`, text, [stream, from, types ?? null, limit])).map(toEvent);
  }
  if (!types) {
    const text = `select * from event where position ${than} $1 order by position ${order} limit $2`;
    return (await read<Row>(`events-${way}`, text, [from, limit])).map(toEvent);
  }
  const text = `select e.* from (select unnest($1::text[]) collate "C" as name) t, lateral (
      select * from event where type = t.name and position ${than} $2 order by position ${order} limit $3
    ) e order by e.position ${order} limit $3`;
  return (await read<Row>(`types-${way}`, text, [[...new Set(types)], from, limit])).map(toEvent);
}

/** What of the ledger is only read. */
export function createQueries(read: Read) {
  const one = async (name: string, text: string, values: readonly unknown[]): Promise<Row | undefined> =>
    (await read<Row>(name, text, values))[0];
  return {
    async now() {
      return Number((await one("now", "select now_ms() as at", []))?.["at"]);
    },
    async load(stream) {
      const row = await one("load", `select ${LOADED} from stream s where s.id = $1`, [stream]);
      return row && loaded(row);
    },
    async later(heads) {
      const text = `select e.* from unnest($1::text[], $2::integer[]) head (id, version), lateral (
        select * from event w where w.stream = head.id collate "C" and w.version > head.version
      ) e order by e.stream, e.version`;
      const values = [heads.map(({ stream }) => stream), heads.map(({ version }) => version)];
      return (await read<Row>("later", text, values)).map(toEvent);
    },
    async keyOf(scope, key) {
      const row = await one("key", "select stream, digest from key where scope = $1 and key = $2", [
        scope,
        key,
      ]);
      return row && { stream: String(row["stream"]), digest: String(row["digest"]) };
    },
    async wakes(now, limit): Promise<readonly Wake[]> {
      const text = "select id, kind, wake_at from stream where wake_at <= $1 order by wake_at limit $2";
      return (await read<Row>("wakes", text, [now, limit])).map(toWake);
    },
    async nextWake() {
      const row = await one(
        "next-wake",
        "select wake_at as at from stream where wake_at is not null order by wake_at limit 1",
        [],
      );
      return row && Number(row["at"]);
    },
    list: (query) => list(read, query),
    events: (query) => events(read, query),
    receipts: (delivery) => receiptsBy(read, "receipts", "delivery = $1 order by part", [delivery]),
    /** Deliveries are named `<subject>/<what>`; "0" is the character after "/". */
    receiptsOf: (subject) =>
      receiptsBy(read, "receipts-of", "delivery >= $1 and delivery < $2 order by delivery, part", [
        `${subject}/`,
        `${subject}0`,
      ]),
    counts: () =>
      read(
        "counts",
        "select kind, status, sum(count)::bigint as count from counter group by kind, status having sum(count) > 0 order by kind, status",
      ),
    openByAgent: (kind, statuses) =>
      read(
        "open-by-agent",
        `select s.agent, s.status, count(*) as count from (select unnest($2::text[]) collate "C" as name) t join stream s
          on s.kind = $1 and s.status = t.name and s.open = 1 and s.agent is not null group by s.agent, s.status`,
        [kind, statuses],
      ),
    backlog: () =>
      read(
        "backlog",
        'select type, count(*) as count, min(due_at) as "oldestDueAt" from outbox where settled_at is null group by type order by type',
      ),
    async blob(digest) {
      const body = (await one("blob", "select body from blob where digest = $1", [digest]))?.["body"];
      return Buffer.isBuffer(body) ? body.toString("utf8") : undefined;
    },
    async recall(name) {
      const value = (await one("memo", "select value from memo where name = $1", [name]))?.["value"];
      return typeof value === "string" ? value : undefined;
    },
  } satisfies Partial<Ledger>;
}

async function receiptsBy(
  read: Read,
  name: string,
  where: string,
  values: readonly unknown[],
): Promise<readonly Receipt[]> {
  return (await read<Row>(name, `select * from delivery_part where ${where}`, values)).map(toReceipt);
}
