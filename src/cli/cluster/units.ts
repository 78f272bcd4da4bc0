import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { sharedEnvOf } from "../../agents/cluster/place.ts";
import { createSystemd } from "../../agents/cluster/systemd.ts";
import {
  SUPERVISOR_UNIT,
  supervisorUnit,
  TEMPLATE_UNIT,
  templateUnit,
  unitOf,
  WRITTEN_BY,
} from "../../agents/cluster/units.ts";
import { writeAtomically } from "../../config/atomic-file.ts";
import { AS_USUAL, makeFolder } from "../../handoffs/make-folder.ts";
import { Refusal } from "../../kernel/refusal.ts";
import type { Io } from "../io.ts";
import { jsonText } from "../print.ts";
import { findRunning } from "../running.ts";
import { type Cluster, readCluster, realOf } from "./here.ts";
import { isMade } from "./ways.ts";

export type UnitsOptions = { readonly dir?: string; readonly enable?: true; readonly json?: true };
type Written = { readonly path: string; readonly state: "written" | "kept" | "changed" };

const FAILED = 1;

/** Writes the units of the user's systemd, and with `enable` has them run from now on and at boot. */
export async function runUnits(io: Io, options: UnitsOptions): Promise<number> {
  const cluster = readCluster(io, []);
  const systemd = createSystemd(io.env);
  const trouble = await systemd.trouble();
  if (trouble !== undefined && (options.dir === undefined || options.enable)) {
    throw new Refusal("invalid_input", `systemd --user does not answer here: ${trouble}.`, {
      hint: "Without it `hq cluster start` runs the gateways itself. To see the units all the same: hq cluster units --dir <folder>",
    });
  }
  const dir = options.dir === undefined ? unitFolder(cluster.here.env) : resolve(io.cwd, options.dir);
  const written = writeUnits(io, cluster, dir);
  const report = { dir, written, enabled: [] as readonly string[], linger: undefined as boolean | undefined };
  let code = 0;
  if (options.enable) {
    const made = cluster.instances.filter(isMade).map(({ id }) => unitOf(id));
    const isUp = (await findRunning(cluster.here.place.home)) !== undefined;
    code = await enable(io, systemd, { made, isUp });
    report.enabled = [SUPERVISOR_UNIT, ...made];
  }
  if (trouble === undefined) report.linger = await checkLinger(io, systemd);
  if (options.json) io.out(`${jsonText(report)}\n`);
  else for (const { path, state } of written) io.out(`${state}  ${path}\n`);
  if (!options.enable && trouble === undefined)
    io.err("Now: systemctl --user daemon-reload, or again with --enable.\n");
  return code;
}

function writeUnits(io: Io, { here, settings, dir: cluster }: Cluster, dir: string): readonly Written[] {
  const path = io.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin";
  const [program = "", ...args] = settings.command;
  const texts = {
    [TEMPLATE_UNIT]: templateUnit({
      command: [findProgram(program, path), ...args],
      dir: cluster,
      sharedEnv: sharedEnvOf(cluster),
      path,
      restartMs: settings.restartMs,
      startLimit: settings.startLimit,
      stopGraceMs: settings.stopGraceMs,
    }),
    [SUPERVISOR_UNIT]: supervisorUnit({
      node: process.execPath,
      installation: here.place.installation,
      home: realOf(here.place.home),
      config: realOf(here.place.dir),
      path,
    }),
  };
  const foreign = Object.keys(texts).filter((name) => isForeign(join(dir, name)));
  if (foreign.length > 0) {
    throw new Refusal("invalid_input", `${foreign.join(" and ")} in ${dir} was not written by hq.`, {
      hint: "Move it away, or write into another folder with --dir and compare.",
    });
  }
  makeFolder(dir, AS_USUAL);
  return Object.entries(texts).map(([name, text]): Written => {
    const file = join(dir, name);
    const before = existsSync(file) ? readFileSync(file, "utf8") : undefined;
    if (before === text) return { path: file, state: "kept" };
    writeAtomically(file, text, 0o644);
    return { path: file, state: before === undefined ? "written" : "changed" };
  });
}

const isForeign = (file: string) =>
  existsSync(file) && !readFileSync(file, "utf8").startsWith(`${WRITTEN_BY}\n`);

async function enable(
  io: Io,
  systemd: ReturnType<typeof createSystemd>,
  { made, isUp }: { readonly made: readonly string[]; readonly isUp: boolean },
): Promise<number> {
  if (made.length === 0) io.err("No instance is made yet (hq cluster init): only hq.service is enabled.\n");
  const steps = [
    ["daemon-reload"],
    // A second supervisor of the same folder would be refused again and again.
    isUp ? ["enable", SUPERVISOR_UNIT] : ["enable", "--now", SUPERVISOR_UNIT],
    ...(made.length === 0 ? [] : [["enable", "--now", ...made]]),
  ];
  for (const step of steps) {
    const { code, err } = await systemd.systemctl(step);
    if (code === 0) continue;
    io.err(`systemctl --user ${step.join(" ")} ended with exit code ${code}: ${err.trim()}\n`);
    return FAILED;
  }
  if (isUp) io.err("A supervisor runs already: end it with `hq stop`, then `systemctl --user start hq`.\n");
  return 0;
}

/** Without lingering the user's units end at logout and do not begin at boot. */
async function checkLinger(io: Io, systemd: ReturnType<typeof createSystemd>): Promise<boolean | undefined> {
  const user = userInfo().username;
  const lingers = await systemd.lingers(user);
  if (lingers === false)
    io.err(
      `Lingering is off for ${user}: the units end at logout and do not begin at boot. Mend: loginctl enable-linger ${user}\n`,
    );
  if (lingers === undefined) io.err("logind does not say whether lingering is on: loginctl show-user\n");
  return lingers;
}

function unitFolder(env: Readonly<Record<string, string | undefined>>): string {
  const config = env["XDG_CONFIG_HOME"] || (env["HOME"] ? join(env["HOME"], ".config") : undefined);
  if (config !== undefined) return join(config, "systemd", "user");
  throw new Refusal("invalid_input", "HOME is not set, so nobody knows where the units go.", {
    hint: "Name the folder: hq cluster units --dir <folder>",
  });
}

/** A unit names its program by the whole path. */
function findProgram(program: string, path: string): string {
  if (isAbsolute(program)) return program;
  const found = path
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((file) => isAbsolute(file) && isRunnable(file));
  if (found !== undefined) return found;
  throw new Refusal("invalid_input", `${program} is not on the PATH.`, {
    hint: "Install it (npm install --global openclaw), or write its whole path into cluster.command in config/hq.yaml.",
  });
}

function isRunnable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    // Not there, or not for us: the next folder of PATH may have it.
    return false;
  }
}
