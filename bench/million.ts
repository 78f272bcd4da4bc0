/**
 * A ledger with a million delegations: status and lists, start to ready, the answers of a supervisor on it, the audit of
 * the whole, and pruning beside the work. A ledger with a thousand of them, measured in the same run, is the baseline.
 *
 * usage: node bench/million.ts [--streams N] [--dir FOLDER]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { openLedgerReader } from "../src/ledger/scanner.ts";
import { openSqliteLedger } from "../src/ledger/sqlite.ts";
import { fillLedger } from "./fill.ts";
import { percentile, table } from "./report.ts";

const { values } = parseArgs({
  options: { streams: { type: "string", default: "1000000" }, dir: { type: "string", default: tmpdir() } },
});
const ROOT = resolve(import.meta.dirname, "..");
const BASE = 1000;
const LOOKS = 200;
const PRUNED = 2000;

type Figures = Readonly<Record<string, string>>;

async function msEach(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < LOOKS; i++) {
    const startedAt = performance.now();
    await work();
    times.push(performance.now() - startedAt);
  }
  return percentile(times, 50);
}

async function reads(path: string, figures: Map<string, string>): Promise<void> {
  const ledger = await openSqliteLedger({ path });
  const kind = "delegation";
  const middle = (await ledger.list({ kind, limit: 50 })).next ?? "";
  const cases: Readonly<Record<string, () => Promise<unknown>>> = {
    "status of one, ms": () => ledger.load("orch-000000777"),
    "newest 50, ms": () => ledger.list({ kind, limit: 50 }),
    "next 50, ms": () => ledger.list({ kind, limit: 50, before: middle }),
    "50 of one agent and status, ms": () =>
      ledger.list({ kind, agent: "webster", status: ["succeeded"], limit: 50 }),
    "open ones, none, ms": () => ledger.list({ kind, open: true, limit: 50 }),
    "counts, ms": () => ledger.counts(),
  };
  for (const [name, query] of Object.entries(cases)) figures.set(name, (await msEach(query)).toFixed(3));
  await ledger.close();
}

async function started(home: string): Promise<{ child: ChildProcess; api: string; ms: number }> {
  const begunAt = performance.now();
  const child = spawn(process.execPath, [join(ROOT, "bin/hq.js"), "start", "--json"], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      HQ_HOME: home,
      HQ_PORT: "0",
      HQ_GUILD_PORT: "0",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return { child, api: (JSON.parse(line) as { api: string }).api, ms: performance.now() - begunAt };
}

async function start(home: string, figures: Map<string, string>): Promise<void> {
  const times: number[] = [];
  for (let i = 0; i < 3; i++) {
    const { child, api, ms } = await started(home);
    times.push(ms);
    if (i === 2) {
      const key = readFileSync(join(home, "api.key"), "utf8").trim();
      const get = (path: string) =>
        fetch(`${api}/api/v1${path}`, { headers: { authorization: `Bearer ${key}` } }).then((answer) =>
          answer.text(),
        );
      figures.set(
        "GET /delegations/{id}, ms",
        (await msEach(() => get("/delegations/orch-000000777"))).toFixed(1),
      );
      figures.set("GET /delegations, ms", (await msEach(() => get("/delegations?limit=50"))).toFixed(1));
    }
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    await exited;
  }
  figures.set("start to ready p50, ms", percentile(times, 50).toFixed(0));
}

async function audit(path: string, figures: Map<string, string>): Promise<void> {
  const before = process.memoryUsage.rss();
  let most = before;
  const startedAt = performance.now();
  const reader = openLedgerReader(path);
  let found = 0;
  for (let after: string | undefined; ; ) {
    const page = await reader.audit({
      now: Date.now(),
      isRunning: true,
      limit: 500,
      ...(after ? { after } : {}),
    });
    found += page.findings.length;
    most = Math.max(most, process.memoryUsage.rss());
    after = page.next;
    if (after === undefined) break;
  }
  await reader.close();
  figures.set("audit of the ledger, s", ((performance.now() - startedAt) / 1000).toFixed(1));
  figures.set("audit, more memory, MB", ((most - before) / 1048576).toFixed(0));
  if (found > 0) throw new Error(`the audit found ${found}`);
}

/** Beside it, the longest time that nothing else could be done. */
async function prune(path: string, figures: Map<string, string>): Promise<void> {
  const ledger = await openSqliteLedger({ path });
  const before = Date.now();
  const page = await ledger.upkeep.prunable({ before, limit: Math.min(PRUNED, BASE / 2) });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const startedAt = performance.now();
  const { streams, events } = await ledger.upkeep.prune(page.streams, before);
  delay.disable();
  figures.set("pruning, delegations/s", ((streams / (performance.now() - startedAt)) * 1000).toFixed(0));
  figures.set("pruning, others wait p99, ms", (delay.percentile(99) / 1e6).toFixed(1));
  if (streams === 0 || events === 0) throw new Error("nothing was pruned");
  await ledger.close();
}

async function figuresOf(base: string, count: number): Promise<Figures> {
  const home = join(base, String(count));
  mkdirSync(home, { recursive: true });
  const path = join(home, "ledger.db");
  const figures = new Map<string, string>();
  await fillLedger(path, count);
  for (const measure of [() => reads(path, figures), () => start(home, figures), audit, prune]) {
    await measure(path, figures);
    // It takes minutes: what is known is told.
    console.error(count, Object.fromEntries(figures));
  }
  return Object.fromEntries(figures);
}

const base = mkdtempSync(join(values.dir, "hq-million-"));
try {
  const few = await figuresOf(base, BASE);
  const many = await figuresOf(base, Number(values.streams));
  const rows = Object.keys(few).map((name) => [name, few[name] ?? "", many[name] ?? ""]);
  console.log(table(["what", `${BASE} delegations`, `${values.streams} delegations`], rows));
} finally {
  rmSync(base, { recursive: true, force: true });
}
