import { setTimeout as pause } from "node:timers/promises";
import {
  CRASH_POINTS,
  type CrashPoint,
  RUN_CRASH_POINTS,
  TASK_CRASH_POINTS,
  WORKER_CRASH_POINTS,
} from "../../src/engine/ports/log.ts";
import type { StoredMessage } from "../../src/local/state/documents.ts";
import type { Cluster, Death, Seat } from "./cluster-members.ts";

export const FAULTS = ["kill", "restart", "partition", "freeze"] as const;
export type Fault = (typeof FAULTS)[number];
export type Takeover = {
  readonly why: Fault;
  /** From the fault to the lease in other hands, and to the first message that the new leader makes visible. */
  readonly ledMs: number;
  readonly seenMs: number;
  /** Something else broke meanwhile. */
  readonly isDisturbed: boolean;
};

/** Points that only who leads on Discord passes. */
const isLeaders = (point: CrashPoint) =>
  /^(post|card|interaction|task-claim|task-check|submission):/.test(point);
const POINTS: readonly CrashPoint[] = [
  ...CRASH_POINTS,
  ...RUN_CRASH_POINTS,
  ...TASK_CRASH_POINTS,
  ...WORKER_CRASH_POINTS,
];
const TAKEOVER_WITHIN_MS = 40_000;
const SIGN_WITHIN_MS = 500;
const LOOK_MS = 100;
const POINT_WITHIN_MS = 4000;
/** Past the lease's end, so that who wakes up has long been replaced. */
const BEYOND_MS = 1500;
const SHORTEST_CUT_MS = 3000;
const LONGEST_CUT_MS = 13_000;

/** Numbers that look random and are the same for the same seed. */
export function createDice(seed: number) {
  let state = seed >>> 0 || 1;
  const roll = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  return { roll, pick: <T>(list: readonly T[]) => list[roll(list.length)] as T };
}
export type Dice = ReturnType<typeof createDice>;

/** Breaks members and their ways, one fault after the other, and has every member that died started again. */
export function createFaults(
  cluster: Cluster,
  given: {
    readonly dice: Dice;
    readonly log: (text: string) => void;
    /** Resolves at the next sign of life that something in the cluster gives. */
    readonly nextSign: () => Promise<void>;
    /** Told with what it is that a person may notice. */
    readonly onFault: (what: string) => void;
    /** Nobody dies of a named point: each fault is alone. */
    readonly isCalm: boolean;
  },
) {
  const { seats, world } = cluster;
  const { dice, log } = given;
  const takeovers: Takeover[] = [];
  /** Takeovers that never came, members that could not be started. */
  const troubles: string[] = [];
  const counts = { kill: 0, named: 0, restart: 0, partition: 0, freeze: 0 };
  const passed = new Set<CrashPoint>();
  const starting = new Map<Seat, Promise<void>>();
  const following = new Set<Promise<void>>();
  const lists = {
    leaders: shuffled(POINTS.filter(isLeaders), dice),
    all: shuffled(
      POINTS.filter((point) => !isLeaders(point)),
      dice,
    ),
  };
  let faults = 0;
  let armed = 0;
  let isArming = true;

  const stopListening = cluster.onDeath((death) => {
    counts.kill++;
    faults++;
    if (death.point) {
      counts.named++;
      passed.add(death.point);
    }
    const isLeader = cluster.leader()?.seat === death.seat;
    given.onFault(isLeader ? "a kill of who leads" : "a kill of another");
    log(
      `${death.seat.name} died ${death.point ? `at ${death.point}` : "at a sign of life"}${isLeader ? ", leading" : ""}`,
    );
    begin(death, isLeader);
  });

  function begin({ seat, at }: Death, isLeader: boolean): void {
    if (starting.has(seat)) return;
    const again = async () => {
      // Who led stays away until another one leads: the longest that people ever wait.
      if (isLeader && seats.some(isWell)) await followTakeover("kill", at);
      await cluster.start(seat, nextPoint());
    };
    const job = again().finally(() => starting.delete(seat));
    starting.set(seat, job);
    follow(job);
  }

  const isWell = ({ supervisor, isFrozen }: Seat) => supervisor !== undefined && !isFrozen;

  function follow(job: Promise<void>): void {
    following.add(job);
    job.catch((error: unknown) => troubles.push(String(error))).finally(() => following.delete(job));
  }

  function nextPoint() {
    if (!isArming || given.isCalm) return undefined;
    const list = armed++ % 3 === 2 ? lists.leaders : lists.all;
    const point = list.shift() as CrashPoint;
    list.push(point);
    return { point, nth: 1 + dice.roll(isLeaders(point) ? 2 : 4) };
  }

  /** Measures until another one leads, and until people can see anything of it. */
  async function followTakeover(why: Fault, at: number): Promise<void> {
    const before = faults;
    const epoch = cluster.leader()?.epoch ?? 0;
    const leader = await cluster.nextLeader(epoch, TAKEOVER_WITHIN_MS);
    if (!leader) {
      troubles.push(`after a ${why} nobody led for ${TAKEOVER_WITHIN_MS / 1000} s`);
      return;
    }
    const ledMs = leader.since - at;
    const seen = world.guild.inspect
      .next(
        (event) => ("message" in event && isOurs(event.message) ? Date.now() : undefined),
        TAKEOVER_WITHIN_MS,
      )
      .then((seenAt) => {
        takeovers.push({ why, ledMs, seenMs: seenAt - at, isDisturbed: faults > before });
        log(`${leader.seat.name} leads ${(ledMs / 1000).toFixed(1)} s after the ${why}`);
      })
      .catch(() => void troubles.push(`after a ${why} ${leader.seat.name} led and nothing was to be seen`));
    follow(seen);
  }

  const person = world.guild.inspect.memberId("you");
  const isOurs = (message: StoredMessage | undefined) => message !== undefined && message.authorId !== person;

  /** Waits until somebody dies of a named point; else kills somebody at a random sign of life. */
  async function kill(): Promise<void> {
    const before = counts.kill;
    if (!given.isCalm && dice.roll(2) === 0) {
      const end = Date.now() + POINT_WITHIN_MS;
      while (counts.kill === before && Date.now() < end) await sign();
      if (counts.kill > before) return settleDown();
    }
    for (let signs = dice.roll(8); signs > 0; signs--) await sign();
    const leader = cluster.leader()?.seat;
    const living = seats.filter(isWell);
    const victim = leader && living.includes(leader) && dice.roll(2) === 0 ? leader : dice.pick(living);
    if (victim) await cluster.kill(victim);
    return settleDown();
  }

  const sign = () => Promise.race([given.nextSign(), pause(SIGN_WITHIN_MS)]);

  /** At most one member is missing when the next fault begins. */
  async function settleDown(): Promise<void> {
    while (seats.filter(isWell).length < 2 && troubles.length === 0) await pause(LOOK_MS);
  }

  async function restart(): Promise<void> {
    count("restart", "a restart of the database");
    log("the database is restarted at once");
    await cluster.postgres.crash();
  }

  async function wellLeader(): Promise<Seat> {
    for (;;) {
      const seat = cluster.leader()?.seat;
      if (seat && isWell(seat)) return seat;
      if (troubles.length > 0) throw new Error(troubles.join("\n"));
      await pause(LOOK_MS);
    }
  }

  /** Between one member and the database; every other time it is the leader, for longer than its lease. */
  async function partition(): Promise<void> {
    const leader = await wellLeader();
    const isLeaders = counts.partition % 2 === 0;
    const seat = isLeaders ? leader : dice.pick(seats.filter((one) => isWell(one) && one !== leader));
    if (!seat) {
      // The others died of named points while a leader was waited for.
      await settleDown();
      return partition();
    }
    count("partition", isLeaders ? "who leads cut off" : "another cut off");
    const how = dice.pick(["cut", "stall"] as const);
    const at = Date.now();
    log(`${seat.name}${seat === leader ? ", leading," : ""} and the database: ${how}`);
    seat.way[how]();
    if (seat === leader) {
      await followTakeover("partition", at);
      await pause(BEYOND_MS);
    } else await pause(SHORTEST_CUT_MS + dice.roll(LONGEST_CUT_MS - SHORTEST_CUT_MS));
    seat.way.mend();
  }

  /** Of the leader, until another one leads and a little longer; then it wakes up. */
  async function freeze(): Promise<void> {
    const seat = await wellLeader();
    count("freeze", "who leads frozen");
    const at = Date.now();
    const { supervisor } = seat;
    log(`${seat.name}, leading, stands still`);
    seat.isFrozen = true;
    supervisor?.child.kill("SIGSTOP");
    await followTakeover("freeze", at);
    await pause(BEYOND_MS);
    supervisor?.child.kill("SIGCONT");
    if (seat.supervisor === supervisor) seat.isFrozen = false;
    log(`${seat.name} goes on`);
  }

  function count(fault: Exclude<Fault, "kill">, what: string): void {
    counts[fault]++;
    faults++;
    given.onFault(what);
  }

  return {
    counts,
    takeovers,
    troubles,
    passed,
    start: async () => {
      for (const seat of seats) await cluster.start(seat, nextPoint());
    },
    make: { kill, restart, partition, freeze } satisfies Record<Fault, () => Promise<void>>,
    settleDown,
    /** Everybody is up, and what followed each fault is measured. */
    untilWhole: async () => void (await Promise.all(following)),
    /** No more deaths: everybody lives who is not armed. */
    async end(): Promise<void> {
      isArming = false;
      for (const { way } of seats) way.mend();
      await Promise.all(following);
      for (const seat of seats) {
        if (seat.crashAt) await cluster.stop(seat);
        while (starting.has(seat)) await starting.get(seat);
        if (!seat.supervisor) await cluster.start(seat);
      }
      stopListening();
    },
  };
}

function shuffled<T>(list: readonly T[], dice: Dice): T[] {
  const left = [...list];
  return list.map(() => left.splice(dice.roll(left.length), 1)[0] as T);
}
