import { percentile, table } from "../../bench/report.ts";
import type { Postgres } from "../support/postgres.ts";
import { createDice, createFaults, FAULTS, type Fault, type Takeover } from "./cluster-faults.ts";
import { type Judged, judgeCluster } from "./cluster-judge.ts";
import { createLoad } from "./cluster-load.ts";
import { createCluster } from "./cluster-members.ts";
import { addQueue } from "./queue-rounds.ts";
import { addDiamond } from "./run-rounds.ts";

export type ClusterPlan = Readonly<Record<Fault, number>> & {
  readonly seed: number;
  /** Each fault alone, the next one when what was asked at it can be seen: for figures, not for trouble. */
  readonly isCalm?: boolean;
  readonly log: (text: string) => void;
};

export type ClusterRound = Judged & {
  readonly counts: Readonly<Record<Fault | "named", number>>;
  /** How many different points members died at. */
  readonly points: number;
  readonly takeovers: readonly Takeover[];
  /** Takeovers that never came, and ends of members that nothing explains. */
  readonly unexplained: readonly string[];
  /** What was asked just after each fault: how long until its result was in its channel. */
  readonly seenAfterMs: ReadonlyMap<string, readonly number[]>;
  readonly tookMs: number;
};

/** Three supervisors on one database under load, until each kind of fault was made as often as `plan` says. */
export async function runCluster(postgres: Postgres, plan: ClusterPlan): Promise<ClusterRound> {
  const begunAt = Date.now();
  const seconds = () => ((Date.now() - begunAt) / 1000).toFixed(0).padStart(4);
  const log = (text: string) => plan.log(`${seconds()} s  ${text}`);
  const signs = createSigns();
  const cluster = await createCluster(postgres, { onSign: signs.give });
  addDiamond(cluster.world, cluster.folder);
  addQueue(cluster.world);
  const dice = createDice(plan.seed);
  const load = createLoad(cluster);
  const { isCalm = false } = plan;
  const seenAfterMs = new Map<string, number[]>();
  const probes: Promise<void>[] = [];
  const onFault = (what: string) => {
    if (!isLoaded) return;
    const probe = load.probe(`probe-${probes.length}`);
    const note = (ms: number) => void seenAfterMs.set(what, [...(seenAfterMs.get(what) ?? []), ms]);
    probes.push(probe.then(note));
  };
  const faults = createFaults(cluster, { dice, log, nextSign: signs.next, onFault, isCalm });
  let isLoaded = false;
  try {
    await faults.start();
    load.begin();
    isLoaded = true;
    for (let fault = next(); fault; fault = next()) {
      await faults.make[fault]();
      await faults.settleDown();
      failOn([...cluster.unexpected, ...faults.troubles]);
      if (isCalm) await Promise.all([...probes, faults.untilWhole()]);
    }
    log("no more faults");
    await faults.end();
    failOn([...cluster.unexpected, ...faults.troubles]);
    isLoaded = false;
    await Promise.all(probes);
    await load.end();
    log("all asked is answered");
    const judged = await judgeCluster(cluster, load.asked);
    const { counts, takeovers, troubles, passed } = faults;
    return {
      ...judged,
      counts,
      points: passed.size,
      takeovers,
      unexplained: [...cluster.unexpected, ...troubles],
      seenAfterMs,
      tookMs: Date.now() - begunAt,
    };
  } finally {
    await cluster.close();
  }

  /** What is left most of, in proportion. */
  function next(): Fault | undefined {
    const { counts } = faults;
    const left = FAULTS.map((fault) => ({ fault, share: 1 - counts[fault] / Math.max(plan[fault], 1) }));
    const most = left
      .filter(({ fault, share }) => plan[fault] > 0 && share > 0)
      .toSorted((one, other) => other.share - one.share)[0];
    return most?.fault;
  }
}

function failOn(texts: readonly string[]): void {
  if (texts.length > 0) throw new Error(texts.join("\n"));
}

/** A bell that rings for all who wait at that moment. */
function createSigns() {
  let bell = Promise.withResolvers<void>();
  return {
    next: () => bell.promise,
    give() {
      bell.resolve();
      bell = Promise.withResolvers<void>();
    },
  };
}

/** The round as two tables and the findings, and whether it is what was promised. */
export function summaryOf(round: ClusterRound): { readonly text: string; readonly isClean: boolean } {
  const { counts, takeovers } = round;
  const bad = [...round.lost, ...round.sentTwice, ...round.seenTwice, ...round.unseen, ...round.unexplained];
  const quiet = takeovers.filter(({ isDisturbed }) => !isDisturbed).map(({ seenMs }) => seenMs);
  const rows: readonly (readonly [string, string])[] = [
    ["kills", `${counts.kill}, ${counts.named} of them at ${round.points} named points`],
    ["database restarts", `${counts.restart}`],
    ["partitions", `${counts.partition}`],
    ["freezes", `${counts.freeze}`],
    ["asked", `${round.asked}`],
    ["settled", `${round.settled}`],
    ["marked ambiguous", `${round.ambiguous}`],
    ["lost", `${round.lost.length}`],
    ["sent twice unmarked", `${round.sentTwice.length}`],
    ["seen twice", `${round.seenTwice.length}`],
    ["unseen", `${round.unseen.length}`],
    ["takeovers", `${takeovers.length}, ${quiet.length} with no other fault meanwhile`],
    ["takeover p50 / max", spanOf(quiet)],
    ["with other faults meanwhile", spanOf(takeovers.map(({ seenMs }) => seenMs))],
    ...[...round.seenAfterMs]
      .toSorted()
      .map(([what, all]): [string, string] => [
        `asked at ${what}, seen after p50 / max`,
        `${spanOf(all)}, ${all.length} times`,
      ]),
    ["minutes", (round.tookMs / 60_000).toFixed(1)],
  ];
  const text = [
    table(["what", "figure"], rows),
    "",
    "hq audit --prove",
    round.proof.text,
    ...bad.slice(0, 20),
  ];
  return { text: text.join("\n"), isClean: bad.length === 0 && round.proof.isClean };
}

function spanOf(all: readonly number[]): string {
  if (all.length === 0) return "none";
  return `${[percentile(all, 50), Math.max(...all)].map((ms) => (ms / 1000).toFixed(1)).join(" / ")} s`;
}
