/**
 * Finished tasks on their way into one channel, against the local guild with Discord's rate limits on: how long until
 * all of them are there, in how many messages, and how often Discord says 429. Beside it, in the same run, one message
 * each, which is what the first tool did; and a single result when nothing else waits.
 *
 * usage: node bench/posts.ts [--dir FOLDER] [--results 1000] [--baseline 40]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createDeliveries } from "../src/app/deliveries.ts";
import { createDiscordEdge } from "../src/discord/edge.ts";
import { createRegistry } from "../src/domain/agent-card.ts";
import type { Config } from "../src/domain/config.ts";
import { createEngine } from "../src/engine/accept.ts";
import { createLoop } from "../src/engine/loop.ts";
import type { ClaimedOf } from "../src/engine/perform.ts";
import type { Verbs } from "../src/engine/verbs.ts";
import { openSqliteLedger } from "../src/ledger/sqlite.ts";
import { createLocalGuild } from "../src/local/local-guild.ts";
import { DISCORD_RATES } from "../src/local/rate-limits.ts";
import { settingsOf } from "../test/support/core.ts";
import { table } from "./report.ts";

const { values } = parseArgs({
  options: {
    dir: { type: "string", default: tmpdir() },
    results: { type: "string", default: "1000" },
    baseline: { type: "string", default: "40" },
  },
});
const base = mkdtempSync(join(values.dir, "hq-bench-"));
const RESULT = "Zerodur expands less than ULE between 20 and 40 °C; both are fine for the mount. ".repeat(12);

type Measured = { readonly ms: number; readonly messages: number; readonly refused: number };

/** Lets `count` workers end, opens the Discord lane, and waits for the last result to be there. */
async function measure(name: string, count: number, batchAbove: number): Promise<Measured> {
  const guild = await createLocalGuild({ port: 0, rates: DISCORD_RATES });
  await guild.start();
  const ledger = await openSqliteLedger({ path: join(base, `${name}.db`) });
  const lease = await ledger.lease("coordinator", name, 1);
  const plain = settingsOf(base);
  const config: Config = {
    settings: { ...plain, discord: { ...plain.discord, batchAbove } },
    registry: createRegistry([]),
    acl: { name: "default", matrix: {}, never: [] },
    people: { roles: [], users: [] },
    contracts: [],
    files: [],
  };
  let refused = 0;
  const log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (_: object, message: string) => {
      if (/slow down/.test(message)) refused++;
    },
    error: console.error,
  };
  const crash = () => undefined;
  const now = Date.now;
  const engine = createEngine({ ledger, now, crash, onCommit: () => loop.join() });
  const isResult = ({ body }: ClaimedOf<"post">) =>
    "role" in body.delivery.to && body.delivery.to.role === "results";
  const loop = createLoop({
    ledger,
    holder: name,
    epoch: () => lease?.epoch ?? 1,
    now,
    capacity: () => count,
    perform: (effect) =>
      effect.body.type === "post" && isResult(effect as ClaimedOf<"post">)
        ? edge.perform.post(effect as ClaimedOf<"post">)
        : Promise.resolve({ kind: "done", outcome: "not measured" }),
    wake: () => Promise.resolve(),
    log,
    onBroken: console.error,
  });
  const verbs = {
    tasks: { tasks: () => Promise.resolve({ items: [] }) },
    interactions: { unfinished: () => Promise.resolve([]) },
    runs: { workflows: () => [] },
  } as unknown as Verbs;
  const edge = createDiscordEdge({
    token: "bench",
    api: guild.restApi,
    guildId: guild.guildId,
    commandsDir: join(import.meta.dirname, "../commands"),
    verbs,
    config: () => config,
    deliveries: createDeliveries({ engine, ledger, holder: name, crash, attachable: async () => [] }),
    memory: ledger,
    redact: (text) => text,
    onConnection: () => undefined,
    log,
    now,
    crash,
  });
  await edge.start();
  const all = Promise.withResolvers<void>();
  let posted = 0;
  engine.watch((events) => {
    for (const { body } of events) {
      const told = body as { type: string; delivery?: { members?: readonly string[] } };
      if (told.type === "delivery.part-posted") posted += told.delivery?.members?.length ?? 1;
    }
    if (posted >= count) all.resolve();
  });
  loop.start();
  await Promise.all(Array.from({ length: count }, (_, n) => finish(engine, n)));
  const begunAt = performance.now();
  loop.setLane("discord", true);
  await all.promise;
  const ms = performance.now() - begunAt;
  const messages = guild.inspect.messages("results").length;
  await loop.stop(5000);
  await edge.stop();
  await guild.stop();
  await ledger.close();
  return { ms, messages, refused };
}

async function finish(engine: ReturnType<typeof createEngine>, n: number): Promise<void> {
  const task = `task-${1_440_000_000_000_000_000n + BigInt(n)}`;
  const stream = `${task}.w1`;
  const at = Date.now();
  const accept = (input: Parameters<typeof engine.accept<"worker">>[0]["input"]) =>
    engine.accept({ kind: "worker", stream, input, cause: "bench" });
  await accept({
    type: "queue",
    work: {
      id: stream,
      taskOf: { task, try: 1 },
      agent: `agent-1771500000-${n}`,
      worker: "standard",
      model: "openrouter/moonshotai/kimi-k2.5",
      thinking: "medium",
      text: `Compare Zerodur and ULE for mirror ${n}`,
      timeoutMs: 120_000,
      reruns: 1,
      actor: { kind: "operator" },
      origin: { door: "discord" },
      card: { channel: "0" },
      queuedAt: at,
    },
  });
  await accept({ type: "begun", at, attempt: 1 });
  const usage = { inputTokens: 1000 + n, outputTokens: 200, usd: 0.0009 };
  const outcome = {
    status: "succeeded",
    result: RESULT,
    files: ["RESULT.txt"],
    folder: `/w/${n}`,
    usage,
  } as const;
  await accept({ type: "ended", at, attempt: 1, outcome });
}

const count = Number(values.results);
const few = Number(values.baseline);
const one = await measure("one", 1, 8);
const ours = await measure("ours", count, 8);
const each = await measure("each", few, Number.POSITIVE_INFINITY);
const row = (what: string, results: number, { ms, messages, refused }: Measured) => [
  what,
  String(results),
  String(messages),
  (ms / 1000).toFixed(2),
  (results / (ms / 1000)).toFixed(1),
  String(refused),
];
console.log(
  table(
    ["what", "results", "messages", "seconds", "results/s", "429s"],
    [
      row("a single result, idle", 1, one),
      row("many at once", count, ours),
      row("one message each", few, each),
    ],
  ),
);
rmSync(base, { recursive: true, force: true });
process.exit(ours.refused === 0 && ours.ms <= 5000 ? 0 : 1);
