/**
 * A process for one gateway: `node keeper.ts`, told what to keep by one line on its input. It leads a session of its
 * own, outlives whoever started it, and leaves its gateway running when it is killed: the next keeper finds it.
 */
import { readFileSync } from "node:fs";
import { type KeeperOrder, keep } from "./keep.ts";

const stop = new AbortController();
for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => stop.abort());
process.on("SIGHUP", () => undefined);
const [line, rest] = readFileSync(0, "utf8").split("\n");
// Whoever started us died before it had told everything.
if (line !== undefined && rest !== undefined) {
  await keep(JSON.parse(line) as KeeperOrder, stop.signal);
  // A pause that was cut short, or the watch of an adopted gateway, would hold the process.
  process.exit(0);
}
