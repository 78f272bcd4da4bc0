import { join } from "node:path";

/** Where everything of one gateway's instance lies. Absolute paths. */
export type InstancePlace = {
  readonly id: string;
  readonly folder: string;
  /** What OpenClaw reads. */
  readonly config: string;
  /** Its environment, mode 0600. */
  readonly env: string;
  /** HOME of its processes. */
  readonly home: string;
  /** What OpenClaw writes down itself. */
  readonly ownLog: string;
  /** What its process says on stdout and stderr when a keeper runs it. */
  readonly log: string;
  /** How its keeper says that it stands. */
  readonly record: string;
};

export function placeOf(dir: string, id: string): InstancePlace {
  const folder = join(dir, "instances", id);
  return {
    id,
    folder,
    config: join(folder, "openclaw.json"),
    env: join(folder, "env"),
    home: join(folder, "home"),
    ownLog: join(folder, "openclaw.log"),
    log: join(folder, "gateway.log"),
    record: join(folder, "cluster.json"),
  };
}

/** Variables that every instance gets, such as the keys of model providers; below those of its own file. */
export const sharedEnvOf = (dir: string): string => join(dir, "shared.env");
