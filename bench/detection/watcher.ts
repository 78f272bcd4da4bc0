import { createInbox } from "../../src/handoffs/inbox.ts";

/**
 * The inbox in a process of its own. Prints "ready <start ms> <MB more than before>", and when its input ends
 * "<name> <ns>" for each file and "memory <MB more than before at most> <MB of live heap more>".
 * The third word, ms, blocks the loop for so long after the start.
 */
const [dir = "", mode = "watch", blockMs = "0"] = process.argv.slice(2);
const settings = {
  dir,
  keepInPlace: false,
  maxBytes: 1_048_576,
  quietMs: 5000,
  scanMs: 1000,
  sweepMs: 30_000,
  polling: mode === "poll",
  uploadMax: 1024 * 1024,
  uploadMaxTotal: 1024 * 1024,
};
const seen: string[] = [];
const silent = () => undefined;
const rssMb = () => process.memoryUsage().rss / 1_048_576;

const liveMb = () => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1_048_576;
};
const liveBefore = liveMb();
const before = rssMb();
let most = before;
const inbox = createInbox({
  settings: () => settings,
  agents: () => [],
  async sink({ source }) {
    const at = process.hrtime.bigint();
    seen.push(`${source.path.slice(source.path.lastIndexOf("/") + 1)} ${at}`);
    if (seen.length % 500 === 0) most = Math.max(most, rssMb());
    // A commit is not done in the same turn.
    await new Promise((resolve) => setImmediate(resolve));
  },
  memo: { recall: () => [], note: silent },
  now: Date.now,
  log: { debug: silent, info: silent, warn: console.error, error: console.error },
  crash: silent,
});
const begun = performance.now();
await inbox.start();
const startMs = performance.now() - begun;
process.stdout.write(`ready ${startMs.toFixed(1)} ${(rssMb() - before).toFixed(1)}\n`);
if (Number(blockMs) > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(blockMs));

process.stdin.resume();
await new Promise((resolve) => process.stdin.once("end", resolve));
most = Math.max(most, rssMb());
process.stdout.write(`${seen.join("\n")}\n`);
seen.length = 0;
const live = liveMb() - liveBefore;
process.stdout.write(`memory ${(most - before).toFixed(1)} ${live.toFixed(1)}\n`);
await inbox.stop();
