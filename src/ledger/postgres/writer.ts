import type { Client } from "pg";
import { type Connections, endSoon } from "./connect.ts";
import { concernsAll, explain, isLost, mayWorkAgain } from "./trouble.ts";
import { type Unit, unitText } from "./units.ts";

const MOST_UNITS = 500;
const MOST_CHARACTERS = 4 << 20;
const MOST_TRIES = 5;

type Waiting = {
  readonly text: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
};

export type Writer = {
  /** Written with all that is asked for meanwhile; resolves with what it came to after COMMIT. */
  readonly write: <T>(unit: Unit) => Promise<T>;
  /** Writes what is queued and ends the connection. */
  readonly close: () => Promise<void>;
};

/**
 * One statement after the other on one connection: what is asked for while one is under way goes with the next. A batch
 * whose answer was lost is sent again under its number, for `rideOutMs`, and is then answered by what it came to; after
 * that its writers are told that the database does not answer.
 */
export function createWriter(deps: {
  readonly connections: Connections;
  /** Names this writer among all, in this life and others. */
  readonly name: string;
  readonly rideOutMs: number;
}): Writer {
  const { connections, name, rideOutMs } = deps;
  const { place } = connections;
  let queue: Waiting[] = [];
  let client: Client | undefined;
  let batch = 0;
  let doubtful: number | undefined;
  let running: Promise<void> | undefined;
  let isClosed = false;

  function next(): readonly Waiting[] {
    let characters = 0;
    let count = 0;
    for (const { text } of queue) {
      characters += text.length;
      if (count > 0 && (count === MOST_UNITS || characters > MOST_CHARACTERS)) break;
      count++;
    }
    return queue.splice(0, count);
  }

  async function ask(units: string): Promise<readonly unknown[]> {
    client ??= await connections.connect();
    const write =
      doubtful === undefined
        ? { name: "write", text: "select write_1($1, $2, $3, null) as results", values: [name, batch, units] }
        : {
            name: "write-in-doubt",
            text: "select write_2($1, $2, $3, $4) as results",
            values: [name, batch, units, doubtful],
          };
    const { rows } = await client.query<{ results: readonly unknown[] }>(write);
    return rows[0]?.results ?? [];
  }

  async function drop(): Promise<void> {
    const lost = client;
    client = undefined;
    if (lost) await endSoon(lost.end());
  }

  /** One transaction, in as many tries as it needs. */
  async function transact(units: readonly Waiting[]): Promise<readonly unknown[]> {
    const text = `[${units.map((unit) => unit.text).join(",")}]`;
    const startedAt = performance.now();
    /** Of the last try that was lost: from then on, whatever fails says nothing of whether it was done. */
    let lost: unknown;
    batch++;
    for (let tries = 1; ; tries++) {
      try {
        const results = await ask(text);
        doubtful = undefined;
        return results;
      } catch (error) {
        if (isLost(error)) {
          lost = error;
          void drop();
        }
        if (lost === undefined) {
          if (tries >= MOST_TRIES || !mayWorkAgain(error)) throw error;
        } else if (performance.now() - startedAt >= rideOutMs) {
          doubtful ??= batch;
          throw lost;
        }
        await new Promise((resolve) => setTimeout(resolve, Math.min(500, 10 * 2 ** tries)));
      }
    }
  }

  /** A write that fails by itself leaves its neighbours alone: then each goes in a transaction of its own. */
  async function send(units: readonly Waiting[]): Promise<void> {
    try {
      const results = await transact(units);
      for (const [index, { resolve }] of units.entries()) resolve(results[index]);
    } catch (error) {
      if (units.length > 1 && !concernsAll(error) && !mayWorkAgain(error)) {
        for (const unit of units) await send([unit]);
        return;
      }
      const reason = explain(error, place);
      for (const { reject } of units) reject(reason);
    }
  }

  async function run(): Promise<void> {
    // All that this tick asks for goes together.
    await new Promise((resolve) => setImmediate(resolve));
    while (queue.length > 0) await send(next());
    running = undefined;
  }

  return {
    async write<T>(unit: Unit): Promise<T> {
      if (isClosed) throw new Error(`The ledger ${place} is closed.`);
      const text = unitText(unit);
      return await new Promise<T>((resolve, reject) => {
        queue.push({ text, resolve: resolve as (value: unknown) => void, reject });
        running ??= run();
      });
    },
    async close() {
      isClosed = true;
      await running;
      await drop();
    },
  };
}
