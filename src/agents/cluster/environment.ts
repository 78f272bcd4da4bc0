import type { InstancePlace } from "./place.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** The variable by which every process of an instance is found: who runs it, and its folder. */
export const MARK = "HQ_INSTANCE";
export const markOf = (by: "keeper" | "systemd", folder: string): string => `${by}:${folder}`;

/** The names that an instance's openclaw.json refers to. */
export const HOOKS_TOKEN = "HQ_HOOKS_TOKEN";
export const GATEWAY_TOKEN = "OPENCLAW_GATEWAY_TOKEN";
export const BOT_TOKEN = "DISCORD_BOT_TOKEN";
const USER_HOME = "HQ_USER_HOME";

/** What stands in an instance's `env`: its own secrets and places, and no other agent's. */
export function instanceEnv(given: {
  readonly place: InstancePlace;
  readonly hooksToken: string;
  readonly gatewayToken: string;
  readonly botToken?: string | undefined;
  /** By which it is known to the supervisor, and where that is. */
  readonly agentToken: string;
  readonly home: string;
  readonly config: string;
  readonly userHome?: string | undefined;
}): Readonly<Record<string, string>> {
  const { place } = given;
  return {
    HOME: place.home,
    OPENCLAW_STATE_DIR: place.folder,
    OPENCLAW_CONFIG_PATH: place.config,
    // Whoever keeps it also restarts it: it never hands over to a process that nobody keeps.
    OPENCLAW_NO_RESPAWN: "1",
    [GATEWAY_TOKEN]: given.gatewayToken,
    [HOOKS_TOKEN]: given.hooksToken,
    ...(given.botToken === undefined ? {} : { [BOT_TOKEN]: given.botToken }),
    HQ_AGENT_TOKEN: given.agentToken,
    HQ_HOME: given.home,
    HQ_CONFIG: given.config,
    ...(given.userHome === undefined ? {} : { [USER_HOME]: given.userHome }),
  };
}

const HANDED_ON = ["PATH", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LANGUAGE"];

/** All that a gateway gets: a few words of ours, the shared file, its own file, and the mark. */
export function processEnv(given: {
  readonly env: Env;
  readonly shared: Env;
  readonly own: Env;
  readonly mark: string;
}): Readonly<Record<string, string>> {
  const named = [...HANDED_ON, ...Object.keys(given.env).filter((name) => name.startsWith("LC_"))];
  const handedOn = Object.fromEntries(named.map((name) => [name, given.env[name]]));
  const all = { ...handedOn, ...given.shared, ...given.own, [MARK]: given.mark };
  return Object.fromEntries(Object.entries(all).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

const OF_SYSTEMD = ["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DBUS_SESSION_BUS_ADDRESS"];

/** What systemd's own programs need; nothing secret is among it. */
export function systemdEnv(env: Env): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...HANDED_ON, ...OF_SYSTEMD].flatMap((name) => (env[name] ? [[name, env[name]]] : [])),
  );
}

/**
 * The environment of a command that an agent runs inside its instance, as the operator would have it: the home folder
 * is the user's again, and what is the gateway's own is not taken for the supervisor's.
 */
export function outsideInstance(env: Env): Env {
  if (env[MARK] === undefined) return env;
  const hidden = [MARK, GATEWAY_TOKEN, HOOKS_TOKEN, BOT_TOKEN, USER_HOME, "OPENCLAW_STATE_DIR"];
  const rest = Object.entries(env).filter(([name]) => !hidden.includes(name));
  return { ...Object.fromEntries(rest), ...(env[USER_HOME] ? { HOME: env[USER_HOME] } : {}) };
}
