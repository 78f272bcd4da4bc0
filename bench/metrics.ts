/**
 * How soon figures are there, whatever the size of the history, against a scan of the same ledger in the same run.
 *
 *   node bench/metrics.ts [--dir <folder>] [--delegations <n>] [--days <n>]
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import type { MetricsQuery } from "../src/domain/metrics-types.ts";
import type { Commit, Ledger } from "../src/engine/ports/ledger.ts";
import { openSqliteLedger } from "../src/ledger/sqlite.ts";
import { AGENT_IDS } from "../test/support/core.ts";
import { startProduct } from "./product.ts";
import { percentile, table } from "./report.ts";

const { values } = parseArgs({
  options: {
    dir: { type: "string", default: tmpdir() },
    delegations: { type: "string", default: "1000000" },
    days: { type: "string", default: "90" },
  },
});
const DELEGATIONS = Number(values.delegations);
const HISTORY_MS = Number(values.days) * 86_400_000;
const WORKFLOWS = ["design-review", "material-trade-study", "quick-research", "panel"];
const STATUSES = [
  "succeeded",
  "succeeded",
  "succeeded",
  "succeeded",
  "succeeded",
  "partial",
  "failed",
  "timed_out",
];
const AT_ONCE = 2000;
const ASKED = 40;

/** The same numbers each time, spread like those of a long day. */
function chance(seed: number): number {
  const mixed = Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d);
  return ((mixed ^ (mixed >>> 12)) >>> 0) / 2 ** 32;
}

function runCommit(name: string, at: number): Commit {
  return {
    ...bare(`wf-${name}`, at),
    kind: "run",
    status: "running",
    agent: name,
    open: true,
    state: {},
    events: [],
  };
}

function bare(stream: string, at: number) {
  return { stream, expectedVersion: 0, effects: [], cause: "bench", actor: "operator", at } as const;
}

/** A settled delegation with its result posted: four events of its own, and those of its delivery. */
function commitsOf(id: number, begin: number): readonly Commit[] {
  const stream = `orch-${id.toString(36).padStart(9, "0")}`;
  const queuedAt = Math.round(begin + (id / DELEGATIONS) * HISTORY_MS);
  const dispatchedAt = queuedAt + Math.round(Math.exp(3 + 6 * chance(id)));
  const settledAt = dispatchedAt + Math.round(Math.exp(8 + 4 * chance(id + 7)));
  const agent = AGENT_IDS[Math.floor(chance(id + 1) * AGENT_IDS.length)] ?? "webster";
  const status = STATUSES[Math.floor(chance(id + 3) * STATUSES.length)] ?? "succeeded";
  const workflow = chance(id + 5) < 0.5 ? WORKFLOWS[id % WORKFLOWS.length] : undefined;
  const order = {
    id: stream,
    agent,
    objective: "Find the CTE of Zerodur between 20 and 40 °C",
    queuedAt,
    deliver: true,
    ...(workflow ? { childOf: { run: `wf-${workflow}`, step: "one", generation: 1 } } : {}),
  };
  const handoff = {
    status: "complete",
    result: "0 ± 0.02 ppm/K",
    confidence: "high",
    ...(id % 3 === 0 ? { usage: { inputTokens: 900, outputTokens: 80, usd: 0.004 } } : {}),
  };
  const attempts = [{ attempt: 1, startBy: 0, dispatchedAt, sends: 1, deferrals: 0, ambiguous: false }];
  const outcome = { at: settledAt, handoff, problems: [] };
  const event = (type: string, body: object) => ({ type, schema: 1, body: { type, ...body } });
  const delivery = {
    id: `${stream}/result`,
    kind: "result",
    to: { role: "results" },
    subject: stream,
  } as const;
  const receipt = {
    delivery: delivery.id,
    part: 0,
    nonce: "n",
    channel: "1",
    message: String(id),
    postedAt: settledAt + Math.round(Math.exp(4 + 3 * chance(id + 9))),
  };
  return [
    {
      ...bare(stream, settledAt),
      kind: "delegation",
      status,
      agent,
      open: false,
      events: [
        event("delegation.queued", { order }),
        event("attempt.dispatched", { attempt: 1, at: dispatchedAt, deadlineAt: dispatchedAt }),
        event("handoff.seen", { at: settledAt, verdict: "accepted" }),
        event("delegation.settled", { ...outcome, status }),
      ],
      state: { order, status, attempts, outcome, handoffs: [] },
    },
    {
      ...bare(delivery.id, receipt.postedAt),
      kind: "delivery",
      status: "posted",
      open: false,
      events: [event("delivery.part-posted", { delivery, receipt, of: 1 })],
      state: { delivery, status: "posted", parts: [receipt], of: 1 },
      receipts: [receipt],
    },
  ];
}

async function fill(path: string, begin: number): Promise<void> {
  const ledger = await openSqliteLedger({ path });
  for (const name of WORKFLOWS) await ledger.commit(runCommit(name, begin));
  for (let id = 0; id < DELEGATIONS; id += AT_ONCE) {
    const ids = Array.from({ length: Math.min(AT_ONCE, DELEGATIONS - id) }, (_, i) => id + i);
    await Promise.all(ids.flatMap((one) => commitsOf(one, begin)).map(ledger.commit));
  }
  await ledger.close();
}

/** The same totals by reading every delegation, as one would without kept figures. Returns ms. */
function scan(path: string): number {
  const db = new DatabaseSync(path, { readOnly: true });
  const startedAt = performance.now();
  db.prepare(
    `select agent, status, count(*), avg(state ->> '$.outcome.at' - (state ->> '$.attempts[0].dispatchedAt')),
       sum(state ->> '$.outcome.handoff.usage.usd')
     from stream where kind = 'delegation' and open = 0 group by agent, status`,
  ).all();
  const tookMs = performance.now() - startedAt;
  db.close();
  return tookMs;
}

async function countAll(
  ledger: Ledger,
  countOn: () => Promise<boolean>,
): Promise<{ seconds: number; slowest: number }> {
  const startedAt = performance.now();
  let slowest = 0;
  for (let hasMore = true; hasMore; ) {
    const before = performance.now();
    hasMore = await countOn();
    slowest = Math.max(slowest, performance.now() - before);
  }
  const total = (await ledger.tallies.read({ span: "all", from: 0, until: 1, kind: "delegation" })).reduce(
    (sum, { figures }) => sum + (figures.counts["n"] ?? 0),
    0,
  );
  if (total !== DELEGATIONS) throw new Error(`${total} of ${DELEGATIONS} were counted`);
  return { seconds: (performance.now() - startedAt) / 1000, slowest };
}

const home = mkdtempSync(join(values.dir, "hq-bench-"));
try {
  const path = join(home, "ledger.db");
  console.error(`writing ${DELEGATIONS.toLocaleString("en")} delegations of ${values.days} days in ${home}`);
  await fill(path, Date.now() - HISTORY_MS);
  const product = await startProduct(home, "http://127.0.0.1:9");
  const { ledger, verbs } = product;
  const counted = await countAll(ledger, verbs.metrics.countOn);
  const queries: Readonly<Record<string, MetricsQuery>> = {
    everything: {},
    "last 24 hours": { sinceMs: 86_400_000 },
    "last 7 days": { sinceMs: 7 * 86_400_000 },
    "last 30 days": { sinceMs: 30 * 86_400_000 },
    "everything of one agent": { agent: "webster" },
  };
  const scanned = Math.min(scan(path), scan(path));
  const rows: (readonly string[])[] = [];
  for (const [name, query] of Object.entries(queries)) {
    const times: number[] = [];
    for (let i = 0; i < ASKED; i++) {
      const startedAt = performance.now();
      await verbs.metrics.read(query);
      times.push(performance.now() - startedAt);
    }
    const median = percentile(times, 50);
    rows.push([
      name,
      median.toFixed(1),
      percentile(times, 95).toFixed(1),
      `${(scanned / median).toFixed(0)}×`,
    ]);
  }
  console.log(
    table([`metrics of ${DELEGATIONS.toLocaleString("en")}`, "p50 ms", "p95 ms", "scan takes"], rows),
  );
  console.log(
    `\none scan: ${scanned.toFixed(0)} ms; ledger: ${(statSync(path).size / 2 ** 30).toFixed(1)} GiB`,
  );
  const rate = (DELEGATIONS / counted.seconds).toFixed(0);
  console.log(
    `counted from the beginning: ${rate} delegations/s, the slowest page ${counted.slowest.toFixed(1)} ms`,
  );
  await product.stop();
} finally {
  rmSync(home, { recursive: true, force: true });
}
