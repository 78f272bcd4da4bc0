import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Behaviour } from "../chaos/agents.ts";
import { untilQuiet } from "../chaos/load.ts";
import { judge } from "../chaos/verdict.ts";
import { createWorld } from "../chaos/world.ts";
import type { Host, Hosts } from "../support/hosts.ts";
import type { Postgres } from "../support/postgres.ts";
import { startRoundRobin } from "../support/round-robin.ts";
import {
  cleanEnv,
  hqThere,
  type Place,
  type Supervisor,
  startSupervisor,
  temporaryFolder,
} from "../support/supervisor.ts";

/** The port that REST has when nothing is said; each host has it to itself. */
const PORT = 18_700;
const CLEAN = "lost 0 · doubled 0 · stuck 0 · orphaned 0 · unseen 0";
/** A host without a network answers nothing, and does not say so. */
const LOOK_WITHIN_MS = 3000;

/** A supervisor on a host of its own, with folders of its own. */
export type Member = {
  readonly host: Host;
  readonly home: string;
  readonly supervisor: Supervisor;
};

export type HostsWorld = Awaited<ReturnType<typeof createHostsWorld>>;
type Ran = { readonly code: number; readonly out: string; readonly err: string };

/** A guild, gateways, a database and a proxy that hosts reach over the network, and supervisors on those hosts. */
export async function createHostsWorld(
  t: TestContext,
  network: Hosts,
  postgres: Postgres,
  behaviour: Partial<Behaviour>,
) {
  const folder = temporaryFolder("hq-hosts-");
  const here = await postgres.createDatabase();
  const database = new URL(here);
  database.hostname = network.address;
  const addresses = network.hosts.map(({ address }) => address);
  const origins = addresses.map((address) => `http://${address}:${PORT}`);
  const front = await startRoundRobin({
    address: network.address,
    origins: () => origins,
    keeps: (header) => header === "authorization" || header === "content-type",
  });
  const world = await createWorld(folder.path, {
    behaviour: { answer: () => ({ kind: "ok" }), handIn: () => "good", worksMs: () => 400, ...behaviour },
    concurrency: 2,
    database: database.href,
    network: { address: network.address, publicUrl: front.url, allowedHosts: addresses },
  });
  const living = new Set<Supervisor>();
  t.after(async () => {
    for (const { child, exited } of living) {
      child.kill("SIGKILL");
      await exited;
    }
    for (const { plug } of network.hosts) plug();
    await front.stop();
    await world.stop();
    folder.remove();
  });

  /** Folders of the host's own: nothing but the network leads from one to another. */
  function placeOf({ name, before, address }: Host) {
    const home = join(folder.path, name, "home");
    const config = join(folder.path, name, "config");
    const env = { ...world.env, HQ_HOME: home, HQ_CONFIG: config, HQ_PORT: `${PORT}` };
    return { home, config, env, place: { before, address } satisfies Place };
  }

  async function start(host: Host): Promise<Member> {
    const { home, config, env, place } = placeOf(host);
    mkdirSync(home, { recursive: true });
    cpSync(world.env.HQ_CONFIG, config, { recursive: true });
    const supervisor = await startSupervisor(home, env, [], place);
    living.add(supervisor);
    return { host, home, supervisor };
  }

  return {
    world,
    front,
    /** For questions beside all supervisors. */
    database: here,
    start,
    /** The first one leads. */
    async startAll(): Promise<readonly Member[]> {
      const [first, ...others] = network.hosts;
      const leader = await start(first as Host);
      return [leader, ...(await Promise.all(others.map(start)))];
    },
    /** The command line, as a person on that host gives it. */
    hq({ host }: Member, ...args: readonly string[]): Promise<Ran> {
      const { env, place } = placeOf(host);
      const [program, given] = hqThere(args, place);
      return new Promise((resolve) => {
        execFile(program, [...given], { env: cleanEnv(env) }, (error, out, err) =>
          resolve({ code: error ? Number(error.code) : 0, out, err }),
        );
      });
    },
  };
}

/** Asks so often at each member, under a key for each; the ids. */
export async function askAtEach(
  members: readonly Member[],
  agents: readonly string[],
  times: number,
  label: string,
): Promise<readonly string[]> {
  const asked = members.flatMap(({ supervisor, host }) =>
    Array.from({ length: times }, async (_, n) => {
      const key = `${label}-${host.name}-${n}`;
      const body = { agent: agents[n % agents.length], objective: `job ${key}`, timeout: "90s" };
      const answer = await supervisor.call("POST", "/delegations", body, { "idempotency-key": key });
      if (answer.status !== 201) throw new Error(`${key}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return String(answer.body.id);
    }),
  );
  return Promise.all(asked);
}

/** The hosts whose supervisors live, and which of them leads, as one of them says. */
export async function seenBy({ supervisor }: Member): Promise<{
  readonly leads: readonly string[];
  readonly hosts: readonly string[];
}> {
  const response = await fetch(`${supervisor.ready.api}/api/v1/health/ready`, {
    headers: { authorization: `Bearer ${keyOf(supervisor.ready.home)}` },
    signal: AbortSignal.timeout(LOOK_WITHIN_MS),
  });
  const { members = [] } = (await response.json()) as {
    members?: readonly { readonly host: string; readonly leads: boolean }[];
  };
  return {
    leads: members.filter(({ leads }) => leads).map(({ host }) => host),
    hosts: members.map(({ host }) => host).sort(),
  };
}

const keyOf = (home: string) => readFileSync(join(home, "api.key"), "utf8").trim();

/** Nothing signals who lives and who leads: looks until it is so, and returns after how long it was. */
export async function untilSeen(
  member: Member,
  isSo: (seen: Awaited<ReturnType<typeof seenBy>>) => boolean,
  withinMs: number,
): Promise<number> {
  const began = performance.now();
  for (;;) {
    // One that just got its network back may be late with its answer.
    const seen = await seenBy(member).catch((error: unknown) => String(error));
    const tookMs = performance.now() - began;
    if (typeof seen !== "string" && isSo(seen)) return tookMs;
    if (tookMs > withinMs)
      throw new Error(`${member.host.name} sees after ${tookMs.toFixed()} ms: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What is wrong with what was asked, once all of it is settled and shown, and what the product itself finds. */
export async function wrongOf(
  { world, hq }: HostsWorld,
  member: Member,
  ids: readonly string[],
): Promise<readonly string[]> {
  await untilQuiet(member.supervisor, ids);
  const { lost, doubled, unseen, seenTwice } = await judge(world, member.supervisor, ids);
  const { code, out, err } = await hq(member, "audit", "--prove");
  const isProved = code === 0 && out.includes(CLEAN) && !/Not looked/.test(out);
  return [...lost, ...doubled, ...unseen, ...seenTwice, ...(isProved ? [] : [`${code} ${out}${err}`])];
}
