import { PRUNABLE } from "../../domain/prune.ts";
import type { LedgerSize, Pruned, Upkeep } from "../../engine/ports/upkeep.ts";
import { danglingKeys, events, receipts, standings, streams } from "../scan.ts";
import { auditPage } from "../scan-audit.ts";
import { prunablePage } from "../scan-prune.ts";
import type { LedgerReader } from "../scanner.ts";
import { type Connections, openConnections } from "./connect.ts";
import { scan } from "./scan.ts";
import { explain } from "./trouble.ts";
import type { Writer } from "./writer.ts";

/** A transaction of pruning takes so much out and lets others write. */
const STREAMS = 50;
const ROWS = 500;
const KEYS = 500;

type Rest = Omit<Pruned, "streams"> & { readonly isOver: boolean };

/** The ledger read as a whole by the rules of the embedded store, and what is too old taken out of it. */
export function createUpkeep(deps: {
  readonly connections: Connections;
  readonly write: Writer["write"];
}): Upkeep {
  const { connections, write } = deps;
  return {
    ...createReader(connections),
    async prune(names, before) {
      let out = 0;
      for (let from = 0; from < names.length; from += STREAMS) {
        const unit = {
          do: "prune",
          streams: names.slice(from, from + STREAMS),
          before,
          kinds: [...PRUNABLE],
        };
        out += (await write<{ streams: number }>(unit)).streams;
      }
      const gone = { streams: out, events: 0, effects: 0, receipts: 0 };
      for (;;) {
        const rest = await write<Rest>({ do: "prune-rest", limit: ROWS });
        gone.events += rest.events;
        gone.effects += rest.effects;
        gone.receipts += rest.receipts;
        if (rest.isOver) return gone;
      }
    },
    async pruneKeys() {
      let gone = 0;
      for (let after: string | undefined; ; ) {
        const query = { limit: KEYS, ...(after ? { after } : {}) };
        const page = await scan(connections, (sql) => danglingKeys(sql, query));
        const list = page.items.map(({ scope, key }) => [scope, key]);
        if (list.length > 0) gone += (await write<{ count: number }>({ do: "prune-keys", list })).count;
        after = page.next;
        if (after === undefined) return gone;
      }
    },
  };
}

function createReader(connections: Connections): LedgerReader {
  return {
    audit: (query) => scan(connections, (sql) => auditPage(sql, query)),
    receipts: (query) => scan(connections, (sql) => receipts(sql, query)),
    standings: (names) => scan(connections, (sql) => standings(sql, names)),
    events: (query) => scan(connections, (sql) => events(sql, query)),
    streams: (query) => scan(connections, (sql) => streams(sql, query)),
    prunable: (query) => scan(connections, (sql) => prunablePage(sql, query)),
    size: () => sizeOf(connections),
    close: async () => undefined,
  };
}

/** A ledger that is only read, also while supervisors write to it. */
export async function openPostgresReader(url: string): Promise<LedgerReader> {
  const connections = await openConnections(url, { isReader: true });
  return { ...createReader(connections), close: () => connections.pool.end() };
}

/** What is free for new rows is what the dead rows take, as the server counts them. */
async function sizeOf({ pool, place }: Connections): Promise<LedgerSize> {
  const text = `select sum(pg_total_relation_size(relid))::bigint as bytes,
    sum(case when n_live_tup + n_dead_tup = 0 then 0 else pg_relation_size(relid) * n_dead_tup / (n_live_tup + n_dead_tup) end)::bigint as free
    from pg_stat_user_tables where schemaname = current_schema()`;
  try {
    const { rows } = await pool.query<{ bytes: number; free: number }>(text);
    return { bytes: rows[0]?.bytes ?? 0, freeBytes: rows[0]?.free ?? 0 };
  } catch (error) {
    throw explain(error, place);
  }
}
