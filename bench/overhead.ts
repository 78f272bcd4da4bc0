/**
 * Overhead of a delegation, end to end, with agents that answer at once: asked → in the ledger → sent → handoff seen →
 * checked → settled. Against one Python process per delegation with inotify, in the same run and against the same gateway.
 *
 * usage: node bench/overhead.ts [--dir FOLDER] [--only LEVEL,…] [--jobs N] [--warm N] [--alone] [--quick]
 * --alone leaves the baseline out, --warm 0 the runs before the measured ones: for profiles and counts.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { AGENT_IDS } from "../test/support/core.ts";
import { startGateway, startProduct } from "./product.ts";
import { percentile, table } from "./report.ts";

const { values } = parseArgs({
  options: {
    dir: { type: "string", default: tmpdir() },
    only: { type: "string", default: "1,8,64,512" },
    jobs: { type: "string" },
    warm: { type: "string", default: "4000" },
    alone: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
  },
});
/** How many jobs tell enough at each level, ours and the baseline's. */
const JOBS: Readonly<Record<number, { readonly ours: number; readonly theirs: number }>> = {
  1: { ours: 2000, theirs: 20 },
  8: { ours: 8000, theirs: 48 },
  64: { ours: 20_000, theirs: 128 },
  512: { ours: 20_000, theirs: 512 },
};
const base = mkdtempSync(join(values.dir, "hq-bench-"));

/** Runs `count` jobs with `atOnce` under way; returns the time of each and of all, in ms. */
async function run(count: number, atOnce: number, job: (index: number) => Promise<boolean>) {
  const times: number[] = [];
  let next = 0;
  let failed = 0;
  const begin = performance.now();
  const lane = async () => {
    for (let index = next++; index < count; index = next++) {
      const from = performance.now();
      if (!(await job(index))) failed++;
      times.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, lane));
  return {
    perSecond: (count / (performance.now() - begin)) * 1000,
    p50: percentile(times, 50),
    p99: percentile(times, 99),
    failed,
  };
}

async function measureOurs(url: string, atOnce: number, count: number) {
  const home = join(base, `ours-${atOnce}`);
  const core = await startProduct(home, url);
  const job = async (index: number) => {
    const agent = AGENT_IDS[index % AGENT_IDS.length] ?? "webster";
    const { delegation } = await core.verbs.delegate(
      { kind: "operator" },
      { agent, objective: `Job ${index}`, origin: { door: "rest" } },
    );
    return (await core.verbs.wait(delegation.id, { timeoutMs: 60_000 })).status === "succeeded";
  };
  // Compiled before it is measured: a supervisor runs for weeks.
  await run(values.quick ? 500 : Number(values.warm), 64, job);
  const cpu = process.cpuUsage();
  const measured = await run(count, atOnce, job);
  const used = process.cpuUsage(cpu);
  await core.stop();
  return { ...measured, cpuMs: (used.user + used.system) / 1000 / count };
}

async function measureTheirs(url: string, atOnce: number, count: number) {
  const folder = join(base, `theirs-${atOnce}`);
  mkdirSync(folder, { recursive: true });
  return run(count, atOnce, async (index) => {
    const child = spawn(
      "python3",
      [
        join(import.meta.dirname, "baseline/orchestrate.py"),
        url,
        "t",
        folder,
        `orch-${index}`,
        "webster",
        "60",
      ],
      { stdio: ["ignore", "ignore", "ignore"] },
    );
    const [code] = (await once(child, "exit")) as [number | null];
    return code === 0;
  });
}

const rows: string[][] = [];
for (const atOnce of values.only.split(",").map(Number)) {
  const { ours, theirs } = JOBS[atOnce] ?? { ours: 5000, theirs: atOnce };
  const count = Number(values.jobs ?? (values.quick ? Math.ceil(ours / 10) : ours));
  const gateway = await startGateway();
  const mine = await measureOurs(gateway.url, atOnce, count);
  const row = [
    String(atOnce),
    mine.perSecond.toFixed(0),
    mine.p50.toFixed(2),
    mine.p99.toFixed(2),
    mine.cpuMs.toFixed(3),
    String(mine.failed),
  ];
  if (!values.alone) {
    const python = await measureTheirs(gateway.url, atOnce, values.quick ? Math.ceil(theirs / 4) : theirs);
    row.push(
      python.perSecond.toFixed(1),
      python.p50.toFixed(0),
      String(python.failed),
      `${(mine.perSecond / python.perSecond).toFixed(0)}×`,
    );
  }
  gateway.child.disconnect();
  rows.push(row);
}
rmSync(base, { recursive: true, force: true });
const head = ["at once", "ours /s", "p50 ms", "p99 ms", "cpu ms each", "failed"];
if (!values.alone) head.push("python /s", "p50 ms", "failed", "ratio");
console.log(table(head, rows));
