import type { DatabaseSync } from "node:sqlite";
import { concernsAll } from "./trouble.ts";

type Unit = {
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
};
type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: unknown };

/** With so many writes queued, more are about to come: they are waited for over so many turns of the event loop. */
const MANY = 4;
const TURNS = 4;

export type GroupCommit = {
  /**
   * Runs `unit` in the transaction that all writes of this tick share, and while many are under way those of the next
   * few ticks; resolves with its value after COMMIT returned.
   * A unit may run twice (never committed twice), so it changes nothing but the database.
   */
  readonly write: <T>(unit: () => T) => Promise<T>;
  /** Writes what is queued, now. */
  readonly flush: () => void;
};

export type GroupCommitParts = {
  readonly db: DatabaseSync;
  /** Last words of a transaction, before COMMIT. */
  readonly finish?: () => void;
  /** The transaction was undone: forget what its units noted. */
  readonly undone?: () => void;
  /** COMMIT returned. */
  readonly committed?: () => void;
  /** Told of an error that failed the whole transaction; returns what the writers get. */
  readonly failed?: (error: unknown) => unknown;
};

export function createGroupCommit({ db, finish, undone, committed, failed }: GroupCommitParts): GroupCommit {
  const begin = db.prepare("begin immediate");
  const commit = db.prepare("commit");
  let queue: Unit[] = [];

  function runAlone(unit: Unit): Outcome {
    db.exec("savepoint unit");
    try {
      const value = unit.run();
      db.exec("release unit");
      return { ok: true, value };
    } catch (reason) {
      if (concernsAll(reason) || !db.isTransaction) throw reason;
      db.exec("rollback to unit; release unit");
      return { ok: false, reason };
    }
  }

  /** One transaction. Savepoints only at the second try: they cost, and units rarely fail half-way. */
  function transact(units: readonly Unit[], apart: boolean): readonly Outcome[] {
    let unitFailed = false;
    begin.run();
    try {
      const outcomes: Outcome[] = [];
      for (const unit of units) {
        unitFailed = true;
        outcomes.push(apart ? runAlone(unit) : { ok: true, value: unit.run() });
        unitFailed = false;
      }
      finish?.();
      commit.run();
      return outcomes;
    } catch (error) {
      undone?.();
      if (db.isTransaction) db.exec("rollback");
      if (unitFailed && !apart && units.length > 1 && !concernsAll(error)) return transact(units, true);
      throw error;
    }
  }

  /** Waits in turns and not in time: with nothing else to do they take no time, so nobody alone waits for company. */
  function flushAfter(turns: number): void {
    if (turns > 0 && queue.length >= MANY) setImmediate(flushAfter, turns - 1);
    else flush();
  }

  function flush(): void {
    const units = queue;
    if (units.length === 0) return;
    queue = [];
    let outcomes: readonly Outcome[];
    try {
      outcomes = transact(units, false);
    } catch (error) {
      const reason = failed ? failed(error) : error;
      for (const unit of units) unit.reject(reason);
      return;
    }
    committed?.();
    for (const [index, outcome] of outcomes.entries()) {
      const unit = units[index];
      if (outcome.ok) unit?.resolve(outcome.value);
      else unit?.reject(outcome.reason);
    }
  }

  return {
    flush,
    write<T>(run: () => T): Promise<T> {
      if (queue.length === 0) setImmediate(flushAfter, TURNS);
      return new Promise<T>((resolve, reject) => {
        queue.push({ run, resolve: resolve as (value: unknown) => void, reject });
      });
    },
  };
}
