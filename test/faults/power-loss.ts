import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { ROOT } from "../support/supervisor.ts";

const LINES = 160;
const CALL = /^(pwrite64|write|ftruncate|fsync|fdatasync|unlink)\((.*)\) += 0*\d+$/;

const bytesOf = (hex: string) => Buffer.from(hex.replaceAll("\\x", ""), "hex");
const textOf = (hex: string) => bytesOf(hex).toString();

/** Writers that acknowledge on stdout, killed after a while; every write and sync of theirs, in order. */
async function record(folder: string): Promise<string> {
  const trace = join(folder, "trace");
  const calls = "trace=pwrite64,write,ftruncate,fsync,fdatasync,unlink";
  const strace = ["-qq", "-y", "-xx", "-s", "1000000", "-e", calls, "-o", trace];
  const script = join(ROOT, "test/ledger/child.ts");
  const ledger = join(folder, "ledger.db");
  const child = spawn("strace", [...strace, process.execPath, script, "commit", ledger]);
  child.stderr.pipe(process.stderr);
  const closed = once(child, "close");
  let count = 0;
  for await (const line of createInterface(child.stdout)) {
    if (++count === LINES) process.kill(Number(/^run-(\d+)-/.exec(line)?.[1]), "SIGKILL");
  }
  await closed;
  return readFileSync(trace, "latin1");
}

type Image = { now: Buffer; synced: Buffer };

/** The disk as it would be found: what was synced of each file; and what had been acknowledged by then. */
function replay(
  trace: string,
  onLine: (files: Map<string, Image>, acknowledged: Map<string, number>) => void,
) {
  const files = new Map<string, Image>();
  const acknowledged = new Map<string, number>();
  for (const line of trace.split("\n")) {
    const [, call, args = ""] = CALL.exec(line) ?? [];
    if (call === undefined) continue;
    const [, path = "", text = "", ...numbers] =
      /^(?:\d+<([^>]*)>|"[^"]*")(?:, "([^"]*)")?(?:, (\d+))?(?:, (\d+))?/.exec(args) ?? [];
    const file = textOf(path);
    if (call === "write") {
      for (const [, stream = "", version] of textOf(text).matchAll(/(run-\S+) (\d)\n/g))
        acknowledged.set(stream, Math.max(acknowledged.get(stream) ?? 0, Number(version)));
    } else if (call === "unlink") {
      files.delete(textOf(args.slice(1, -1)));
    } else {
      const image = files.get(file) ?? { now: Buffer.alloc(0), synced: Buffer.alloc(0) };
      files.set(file, image);
      if (call === "pwrite64") image.now = written(image.now, bytesOf(text), Number(numbers[1]));
      else if (call === "ftruncate") image.now = sized(image.now, Number(numbers[0]));
      else image.synced = Buffer.from(image.now);
    }
    onLine(files, acknowledged);
  }
}

function sized(bytes: Buffer, length: number): Buffer {
  const next = Buffer.alloc(length);
  bytes.copy(next, 0, 0, length);
  return next;
}

function written(bytes: Buffer, more: Buffer, at: number): Buffer {
  const next = at + more.length > bytes.length ? sized(bytes, at + more.length) : bytes;
  more.copy(next, at);
  return next;
}

export type PowerLosses = {
  readonly losses: number;
  /** Writes and syncs that were recorded. */
  readonly calls: number;
  readonly acknowledged: number;
  readonly lost: readonly string[];
};

/**
 * Records what writers do to the disk, then takes the power away at about `cuts` moments of it: only what was synced by
 * then is left, and a ledger that opens it must know everything that had been acknowledged.
 */
export async function losePower(folder: string, cuts: number): Promise<PowerLosses> {
  const trace = await record(folder);
  let calls = 0;
  replay(trace, () => {
    calls++;
  });
  const finds: { readonly dir: string; readonly acknowledged: ReadonlyMap<string, number> }[] = [];
  let call = 0;
  replay(trace, (files, acknowledged) => {
    if (++call % Math.floor(calls / cuts) !== 0 || acknowledged.size === 0) return;
    const dir = join(folder, `cut-${call}`);
    mkdirSync(dir);
    for (const [path, { synced }] of files) writeFileSync(join(dir, path.split("/").at(-1) ?? ""), synced);
    finds.push({ dir, acknowledged: new Map(acknowledged) });
  });
  let looked = 0;
  const lost: string[] = [];
  for (const { dir, acknowledged } of finds) {
    const ledger = await openSqliteLedger({ path: join(dir, "ledger.db"), ballastBytes: 0 });
    for (const [stream, version] of acknowledged) {
      looked++;
      const found = (await ledger.load(stream))?.version ?? 0;
      if (found < version) lost.push(`${stream}: version ${version} was acknowledged, ${found} is there`);
    }
    await ledger.close();
    rmSync(dir, { recursive: true });
  }
  return { losses: finds.length, calls, acknowledged: looked, lost };
}
