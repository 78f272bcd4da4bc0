import { existsSync } from "node:fs";
import { look, stopInstance } from "../../agents/cluster/instance.ts";
import { unitOf } from "../../agents/cluster/units.ts";
import type { Io } from "../io.ts";
import { jsonText } from "../print.ts";
import { type Instance, readCluster } from "./here.ts";
import { findWays, isMade, type Ways } from "./ways.ts";

export type StopOptions = { readonly timeout?: number; readonly json?: true };

const FAILED = 1;
/** Systemd kills by itself after the time of the unit; this much later it is not waited for any more. */
const SLACK_MS = 30_000;

type Ended = {
  readonly id: string;
  readonly wasRunning: boolean;
  readonly stopped: boolean;
  readonly reason?: string;
};

/** Ends instances and proves it; what was not running is no failure. */
export async function runStop(io: Io, words: readonly string[], options: StopOptions): Promise<number> {
  const ended = await stopAll(io, words, options);
  if (options.json) io.out(`${jsonText(ended)}\n`);
  else
    for (const { id, wasRunning, stopped, reason } of ended)
      io.out(`${id}  ${!stopped ? `not stopped: ${reason}` : wasRunning ? "stopped" : "was not running"}\n`);
  return ended.every(({ stopped }) => stopped) ? 0 : FAILED;
}

export async function stopAll(
  io: Io,
  words: readonly string[],
  { timeout }: StopOptions,
): Promise<readonly Ended[]> {
  const cluster = readCluster(io, words);
  const ways = await findWays(io);
  const graceMs = timeout ?? cluster.settings.stopGraceMs;
  const found = cluster.instances.filter((one) => isMade(one) || existsSync(one.place.folder));
  return Promise.all(
    found.map((instance) =>
      ways.of(instance) === "systemd"
        ? stopUnit(ways, instance, { graceMs, isShort: timeout !== undefined })
        : stopKept(io, instance, graceMs),
    ),
  );
}

async function stopKept(io: Io, { id, place }: Instance, graceMs: number): Promise<Ended> {
  const before = look(place);
  const wasRunning = before.pids.length > 0 || before.keeper !== undefined;
  if (wasRunning) io.err(`${id}: stops; its turn may take a while\n`);
  const { left, isKeptAgain } = await stopInstance(place, graceMs);
  if (isKeptAgain) return { id, wasRunning, stopped: false, reason: "it was started again meanwhile" };
  if (left.length > 0)
    return { id, wasRunning, stopped: false, reason: `could not be killed: ${left.join(", ")}` };
  return { id, wasRunning, stopped: true };
}

async function stopUnit(
  { systemd }: Ways,
  { id }: Instance,
  { graceMs, isShort }: { readonly graceMs: number; readonly isShort: boolean },
): Promise<Ended> {
  const unit = unitOf(id);
  const { active } = await systemd.show(id);
  const wasRunning = active !== "inactive" && active !== "failed";
  let ran = await systemd.systemctl(["stop", unit], isShort ? Math.max(graceMs, 1) : graceMs + SLACK_MS);
  if (ran.code !== 0 && isShort) {
    await systemd.systemctl(["kill", "--signal=SIGKILL", unit]);
    ran = await systemd.systemctl(["stop", unit]);
  }
  if (ran.code === 0) return { id, wasRunning, stopped: true };
  return { id, wasRunning, stopped: false, reason: ran.err.trim() };
}
