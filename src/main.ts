import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { readPort } from "./app/mode.ts";
import { createApp, type Ready } from "./app.ts";
import { readEnvFile } from "./config/env-file.ts";
import { readCrashAt } from "./kernel/crash.ts";
import { isRefusal, REFUSALS } from "./kernel/refusal.ts";

const INSTALLATION = resolve(import.meta.dirname, "..");
/** By then everything is loaded. */
const TIDY_AFTER_MS = 3000;
/** With more in hand it has work, and no tenth of a second for this. */
const MOST_TIDIED_BYTES = 128 * 2 ** 20;

export type SupervisorOptions = {
  readonly json?: boolean;
  readonly port?: number;
  readonly guildPort?: number;
  /** A temporary supervisor of the command line: no edges, leaves when nothing it accepted is open. */
  readonly embedded?: boolean;
};

/** Runs the supervisor until a signal or `hq stop`; resolves to the exit code. */
export async function runSupervisor(options: SupervisorOptions): Promise<number> {
  const env = { ...readEnvFile(join(INSTALLATION, ".env")), ...process.env };
  const { version } = JSON.parse(readFileSync(join(INSTALLATION, "package.json"), "utf8")) as {
    version: string;
  };
  const crash = readCrashAt(env.HQ_CRASH_AT, () => process.kill(process.pid, "SIGKILL"));
  let leave: (code: number) => void = () => undefined;
  const left = new Promise<number>((resolveLeft) => {
    leave = resolveLeft;
  });
  surviveLostOutput();
  try {
    const home = resolve(env.HQ_HOME || join(INSTALLATION, ".hq"));
    const app = createApp({
      installation: INSTALLATION,
      home,
      configDir: resolve(env.HQ_CONFIG || join(INSTALLATION, "config")),
      env,
      version,
      isEmbedded: options.embedded ?? false,
      ports: {
        api: options.port ?? (options.embedded ? 0 : readPort(env, "HQ_PORT")),
        guild: options.guildPort ?? readPort(env, "HQ_GUILD_PORT"),
      },
      onStopAsked: () => leave(0),
      ...(options.json || options.embedded ? {} : { onGuild: (where) => say(guildLines(where)) }),
      ...(crash ? { overrides: { crash } } : {}),
    });
    const onSignal = () => leave(0);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
    const ready = await app.start();
    if (!options.embedded || options.json) announce(ready, options.json ?? false);
    if (!options.embedded) setTimeout(giveBackMemory, TIDY_AFTER_MS).unref();
    const code = await left;
    await app.stop();
    return code;
  } catch (error) {
    // The command line says it as JSON then; what a temporary supervisor says is read by people.
    if (!isRefusal(error) || (options.json && !options.embedded)) throw error;
    process.stderr.write(`${error.message}\n${error.hint ? `${error.hint}\n` : ""}`);
    for (const { path, message } of error.problems)
      process.stderr.write(`  ${path ? `${path}: ` : ""}${message}\n`);
    return REFUSALS[error.code][1];
  }
}

/** What it says to people stands in its log as well: that nobody takes it, or a disk does not, ends no supervisor. */
function surviveLostOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners("error");
    stream.on("error", () => undefined);
  }
}

/** What loading and compiling left behind goes back to the system, since a supervisor mostly waits from then on. */
function giveBackMemory(): void {
  if (process.memoryUsage().heapUsed > MOST_TIDIED_BYTES) return;
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as NodeJS.GCFunction;
  collect({ type: "major", execution: "sync", flavor: "last-resort" });
}

function announce(ready: Ready, isJson: boolean): void {
  if (isJson) {
    process.stdout.write(`${JSON.stringify({ event: "ready", ...ready })}\n`);
    return;
  }
  const where =
    ready.mode === "local"
      ? `local guild${ready.guild ? "" : " of the supervisor that leads"}, ${ready.samples ? "sample agents" : "agents from config/agents.yaml"}`
      : "Discord";
  const page = ready.page
    ? [
        `  Watch the work:  ${ready.page}`,
        "                   (signs in once, within 10 minutes; another link: npx --no hq page)",
      ]
    : [];
  say([
    `Atomizer HQ is ready (${where}).`,
    ...guildLines(ready),
    ...page,
    `  REST: ${ready.api}/api/v1 · stop with Ctrl-C or: npx --no hq stop`,
  ]);
}

function guildLines({
  guild,
  guildKey,
  agent,
}: Pick<Ready, "guild" | "guildKey" | "agent">): readonly string[] {
  if (!guild) return [];
  return [
    `  Open the guild:  ${guild}${guildKey ? `/#key=${guildKey}` : "/"}`,
    ...(agent === undefined
      ? ["  Nobody can be asked yet: name your agents in config/agents.yaml."]
      : [
          `  Then type /delegate in a channel, or in another terminal:`,
          `  npx --no hq delegate ${agent} "Find the CTE of Zerodur Class 0 between 20 and 40 °C"`,
        ]),
  ];
}

const say = (lines: readonly string[]) => void process.stdout.write(`${lines.join("\n")}\n`);

if (import.meta.main) process.exitCode = await runSupervisor({});
