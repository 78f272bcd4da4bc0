import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { readProcess } from "../workers/processes.ts";
import { type Holder, holderOf, lives, takeClaim, thisProcess } from "./claim.ts";
import { markOf } from "./environment.ts";
import { endGateway, huntFor, leaderOf } from "./gateway.ts";
import type { KeeperOrder } from "./keep.ts";
import type { InstancePlace } from "./place.ts";
import { type InstanceRecord, readRecord, writeRecord } from "./record.ts";

const KEEPER = join(import.meta.dirname, "keeper.ts");
const LOOK_EVERY_MS = 50;
const KILLED_WITHIN_MS = 5000;

/** How an instance stands. `starting` = its keeper begins; `unwatched` = it runs and nobody would start it again. */
export type InstanceState = InstanceRecord["state"] | "starting" | "unwatched";

export type Standing = {
  readonly state: InstanceState;
  readonly since?: number;
  readonly pid?: number;
  readonly keeper?: number;
  readonly restarts: number;
  readonly reason?: string;
  /** Every process of it. */
  readonly pids: readonly number[];
};

/** Looks at the processes themselves: what is written down counts only while its writer lives. */
export function look(place: InstancePlace): Standing {
  if (!existsSync(place.folder)) return { state: "stopped", restarts: 0, pids: [] };
  const record = readRecord(place.record);
  const holder = holderOf(place.folder);
  const found = huntFor(markOf("keeper", place.folder))();
  const pids = found.map(({ pid }) => pid);
  const { restarts = 0 } = record ?? {};
  if (holder) {
    const isItsOwn = record?.keeper.pid === holder.pid && record.keeper.startTime === holder.startTime;
    if (!isItsOwn) return { state: "starting", keeper: holder.pid, restarts: 0, pids };
    const { state, since, reason, gateway } = record;
    return {
      state,
      since,
      restarts,
      keeper: holder.pid,
      pids,
      ...(gateway && lives(gateway) ? { pid: gateway.pid } : {}),
      ...(reason === undefined ? {} : { reason }),
    };
  }
  const leader = leaderOf(found);
  if (leader) {
    const reason = "its keeper is gone: `hq cluster start` keeps it again";
    return { state: "unwatched", pid: leader.pid, restarts, reason, pids };
  }
  if (record === undefined) return { state: "stopped", restarts: 0, pids };
  const { state, since, reason } = record;
  if (state === "stopped") return { state, since, restarts, pids };
  if (state === "failed")
    return { state, since, restarts, pids, ...(reason === undefined ? {} : { reason }) };
  return { state: "stopped", restarts, pids, reason: "its keeper and it ended unasked" };
}

/** Begins a keeper that outlives us. When another one keeps the instance already, it leaves at once. */
export async function startKeeper(order: KeeperOrder): Promise<Holder> {
  const log = openSync(order.place.log, "a", 0o600);
  const keeper = spawn(process.execPath, [KEEPER], {
    cwd: order.place.folder,
    // Not the mark: the keeper is no process of the instance.
    env: { PATH: order.env["PATH"] ?? "" },
    stdio: ["pipe", "ignore", log],
    detached: true,
  });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    keeper.once("spawn", resolve);
    keeper.once("error", reject);
  });
  // It may be gone before it hears of its order; that shows in how the instance stands.
  keeper.stdin?.on("error", () => undefined);
  const told = new Promise<void>((resolve) => keeper.stdin?.once("close", resolve));
  keeper.stdin?.end(`${JSON.stringify(order)}\n`);
  const { pid = 0 } = keeper;
  const startTime = readProcess(pid)?.startTime ?? "";
  await told;
  keeper.unref();
  return { pid, startTime, boot: thisProcess().boot };
}

/** What could not be ended, or that somebody started it meanwhile. */
export type Stopped = { readonly left: readonly number[]; readonly isKeptAgain: boolean };

/**
 * Ends an instance, kept or not, and proves it: the keeper lets the gateway finish its turn for `graceMs`, then whatever
 * is left of either is killed, until no process of the instance is found.
 */
export async function stopInstance(place: InstancePlace, graceMs: number): Promise<Stopped> {
  const startedAt = performance.now();
  const mark = markOf("keeper", place.folder);
  const wasThere = look(place);
  if (wasThere.state === "stopped") return { left: [], isKeptAgain: false };
  const holder = holderOf(place.folder);
  if (holder) {
    signal(holder, "SIGTERM");
    while (lives(holder) && performance.now() - startedAt < graceMs) await pause(LOOK_EVERY_MS);
    if (lives(holder)) {
      signal(holder, "SIGKILL");
      while (lives(holder) && performance.now() - startedAt < graceMs + KILLED_WITHIN_MS)
        await pause(LOOK_EVERY_MS);
    }
  }
  const letGo = takeClaim(place.folder);
  if (!letGo) return { left: [], isKeptAgain: true };
  try {
    const remaining = Math.max(0, graceMs - (performance.now() - startedAt));
    const left = (await endGateway(huntFor(mark), remaining)).map(({ pid }) => pid);
    const { restarts } = wasThere;
    if (left.length === 0)
      writeRecord(place.record, { state: "stopped", since: Date.now(), keeper: thisProcess(), restarts });
    return { left, isKeptAgain: false };
  } finally {
    letGo();
  }
}

function signal({ pid, startTime }: Holder, name: "SIGTERM" | "SIGKILL"): void {
  if (readProcess(pid)?.startTime !== startTime) return;
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
