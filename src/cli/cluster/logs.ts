import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { systemdEnv } from "../../agents/cluster/environment.ts";
import { lastLines, readFrom } from "../../agents/cluster/log-file.ts";
import { unitOf } from "../../agents/cluster/units.ts";
import type { Io } from "../io.ts";
import { jsonText, plainText } from "../print.ts";
import { type Instance, readCluster } from "./here.ts";
import { findWays, madeInstances } from "./ways.ts";

export type LogsOptions = { readonly lines: number; readonly follow?: true; readonly json?: true };

const INTERRUPTED = 130;
const LOOK_EVERY_MS = 250;

/** What the gateways said, of each its last lines; with several each line begins with the agent. */
export async function runLogs(io: Io, words: readonly string[], options: LogsOptions): Promise<number> {
  const cluster = readCluster(io, words);
  const instances = madeInstances(cluster, words);
  const ways = await findWays(io);
  const leaving = new AbortController();
  const stopListening = io.onInterrupt(() => leaving.abort());
  const head = instances.length === 1 ? () => "" : (id: string) => `${id} | `;
  const write = (id: string) => (line: string) =>
    io.out(options.json ? `${jsonText({ agent: id, line }, 0)}\n` : plainText(`${head(id)}${line}`));
  try {
    // One after the other without --follow, so that each stays together.
    const read = (instance: Instance) => {
      const isUnit = ways.of(instance) === "systemd";
      return (isUnit ? readJournal : readLog)(io, instance, options, write(instance.id), leaving.signal);
    };
    if (options.follow) await Promise.all(instances.map(read));
    else for (const instance of instances) await read(instance);
    return leaving.signal.aborted ? INTERRUPTED : 0;
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
    return INTERRUPTED;
  } finally {
    stopListening();
  }
}

type Read = (
  io: Io,
  instance: Instance,
  options: LogsOptions,
  write: (line: string) => void,
  signal: AbortSignal,
) => Promise<void>;

const readLog: Read = async (io, { id, place }, options, write, signal) => {
  const tail = lastLines(place.log, options.lines);
  for (const line of tail.lines) write(line);
  if (!options.follow) {
    if (tail.end === 0 && tail.lines.length === 0) io.err(`${id} has said nothing yet (${place.log}).\n`);
    return;
  }
  let { end } = tail;
  let rest = Buffer.alloc(0);
  for (;;) {
    await pause(LOOK_EVERY_MS, undefined, { signal });
    const more = readFrom(place.log, end);
    end = more.end;
    const bytes = Buffer.concat([rest, more.bytes]);
    const last = bytes.lastIndexOf("\n");
    rest = Buffer.from(bytes.subarray(last + 1));
    if (last >= 0) for (const line of bytes.subarray(0, last).toString("utf8").split("\n")) write(line);
  }
};

const readJournal: Read = async (io, { id }, options, write, signal) => {
  const args = ["--user", "--unit", unitOf(id), "--lines", String(options.lines), "--no-pager"];
  const more = ["--output", "short-iso", ...(options.follow ? ["--follow"] : [])];
  const journal = spawn("journalctl", [...args, ...more], {
    env: systemdEnv(io.env),
    stdio: ["ignore", "pipe", "pipe"],
    signal,
  });
  createInterface(journal.stdout).on("line", write);
  createInterface(journal.stderr).on("line", (line) => io.err(plainText(line)));
  await once(journal, "close");
};
