import { chmodSync, existsSync, readdirSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { isRefusal, Refusal } from "../kernel/refusal.ts";
import { refuseNewer, versionIn } from "./migrations.ts";
import { explain, isFull } from "./trouble.ts";

/** All pages in one step: the copy is of one instant, and nobody who writes meanwhile makes it begin anew. */
const AT_ONCE = 0x7fffffff;

export type LedgerCopy = { readonly position: number; readonly streams: number; readonly bytes: number };

/** Copies a ledger while others write to it; the copy is a whole ledger of its own. */
export async function copyLedger(path: string, target: string): Promise<LedgerCopy> {
  const source = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  try {
    await backup(source, target, { rate: AT_ONCE });
  } catch (cause) {
    if (!isFull(cause)) throw explain(cause, path);
    throw new Refusal("ledger_trouble", `There is no room for a copy of ${path} where the backup goes.`, {
      hint: "Free some space there, or name another place; the ledger itself is as it was.",
      cause,
    });
  } finally {
    source.close();
  }
  chmodSync(target, 0o600);
  try {
    return checkLedger(target);
  } catch (cause) {
    if (!isRefusal(cause)) throw cause;
    // The copy goes away with the backup: what is named is what stays.
    const why = cause.message.replaceAll(target, path);
    throw new Refusal("ledger_trouble", `No whole copy of ${path} could be made. ${why}`, {
      hint: "Try another place, on another disk. If that says the same: `hq stop`, keep a copy of ledger.db with its -wal and -shm, then `hq restore --force` with the last backup.",
      cause,
    });
  }
}

const damaged = (path: string, what: string) =>
  new Refusal("ledger_trouble", `The ledger ${path} is damaged: ${what}`, { hint: "Use another backup." });

/** Nothing is made beside a copy: it may lie where nothing can be written, and what counts is this file alone. */
function openCopy(path: string): DatabaseSync {
  const place = path.split("/").map(encodeURIComponent).join("/");
  return new DatabaseSync(`file:${place}?immutable=1`, { readOnly: true });
}

/** Throws when a copy of a ledger is not whole. */
export function checkLedger(path: string): LedgerCopy {
  const db = openCopy(path);
  try {
    const [first] = db.prepare("pragma integrity_check(5)").all();
    const said = String(first?.["integrity_check"]);
    if (said !== "ok") throw damaged(path, said);
    if (!db.prepare("select 1 from sqlite_schema where name = 'event'").get())
      throw damaged(path, "it is empty");
    const number = (sql: string, name: string) => Number(db.prepare(sql).get()?.[name] ?? 0);
    return {
      position: number("select max(position) as n from event", "n"),
      streams: number("select count(*) as n from stream", "n"),
      bytes: number("pragma page_count", "page_count") * number("pragma page_size", "page_size"),
    };
  } catch (error) {
    throw explain(error, path);
  } finally {
    db.close();
  }
}

/** Throws when a newer program wrote a copy. */
export function refuseNewerCopy(path: string): void {
  const db = openCopy(path);
  try {
    refuseNewer(versionIn(db), path);
  } finally {
    db.close();
  }
}

/** A ledger that is being restored: it lies there from the first step, and gets its name with the last one. */
export function halfOf(ledger: string): string {
  return `${ledger}.half`;
}

/** What takes the place of a folder that is moved aside: it lies beside it until then. */
export function successorOf(home: string): string {
  return `${home}.restoring`;
}

/** How a folder is named that was moved aside, behind its own name. */
export const ASIDE = ".before-";

/** The folder that was moved aside last with its ledger; nothing is said where nobody may look. */
function keptBeside(home: string): string | undefined {
  const [place, prefix] = [dirname(home), `${basename(home)}${ASIDE}`];
  try {
    const names = readdirSync(place).filter((name) => name.startsWith(prefix));
    const kept = names.filter((name) => existsSync(join(place, name, "ledger.db"))).sort();
    return kept.length === 0 ? undefined : join(place, kept.at(-1) ?? "");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") return undefined;
    throw error;
  }
}

/** A new ledger in the place of one that was not restored to its end would know nothing of what was asked and done. */
export function refuseHalf(ledger: string): void {
  if (existsSync(ledger)) return;
  const home = dirname(ledger);
  const real = existsSync(home) ? realpathSync(home) : home;
  const places = [halfOf(ledger), halfOf(join(successorOf(real), basename(ledger)))];
  const half = places.find((path) => existsSync(path));
  if (half === undefined) return;
  const before = keptBeside(real);
  const kept = before === undefined ? "" : ` What was there is kept in ${before}.`;
  throw new Refusal("invalid_input", `A restore into ${home} was broken off.`, {
    hint: `Begin it again with \`hq restore --force\`.${kept} To begin a new ledger here, take ${half} away.`,
  });
}

/**
 * What was open when the copy was made may have been done since: a dispatch is looked into before it is sent, a message
 * is looked for before it is posted, as after a crash. Returns how many.
 */
export function doubtOpenWork(path: string, since: number): number {
  const db = new DatabaseSync(path, { timeout: 5000 });
  try {
    // Changed in the file itself: of a log beside it a full disk may leave out a part, of which closing says nothing.
    db.exec("pragma journal_mode = delete");
    const { changes } = db
      .prepare(
        "update outbox indexed by outbox_open set begun_at = coalesce(begun_at, ?), ready_at = due_at, holder = null where settled_at is null and type in ('dispatch', 'post', 'card')",
      )
      .run(since);
    return Number(changes);
  } catch (error) {
    throw explain(error, path);
  } finally {
    db.close();
  }
}
