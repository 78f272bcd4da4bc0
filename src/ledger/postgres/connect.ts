import { Client, type ClientConfig, Pool, types } from "pg";
import { Refusal } from "../../kernel/refusal.ts";
import { type Address, readAddress } from "./address.ts";
import { migrate, SCHEMA } from "./migrations.ts";
import { explain, isLost, isOldPlan } from "./trouble.ts";

const CONNECT_MS = 5000;
const READ_MS = 30_000;
const WRITE_MS = 10_000;
/** How much longer than the server's own limit we wait for its word that it gave up. */
const GRACE_MS = 2000;
const END_MS = 2000;
const MOST_READERS = 4;
const INT8 = 20;
const OLDEST = 130_000;

/** Every statement has an index; the planner is not to try its luck while a table is small or has just grown. */
const SESSION = [
  `search_path=${SCHEMA}`,
  "jit=off",
  "enable_seqscan=off",
  "enable_bitmapscan=off",
  "plan_cache_mode=force_generic_plan",
  // What a coordinator that is gone held is free after some ten seconds.
  "tcp_keepalives_idle=5",
  "tcp_keepalives_interval=2",
  "tcp_keepalives_count=3",
  "idle_in_transaction_session_timeout=30s",
];

export type Connections = {
  readonly place: string;
  /** For reading: any of a few connections. */
  readonly pool: Pool;
  /** A connection of one's own: for writing, or for listening. */
  readonly connect: () => Promise<Client>;
};

/**
 * Opens the database, brings it to this program's version and says how to connect to it from then on. For a reader
 * nothing is changed: a ledger of another version is read as far as that goes.
 */
export async function openConnections(
  url: string,
  { writeMs = WRITE_MS, isReader = false }: { readonly writeMs?: number; readonly isReader?: boolean } = {},
): Promise<Connections> {
  const address = readAddress(url);
  const { place } = address;
  const { client, config } = await openFirst(address);
  const options = await prepare(client, place, isReader);
  const timed = (ms: number): ClientConfig => ({
    ...config,
    options,
    statement_timeout: ms,
    query_timeout: ms + GRACE_MS,
  });
  const pool = new Pool({ ...timed(READ_MS), max: MOST_READERS, idleTimeoutMillis: 30_000 });
  // A connection that is lost while it rests is replaced when the next one is needed.
  pool.on("error", () => undefined);
  // One that is lost while somebody has it fails what that one asks next; without a listener it would end the process.
  pool.on("connect", (client) => void client.on("error", () => undefined));
  return { place, pool, connect: () => connectWith(timed(writeMs)) };
}

/** The first connection, and the settings that it was made with: those of the address, without TLS where that may be and the server has none. */
export async function openFirst({ config: given, mayFallBack, place }: Address): Promise<{
  readonly client: Client;
  readonly config: ClientConfig;
}> {
  const parse = (id: number, format?: "text") => (id === INT8 ? Number : types.getTypeParser(id, format));
  const config: ClientConfig = {
    ...given,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5000,
    types: { getTypeParser: parse as typeof types.getTypeParser },
  };
  const open = async (settings: ClientConfig) => ({ client: await connectWith(settings), config: settings });
  try {
    return await open(config).catch((error: unknown) => {
      if (!mayFallBack || !(error instanceof Error) || !/does not support SSL/.test(error.message))
        throw error;
      return open({ ...config, ssl: false });
    });
  } catch (error) {
    throw explain(error, place);
  }
}

/** Brings the ledger up to date; returns the options of the sessions to come. */
async function prepare(client: Client, place: string, isReader: boolean): Promise<string> {
  try {
    const { rows } = await client.query<Record<string, string>>(
      "select current_setting('server_version_num') as version, current_setting('synchronous_commit') as commits",
    );
    refuseOld(Number(rows[0]?.["version"]), place);
    if (isReader) await refuseNone(client, place);
    else await migrate(client, place);
    const isWeak = ["off", "local"].includes(rows[0]?.["commits"] ?? "");
    // Acknowledged is safe, whatever the server does for others.
    const session = isWeak ? [...SESSION, "synchronous_commit=on"] : SESSION;
    return session.map((setting) => `-c ${setting}`).join(" ");
  } catch (error) {
    throw explain(error, place);
  } finally {
    await client.end();
  }
}

async function refuseNone(client: Client, place: string): Promise<void> {
  const { rows } = await client.query("select to_regclass($1) as there", [`${SCHEMA}.event`]);
  if (rows[0]?.there !== null) return;
  throw new Refusal("not_found", `There is no ledger in the database ${place}.`, {
    hint: "Correct DATABASE_URL, or start a supervisor with `hq start`, which makes one.",
  });
}

/** `version` as PostgreSQL counts: 150013 is 15.13. */
export function refuseOld(version: number, place: string): void {
  if (version >= OLDEST) return;
  throw new Refusal(
    "ledger_trouble",
    `The database ${place} is PostgreSQL ${Math.floor(version / 10_000)}.`,
    {
      hint: `Use ${OLDEST / 10_000} or newer.`,
    },
  );
}

async function connectWith(config: ClientConfig): Promise<Client> {
  const client = new Client(config);
  // Told by whoever asks next; without a listener it would end the process.
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** Ends a connection; one that does not hear any more is not waited for. */
export async function endSoon(ending: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, END_MS);
  });
  // That it was broken already is no news to whoever leaves it.
  await Promise.race([Promise.allSettled([ending]), late]);
  clearTimeout(timer);
}

/** No text of the database holds U+0000, and none can be asked for that does: with this sign in its place nothing is found. */
function askable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(askable);
  return typeof value === "string" ? value.replaceAll("\0", "\uFFFD") : value;
}

/** Reads are harmless: one that lost its connection is asked again for a while. */
export function createRead({ pool, place }: Connections, rideOutMs: number) {
  return async function read<Row extends object>(
    name: string,
    text: string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    const asked = values.map(askable);
    const startedAt = performance.now();
    for (let waitMs = 20; ; waitMs = Math.min(500, waitMs * 2)) {
      try {
        return (await pool.query<Row>({ name, text, values: asked })).rows;
      } catch (error) {
        if (pool.ending) throw new Error(`The ledger ${place} is closed.`, { cause: error });
        // Whatever fails costs its connection: the next one knows no plan yet.
        const mayWork = isLost(error) || isOldPlan(error);
        if (!mayWork || performance.now() - startedAt > rideOutMs) throw explain(error, place);
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  };
}

export type Read = ReturnType<typeof createRead>;
