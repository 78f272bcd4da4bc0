import { existsSync } from "node:fs";
import { join } from "node:path";
import type { WorkerKind } from "../../domain/task-settings.ts";
import { MARK } from "./processes.ts";

type Env = Readonly<Record<string, string | undefined>>;

const HANDED_ON = [
  "HOME",
  "PATH",
  "USER",
  "LOGNAME",
  "SHELL",
  "TMPDIR",
  "TZ",
  "LANG",
  "LANGUAGE",
  "OPENCLAW_CONFIG_PATH",
];
/** Shorter values are words like "1" that other variables hold by chance. */
const SHORTEST_SECRET = 8;

/**
 * All that a worker gets of our environment: what is named here, what the configuration names, and the mark. A variable
 * that holds one of our secrets is left out whatever its name.
 */
export function environmentOf(given: {
  readonly env: Env;
  readonly kind: WorkerKind;
  readonly secrets: readonly (string | undefined)[];
  readonly model: string;
  /** The folder that is the state of its program, and the one it works in. */
  readonly state: string;
  readonly folder: string;
}): Readonly<Record<string, string>> {
  const { env, kind } = given;
  const secrets = given.secrets.filter((secret) => secret !== undefined && secret.length >= SHORTEST_SECRET);
  const isSafe = (value: string) => !secrets.some((secret) => secret !== undefined && value.includes(secret));
  const named = [...HANDED_ON, ...Object.keys(env).filter((name) => name.startsWith("LC_")), ...kind.env];
  const handedOn = named.flatMap((name) => {
    const value = env[name];
    return value === undefined || value === "" || !isSafe(value) ? [] : [[name, value] as const];
  });
  const config = env["HOME"] === undefined ? undefined : join(env["HOME"], ".openclaw", "openclaw.json");
  return {
    // With a state of its own, OpenClaw would look for its configuration there.
    ...(config !== undefined && existsSync(config) ? { OPENCLAW_CONFIG_PATH: config } : {}),
    ...Object.fromEntries(handedOn),
    ...kind.set,
    OPENCLAW_MODEL: given.model,
    OPENCLAW_STATE_DIR: given.state,
    OPENCLAW_WORKSPACE_DIR: given.folder,
    [MARK]: given.folder,
  };
}
