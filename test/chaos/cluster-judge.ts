import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { cleanEnv, ROOT, type Supervisor } from "../support/supervisor.ts";
import type { Asked } from "./cluster-load.ts";
import type { Cluster, Seat } from "./cluster-members.ts";
import { untilQuiet } from "./load.ts";
import { judgeTasks } from "./queue-rounds.ts";
import { judgeRuns } from "./run-rounds.ts";
import { judge } from "./verdict.ts";

export type Proof = { readonly text: string; readonly isClean: boolean };
export type Judged = {
  readonly asked: number;
  readonly settled: number;
  readonly ambiguous: number;
  readonly lost: readonly string[];
  readonly sentTwice: readonly string[];
  readonly seenTwice: readonly string[];
  readonly unseen: readonly string[];
  /** What `hq audit --prove` says at who leads. */
  readonly proof: Proof;
};

const CONNECTED_WITHIN_MS = 30_000;

/** When all is over: what was asked, what agents were sent, what people see, and what the product itself finds. */
export async function judgeCluster(cluster: Cluster, asked: Asked): Promise<Judged> {
  const { world, seats } = cluster;
  const leader = await whoLeads(cluster);
  const supervisor = leader.supervisor as Supervisor;
  const delegations = [...asked.delegations.values()];
  const runs = [...asked.runs.values()];
  const tasks = [...asked.tasks];
  await untilQuiet(supervisor, delegations);
  const first = await judge(world, supervisor, delegations);
  const second = (await judgeRuns(world, supervisor, runs)).findings;
  const homes = seats.map(({ home }) => home);
  const third = tasks.length > 0 ? (await judgeTasks(world, supervisor, tasks, homes)).findings : undefined;
  const others = [second, ...(third ? [third] : [])];
  const lost = [...first.lost, ...others.flatMap((one) => one.lost)];
  const doubled = others.flatMap((one) => one.doubled);
  const isSeen = (text: string) => / is (seen|there) /.test(text);
  const count = delegations.length + runs.length + tasks.length;
  return {
    asked: count,
    settled: count - new Set(lost.map((text) => text.split(/[:\s]/)[0])).size,
    ambiguous: first.ambiguous,
    lost,
    sentTwice: [...first.doubled, ...doubled.filter((text) => !isSeen(text))],
    seenTwice: [...first.seenTwice, ...doubled.filter(isSeen)],
    unseen: [...first.unseen, ...others.flatMap((one) => one.unseen)],
    proof: await prove(cluster, leader),
  };
}

/** Who leads and is connected, so that the audit looks at Discord too. */
async function whoLeads(cluster: Cluster): Promise<Seat> {
  const leader = cluster.leader() ?? (await cluster.nextLeader(0, CONNECTED_WITHIN_MS));
  if (!leader?.seat.supervisor) throw new Error("nobody leads");
  return leader.seat;
}

/** The command as a person gives it there. */
export async function prove({ world }: Cluster, { home }: Seat): Promise<Proof> {
  const child = spawn(process.execPath, [join(ROOT, "bin/hq.js"), "audit", "--prove"], {
    env: cleanEnv({ ...world.env, HQ_HOME: home }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
  const [code] = (await once(child, "close")) as [number | null];
  const isClean =
    code === 0 &&
    text.includes("lost 0 · doubled 0 · stuck 0 · orphaned 0 · unseen 0") &&
    !/Not looked/.test(text);
  return { text: text.trim(), isClean };
}
