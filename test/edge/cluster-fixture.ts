import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import {
  clusterFolder,
  freePorts,
  GATEWAY_SCRIPT,
  NO_SYSTEMD,
  pathWith,
  watchPlace,
} from "../support/cluster.ts";
import { type Given, hq, INSTALLATION } from "./cli-harness.ts";
import { runHq, startHq } from "./cli-process.ts";

export type ClusterGiven = {
  /** Of hq.yaml's section. */
  readonly cluster?: object;
  /** Further keys of an agent. */
  readonly agents?: Readonly<Record<string, object>>;
  /** Programs that come first on the path, systemctl among them. */
  readonly programs?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
};

/** An installation of its own with manager (A) and webster (H), whose gateways are small programs. No systemd is reached. */
export async function newCluster(t: TestContext, given: ClusterGiven = {}) {
  const root = clusterFolder(t);
  const ids = Object.keys(given.agents ?? { manager: {}, webster: {} });
  const ports = await freePorts(ids.length);
  const letters: Readonly<Record<string, string>> = { manager: "A", webster: "H" };
  const agents = Object.fromEntries(
    ids.map((id, index) => [
      id,
      {
        port: ports[index],
        hooks_path: "/hooks/delegate",
        token_env: `${id.toUpperCase().replaceAll("-", "_")}_HOOKS_TOKEN`,
        ...(letters[id] ? { letter: letters[id] } : {}),
        ...given.agents?.[id],
      },
    ]),
  );
  cpSync(join(INSTALLATION, "package.json"), join(root, "package.json"));
  cpSync(join(INSTALLATION, "skills"), join(root, "skills"), { recursive: true });
  mkdirSync(join(root, "config"));
  // JSON is YAML too.
  writeFileSync(join(root, "config", "agents.yaml"), JSON.stringify({ agents }));
  const cluster = { command: GATEWAY_SCRIPT, restart_after: "100ms", stop_grace: "5s", ...given.cluster };
  writeFileSync(join(root, "config", "hq.yaml"), JSON.stringify({ cluster }));
  const dir = join(root, "cluster");
  const places = Object.fromEntries(ids.map((id) => [id, watchPlace(root, dir, id)]));
  const env = {
    PATH: pathWith(root, { ...NO_SYSTEMD, ...given.programs }),
    HOME: root,
    HQ_HOME: join(root, ".hq"),
    HQ_CONFIG: join(root, "config"),
    ...Object.fromEntries(
      ids.map((id) => [`${id.toUpperCase().replaceAll("-", "_")}_HOOKS_TOKEN`, `hooks-of-${id}`]),
    ),
    ...given.env,
  };
  return {
    root,
    dir,
    ports,
    places,
    env,
    place: (id: string) => places[id] ?? watchPlace(root, dir, id),
    /** Inside this process, with the folder as its installation. */
    run: (argv: readonly string[], more: Given = {}) =>
      hq(argv, { installation: root, cwd: root, env, ...more }),
    /** As a process of its own. */
    spawn: (argv: readonly string[]) => startHq(t, argv, { env, cwd: root }),
    exec: (argv: readonly string[]) => runHq(t, argv, { env, cwd: root }),
  };
}
