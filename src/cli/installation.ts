import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readEnvFile, withEnvFile } from "../config/env-file.ts";
import type { ConfigPlace } from "../config/load.ts";
import { findHome } from "./home.ts";
import type { Io } from "./io.ts";

/** What the commands stand on that need no supervisor: check, doctor, setup. */
export type Installation = {
  readonly place: ConfigPlace;
  readonly envFile: string;
  /** The environment with `.env` below it: what a supervisor would see. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
};

/** Reads anew at each call: setup writes what doctor then reads. */
export function readInstallation(io: Pick<Io, "env" | "cwd" | "installation">): Installation {
  const { home, config } = findHome(io);
  const { installation } = io;
  const envFile = join(installation, ".env");
  const env = withEnvFile(io.env, readEnvFile(envFile));
  const { version } = JSON.parse(readFileSync(join(installation, "package.json"), "utf8")) as {
    version: string;
  };
  return { place: { dir: config, installation, home, env }, envFile, env, version };
}
