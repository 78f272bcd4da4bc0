import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CHANNEL_ROLES, type Config, type ConfigProblem, ROLE_FALLBACK } from "../domain/config.ts";
import { type ConfigPlace, type LoadedConfig, loadConfig } from "./load.ts";

/** Everything that can be said without a network: what a load says, and doubts about folders, channels and tokens. */
export function checkConfig(place: ConfigPlace): LoadedConfig {
  const loaded = loadConfig(place);
  if (!loaded.ok) return loaded;
  const doubts = [
    ...doubtsAboutFolders(loaded.config, place.dir),
    ...doubtsAboutCertificates(loaded.config, place.dir),
    ...doubtsAboutChannels(loaded.config, place.dir),
  ];
  return { ...loaded, warnings: [...loaded.warnings, ...doubts] };
}

function doubtsAboutFolders({ settings, registry }: Config, dir: string): readonly ConfigProblem[] {
  const folders = [
    { file: "hq.yaml", path: "handoffs.dir", folder: settings.handoffs.dir },
    { file: "hq.yaml", path: "logs.dir", folder: settings.logs.dir },
    ...registry.agents.flatMap((agent) =>
      agent.handoffDir === undefined
        ? []
        : [{ file: "agents.yaml", path: `agents.${agent.id}.handoff_dir`, folder: agent.handoffDir }],
    ),
  ];
  return folders
    .filter(({ folder }) => !isWritable(folder))
    .map(({ file, path, folder }) => ({
      file: join(dir, file),
      path,
      message: `${folder} cannot be written`,
      suggestion: "name another folder, or make it yours (chown, chmod)",
    }));
}

function doubtsAboutCertificates({ registry }: Config, dir: string): readonly ConfigProblem[] {
  return registry.agents.flatMap(({ id, caFile }) => {
    const why = caFile === undefined ? undefined : certificateFault(caFile);
    if (why === undefined) return [];
    return [
      {
        file: join(dir, "agents.yaml"),
        path: `agents.${id}.ca_file`,
        message: `${caFile} ${why}: ${id} counts as down`,
        suggestion: "name a readable file with the certificate of the authority (PEM)",
      },
    ];
  });
}

function certificateFault(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").includes("-----BEGIN CERTIFICATE-----")
      ? undefined
      : "holds no certificate";
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "EACCES" || code === "EISDIR") return "cannot be read";
    throw cause;
  }
}

/** A folder that is not there is writable when it can be made. */
function isWritable(folder: string): boolean {
  let there = folder;
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
    return true;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "EACCES" || code === "EROFS" || code === "EPERM" || code === "ENOENT") return false;
    throw cause;
  }
}

/** Once setup has listed the guild's channels, a name that is not among them is surely a slip. */
function doubtsAboutChannels({ settings, registry }: Config, dir: string): readonly ConfigProblem[] {
  const { ids, roles, contextable } = settings.channels;
  if (Object.keys(ids).length === 0) return [];
  const isKnown = (name: string) => Object.hasOwn(ids, name) || Object.values(ids).includes(name);
  const named = [
    ...registry.agents.flatMap((agent) =>
      agent.channel === undefined
        ? []
        : [{ file: "agents.yaml", path: `agents.${agent.id}.channel`, name: agent.channel }],
    ),
    ...CHANNEL_ROLES.filter((role) => ROLE_FALLBACK[role] === undefined).flatMap((role) => {
      const name = roles[role];
      return name === undefined ? [] : [{ file: "channels.yaml", path: `roles.${role}`, name }];
    }),
    ...contextable.map((name, index) => ({ file: "channels.yaml", path: `contextable.${index}`, name })),
  ];
  return named
    .filter(({ name }) => name !== "*" && !isKnown(name))
    .map(({ file, path, name }) => ({
      file: join(dir, file),
      path,
      message: `#${name} is not among the channels that setup found`,
      suggestion: "make the channel, mend the name, or run hq setup again",
    }));
}
