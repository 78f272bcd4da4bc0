/**
 * Start to ready and idle memory of the whole product in local mode (guild, sample agents, Discord edge), and how long
 * a ledger takes to be usable again after its writer was killed. The baseline is a bare Node on the same machine.
 *
 * usage: node bench/start.ts [--runs N] [--idle SECONDS] [--dir FOLDER]
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { writeLines } from "../src/domain/filing.ts";
import type { ClaimRequest } from "../src/engine/ports/ledger.ts";
import { openSqliteLedger } from "../src/ledger/sqlite.ts";
import { percentile, table } from "./report.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    idle: { type: "string", default: "10" },
    dir: { type: "string", default: tmpdir() },
    /** Only the writer of the recovery, in this folder. */
    write: { type: "string" },
  },
});
const ROOT = resolve(import.meta.dirname, "..");
const OPEN_RUNS = 10_000;

type Started = { readonly child: ChildProcess; readonly readyMs: number };

async function start(home: string): Promise<Started> {
  const begunAt = performance.now();
  const child = spawn(process.execPath, [join(ROOT, "bin/hq.js"), "start", "--json"], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, HQ_HOME: home, HQ_PORT: "0", HQ_GUILD_PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(createInterface({ input: child.stdout }), "line");
  return { child, readyMs: performance.now() - begunAt };
}

async function stop(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

/** Resident set in MB, as the system counts it. */
function residentMb(pid: number | undefined): number {
  const kb = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kb) / 1024;
}

function bareStartMs(): number {
  const begunAt = performance.now();
  spawnSync(process.execPath, ["-e", "0"]);
  return performance.now() - begunAt;
}

async function bareMb(idleMs: number): Promise<number> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => undefined, 1000)"]);
  await pause(idleMs);
  const mb = residentMb(child.pid);
  await stop(child);
  return mb;
}

const CLAIM: ClaimRequest = {
  holder: "bench",
  epoch: 1,
  lanes: ["host"],
  now: 2,
  limit: 1,
  holdMs: 600_000,
  capacity: () => 1,
};

/** Writes open runs, each with work that is begun, and is killed in the middle of it. */
async function writeAndDie(dir: string): Promise<void> {
  const ledger = await openSqliteLedger({ path: join(dir, "ledger.db") });
  for (let id = 0; ; id++) {
    const stream = `orch-${id}`;
    void ledger.commit({
      stream,
      kind: "delegation",
      status: "dispatched",
      agent: `agent-${id % 8}`,
      open: true,
      expectedVersion: 0,
      events: [{ type: "delegation.queued", schema: 1, body: { order: { id: stream } } }],
      state: { order: { id: stream }, status: "dispatched" },
      effects: [writeLines([{ file: "project", line: stream }], 1)],
      cause: "bench",
      actor: "operator",
      at: 2,
    });
    void ledger.claim(CLAIM);
    if (id % 100 === 99) await ledger.recall("nothing").then(() => pause(0));
    if (id === OPEN_RUNS) process.kill(process.pid, "SIGKILL");
  }
}

async function recover(base: string): Promise<{ ms: number; released: number }> {
  const dir = join(base, "recovery");
  mkdirSync(dir);
  await once(spawn(process.execPath, [import.meta.filename, "--write", dir], { stdio: "inherit" }), "exit");
  const begunAt = performance.now();
  const ledger = await openSqliteLedger({ path: join(dir, "ledger.db") });
  const released = await ledger.release(2);
  const ms = performance.now() - begunAt;
  await ledger.close();
  return { ms, released };
}

async function main(): Promise<void> {
  if (values.write !== undefined) return writeAndDie(values.write);
  const base = mkdtempSync(join(values.dir, "hq-bench-"));
  const idleMs = Number(values.idle) * 1000;
  try {
    const home = join(base, "home");
    const first = await start(home);
    await stop(first.child);
    const times: number[] = [];
    const bare: number[] = [];
    const idleMb: number[] = [];
    for (let i = 0; i < Number(values.runs); i++) {
      bare.push(bareStartMs());
      const { child, readyMs } = await start(home);
      times.push(readyMs);
      await pause(idleMs);
      idleMb.push(residentMb(child.pid));
      await stop(child);
    }
    const bareIdleMb = await bareMb(idleMs);
    const recovered = await recover(base);
    console.log(
      table(
        ["what", "bare Node", "hq, local mode"],
        [
          ["first start to ready, ms", "", first.readyMs.toFixed(0)],
          ["start to ready p50, ms", percentile(bare, 50).toFixed(0), percentile(times, 50).toFixed(0)],
          ["start to ready, slowest, ms", Math.max(...bare).toFixed(0), Math.max(...times).toFixed(0)],
          [
            `resident after ${values.idle} s idle p50, MB`,
            bareIdleMb.toFixed(0),
            percentile(idleMb, 50).toFixed(0),
          ],
          ["the same, most", "", Math.max(...idleMb).toFixed(0)],
          [`ledger usable after a kill, ${recovered.released} begun, ms`, "", recovered.ms.toFixed(0)],
        ],
      ),
    );
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

await main();
