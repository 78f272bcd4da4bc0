import { Refusal } from "../../kernel/refusal.ts";

const LOST_CODES: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOENT",
  // Shut down, crashed, starting, or a standby that has not taken over yet.
  "57P01",
  "57P02",
  "57P03",
  "57P05",
  "25006",
  "53300",
]);
const LOST_WORDS =
  /connection terminated|connection ended|not queryable|read timeout|timeout exceeded|timeout expired|client was closed/i;
/** A deadlock, a serialization failure, a lock that was not to be had: the same again may work. */
const AGAIN_CODES: ReadonlySet<string> = new Set(["40P01", "40001", "55P03"]);

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : "";
}

/** The connection is gone or was never there: whether the database did what it was asked is unknown. */
export function isLost(thrown: unknown): boolean {
  const code = codeOf(thrown);
  if (LOST_CODES.has(code) || code.startsWith("08")) return true;
  if (isClosed(thrown)) return true;
  return thrown instanceof Error && LOST_WORDS.test(thrown.message);
}

/** `allow_connections false`: by its place in the server, for the code stands for other things too, and words are translated. */
function isClosed(thrown: unknown): boolean {
  return (
    codeOf(thrown) === "55000" && (thrown as { readonly routine?: string }).routine === "CheckMyDatabase"
  );
}

export function mayWorkAgain(thrown: unknown): boolean {
  return AGAIN_CODES.has(codeOf(thrown));
}

/** A table has more columns than when this connection first asked, as after a newer program's start: another one asks anew. */
export function isOldPlan(thrown: unknown): boolean {
  return codeOf(thrown) === "0A000";
}

function remedyFor(thrown: unknown, place: string): string | undefined {
  if (codeOf(thrown) === "53300")
    return `The database ${place} has no connection left. Raise max_connections, or end what holds them.`;
  if (codeOf(thrown) === "25006")
    return `The database ${place} only reads: it stands by for another one, or default_transaction_read_only is on. Name the one that writes; work goes on by itself when this one does.`;
  if (isClosed(thrown))
    return `The database ${place} takes no connections now. As its owner: alter database … allow_connections true; work goes on by itself then.`;
  if (isLost(thrown))
    return `The database ${place} does not answer. Start it, or mend the way to it; work goes on by itself when it is back.`;
  // The client's own words where the server asks for one.
  if (/client password must be a (non-empty )?string/.test(messageOf(thrown)))
    return `The database ${place} wants a password, and none is given. Set PGPASSWORD, or write it into DATABASE_URL or ~/.pgpass.`;
  switch (codeOf(thrown)) {
    case "28P01":
    case "28000":
      return `The database ${place} refuses the user or the password. Correct DATABASE_URL, or the rules in pg_hba.conf.`;
    case "3D000":
      return `There is no such database: ${place}. Make it with createdb, or correct DATABASE_URL.`;
    case "42501":
      return `This user may not do that in ${place}. As the database's owner: grant create on database … to …`;
    case "53100":
      return `The disk of the database ${place} is full. Free some space there; nothing that was acknowledged is lost, and writing goes on by itself.`;
    case "53200":
      return `The database ${place} has no memory left; this did not happen.`;
    case "57014":
      return `The database ${place} took too long and was stopped; this did not happen. Look at its load, and at locks in pg_stat_activity.`;
    case "58030":
      return `The disk of the database ${place} reported an error. Check it; this did not happen.`;
    case "XX001":
    case "XX002":
      return `The database ${place} is damaged. Stop the supervisors, keep a copy, and restore a backup.`;
    default:
      return /self.signed|certificate|does not support SSL/i.test(messageOf(thrown))
        ? `The database ${place} cannot be reached with the TLS that was asked for. Correct sslmode or sslrootcert in DATABASE_URL.`
        : undefined;
  }
}

/** Whether all writes of the transaction fail for this reason, not only the one that met it. */
export function concernsAll(thrown: unknown): boolean {
  return remedyFor(thrown, "") !== undefined;
}

/** The same error in words that name the database and the remedy; others stay as they are. */
export function explain(thrown: unknown, place: string): unknown {
  const remedy = remedyFor(thrown, place);
  return remedy === undefined
    ? thrown
    : new Refusal("ledger_trouble", `${remedy} (PostgreSQL: ${messageOf(thrown)})`, { cause: thrown });
}

/** An address that is known by several names fails once for each. */
function messageOf(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.message === "")
    return thrown.errors.map(messageOf).join("; ");
  return thrown instanceof Error ? thrown.message : String(thrown);
}
