import { uptime } from "node:os";
import { join } from "node:path";
import type { AgentTimeouts } from "../agents/agents.ts";
import type { Crash } from "../engine/ports/log.ts";
import type { Part } from "../kernel/lifecycle.ts";
import { Refusal } from "../kernel/refusal.ts";
import { createShiftedClock, createSteadyClock } from "../kernel/time.ts";
import { holdHome } from "../ledger/lock.ts";
import { createLog } from "../telemetry/log.ts";
import { createRedact } from "../telemetry/redact.ts";
import { createConfigHolder } from "./config-holder.ts";
import { keepSecret, loadCredentials } from "./credentials.ts";
import { LOCK, makeHome, readRunFile } from "./home.ts";
import { type Env, readMode, refuseOnePort } from "./mode.ts";
import { databaseSecrets } from "./store.ts";
import { createWorkflowHolder } from "./workflow-holder.ts";

export type AppOptions = {
  readonly installation: string;
  readonly home: string;
  readonly configDir: string;
  readonly env: Env;
  readonly version: string;
  readonly isEmbedded: boolean;
  /** 0 = a free one. */
  readonly ports: { readonly api: number; readonly guild: number };
  readonly onStopAsked: () => void;
  /** A local guild that was opened after the start, by who took over. */
  readonly onGuild?: (where: {
    readonly guild?: string;
    readonly guildKey?: string;
    readonly agent?: string;
  }) => void;
  readonly overrides?: {
    readonly crash?: (point: string) => void;
    readonly now?: () => number;
    readonly agentTimeouts?: Partial<AgentTimeouts>;
  };
};

export type Begin = (part: Part) => Promise<void>;

/** What everything else stands on: the folder, held by us alone; who may ask; the configuration; the log. */
export async function openBase(options: AppOptions, begin: Begin) {
  const { home, env } = options;
  const wall = options.overrides?.now ?? Date.now;
  const sources = { wall, monotonic: () => performance.now(), uptime };
  const clock = createShiftedClock(options.overrides?.now ?? createSteadyClock(sources));
  const { now } = clock;
  const crash: Crash = options.overrides?.crash ?? (() => undefined);
  const startedAt = now();
  const { mode, samples, notices } = readMode(env);
  if (!options.isEmbedded) refuseOnePort(mode, options.ports);
  makeHome(home);
  const describe = {
    pid: process.pid,
    startedAt: new Date(startedAt).toISOString(),
    ...(options.isEmbedded ? { isTemporary: true } : {}),
  };
  const lock = await holdHome({ path: join(home, LOCK), describe });
  if (!lock.ok) throw lockedBy(home, lock.holder);
  await begin({ name: "lock", stop: lock.release });
  const credentials = { ...loadCredentials(home, env) };
  const config = createConfigHolder({ ...options, samples, now });
  const workflows = createWorkflowHolder({ config: config.current, installation: options.installation });
  const redact = createRedact(() => [
    credentials.apiKey,
    credentials.secret,
    ...config.secrets(),
    ...databaseSecrets(env),
  ]);
  const { level } = config.current().settings.logs;
  const log = createLog({
    file: join(home, "logs", "supervisor.log"),
    level,
    redact,
    people: process.stderr,
  });
  await begin({
    name: "log",
    stop: () => {
      log.info({ pid: process.pid }, "stopped");
      return log.close();
    },
  });
  for (const text of [...notices, ...config.warnings, ...workflows.notices()]) log.warn({ text }, "a notice");
  const modeName: "local" | "discord" | "embedded" = options.isEmbedded ? "embedded" : mode.kind;
  return {
    now,
    /** Goes by another clock, which is so much ahead of ours. */
    shiftClock: clock.shift,
    wall,
    crash,
    startedAt,
    mode,
    modeName,
    samples,
    credentials,
    /** Signs by what all members of the ledger share from now on. */
    useSecret(secret: string): void {
      if (!env["HQ_SECRET"]) keepSecret(home, secret);
      credentials.secret = secret;
    },
    config,
    workflows,
    redact,
    log,
  };
}

export type Base = Awaited<ReturnType<typeof openBase>>;

function lockedBy(home: string, holder: unknown): Refusal {
  const run = readRunFile(home);
  const about = holder as
    | { readonly pid?: number; readonly isTemporary?: true; readonly isRestoring?: true }
    | undefined;
  const pid = about?.pid ?? run?.pid;
  if (about?.isRestoring)
    return new Refusal("locked", `A restore (pid ${pid}) puts a backup into ${home}.`, {
      hint: "Start again when it is done.",
    });
  if (about?.isTemporary)
    return new Refusal(
      "locked",
      `A temporary supervisor (pid ${pid}), which another \`hq\` started, works in ${home}.`,
      {
        hint: "It leaves some seconds after its work is done: start again then. `hq stop` ends it now; what is open is kept.",
      },
    );
  return new Refusal("locked", `Another supervisor (pid ${pid ?? "unknown"}) already works in ${home}.`, {
    hint: `Use it${run ? ` at ${run.api}` : ""}, stop it with \`hq stop\`, or give this one its own HQ_HOME.`,
  });
}
