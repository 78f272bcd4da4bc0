import {
  CRASH_POINTS,
  type CrashPoint,
  RUN_CRASH_POINTS,
  TASK_CRASH_POINTS,
  WORKER_CRASH_POINTS,
} from "../../src/engine/ports/log.ts";
import type { LocalGuild } from "../../src/local/local-guild.ts";
import { killMapReduce } from "./map-reduce.ts";
import { runQueue } from "./queue-rounds.ts";
import { runRound } from "./rounds.ts";
import { runDiamonds } from "./run-rounds.ts";
import type { Findings } from "./verdict.ts";

export type Killed = Findings & {
  readonly kills: number;
  /** How many delegations, runs, tasks or items were asked for. */
  readonly asked: number;
  readonly ambiguous: number;
  /** Points that were not passed within the time of a life, which then ended in peace. */
  readonly notPassed: readonly CrashPoint[];
};

/** What is killed: `kills` lives in one world, from the `from`-th point of its list on. */
type Kind = {
  readonly asks: string;
  readonly round: (from: number, kills: number) => Promise<Killed>;
};

const isOnce = (point: CrashPoint) => /^(interaction|card):|^post:claimed$/.test(point);
/** Points that a life passes once for many files or messages. */
const isShared = (point: CrashPoint) => /^(archive|append|post|accept|run-timer|file-run):/.test(point);

/** At which passing to die: later ones are under more load; only as often as a life passes it for sure. */
function nthOf(point: CrashPoint, turn: number): number {
  if (isOnce(point)) return 1;
  return 1 + (turn % (isShared(point) ? 2 : 5));
}

function turns(points: readonly CrashPoint[], from: number, count: number): readonly CrashPoint[] {
  return Array.from({ length: count }, (_, n) => points[(from + n) % points.length] as CrashPoint);
}

const DELIVERY = CRASH_POINTS.filter((point) => /^(post|card|append|interaction):/.test(point));
const POST = { method: "POST", path: "/messages" } as const;

function troubleAt(guild: LocalGuild): void {
  guild.faults.add({ ...POST, kind: "rate-limit", retryAfterMs: 200 });
  guild.faults.add({ ...POST, kind: "status", status: 500, after: true });
  guild.faults.add({ ...POST, kind: "drop" });
}

async function delegations(
  points: readonly CrashPoint[],
  from: number,
  trouble?: (guild: LocalGuild) => void,
): Promise<Killed> {
  const round = await runRound({
    points,
    perKill: 50,
    nth: (index, point) => nthOf(point, from + index),
    ...(trouble ? { trouble } : {}),
  });
  const { kills, asked, ambiguous, notPassed, lost, doubled, unseen, seenTwice, wrongInteractions } = round;
  return {
    kills,
    asked,
    ambiguous,
    notPassed,
    lost: [...lost, ...wrongInteractions],
    doubled: [...doubled, ...seenTwice],
    unseen,
  };
}

/** A run passes no interaction; a run without children of tasks passes none of those. */
const RUN_POINTS: readonly CrashPoint[] = [
  ...RUN_CRASH_POINTS,
  ...CRASH_POINTS.filter((point) => !/^(interaction|card):/.test(point)),
];
const QUEUE_POINTS: readonly CrashPoint[] = [...TASK_CRASH_POINTS, ...WORKER_CRASH_POINTS];

export const KINDS = {
  delegation: {
    asks: "delegations",
    round: (from, kills) => delegations(turns(CRASH_POINTS, from, kills), from),
  },
  delivery: {
    asks: "delegations, with 429, 5xx and cut connections",
    round: (from, kills) => delegations(turns(DELIVERY, from, kills), from, troubleAt),
  },
  workflow: {
    asks: "runs with a gate",
    async round(from, kills) {
      const points = turns(RUN_POINTS, from, kills);
      const nth = (index: number) => nthOf(points[index] as CrashPoint, from + index);
      const { findings, runs, repeated: _, ...rest } = await runDiamonds({ points, perKill: 2, nth });
      return { ...rest, ...findings, asked: runs };
    },
  },
  queue: {
    asks: "tasks of agents and workers",
    async round(from, kills) {
      const points = turns(QUEUE_POINTS, from, kills);
      const { findings, tasks, ...rest } = await runQueue({ points, perKill: 2, nth: () => 1 });
      return { ...rest, ...findings, asked: tasks };
    },
  },
  mapped: {
    asks: "items of map-reduces",
    async round(from, kills) {
      const items = 3 * kills + 6;
      const bad = [1 + (from % 3), items - 2];
      const killAt = Array.from({ length: kills }, (_, n) => Math.ceil(((n + 1) * items) / (kills + 1)));
      const { kills: ended, wrong } = await killMapReduce({ items, bad, workers: 6, killAt });
      return {
        kills: ended,
        asked: items,
        ambiguous: 0,
        notPassed: [],
        lost: wrong,
        doubled: [],
        unseen: [],
      };
    },
  },
} as const satisfies Readonly<Record<string, Kind>>;

export type KindName = keyof typeof KINDS;
const MOST_IN_A_ROUND = 20;

/** Kills until every kind has had as many as `plan` says, `lanes` worlds at once; tells each round as it ends. */
export async function killAll(
  plan: Readonly<Partial<Record<KindName, number>>>,
  given: {
    readonly lanes: number;
    readonly log: (text: string) => void;
    readonly onRound?: (totals: ReadonlyMap<KindName, Killed>) => void;
  },
): Promise<ReadonlyMap<KindName, Killed>> {
  const totals = new Map<KindName, Killed>();
  const begun = new Map<KindName, number>();
  const next = () =>
    (Object.keys(plan) as KindName[])
      .map((kind) => ({ kind, left: (plan[kind] ?? 0) - (begun.get(kind) ?? 0) }))
      .filter(({ left }) => left > 0)
      .toSorted((a, b) => b.left - a.left)[0];
  let from = 0;
  async function lane(): Promise<void> {
    for (let job = next(); job; job = next()) {
      const { kind } = job;
      const kills = Math.min(MOST_IN_A_ROUND, job.left);
      begun.set(kind, (begun.get(kind) ?? 0) + kills);
      const at = performance.now();
      const round = await KINDS[kind].round(from++ * 7, kills);
      if (round.kills === 0) throw new Error(`no kill in a whole round of ${kind}`);
      begun.set(kind, (begun.get(kind) ?? 0) - kills + round.kills);
      totals.set(kind, sumOf(totals.get(kind), round));
      given.onRound?.(totals);
      given.log(`${kind}: ${textOf(round)} · ${((performance.now() - at) / 1000).toFixed(0)} s`);
    }
  }
  await Promise.all(Array.from({ length: given.lanes }, lane));
  return totals;
}

function sumOf(total: Killed | undefined, round: Killed): Killed {
  if (!total) return round;
  return {
    kills: total.kills + round.kills,
    asked: total.asked + round.asked,
    ambiguous: total.ambiguous + round.ambiguous,
    notPassed: [...total.notPassed, ...round.notPassed],
    lost: [...total.lost, ...round.lost],
    doubled: [...total.doubled, ...round.doubled],
    unseen: [...total.unseen, ...round.unseen],
  };
}

export const isClean = ({ lost, doubled, unseen }: Findings) =>
  lost.length + doubled.length + unseen.length === 0;

/** One line, and the first findings if there are any. */
export function textOf(killed: Killed): string {
  const { kills, asked, ambiguous, lost, doubled, unseen, notPassed } = killed;
  const counts = `kills ${kills} · asked ${asked} · marked ambiguous ${ambiguous} · lost ${lost.length} · doubled ${doubled.length} · unseen ${unseen.length}`;
  const late = notPassed.length > 0 ? [`not passed in time: ${notPassed.join(", ")}`] : [];
  return [counts, ...late, ...[...lost, ...doubled, ...unseen].slice(0, 20)].join("\n  ");
}

const SHARES: Readonly<Record<KindName, number>> = {
  delegation: 0.38,
  delivery: 0.16,
  workflow: 0.2,
  queue: 0.22,
  mapped: 0.04,
};

/** So many kills in all, each kind its part of them. */
export const planOf = (kills: number) =>
  Object.fromEntries(
    Object.entries(SHARES).map(([kind, share]) => [kind, Math.ceil(kills * share)]),
  ) as Readonly<Record<KindName, number>>;
