/**
 * Overhead of a delegation, end to end: asked → in the ledger → sent → handoff seen → checked → settled, without the time
 * that the agent took. Against one Python process per delegation with inotify, in the same run and against the same gateway.
 *
 * usage: node bench/overhead.ts [--dir FOLDER] [--only LEVEL,…] [--jobs N] [--warm N] [--alone] [--quick]
 * A LEVEL is how many are under way at once, with agents that answer at once, or `<at once>:<ms that an agent takes>`.
 * --alone leaves the baseline out, --warm 0 the runs before the measured ones: for profiles and counts.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { AGENT_IDS } from "../test/support/core.ts";
import { startGateway, startProduct } from "./product.ts";
import { percentile, table } from "./report.ts";

const { values } = parseArgs({
  options: {
    dir: { type: "string", default: tmpdir() },
    only: { type: "string", default: "1,8,64,512,64:250,512:1000" },
    jobs: { type: "string" },
    warm: { type: "string", default: "4000" },
    alone: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
  },
});
/** How many jobs tell enough at each level, ours and the baseline's. */
const JOBS: Readonly<Record<string, { readonly ours: number; readonly theirs: number }>> = {
  "1": { ours: 2000, theirs: 20 },
  "8": { ours: 8000, theirs: 48 },
  "64": { ours: 20_000, theirs: 128 },
  "512": { ours: 20_000, theirs: 512 },
  "64:250": { ours: 5000, theirs: 128 },
  "512:1000": { ours: 10_000, theirs: 512 },
};
const base = mkdtempSync(join(values.dir, "hq-bench-"));

/** How long the agent took, in ms; undefined when the job failed. */
type Job = (index: number) => Promise<number | undefined>;

/** Runs `count` jobs with `atOnce` under way; returns what each took beside its agent, and all of them together, in ms. */
async function run(count: number, atOnce: number, job: Job) {
  const times: number[] = [];
  let next = 0;
  let failed = 0;
  const begin = performance.now();
  const lane = async () => {
    for (let index = next++; index < count; index = next++) {
      const from = performance.now();
      const took = await job(index);
      if (took === undefined) failed++;
      times.push(performance.now() - from - (took ?? 0));
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

async function measureOurs(url: string, level: string, atOnce: number, count: number) {
  const core = await startProduct(join(base, `ours-${level}`), url);
  const job: Job = async (index) => {
    const agent = AGENT_IDS[index % AGENT_IDS.length] ?? "webster";
    const { delegation } = await core.verbs.delegate(
      { kind: "operator" },
      { agent, objective: `Job ${index}`, origin: { door: "rest" } },
    );
    const { status, handoff } = await core.verbs.wait(delegation.id, { timeoutMs: 60_000 });
    return status === "succeeded" ? Number(handoff?.notes) : undefined;
  };
  // Compiled before it is measured: a supervisor runs for weeks.
  await run(values.quick ? 500 : Number(values.warm), Math.max(64, atOnce), job);
  const cpu = process.cpuUsage();
  const measured = await run(count, atOnce, job);
  const used = process.cpuUsage(cpu);
  await core.stop();
  return { ...measured, cpuMs: (used.user + used.system) / 1000 / count };
}

async function measureTheirs(url: string, level: string, atOnce: number, count: number) {
  const folder = join(base, `theirs-${level}`);
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
      { stdio: ["ignore", "pipe", "ignore"] },
    );
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
    return code === 0 ? Number((JSON.parse(said) as { notes: string }).notes) : undefined;
  });
}

const rows: string[][] = [];
for (const level of values.only.split(",")) {
  const [atOnce = 1, takesMs = 0] = level.split(":").map(Number);
  const { ours, theirs } = JOBS[level] ?? { ours: 5000, theirs: atOnce };
  const count = Number(values.jobs ?? (values.quick ? Math.ceil(ours / 10) : ours));
  const gateway = await startGateway(takesMs);
  const mine = await measureOurs(gateway.url, level, atOnce, count);
  const row = [
    String(atOnce),
    takesMs === 0 ? "nothing" : `${takesMs} ms`,
    mine.perSecond.toFixed(0),
    mine.p50.toFixed(2),
    mine.p99.toFixed(2),
    mine.cpuMs.toFixed(3),
    String(mine.failed),
  ];
  if (!values.alone) {
    const python = await measureTheirs(
      gateway.url,
      level,
      atOnce,
      values.quick ? Math.ceil(theirs / 4) : theirs,
    );
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
const head = ["at once", "agents take", "ours /s", "p50 ms", "p99 ms", "cpu ms each", "failed"];
if (!values.alone) head.push("python /s", "p50 ms", "failed", "ratio");
console.log(table(head, rows));
