import { parentPort, workerData } from "node:worker_threads";
import { openScan, type Scan } from "./scan.ts";

/** Reads in a thread of its own, so that a long look holds nobody up. */
export type ScanJob = {
  readonly id: number;
  readonly name: Exclude<keyof Scan, "close">;
  readonly query: unknown;
};
export type ScanAnswer = { readonly id: number } & (
  | { readonly value: unknown }
  | { readonly error: { readonly message: string; readonly errcode?: unknown } }
);

const scan = openScan((workerData as { readonly path: string }).path);

parentPort?.on("message", ({ id, name, query }: ScanJob) => {
  try {
    const job = scan[name] as (query: unknown) => unknown;
    parentPort?.postMessage({ id, value: job(query) });
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const errcode = (thrown as { readonly errcode?: unknown }).errcode;
    parentPort?.postMessage({ id, error: { message, errcode } });
  }
});
