import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { Holder } from "./claim.ts";

/** How the process of a gateway ended. */
export type Exit = {
  readonly at: number;
  readonly code?: number;
  readonly signal?: string;
  /** It could not be started at all: ENOENT, EACCES. */
  readonly error?: string;
};

/** What a keeper writes down for whoever asks, and for the keeper after it. */
export type InstanceRecord = {
  readonly state: "running" | "waiting" | "stopping" | "stopped" | "failed";
  readonly since: number;
  readonly keeper: Holder;
  readonly gateway?: Holder;
  /** How often it was started again since it was asked for. */
  readonly restarts: number;
  readonly lastExit?: Exit;
  /** Why it waits or has failed, for people. */
  readonly reason?: string;
};

/** The old record or the new one, never a part. */
export function writeRecord(path: string, record: InstanceRecord): void {
  const half = `${path}.${process.pid}.tmp`;
  const file = openSync(half, "w", 0o600);
  try {
    writeFileSync(file, `${JSON.stringify(record, undefined, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(half, path);
}

/** Undefined when it never ran. */
export function readRecord(path: string): InstanceRecord | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as InstanceRecord;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`${path} cannot be read; move it away`, { cause: error });
  }
}
