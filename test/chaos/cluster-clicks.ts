import { setTimeout as pause } from "node:timers/promises";
import { setEndpoint } from "../support/endpoint.ts";
import { type Interaction, person } from "../support/guild.ts";
import type { Postgres } from "../support/postgres.ts";
import { startRoundRobin } from "../support/round-robin.ts";
import type { Supervisor } from "../support/supervisor.ts";
import { type Proof, prove } from "./cluster-judge.ts";
import { type Cluster, createCluster, type Seat } from "./cluster-members.ts";
import { untilQuiet } from "./load.ts";
import { judge, type Verdict } from "./verdict.ts";

/** What became of a typed command, as whoever typed it sees it. */
export const WAYS = [
  "answered",
  "answered by a message in the channel",
  "told that it did not respond, and nothing was done",
  "told that it did not respond, done all the same, and said so in the channel",
] as const;
export type WayOf = (typeof WAYS)[number];

export type Clicked = {
  readonly ways: ReadonlyMap<WayOf, number>;
  /** Whatever is none of these ways, by command. */
  readonly wrong: readonly string[];
  readonly takeoversMs: readonly number[];
  readonly retries: number;
  readonly verdict: Verdict;
  readonly proof: Proof;
};

/** When commands are typed, from the kill on; one more just before it, and one when another one is connected. */
const TYPED_AT_MS = [0, 1000, 3000, 5000, 8000, 11_000] as const;
const TAKEOVER_WITHIN_MS = 30_000;
const ANSWER_WITHIN_MS = 30_000;
const LOOK_MS = 50;
const SETTLED_WITHIN_MS = 30_000;

type Click = { readonly id: string; readonly objective: string };

/** Commands typed while who leads is killed and another one takes over, again and again. */
export async function clickThroughTakeovers(
  postgres: Postgres,
  plan: {
    readonly takeovers: number;
    /** Discord sends them to an address of ours, before all members. */
    readonly byHttp: boolean;
    readonly log: (text: string) => void;
  },
): Promise<Clicked> {
  const yaml = plan.byHttp ? "discord: { interactions_endpoint: true }\n" : "";
  const cluster = await createCluster(postgres, { yaml });
  const { world, seats } = cluster;
  const balancer = await startRoundRobin({
    origins: () => seats.map(({ supervisor }) => supervisor?.ready.api),
    keeps: (header) => header === "content-type" || header.startsWith("x-signature"),
  });
  const you = person(world.guild);
  const clicks: Click[] = [];
  const takeoversMs: number[] = [];
  try {
    for (const seat of seats) await cluster.start(seat);
    await connected();
    if (plan.byHttp) await setEndpoint(world.guild.restApi, balancer.url);
    for (let round = 0; round < plan.takeovers; round++) await takeOver(round);
    return await look();
  } finally {
    await balancer.stop();
    await cluster.close();
  }

  async function takeOver(round: number): Promise<void> {
    const leader = cluster.leader();
    if (!leader) throw new Error("nobody leads");
    const before = type(`${round} before`);
    const killedAt = Date.now();
    await cluster.kill(leader.seat);
    const typing = TYPED_AT_MS.map(async (ms) => {
      await pause(Math.max(0, killedAt + ms - Date.now()));
      await type(`${round} after ${ms / 1000} s`);
    });
    const next = await cluster.nextLeader(leader.epoch, TAKEOVER_WITHIN_MS);
    if (!next) throw new Error(`nobody led within ${TAKEOVER_WITHIN_MS / 1000} s`);
    await connected();
    const tookMs = Date.now() - killedAt;
    takeoversMs.push(tookMs);
    plan.log(`${leader.seat.name} killed, ${next.seat.name} connected after ${(tookMs / 1000).toFixed(1)} s`);
    await Promise.all([before, ...typing, type(`${round} when connected`), cluster.start(leader.seat)]);
  }

  async function type(when: string): Promise<void> {
    const objective = `typed ${when}`;
    const { id } = await you.command(
      "technical",
      "delegate",
      { agent: "webster", objective },
      { wait_ms: ANSWER_WITHIN_MS },
    );
    clicks.push({ id, objective });
  }

  /** Resolves when a supervisor hears what the guild tells, and the commands are there. */
  async function connected(): Promise<void> {
    const { sessions } = world.guild.inspect;
    for (;;) {
      const isThere = sessions().some(({ isConnected }) => isConnected);
      const { status } = await you.ask("POST", "/local/autocomplete", {
        channel: "technical",
        name: "delegate",
        focused: "agent",
        options: { agent: "webs", objective: "x" },
      });
      if (isThere && status < 300) return;
      await pause(LOOK_MS);
    }
  }

  async function look(): Promise<Clicked> {
    const seat = cluster.leader()?.seat as Seat;
    const supervisor = seat.supervisor as Supervisor;
    const end = Date.now() + SETTLED_WITHIN_MS;
    let seen = await waysOf(cluster, supervisor, clicks);
    while (seen.wrong.length > 0 && Date.now() < end) {
      await pause(LOOK_MS * 5);
      seen = await waysOf(cluster, supervisor, clicks);
    }
    for (const [way, n] of seen.ways) plan.log(`${n} ${way}`);
    for (const one of seen.wrong) plan.log(one);
    await untilQuiet(supervisor, seen.ids);
    const verdict = await judge(world, supervisor, seen.ids);
    return { ...seen, takeoversMs, retries: balancer.retries(), verdict, proof: await prove(cluster, seat) };
  }
}

async function waysOf({ world }: Cluster, supervisor: Supervisor, clicks: readonly Click[]) {
  const { body } = await supervisor.call("GET", "/delegations?limit=200");
  const all = body.items as { id: string; objective: string; origin: { door: string } }[];
  const said = await world.texts("technical");
  const ways = new Map<WayOf, number>();
  const wrong: string[] = [];
  const ids: string[] = [];
  for (const { id, objective } of clicks) {
    const made = all.filter((one) => one.objective === objective);
    const inChannel = said.filter((text) => text.includes(`interaction/${id}`)).length;
    const { state, message } = (await world.interaction(id)) as Interaction;
    const isAnswered = /Asked \*\*webster\*\*/.test(message?.content ?? "");
    const way = wayOf({ state, isAnswered, made: made.length, inChannel });
    if (way) ways.set(way, (ways.get(way) ?? 0) + 1);
    else
      wrong.push(`${objective}: ${state}, ${made.length} delegations, ${inChannel} messages in the channel`);
    ids.push(...made.map((one) => one.id));
  }
  return { ways, wrong, ids };
}

function wayOf(found: {
  readonly state: string;
  readonly isAnswered: boolean;
  readonly made: number;
  readonly inChannel: number;
}): WayOf | undefined {
  const { state, isAnswered, made, inChannel } = found;
  if (state === "replied") return isAnswered && made === 1 && inChannel === 0 ? WAYS[0] : undefined;
  if (state === "thinking") return made === 1 && inChannel === 1 ? WAYS[1] : undefined;
  if (state !== "failed") return undefined;
  if (made === 0 && inChannel === 0) return WAYS[2];
  return made === 1 && inChannel === 1 ? WAYS[3] : undefined;
}

export function clickedText({ ways, wrong, takeoversMs, retries }: Clicked): string {
  const seconds = takeoversMs.map((ms) => (ms / 1000).toFixed(1)).join(", ");
  return [
    ...WAYS.flatMap((way) => (ways.has(way) ? [`${ways.get(way)} ${way}`] : [])),
    `takeovers after ${seconds} s; requests passed to the next member: ${retries}`,
    ...wrong,
  ].join("\n");
}
