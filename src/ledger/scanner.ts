import { Worker } from "node:worker_threads";
import type { Upkeep } from "../engine/ports/upkeep.ts";
import type { Scan } from "./scan.ts";
import type { ScanAnswer, ScanJob } from "./scan-thread.ts";
import { explain } from "./trouble.ts";
import { refuseOther, versionOfFile } from "./version.ts";

/** A thread that nobody asked for so long gives its memory back. */
const REST_MS = 30_000;

type Waiting = { readonly resolve: (value: unknown) => void; readonly reject: (reason: unknown) => void };

/** Looks at a ledger from a thread of its own, which is there only while somebody asks. */
export function createScanner(path: string) {
  const waiting = new Map<number, Waiting>();
  let thread: Worker | undefined;
  let rest: NodeJS.Timeout | undefined;
  let jobs = 0;
  let isClosed = false;

  function start(): Worker {
    const made = new Worker(new URL("./scan-thread.ts", import.meta.url), { workerData: { path }, env: {} });
    made.unref();
    made.on("message", (answer: ScanAnswer) => {
      const job = waiting.get(answer.id);
      waiting.delete(answer.id);
      if ("value" in answer) job?.resolve(answer.value);
      else
        job?.reject(
          explain(Object.assign(new Error(answer.error.message), { errcode: answer.error.errcode }), path),
        );
      if (waiting.size === 0) restSoon();
    });
    made.on("error", (error) => fail(made, explain(error, path)));
    made.on("exit", () => fail(made, new Error(`what reads the ledger ${path} has ended`)));
    return made;
  }

  function fail(ended: Worker, reason: unknown): void {
    if (thread !== ended) return;
    thread = undefined;
    for (const job of waiting.values()) job.reject(reason);
    waiting.clear();
  }

  function restSoon(): void {
    thread?.unref();
    clearTimeout(rest);
    rest = setTimeout(() => void end(), REST_MS).unref();
  }

  async function end(): Promise<void> {
    clearTimeout(rest);
    const ended = thread;
    thread = undefined;
    await ended?.terminate();
  }

  function ask<Name extends ScanJob["name"]>(
    name: Name,
    query?: Parameters<Scan[Name]>[0],
  ): Promise<ReturnType<Scan[Name]>> {
    if (isClosed) return Promise.reject(new Error(`The ledger ${path} is closed.`));
    clearTimeout(rest);
    thread ??= start();
    thread.ref();
    const id = ++jobs;
    const job: ScanJob = { id, name, query };
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve: resolve as Waiting["resolve"], reject });
      thread?.postMessage(job);
    });
  }

  return {
    ask,
    async close() {
      isClosed = true;
      await end();
      for (const job of waiting.values()) job.reject(new Error(`The ledger ${path} is closed.`));
      waiting.clear();
    },
  };
}

export type Scanner = ReturnType<typeof createScanner>;

/** What can be asked of a ledger that nobody writes to from here. */
export type LedgerReader = Pick<
  Upkeep,
  "audit" | "receipts" | "standings" | "events" | "streams" | "prunable" | "size" | "close"
>;

export function createReader({ ask, close }: Scanner): LedgerReader {
  return {
    audit: (query) => ask("audit", query),
    receipts: (query) => ask("receipts", query),
    standings: (streams) => ask("standings", streams),
    events: (query) => ask("events", query),
    streams: (query) => ask("streams", query),
    prunable: (query) => ask("prunable", query),
    size: () => ask("size"),
    close,
  };
}

/** A ledger that is only read, also while a supervisor writes to it. */
export function openLedgerReader(path: string): LedgerReader {
  refuseOther(versionOfFile(path).version, path);
  return createReader(createScanner(path));
}
