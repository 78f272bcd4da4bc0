import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../domain/config.ts";
import type { Ledger } from "../engine/ports/ledger.ts";
import { Refusal } from "../kernel/refusal.ts";
import { halfOf, refuseHalf } from "../ledger/backup.ts";
import { damageIn } from "../ledger/damage.ts";
import { refuseNewer } from "../ledger/migrations.ts";
import { noteOfMove, refuseMoved } from "../ledger/moved.ts";
import { readAddress, secretsOf } from "../ledger/postgres/address.ts";
import { type LedgerReader, openLedgerReader } from "../ledger/scanner.ts";
import { openSqliteLedger } from "../ledger/sqlite.ts";
import { versionOfFile } from "../ledger/version.ts";
import type { AppOptions, Base, Begin } from "./base.ts";
import { joinLedger, type Shared } from "./membership.ts";
import type { Env } from "./mode.ts";

export type OpenStore = {
  readonly ledger: Ledger;
  readonly epoch: () => number;
  readonly holder: string;
  /** Where others may work on the same ledger. */
  readonly shared?: Shared;
};

/** The database's address; undefined = the embedded store. The environment wins over config/hq.yaml. */
export function databaseOf(env: Env, config: Pick<Config, "settings"> | undefined): string | undefined {
  const url = env.DATABASE_URL || config?.settings.database;
  return url === undefined ? undefined : withPassword(env, url);
}

/** The password may stand in .env, of which the client library sees nothing. */
export function withPassword({ PGPASSWORD: password }: Env, url: string): string {
  if (!password || !URL.canParse(url)) return url;
  const address = new URL(url);
  // An address that is a socket's has no place for one.
  if (address.password !== "" || address.hostname === "") return url;
  address.password = encodeURIComponent(password);
  return address.href;
}

/** What of the database's address must never be seen. */
export function databaseSecrets(env: Env): readonly (string | undefined)[] {
  const url = databaseOf(env, undefined);
  return [...secretsOf(env.DATABASE_URL), ...secretsOf(url), env.PGPASSWORD];
}

/** A ledger that was moved, or not restored to its end, is not begun anew without anybody noticing. */
function refuseAbsent(home: string): void {
  refuseMoved(home);
  refuseHalf(join(home, "ledger.db"));
}

/** What a look at the database found; undefined where there is none. What makes a start impossible is thrown. */
export async function examineStore(env: Env, config: Pick<Config, "settings"> | undefined, home: string) {
  const url = databaseOf(env, config);
  if (url === undefined) {
    // What is not valid may name one.
    if (config) refuseAbsent(home);
    return undefined;
  }
  const { examineDatabase } = await import("../ledger/postgres/examine.ts");
  return examineDatabase(url);
}

/** Which version the ledger in a folder's file has, and whether it is damaged; undefined where there is none. Trouble with it is thrown. */
export function examineFile(home: string) {
  const path = join(home, "ledger.db");
  if (!existsSync(path)) return undefined;
  const found = versionOfFile(path);
  refuseNewer(found.version, path);
  return { ...found, ...damageIn(path) };
}

/** Whether a supervisor has worked in a folder, and neither its ledger is there nor a word of where it went. */
export function lacksFile(home: string): boolean {
  const path = join(home, "ledger.db");
  return (
    [path, halfOf(path), noteOfMove(home)].every((name) => !existsSync(name)) &&
    existsSync(join(home, "secret.key"))
  );
}

/** The ledger of a folder, or the database, only to be read. */
export async function openReader(home: string, url: string | undefined): Promise<LedgerReader> {
  if (url !== undefined) {
    const { openPostgresReader } = await import("../ledger/postgres/upkeep.ts");
    return openPostgresReader(url);
  }
  const path = join(home, "ledger.db");
  if (existsSync(path)) return openLedgerReader(path);
  refuseAbsent(home);
  throw new Refusal("not_found", `There is no ledger in ${home}.`, {
    hint: "Set HQ_HOME to the folder of the supervisor, or start one with `hq start`.",
  });
}

/** What moves a ledger into a database; loaded only where it is used. */
export function openMover() {
  return import("../ledger/postgres/move.ts");
}

/** Refuses an address that can be none, without a network. */
export function checkDatabase(env: Env, config: Pick<Config, "settings"> | undefined): void {
  const url = databaseOf(env, config);
  if (url !== undefined) readAddress(url);
}

/** Opens the ledger, and takes back what earlier lives held. Only this file knows which store it is. */
export async function openStore(options: AppOptions, base: Base, begin: Begin): Promise<OpenStore> {
  const holder = `${process.pid}-${randomUUID()}`;
  const url = databaseOf(options.env, base.config.current());
  if (url !== undefined) {
    // Loaded only where it is used: it is a part of the start and of the memory.
    const { openPostgresLedger } = await import("../ledger/postgres/postgres.ts");
    const ledger = await openPostgresLedger({ url });
    await begin({ name: "ledger", stop: ledger.close });
    const file = join(options.home, "ledger.db");
    if (existsSync(file))
      base.log.warn(
        { file },
        "the ledger is in the database, and this file is not used; hq store migrate moves one",
      );
    return joinLedger({ options, base, begin, ledger, holder });
  }
  refuseAbsent(options.home);
  const ledger = await openSqliteLedger({ path: join(options.home, "ledger.db"), now: base.now });
  await begin({ name: "ledger", stop: ledger.close });
  // The folder's lock says who leads; the lease only gives each life its own number. It ended long ago, so that a life
  // after the clock was set back finds none that still holds.
  const lease = await ledger.lease("coordinator", holder, -base.now());
  if (!lease) throw new Refusal("locked", "Another supervisor leads this ledger.");
  await ledger.release(lease.epoch);
  return { ledger, epoch: () => lease.epoch, holder };
}
