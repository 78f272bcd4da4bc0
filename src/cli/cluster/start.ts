import { setTimeout as pause } from "node:timers/promises";
import { lives } from "../../agents/cluster/claim.ts";
import { markOf, processEnv } from "../../agents/cluster/environment.ts";
import { look, startKeeper } from "../../agents/cluster/instance.ts";
import type { KeeperOrder } from "../../agents/cluster/keep.ts";
import { sharedEnvOf } from "../../agents/cluster/place.ts";
import { unitOf } from "../../agents/cluster/units.ts";
import { readEnvFile } from "../../config/env-file.ts";
import { Refusal } from "../../kernel/refusal.ts";
import { formatDuration } from "../../kernel/time.ts";
import type { Io } from "../io.ts";
import { jsonText } from "../print.ts";
import { type Cluster, type Instance, readCluster } from "./here.ts";
import { type Shown, show, shownTable } from "./standings.ts";
import { findWays, madeInstances, type Ways } from "./ways.ts";

export type StartOptions = { readonly timeout: number; readonly json?: true };

const FAILED = 1;
const TIMEOUT = 4;
const INTERRUPTED = 130;
const LOOK_EVERY_MS = 400;
/** Starts are counted within this time; a gateway that ran longer counts as having run. */
const START_WINDOW_MS = 60_000;

type Outcome = "up" | "failed" | "silent";

/** Starts what does not run, keeps again what nobody keeps, and waits until all of them answer. */
export async function runStart(io: Io, words: readonly string[], options: StartOptions): Promise<number> {
  const cluster = readCluster(io, words);
  const instances = madeInstances(cluster, words);
  const ways = await findWays(io);
  const leaving = new AbortController();
  const stopListening = io.onInterrupt(() => leaving.abort());
  try {
    const bySystemd = instances.filter((one) => ways.of(one) === "systemd");
    if (bySystemd.length > 0) await startUnits(ways, bySystemd);
    const deadline = io.now() + options.timeout;
    const outcomes = await Promise.all(
      instances.map(async (instance) => {
        const isUnit = bySystemd.includes(instance);
        const watch = isUnit ? watchUnit : watchKept;
        return watch({ io, cluster, ways, instance, deadline, signal: leaving.signal });
      }),
    );
    const shown = await Promise.all(instances.map((instance) => show(instance, ways)));
    io.out(options.json ? `${jsonText(shown)}\n` : shownTable(shown));
    if (outcomes.includes("failed")) return FAILED;
    if (!outcomes.includes("silent")) return 0;
    const silent = instances.filter((_, index) => outcomes[index] === "silent").map(({ id }) => id);
    io.err(
      `No answer within ${formatDuration(options.timeout)}: ${silent.join(", ")}. They go on starting; see hq cluster logs ${silent[0]}\n`,
    );
    return TIMEOUT;
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
    io.err("Interrupted: they go on starting. `hq cluster status` shows how they stand.\n");
    return INTERRUPTED;
  } finally {
    stopListening();
  }
}

async function startUnits({ systemd }: Ways, instances: readonly Instance[]): Promise<void> {
  const units = instances.map(({ id }) => unitOf(id));
  const { code, err } = await systemd.systemctl(["start", ...units]);
  if (code === 0) return;
  throw new Refusal("agent_down", `systemctl --user start ended with exit code ${code}: ${err.trim()}`, {
    hint: `See systemctl --user status ${units.join(" ")}`,
  });
}

type Watch = {
  readonly io: Io;
  readonly cluster: Cluster;
  readonly ways: Ways;
  readonly instance: Instance;
  readonly deadline: number;
  readonly signal: AbortSignal;
};

/** Another command may start, stop or keep the same instance at the same time: each look decides anew. */
async function watchKept(given: Watch): Promise<Outcome> {
  const { io, cluster, instance, deadline, signal } = given;
  const startedAt = io.now();
  let keeper: Awaited<ReturnType<typeof startKeeper>> | undefined;
  let told = "";
  const tell = (text: string) => {
    if (text !== told) io.err(`${instance.id}: ${text}\n`);
    told = text;
  };
  while (io.now() < deadline) {
    const standing = look(instance.place);
    const { state, reason } = standing;
    const isKept = standing.keeper !== undefined;
    if (!keeper && !isKept) {
      tell(state === "unwatched" ? `runs (process ${standing.pid}) and is kept again` : "starts");
      keeper = await startKeeper(orderOf(io, cluster, instance));
    } else if (keeper && !isKept && !lives(keeper)) {
      // It gave up, or it was stopped from elsewhere.
      tell(reason ?? "was stopped while it started");
      return "failed";
    } else if (state === "waiting") tell(`${reason ?? "ended"}; it is started again`);
    const shown = await show(instance, given.ways);
    if (shown.answers && shown.state === "running") {
      tell(`answers on port ${instance.port} after ${formatDuration(io.now() - startedAt)}`);
      return "up";
    }
    if (shown.state === "running" && shown.reason) tell(shown.reason);
    await pause(LOOK_EVERY_MS, undefined, { signal });
  }
  return "silent";
}

async function watchUnit({ io, ways, instance, deadline, signal }: Watch): Promise<Outcome> {
  const startedAt = io.now();
  while (io.now() < deadline) {
    const shown: Shown = await show(instance, ways);
    if (shown.answers) {
      io.err(
        `${instance.id}: answers on port ${instance.port} after ${formatDuration(io.now() - startedAt)}\n`,
      );
      return "up";
    }
    if (shown.state === "failed") {
      io.err(`${instance.id}: ${shown.reason ?? "failed"}; see hq cluster logs ${instance.id}\n`);
      return "failed";
    }
    await pause(LOOK_EVERY_MS, undefined, { signal });
  }
  return "silent";
}

function orderOf(io: Io, { here, settings, dir }: Cluster, { place, port }: Instance): KeeperOrder {
  const mark = markOf("keeper", place.folder);
  return {
    place,
    port,
    mark,
    command: settings.command,
    env: processEnv({
      // PATH and language as the user has them, not as .env might.
      env: { ...here.env, ...io.env },
      shared: readEnvFile(sharedEnvOf(dir)),
      own: readEnvFile(place.env),
      mark,
    }),
    restartMs: settings.restartMs,
    startLimit: settings.startLimit,
    windowMs: START_WINDOW_MS,
    graceMs: settings.stopGraceMs,
    logMax: settings.logMax,
  };
}
