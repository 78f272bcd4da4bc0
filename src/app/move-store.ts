import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../domain/config.ts";
import { type AuditReport, createFileAudit, reportOf } from "../engine/audit.ts";
import { newId } from "../kernel/id.ts";
import { Refusal } from "../kernel/refusal.ts";
import { holdHome } from "../ledger/lock.ts";
import { putAside, readMoved, writeMoved } from "../ledger/moved.ts";
import { auditOffline, leftoversOf } from "./audit.ts";
import { LOCK } from "./home.ts";
import { openMover } from "./store.ts";

export type MovePlace = {
  readonly home: string;
  readonly config: Config;
  readonly now: () => number;
};

export type MoveReport = {
  /** The database, without a password. */
  readonly to: string;
  readonly dry: boolean;
  /** Rows of each table. */
  readonly tables: Readonly<Record<string, number>>;
  readonly position: number;
  /** `audit --prove` of the file, and of the database. */
  readonly before?: AuditReport["counts"];
  readonly after?: AuditReport["counts"];
  /** Where the file is now. */
  readonly kept?: string;
  /** An earlier call had moved everything and was cut off before it could say so. */
  readonly wasThere?: true;
};

type Options = {
  readonly to: string;
  readonly dry: boolean;
  readonly onProgress: (text: string) => void;
};

/**
 * Moves the ledger of a folder into a database, with nobody working on it. Whoever is killed calls it again: the database
 * holds all or nothing, and an id that both sides note says which.
 */
export async function moveStore(place: MovePlace, options: Options): Promise<MoveReport> {
  const { home } = place;
  if (!existsSync(home)) throw noLedger(home);
  const hold = await holdHome({ path: join(home, LOCK), describe: { pid: process.pid } });
  if (!hold.ok) {
    throw new Refusal("locked", `A supervisor works in ${home}.`, {
      hint: "Stop it with `hq stop`, then move its ledger.",
    });
  }
  try {
    return await moveHeld(place, options);
  } finally {
    await hold.release();
  }
}

async function moveHeld(place: MovePlace, { to, dry, onProgress }: Options): Promise<MoveReport> {
  const { home, config, now } = place;
  const { holdsMove, moveIntoPostgres, placeOf } = await openMover();
  const ledger = join(home, "ledger.db");
  const target = placeOf(to);
  const note = readMoved(home);
  if (note && note.to !== target) {
    throw new Refusal(
      "invalid_input",
      `The ledger of ${home} was moved, or was to be moved, to ${note.to}.`,
      {
        hint: `Name that database. When it holds nothing of this ledger, take ${join(home, "ledger.moved.json")} away.`,
      },
    );
  }
  if (note && (await holdsMove(to, note.id))) {
    const kept = !dry && existsSync(ledger) ? putAside(ledger) : undefined;
    if (!dry) writeMoved(home, { ...note, state: "moved" });
    return { to: target, dry, tables: {}, position: 0, wasThere: true, ...(kept ? { kept } : {}) };
  }
  if (note?.state === "moved") {
    throw new Refusal(
      "invalid_input",
      `The ledger of ${home} was moved to ${target}, which does not hold it now.`,
      {
        hint: `Restore that database. To move the file anew, take ${join(home, "ledger.moved.json")} away.`,
      },
    );
  }
  if (!existsSync(ledger)) throw noLedger(home);

  onProgress("looking at the file");
  // Both are looked at as of one instant: what is late must not depend on how long the move takes.
  const startedAt = now();
  const at = new Date(startedAt).toISOString();
  const id = newId("move", startedAt);
  const before = await auditOffline({ home, config: () => config, now: () => startedAt }, { onProgress });
  let after: AuditReport["counts"] | undefined;
  const moved = await moveIntoPostgres(ledger, to, {
    id,
    dry,
    onProgress,
    async prove(upkeep) {
      const prove = createFileAudit({
        upkeep,
        leftovers: leftoversOf(() => config),
        isRunning: false,
        now: () => startedAt,
      });
      const { findings, rows, files } = await prove({ onProgress });
      after = reportOf(startedAt, {}, { findings, looked: { rows, files, messages: 0 } }).counts;
      refuseOther(before.counts, after);
    },
    beforeCommit: () => writeMoved(home, { state: "moving", id, to: target, at }),
  });
  const report = { to: target, dry, ...moved, before: before.counts, ...(after ? { after } : {}) };
  if (dry) return report;
  const kept = putAside(ledger);
  writeMoved(home, { state: "moved", id, to: target, at });
  return { ...report, kept };
}

function refuseOther(before: AuditReport["counts"], after: AuditReport["counts"]): void {
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  throw new Refusal(
    "ledger_trouble",
    `The copy proves otherwise than the file: ${JSON.stringify(after)} instead of ${JSON.stringify(before)}.`,
    { hint: "Nothing was moved, and the file is as it was. Make a backup (`hq backup`) and report this." },
  );
}

function noLedger(home: string): Refusal {
  return new Refusal("not_found", `There is no ledger in ${home}.`, {
    hint: "Set HQ_HOME to the folder of the supervisor.",
  });
}
