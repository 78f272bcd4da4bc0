import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Agent, getGlobalDispatcher, Pool, setGlobalDispatcher } from "undici";
import { untilQuiet } from "../chaos/load.ts";
import { judge, type Verdict } from "../chaos/verdict.ts";
import { createWorld } from "../chaos/world.ts";
import { AGENT_IDS } from "../support/core.ts";
import { type Supervisor, startSupervisor } from "../support/supervisor.ts";
import { COLLECTABLE, openCollector } from "./collector.ts";
import { createWatch, filesOf, type Look, sizesOf } from "./process.ts";
import { passes, type Tally, troubleDiscord, troubledAgents } from "./troubles.ts";

/** `live`: bytes of its objects and buffers. */
export type Collected = Look & { readonly live: number };

export type Soaked = {
  readonly ids: readonly string[];
  /** The load that counts: from when it was warm to the last that was asked. */
  readonly counted: { readonly from: number; readonly until: number };
  /** Bytes that it held with nothing under way: when it was warm, and at the end. */
  readonly rest: { readonly warm: number; readonly end: number };
  readonly verdict: Verdict;
  readonly looks: readonly Look[];
  /** Right after the garbage was collected. */
  readonly collected: readonly Collected[];
  /** Which trouble was made how often. */
  readonly troubles: Tally;
  /** What lies in HQ_HOME at the end. */
  readonly sizes: ReturnType<typeof sizesOf>;
  /** Settled delegations by how long they took, for percentiles. */
  readonly tookMs: readonly number[];
  /** Open files when nothing had been asked, and when all was settled and connections had been closed again. */
  readonly idleFiles: number;
  readonly filesAfter: number;
};

/** The memory of `npm start`: the same limit of the young generation. */
const FOLLOW_MS = 60_000;
const READ_MS = 1000;
const CLIENTS = 8;
const REST_LOOKS = 15;
const MOST_IDLE_LOOKS = 120;
/** An idle supervisor has a few connections more or less: it asks its agents how they are. */
export const IDLE_SLACK = 8;

/**
 * One supervisor with eight gateways and a guild that make trouble, asked for `perSecond` delegations a second. Clients
 * wait for each, one follows the events, one reads lists. Its memory and files are looked at each `lookMs`. When it is
 * warm, nothing new is asked until all is settled: so it is known what it holds at rest, then and at the end.
 */
export async function soak(plan: {
  readonly folder: string;
  /** How long it warms up first: what is compiled, cached and pooled then stays. */
  readonly warmMs: number;
  readonly forMs: number;
  readonly perSecond: number;
  readonly lookMs: number;
  /** How often its garbage is collected, after which it is looked at once more. */
  readonly collectMs: number;
  readonly seed: number;
  /** Whether some requests to agents are never answered: each takes half a minute. */
  readonly hangs?: boolean;
  /** Told after each collection, with how many were asked and are settled. */
  readonly onCollected?: (collected: Collected, asked: number, settled: number) => void;
  /** Called at the end while the supervisor still runs. */
  readonly atEnd?: (supervisor: Supervisor, home: string) => Promise<void>;
}): Promise<Soaked> {
  const troubles: Tally = new Map();
  const behaviour = troubledAgents(plan.seed, troubles, plan.hangs ?? true);
  const world = await createWorld(plan.folder, { behaviour, concurrency: 64 });
  const ids: string[] = [];
  const tookMs: number[] = [];
  const looks: Look[] = [];
  const collected: Collected[] = [];
  const counted = { from: 0, until: 0 };
  const rest = { warm: 0, end: 0 };
  const over = new AbortController();
  const begun = new Map<string, number>();
  const told = new Set<string>();
  const supervisor = await startSupervisor(world.home, { ...world.env, NODE_OPTIONS: COLLECTABLE });
  const authorization = `Bearer ${readFileSync(join(world.home, "api.key"), "utf8").trim()}`;
  const clients = new Pool(supervisor.ready.api, { connections: CLIENTS, keepAliveTimeout: 600_000 });
  const watch = createWatch(supervisor.ready.pid);
  const collector = await openCollector(supervisor);
  try {
    const idleFiles = await idle(supervisor);
    const beside = Promise.all([
      troubleDiscord(world.guild, troubles, over.signal),
      follow(supervisor.ready.api, authorization, over.signal, (id) => {
        told.add(id);
        settle(id);
      }),
      read(supervisor, over.signal),
      look(),
      collect(),
    ]);
    await Promise.race([warmAndLoad(), beside, leftEarly(supervisor)]);
    over.abort();
    await beside;
    await collector.close();
    await untilQuiet(supervisor, ids);
    const verdict = await judge(world, supervisor, ids);
    await plan.atEnd?.(supervisor, world.home);
    await clients.close();
    // What was asked by fetch keeps its connections for a minute, too.
    await getGlobalDispatcher().close();
    setGlobalDispatcher(new Agent());
    const filesAfter = await idle(supervisor, idleFiles);
    const sizes = sizesOf(world.home);
    await supervisor.stop();
    return { ids, counted, rest, verdict, looks, collected, troubles, sizes, tookMs, idleFiles, filesAfter };
  } finally {
    over.abort();
    supervisor.child.kill("SIGKILL");
    await world.stop();
  }

  async function warmAndLoad(): Promise<void> {
    await load(plan.warmMs);
    rest.warm = await heldAtRest();
    counted.from = Date.now();
    await load(plan.forMs);
    counted.until = Date.now();
    rest.end = await heldAtRest();
  }

  async function load(forMs: number): Promise<void> {
    const begin = performance.now();
    const first = ids.length;
    let last = Promise.resolve();
    for (let n = 0; performance.now() - begin < forMs; n++) {
      const asking = ask(first + n);
      const before = last;
      last = before.then(() => asking);
      await pause(Math.max(0, begin + ((n + 1) * 1000) / plan.perSecond - performance.now()));
    }
    await last;
  }

  /** Bytes when all is settled, the least of a few looks: it asks agents how they are, which comes and goes. */
  async function heldAtRest(): Promise<number> {
    while (tookMs.length < ids.length) await pause(READ_MS);
    let least = Number.POSITIVE_INFINITY;
    for (let looks = 0; looks < REST_LOOKS; looks++) {
      least = Math.min(least, await collector.collect());
      await pause(READ_MS);
    }
    return least;
  }

  async function ask(n: number): Promise<void> {
    const begin = performance.now();
    const agent = AGENT_IDS[1 + (n % (AGENT_IDS.length - 1))];
    const asked = { agent, objective: `job ${n}`, timeout: "120s", retries: 3 };
    const { statusCode, body } = await clients.request({
      method: "POST",
      path: "/api/v1/delegations",
      headers: { authorization, "content-type": "application/json", "idempotency-key": `soak-${n}` },
      body: JSON.stringify(asked),
    });
    const { id } = (await body.json()) as { id: string };
    if (statusCode !== 201) throw new Error(`asked ${n}: ${statusCode}`);
    ids.push(id);
    begun.set(id, begin);
    settle(id);
  }

  /** A settlement may be told before its delegation's id came back to who asked. */
  function settle(id: string): void {
    const begin = begun.get(id);
    if (begin === undefined || !told.has(id)) return;
    begun.delete(id);
    told.delete(id);
    tookMs.push(performance.now() - begin);
  }

  async function look(): Promise<void> {
    while (await passes(plan.lookMs, over.signal)) {
      looks.push(watch(Date.now()));
    }
  }

  async function collect(): Promise<void> {
    while (await passes(plan.collectMs, over.signal)) {
      const live = await collector.collect();
      const seen = { ...watch(Date.now()), live };
      collected.push(seen);
      plan.onCollected?.(seen, ids.length, tookMs.length);
    }
  }
}

async function leftEarly(supervisor: Supervisor): Promise<never> {
  const end = await supervisor.exited;
  throw new Error(`the supervisor left with ${String(end)}:\n${supervisor.stderr()}`);
}

/** Somebody who watches: the stream of events, opened anew each minute where it was left. */
async function follow(
  api: string,
  authorization: string,
  signal: AbortSignal,
  onSettled: (id: string) => void,
): Promise<void> {
  let position = "0";
  while (!signal.aborted) {
    const until = AbortSignal.any([signal, AbortSignal.timeout(FOLLOW_MS)]);
    try {
      const { body } = await fetch(`${api}/api/v1/events?after=${position}`, {
        headers: { authorization, accept: "text/event-stream" },
        signal: until,
      });
      if (!body) throw new Error("no stream of events");
      let text = "";
      for await (const piece of body.pipeThrough(new TextDecoderStream())) {
        const records = `${text}${piece}`.split("\n\n");
        text = records.pop() ?? "";
        for (const record of records) {
          position = /^id: ?(\d+)$/m.exec(record)?.[1] ?? position;
          if (!/^event: ?delegation\.settled$/m.test(record)) continue;
          const { stream } = JSON.parse(/^data: ?(.*)$/m.exec(record)?.[1] ?? "{}") as { stream: string };
          onSettled(stream);
        }
      }
    } catch (error) {
      if (!until.aborted) throw error;
    }
  }
}

/** How many files are open when nothing is going on: the fewest in a while, or as soon as there are no more than `hoped`. */
async function idle({ ready }: Supervisor, hoped?: number): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  for (let looks = 0; looks < (hoped === undefined ? 5 : MOST_IDLE_LOOKS); looks++) {
    await pause(READ_MS);
    fewest = Math.min(fewest, filesOf(ready.pid).length);
    if (hoped !== undefined && fewest <= hoped + IDLE_SLACK) break;
  }
  return fewest;
}

/** Somebody who reads lists now and then. */
async function read(supervisor: Supervisor, signal: AbortSignal): Promise<void> {
  const paths = ["/delegations?limit=50", "/agents", "/runs?open=true&limit=50", "/health/ready"];
  for (let n = 0; await passes(READ_MS, signal); n++) {
    const path = paths[n % paths.length] ?? "/agents";
    const { status, body } = await supervisor.call("GET", path);
    if (status !== 200 && path !== "/health/ready")
      throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
  }
}
