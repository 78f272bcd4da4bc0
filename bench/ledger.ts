/**
 * How fast the ledger writes and reads, against one transaction per commit in the same run.
 *
 *   node bench/ledger.ts [--dir <folder>] [--commits <n>] [--streams <n>]
 *
 * A commit here is one event, the folded state and one effect. Trust the ratios, not the absolute figures.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { writeLines } from "../src/domain/filing.ts";
import type { Commit } from "../src/engine/ports/ledger.ts";
import { openSqliteLedger } from "../src/ledger/sqlite.ts";

const { values } = parseArgs({
  options: {
    dir: { type: "string", default: tmpdir() },
    commits: { type: "string", default: "20000" },
    streams: { type: "string", default: "100000" },
    /** Only one writer, for counting its syncs: `<batch>` or `naive`. */
    only: { type: "string" },
  },
});
const COMMITS = Number(values.commits);
const SYNC_COMMITS = 640;

function commitOf(id: number): Commit {
  const stream = `orch-${id.toString().padStart(9, "0")}`;
  const agent = `agent-${id % 8}`;
  return {
    stream,
    kind: "delegation",
    status: "queued",
    agent,
    open: id % 100 === 0,
    expectedVersion: 0,
    events: [
      { type: "delegation.queued", schema: 1, body: { order: { id: stream, agent, objective: "measure" } } },
    ],
    state: { order: { id: stream, agent, objective: "measure" }, status: "queued", attempts: [] },
    effects: [writeLines([{ file: "project", line: stream }], 1)],
    cause: "bench",
    actor: "operator",
    at: 1_700_000_000_000,
  };
}

async function withFolder<T>(body: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(values.dir, "hq-bench-"));
  try {
    return await body(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const perSecond = (count: number, startedAt: number) => (count / (performance.now() - startedAt)) * 1000;

/** `batch` writers at once, each waiting for its own acknowledgment. Returns commits per second. */
function grouped(batch: number, commits: number): Promise<number> {
  return withFolder(async (dir) => {
    const ledger = await openSqliteLedger({ path: join(dir, "ledger.db") });
    const startedAt = performance.now();
    let next = 0;
    const writer = async () => {
      while (next < commits) await ledger.commit(commitOf(next++));
    };
    await Promise.all(Array.from({ length: batch }, writer));
    const rate = perSecond(commits, startedAt);
    await ledger.close();
    return rate;
  });
}

/** What one would write first: a transaction for each commit, with the same safety and the same rows. */
function naive(commits: number): Promise<number> {
  return withFolder(async (dir) => {
    const db = new DatabaseSync(join(dir, "naive.db"));
    db.exec(`
      pragma journal_mode = wal; pragma synchronous = full;
      create table event (position integer primary key, stream text, version integer, at integer, type text, body text, unique (stream, version));
      create table stream (id text primary key, kind text, status text, agent text, open integer, version integer, state text);
      create index stream_list on stream (kind, status, open);
      create table outbox (id text primary key, stream text, type text, body text, due_at integer, settled_at integer);
      create index outbox_due on outbox (due_at) where settled_at is null;
    `);
    const event = db.prepare("insert into event (stream, version, at, type, body) values (?, 1, ?, ?, ?)");
    const stream = db.prepare("insert into stream values (?, ?, ?, ?, ?, 1, ?)");
    const effect = db.prepare("insert into outbox values (?, ?, ?, ?, ?, null)");
    const startedAt = performance.now();
    for (let id = 0; id < commits; id++) {
      const { stream: name, kind, status, agent, open, events, state, effects, at } = commitOf(id);
      db.exec("begin immediate");
      for (const { type, body } of events) event.run(name, at, type, JSON.stringify(body));
      stream.run(name, kind, status, agent ?? null, open ? 1 : 0, JSON.stringify(state));
      for (const { body, dueAt } of effects)
        effect.run(`${name}@1#0`, name, body.type, JSON.stringify(body), dueAt);
      db.exec("commit");
    }
    const rate = perSecond(commits, startedAt);
    db.close();
    return rate;
  });
}

/** Syncs per commit, counted by strace; undefined where there is none. */
function syncsOf(writer: string): number | undefined {
  const args = ["-f", "-qq", "-e", "trace=fsync,fdatasync", process.execPath, import.meta.filename];
  const { status, stderr } = spawnSync("strace", [...args, "--dir", values.dir, "--only", writer], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (status !== 0) return undefined;
  return (stderr.match(/f(data)?sync\(/g)?.length ?? 0) / SYNC_COMMITS;
}

async function reads(streams: number): Promise<void> {
  await withFolder(async (dir) => {
    const ledger = await openSqliteLedger({ path: join(dir, "ledger.db") });
    for (let id = 0; id < streams; id += 1000)
      await Promise.all(
        Array.from({ length: Math.min(1000, streams - id) }, (_, i) => ledger.commit(commitOf(id + i))),
      );
    const middle = (await ledger.list({ kind: "delegation", limit: 50 })).next ?? "";
    const cases: Readonly<Record<string, () => Promise<unknown>>> = {
      "load one": () => ledger.load("orch-000000777"),
      "newest 50": () => ledger.list({ kind: "delegation", limit: 50 }),
      "next 50": () => ledger.list({ kind: "delegation", limit: 50, before: middle }),
      "open 50 of one agent": () =>
        ledger.list({ kind: "delegation", agent: "agent-0", open: true, limit: 50 }),
      "failed ones, none": () => ledger.list({ kind: "delegation", status: ["failed"], limit: 50 }),
      counts: () => ledger.counts(),
      "latest 50 events of a type": () =>
        ledger.events({ types: ["delegation.queued"], before: Number.MAX_SAFE_INTEGER, limit: 50 }),
      nextDue: () => ledger.nextDue(["any", "host"], () => 1),
    };
    console.log(`\nreading, ${streams.toLocaleString("en")} streams          ms each`);
    for (const [name, query] of Object.entries(cases)) {
      const startedAt = performance.now();
      for (let i = 0; i < 100; i++) await query();
      console.log(`${name.padEnd(36)}${((performance.now() - startedAt) / 100).toFixed(3).padStart(8)}`);
    }
    await ledger.close();
  });
}

async function main(): Promise<void> {
  if (values.only !== undefined) {
    if (values.only === "naive") await naive(SYNC_COMMITS);
    else await grouped(Number(values.only), SYNC_COMMITS);
    return;
  }
  const base = await naive(COMMITS / 10);
  const rows: (readonly [string, string, number])[] = [["one transaction per commit", "naive", base]];
  for (const batch of [1, 8, 64, 512]) {
    rows.push([
      `ledger, ${batch} at once`,
      String(batch),
      await grouped(batch, batch < 8 ? COMMITS / 4 : COMMITS),
    ]);
  }
  console.log(`writing in ${values.dir}        commits/s     ratio  syncs/commit`);
  for (const [name, writer, rate] of rows) {
    const syncs = syncsOf(writer)?.toFixed(3) ?? "?";
    const ratio = `${(rate / base).toFixed(1)}×`;
    console.log(
      `${name.padEnd(32)}${rate.toFixed(0).padStart(10)}${ratio.padStart(10)}${syncs.padStart(14)}`,
    );
  }
  await reads(Number(values.streams));
}

await main();
