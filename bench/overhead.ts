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
import { findPython } from "./python.ts";
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
const MOST_SLICES = 4;
const base = mkdtempSync(join(values.dir, "hq-bench-"));

/** How long the agent took, in ms; undefined when the job failed. */
type Job = () => Promise<number | undefined>;

/** What was measured in several slices of one run. */
function createMeter() {
  const times: number[] = [];
  let failed = 0;
  let ms = 0;
  let cpuMs = 0;
  return {
    /** Does `count` jobs more with `atOnce` under way, and notes what each took beside its agent. */
    async run(count: number, atOnce: number, job: Job): Promise<void> {
      let next = 0;
      const cpu = process.cpuUsage();
      const begin = performance.now();
      const lane = async () => {
        while (next++ < count) {
          const from = performance.now();
          const took = await job();
          if (took === undefined) failed++;
          times.push(performance.now() - from - (took ?? 0));
        }
      };
      await Promise.all(Array.from({ length: Math.min(atOnce, count) }, lane));
      ms += performance.now() - begin;
      const { user, system } = process.cpuUsage(cpu);
      cpuMs += (user + system) / 1000;
    },
    read: () => ({
      perSecond: (times.length / ms) * 1000,
      p50: percentile(times, 50),
      p99: percentile(times, 99),
      cpuMs: cpuMs / times.length,
      failed,
    }),
  };
}

async function prepareOurs(url: string, level: string) {
  const core = await startProduct(join(base, `ours-${level}`), url);
  let index = 0;
  const job: Job = async () => {
    const agent = AGENT_IDS[index % AGENT_IDS.length] ?? "webster";
    const { delegation } = await core.verbs.delegate(
      { kind: "operator" },
      { agent, objective: `Job ${index++}`, origin: { door: "rest" } },
    );
    const { status, handoff } = await core.verbs.wait(delegation.id, { timeoutMs: 60_000 });
    return status === "succeeded" ? Number(handoff?.notes) : undefined;
  };
  return { job, stop: core.stop };
}

function prepareTheirs(url: string, level: string): Job {
  const folder = join(base, `theirs-${level}`);
  mkdirSync(folder, { recursive: true });
  const python = findPython();
  const program = join(import.meta.dirname, "baseline/orchestrate.py");
  let index = 0;
  return async () => {
    const child = spawn(python, [program, url, "t", folder, `orch-${index++}`, "webster", "60"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
    return code === 0 ? Number((JSON.parse(said) as { notes: string }).notes) : undefined;
  };
}

/** Slices of ours and of the baseline by turns, so that a machine that others use changes both sides. */
async function measure(level: string, atOnce: number, takesMs: number) {
  const jobs = JOBS[level] ?? { ours: 5000, theirs: atOnce };
  const share = values.quick ? 0.1 : 1;
  const ours = Number(values.jobs ?? Math.ceil(jobs.ours * share));
  const theirs = Math.ceil(jobs.theirs * (values.quick ? 0.25 : 1));
  const slices = Math.max(1, Math.min(MOST_SLICES, Math.floor(theirs / atOnce)));
  const gateway = await startGateway(takesMs);
  const product = await prepareOurs(gateway.url, level);
  const baseline = values.alone ? undefined : prepareTheirs(gateway.url, level);
  // Compiled before it is measured: a supervisor runs for weeks.
  await createMeter().run(values.quick ? 500 : Number(values.warm), Math.max(64, atOnce), product.job);
  const [our, their] = [createMeter(), createMeter()];
  for (let slice = 0; slice < slices; slice++) {
    await our.run(Math.ceil(ours / slices), atOnce, product.job);
    if (baseline) await their.run(Math.ceil(theirs / slices), atOnce, baseline);
  }
  await product.stop();
  gateway.child.disconnect();
  return { ours: our.read(), theirs: their.read() };
}

const rows: string[][] = [];
for (const level of values.only.split(",")) {
  const [atOnce = 1, takesMs = 0] = level.split(":").map(Number);
  const { ours, theirs } = await measure(level, atOnce, takesMs);
  const row = [
    String(atOnce),
    takesMs === 0 ? "nothing" : `${takesMs} ms`,
    ours.perSecond.toFixed(0),
    ours.p50.toFixed(2),
    ours.p99.toFixed(2),
    ours.cpuMs.toFixed(3),
    String(ours.failed),
  ];
  if (!values.alone) {
    row.push(
      theirs.perSecond.toFixed(1),
      theirs.p50.toFixed(0),
      String(theirs.failed),
      `${(ours.perSecond / theirs.perSecond).toFixed(0)}×`,
    );
  }
  rows.push(row);
}
rmSync(base, { recursive: true, force: true });
const head = ["at once", "agents take", "ours /s", "p50 ms", "p99 ms", "cpu ms each", "failed"];
if (!values.alone) head.push("python /s", "p50 ms", "failed", "ratio");
console.log(table(head, rows));
