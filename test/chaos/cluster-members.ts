import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Client } from "pg";
import type { CrashPoint } from "../../src/engine/ports/log.ts";
import type { Postgres } from "../support/postgres.ts";
import { type Supervisor, startSupervisor, temporaryFolder } from "../support/supervisor.ts";
import type { Behaviour } from "./agents.ts";
import { createWay, type Way } from "./cluster-way.ts";
import { createWorld } from "./world.ts";

const LOOK_MS = 50;
const ANSWER_WITHIN_MS = 5000;
const AGAIN_MS = 50;

/** A place of a member: its folder and its own way to the database stay, supervisors come and go in it. */
export type Seat = {
  readonly name: string;
  readonly home: string;
  readonly way: Way;
  supervisor?: Supervisor;
  /** Where the one that lives is to die. */
  crashAt?: CrashPoint;
  isFrozen: boolean;
};

export type Death = { readonly seat: Seat; readonly at: number; readonly point?: CrashPoint };
export type Leader = { readonly seat: Seat; readonly epoch: number; readonly since: number };
export type Answer = { readonly status: number; readonly body: any };
export type Cluster = Awaited<ReturnType<typeof createCluster>>;

/** Three supervisors on one database, each with a way there of its own; the guild and the agents have lives of their own. */
export async function createCluster(
  postgres: Postgres,
  given: {
    readonly yaml?: string;
    readonly behaviour?: Behaviour;
    /** Something happened that shows that work goes on: a moment to break something. */
    readonly onSign?: () => void;
  } = {},
) {
  const folder = temporaryFolder("hq-chaos-cluster-");
  const database = await postgres.createDatabase();
  const sign = () => given.onSign?.();
  const behaviour: Behaviour = given.behaviour ?? {
    answer: () => ({ kind: "ok" }),
    handIn: () => "good",
    worksMs: () => 20,
  };
  const world = await createWorld(folder.path, {
    database,
    behaviour: {
      ...behaviour,
      answer(run, from) {
        sign();
        return behaviour.answer(run, from);
      },
    },
  });
  world.configure(`handoffs: { dir: "${join(folder.path, "handoffs")}" }\n${given.yaml ?? ""}`);
  const seats: Seat[] = [];
  const deaths: Death[] = [];
  const unexpected: string[] = [];
  const onDeath = new Set<(death: Death) => void>();
  const killed = new WeakSet<Supervisor>();
  for (const name of ["a", "b", "c"]) {
    const way = await createWay(postgres.port);
    seats.push({ name, home: join(folder.path, name), way, isFrozen: false });
  }
  const stopSigns = world.guild.inspect.on(sign);
  const look = lookAtLeases(database, seats, folder.path);

  function note(seat: Seat, point: CrashPoint | undefined): void {
    const death: Death = { seat, at: Date.now(), ...(point ? { point } : {}) };
    deaths.push(death);
    for (const listener of onDeath) listener(death);
  }

  /** Starts one there, again and again until it is up: it may die of its point, or find the database away. */
  async function start(seat: Seat, crashAt?: { readonly point: CrashPoint; readonly nth: number }) {
    for (let armed = crashAt; ; armed = undefined) {
      const url = new URL(database);
      url.port = `${seat.way.port}`;
      const supervisor = await startSupervisor(seat.home, {
        ...world.env,
        DATABASE_URL: url.href,
        ...(armed ? { HQ_CRASH_AT: `${armed.point}#${armed.nth}` } : {}),
      }).catch((error: { exit?: unknown; stderr?: string }) => {
        if (!Array.isArray(error.exit)) throw error;
        if (error.exit[1] === "SIGKILL") note(seat, armed?.point);
        // Whoever looks after the machine starts it again when the database was away.
        else if (!/database|PostgreSQL/i.test(error.stderr ?? "")) throw error;
        return undefined;
      });
      if (!supervisor) {
        await pause(AGAIN_MS);
        continue;
      }
      seat.supervisor = supervisor;
      if (armed) seat.crashAt = armed.point;
      else delete seat.crashAt;
      const { crashAt: point } = seat;
      void supervisor.exited.then(([code, signal]) => {
        if (seat.supervisor !== supervisor) return;
        delete seat.supervisor;
        delete seat.crashAt;
        seat.isFrozen = false;
        if (signal === "SIGKILL") note(seat, killed.has(supervisor) ? undefined : point);
        else unexpected.push(`${seat.name} left with ${code}/${signal}: ${supervisor.stderr().slice(-2000)}`);
      });
      return supervisor;
    }
  }

  /** By SIGKILL; resolves when it is gone. */
  async function kill(seat: Seat): Promise<void> {
    const { supervisor } = seat;
    if (!supervisor) return;
    killed.add(supervisor);
    supervisor.child.kill("SIGKILL");
    await supervisor.exited;
  }

  /** In order, as `hq stop` does. */
  async function stop(seat: Seat): Promise<void> {
    const { supervisor } = seat;
    if (!supervisor) return;
    delete seat.supervisor;
    await supervisor.stop();
  }

  /**
   * Asks one member, and another one where no answer came or it could not do it: what a load balancer and a careful
   * client do together. Undefined when `isOver` became true meanwhile.
   */
  async function ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    isOver: () => boolean = () => false,
  ): Promise<Answer | undefined> {
    for (let n = Math.floor(Math.random() * seats.length); !isOver(); n++) {
      const { supervisor, home } = seats[n % seats.length] as Seat;
      if (!supervisor) {
        await pause(AGAIN_MS);
        continue;
      }
      try {
        const response = await fetch(`${supervisor.ready.api}/api/v1${path}`, {
          method,
          headers: {
            authorization: `Bearer ${textOf(join(home, "api.key"))}`,
            ...(body === undefined ? {} : { "content-type": "application/json" }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        });
        const answer = { status: response.status, body: await response.json() };
        if (answer.status < 500) return answer;
      } catch {
        // Dead, dying, frozen or without its database: somebody else is asked.
      }
      await pause(AGAIN_MS);
    }
    return undefined;
  }

  return {
    world,
    folder: folder.path,
    database,
    postgres,
    seats,
    deaths,
    /** Ends that nobody had ordered and no kill explains. */
    unexpected,
    onDeath(listener: (death: Death) => void) {
      onDeath.add(listener);
      return () => void onDeath.delete(listener);
    },
    leader: look.leader,
    /** Resolves with who leads under a later number than `epoch`; undefined after `withinMs`. */
    nextLeader: (epoch: number, withinMs: number) => look.next(epoch, withinMs),
    start,
    kill,
    stop,
    ask,
    async close() {
      stopSigns();
      look.stop();
      for (const seat of seats) {
        seat.supervisor?.child.kill("SIGKILL");
        await seat.supervisor?.exited;
        await seat.way.stop();
      }
      await world.stop();
      if (process.env.HQ_CHAOS_KEEP) console.log(`kept: ${folder.path}`);
      else folder.remove();
    },
  };
}

/** Follows who holds Discord's lease, by asking the database beside all members. */
function lookAtLeases(database: string, seats: readonly Seat[], folder: string) {
  let isStopped = false;
  let current: Leader | undefined;
  const waiting = new Set<() => void>();

  async function follow(): Promise<void> {
    while (!isStopped) {
      const client = new Client({ connectionString: database });
      client.on("error", () => undefined);
      try {
        await client.connect();
        while (!isStopped) {
          await read(client);
          await pause(LOOK_MS);
        }
      } catch {
        // The database restarts now and then, and has no tables before the first member is there.
        await pause(LOOK_MS);
      } finally {
        await client.end().catch(() => undefined);
      }
    }
  }

  async function read(client: Client): Promise<void> {
    const { rows } = await client.query<{ epoch: string; home: string }>(
      `select l.epoch, m.home from hq.lease l join hq.member m on m.id = l.holder
       where l.name = 'discord' and l.expires_at > hq.now_ms()`,
    );
    const [row] = rows;
    const epoch = Number(row?.epoch ?? 0);
    if (!row || epoch === current?.epoch) return;
    const seat = seats.find(({ name }) => textOf(join(folder, name, "member")) === row.home);
    if (!seat) return;
    current = { seat, epoch, since: Date.now() };
    for (const wake of waiting) wake();
  }

  void follow();
  return {
    leader: () => current,
    async next(epoch: number, withinMs: number): Promise<Leader | undefined> {
      const end = Date.now() + withinMs;
      while (!current || current.epoch <= epoch) {
        const left = end - Date.now();
        if (left <= 0) return undefined;
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.add(resolve);
        const timer = setTimeout(resolve, left);
        await promise;
        clearTimeout(timer);
        waiting.delete(resolve);
      }
      return current;
    },
    stop() {
      isStopped = true;
    },
  };
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
