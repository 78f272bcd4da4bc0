import { mkdirSync } from "node:fs";
import { type Holder, takeClaim, thisProcess } from "./claim.ts";
import { adoptGateway, endGateway, type Gateway, huntFor, leaderOf, startGateway } from "./gateway.ts";
import { rotateLog } from "./log-file.ts";
import type { InstancePlace } from "./place.ts";
import { portHolders } from "./port-holders.ts";
import { type Exit, type InstanceRecord, writeRecord } from "./record.ts";

export type KeeperOrder = {
  readonly place: InstancePlace;
  readonly command: readonly string[];
  /** Of the gateway, its mark included. */
  readonly env: Readonly<Record<string, string>>;
  readonly mark: string;
  readonly port: number;
  readonly restartMs: number;
  readonly startLimit: number;
  readonly windowMs: number;
  readonly graceMs: number;
  readonly logMax: number;
};

/** A gateway's word that its configuration is wrong: starting it again cannot mend that. */
const EXIT_CONFIG = 78;
const GROWTH = 1.5;
const LONGEST_PAUSE_MS = 60_000;
const LOOK_AT_LOG_EVERY_MS = 2000;

/**
 * Keeps one gateway running until it is told to stop: adopts the one that lives, starts it again when it ends, each
 * time after a longer pause, and gives up after too many starts. Returns at once when another process keeps it.
 */
export async function keep(order: KeeperOrder, stop: AbortSignal): Promise<void> {
  const { place } = order;
  const letGo = takeClaim(place.folder);
  if (!letGo) return;
  mkdirSync(place.home, { recursive: true, mode: 0o700 });
  const keeper = thisProcess();
  const tell = (said: Omit<InstanceRecord, "keeper" | "since">) =>
    writeRecord(place.record, { ...said, keeper, since: Date.now() });
  const logTimer = setInterval(() => rotateLog(place.log, order.logMax), LOOK_AT_LOG_EVERY_MS);
  const stopped = new Promise<"stop">((resolve) => {
    if (stop.aborted) resolve("stop");
    stop.addEventListener("abort", () => resolve("stop"), { once: true });
  });
  try {
    await run(order, stopped, tell);
  } finally {
    clearInterval(logTimer);
    letGo();
  }
}

type Tell = (said: Omit<InstanceRecord, "keeper" | "since">) => void;

async function run(order: KeeperOrder, stopped: Promise<"stop">, tell: Tell): Promise<void> {
  const { place, command, env, mark } = order;
  const starts: number[] = [];
  let restarts = 0;
  let pause = order.restartMs;
  let found = leaderOf(huntFor(mark)());
  for (;;) {
    const startedAt = Date.now();
    const gateway = found
      ? adoptGateway(found)
      : await startGateway({ command, env, folder: place.folder, log: place.log });
    const isOurs = !found;
    found = undefined;
    if (isOurs) starts.push(startedAt);
    let exit: Exit;
    if ("ended" in gateway) {
      tell({ state: "running", gateway: gateway.process, restarts });
      const first = await Promise.race([gateway.ended, stopped]);
      if (first === "stop") return leave(order, gateway, restarts, tell);
      exit = first;
    } else exit = gateway;
    // Tools and browsers of the one that ended would hold its ports and its state.
    await endGateway(huntFor(mark), 0);
    const why = whyEnded(order, exit);
    const recent = starts.filter((at) => Date.now() - at < order.windowMs).length;
    const isFinal = exit.error !== undefined || exit.code === EXIT_CONFIG;
    if (isFinal || recent >= order.startLimit) {
      const limit = `${why}; it was started ${recent} times within ${order.windowMs / 1000} s`;
      tell({ state: "failed", restarts, lastExit: exit, reason: isFinal ? why : limit });
      return;
    }
    if (Date.now() - startedAt >= order.windowMs) pause = order.restartMs;
    tell({ state: "waiting", restarts, lastExit: exit, reason: why });
    if ((await Promise.race([delay(pause), stopped])) === "stop") {
      tell({ state: "stopped", restarts, lastExit: exit });
      return;
    }
    pause = Math.min(pause * GROWTH, LONGEST_PAUSE_MS);
    restarts++;
  }
}

async function leave(
  { graceMs, mark }: KeeperOrder,
  gateway: Gateway,
  restarts: number,
  tell: Tell,
): Promise<void> {
  tell({ state: "stopping", gateway: gateway.process, restarts });
  const left = await endGateway(huntFor(mark), graceMs);
  if (left.length === 0) tell({ state: "stopped", restarts });
  else tell({ state: "failed", restarts, reason: `could not be killed: ${pidsOf(left)}` });
}

function whyEnded({ command, place, port }: KeeperOrder, { code, signal, error }: Exit): string {
  if (error === "ENOENT")
    return `${command[0]} was not found: install it, or write its whole path into cluster.command of config/hq.yaml`;
  if (error !== undefined) return `${command[0]} could not be started (${error})`;
  if (code === EXIT_CONFIG)
    return `exit code 78: its configuration is wrong, or its state is in use; see ${place.log}`;
  const others = portHolders(port);
  const taken = others.length === 0 ? "" : `; port ${port} is held by process ${others.join(", ")}`;
  if (signal !== undefined) return `ended by ${signal}${taken}`;
  return `${code === undefined ? "ended" : `exit code ${code}`}${taken}`;
}

const pidsOf = (found: readonly Pick<Holder, "pid">[]) => found.map(({ pid }) => pid).join(", ");

function delay(ms: number): Promise<"delay"> {
  return new Promise((resolve) => setTimeout(() => resolve("delay"), ms));
}
