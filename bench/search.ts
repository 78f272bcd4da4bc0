/**
 * How soon anything of a long history is found, how long the index takes, and what one step of it holds up.
 *
 *   node bench/search.ts [--dir <folder>] [--delegations <n>] [--days <n>] [--ledger <file that it made before>]
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createExpectations } from "../src/engine/expectations.ts";
import { createNow } from "../src/engine/now.ts";
import type { Commit, Ledger } from "../src/engine/ports/ledger.ts";
import { createSearching, type SearchQuery } from "../src/engine/searching.ts";
import { openSqliteLedger } from "../src/ledger/sqlite.ts";
import { AGENT_IDS } from "../test/support/core.ts";
import { percentile, table } from "./report.ts";

const { values } = parseArgs({
  options: {
    dir: { type: "string", default: tmpdir() },
    delegations: { type: "string", default: "1000000" },
    days: { type: "string", default: "90" },
    ledger: { type: "string" },
  },
});
const DELEGATIONS = Number(values.delegations);
const HISTORY_MS = Number(values.days) * 86_400_000;
const BEGIN = Date.now() - HISTORY_MS;
const AT_ONCE = 2000;
const OPEN = 300;
const ASKED = 40;
const MEASURED_STEPS = 600;
const MATERIALS = [
  "zerodur",
  "ule",
  "silicon carbide",
  "invar",
  "beryllium",
  "fused silica",
  "cfrp",
  "titanium",
];
const WISHES = [
  "Find the CTE of",
  "Compare the cost of",
  "Check the mass budget for",
  "Write a summary about",
];

/** The same numbers each time. */
function chance(seed: number): number {
  let mixed = Math.imul(seed ^ (seed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}
const pick = <T>(list: readonly T[], seed: number): T => list[Math.floor(chance(seed) * list.length)] as T;
/** A word of which there are many thousands, rare ones and common ones. */
const rare = (seed: number) => `w${Math.floor(chance(seed) ** 4 * 50_000).toString(36)}`;
const isOpen = (id: number) => id >= DELEGATIONS - OPEN;

function commitOf(id: number): Commit {
  const queuedAt = Math.round(BEGIN + (id / DELEGATIONS) * HISTORY_MS);
  const stream = `orch-${queuedAt.toString(36)}${(id * 7919).toString(36).padStart(8, "0")}`;
  const agent = pick(AGENT_IDS, id + 1);
  const status = isOpen(id) ? "queued" : chance(id + 2) < 0.03 ? "failed" : "succeeded";
  const objective = `${pick(WISHES, id)} ${pick(MATERIALS, id + 3)} for part ${id % 5000}, ${rare(id + 4)} ${rare(id + 5)}`;
  const result = Array.from({ length: 30 }, (_, i) => rare(id * 31 + i)).join(" ");
  const order = { id: stream, agent, objective, queuedAt, actor: { kind: "operator" }, attachments: [] };
  const outcome = { at: queuedAt + 60_000, problems: [], handoff: { result, notes: "", artifacts: [] } };
  const attempts = [{ attempt: 1, startBy: queuedAt + 3_600_000, sends: 1, deferrals: 0, ambiguous: false }];
  const event = (type: string, body: object) => ({ type, schema: 1, body: { type, ...body } });
  return {
    stream,
    kind: "delegation",
    status,
    agent,
    open: isOpen(id),
    expectedVersion: 0,
    events: [event("delegation.queued", { order }), event("delegation.settled", { at: outcome.at })],
    state: { order, status, attempts, handoffs: [], ...(isOpen(id) ? {} : { outcome }) },
    effects: [],
    cause: "bench",
    actor: "operator",
    at: queuedAt,
  };
}

async function fill(ledger: Ledger): Promise<void> {
  for (let first = 0; first < DELEGATIONS; first += AT_ONCE) {
    const last = Math.min(DELEGATIONS, first + AT_ONCE);
    await Promise.all(Array.from({ length: last - first }, (_, i) => ledger.commit(commitOf(first + i))));
  }
}

/** In ms. */
async function timesOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

const ms = (span: number) => span.toFixed(span < 10 ? 2 : 1);

const dir = mkdtempSync(join(values.dir, "hq-bench-search-"));
try {
  const path = values.ledger ?? join(dir, "ledger.db");
  const ledger = await openSqliteLedger({ path });
  const filledMs = await timesOf(async () => {
    if (values.ledger === undefined) await fill(ledger);
  });
  const bytes = statSync(path).size;
  console.log(
    `${DELEGATIONS} delegations in ${(filledMs / 1000).toFixed(0)} s, ${(bytes / 1e6).toFixed(0)} MB`,
  );

  const searching = createSearching({ ledger, now: () => performance.now() });
  // Steps as the supervisor takes them, for a while; the rest faster, since their number changes nothing.
  const faster = createSearching({ ledger, now: () => performance.now(), atOnce: 2000 });
  const steps: number[] = [];
  const worked: number[] = [];
  for (let isBehind = true; isBehind && steps.length < MEASURED_STEPS; ) {
    const cpu = process.cpuUsage();
    steps.push(
      await timesOf(async () => {
        isBehind = await searching.step();
      }),
    );
    const { user, system } = process.cpuUsage(cpu);
    worked.push((user + system) / 1000);
  }
  const indexedMs = await timesOf(async () => {
    while (await faster.step());
    while (await faster.keepOn());
  });
  const spread = (spans: readonly number[]) => [50, 99, 100].map((p) => ms(percentile(spans, p))).join(" / ");
  console.log(
    `steps of the index, p50 / p99 / longest: ${spread(steps)} ms by the clock, ${spread(worked)} ms of the processor; the rest in ${(indexedMs / 1000).toFixed(0)} s; ${((statSync(path).size - bytes) / 1e6).toFixed(0)} MB`,
  );

  const [event] = await ledger.events({ after: DELEGATIONS, limit: 1 });
  const middle = event?.stream ?? "";
  const questions: Readonly<Record<string, SearchQuery>> = {
    "a common word": { typed: "zerodur " },
    "three common words": { typed: "find cte zerodur " },
    "one letter of a word": { typed: "z" },
    "a rare word": { typed: `${rare(77)} ` },
    "a common and a rare word": { typed: `zerodur ${rare(78)} ` },
    "a whole id": { typed: middle },
    "the beginning of an id": { typed: middle.slice(0, 11) },
    "failed of one agent": { typed: "", statuses: ["failed"], agents: ["webster"] },
    "a word, failed, one agent": { typed: "titanium", statuses: ["failed"], agents: ["webster"] },
    "two words that meet nowhere": { typed: "zerodur titanium " },
    "nothing of that kind": { typed: "zerodur ", kinds: ["run"] },
    "newest of all": { typed: "" },
  };
  const rows: string[][] = [];
  for (const [name, query] of Object.entries(questions)) {
    const spans: number[] = [];
    let found = 0;
    for (let i = 0; i < ASKED; i++) {
      spans.push(
        await timesOf(async () => {
          found = (await searching.search(query)).items.length;
        }),
      );
    }
    spans.sort((a, b) => a - b);
    rows.push([
      name,
      String(found),
      ...[percentile(spans, 50), percentile(spans, 95), spans.at(-1) ?? 0].map(ms),
    ]);
  }
  console.log(table(["question", "found", "p50 ms", "p95 ms", "longest ms"], rows));

  const now = createNow({
    ledger,
    expectedMs: createExpectations({ ledger, now: Date.now }),
    agents: async () => [],
    health: async () => ({ ready: true, version: "0", mode: "local", startedAt: 0, checks: [] }),
    now: Date.now,
  });
  const looks: number[] = [];
  for (let i = 0; i < ASKED; i++) looks.push(await timesOf(now));
  looks.sort((a, b) => a - b);
  console.log(
    `GET /page/now with ${OPEN} open: p50 ${ms(percentile(looks, 50))} ms, longest ${ms(looks.at(-1) ?? 0)} ms`,
  );
  await ledger.close();
} finally {
  rmSync(dir, { recursive: true, force: true });
}
