import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { MARK, markOf } from "../../src/agents/cluster/environment.ts";
import { huntFor } from "../../src/agents/cluster/gateway.ts";
import { look, type Standing } from "../../src/agents/cluster/instance.ts";
import type { KeeperOrder } from "../../src/agents/cluster/keep.ts";
import { type InstancePlace, placeOf } from "../../src/agents/cluster/place.ts";
import { endProcesses } from "../../src/agents/workers/processes.ts";
import type { ClusterSettings } from "../../src/domain/settings.ts";

export const GATEWAY_SCRIPT = [process.execPath, join(import.meta.dirname, "gateway-script.ts"), "gateway"];

/** The settings of a cluster as they ship, in a folder of the home. */
export function clusterOf(home: string, more: Partial<ClusterSettings> = {}): ClusterSettings {
  return {
    dir: join(home, "cluster"),
    command: ["openclaw", "gateway"],
    restartMs: 5000,
    startLimit: 5,
    stopGraceMs: 330_000,
    logMax: 16 * 1024 * 1024,
    ...more,
  };
}

/** A folder; whatever keeper or gateway a test leaves in it is ended before the folder goes. */
export function clusterFolder(t: TestContext): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "hq-cluster-")));
  t.after(async () => {
    for (const place of placesOf.get(root) ?? []) await endAll(place);
    rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });
  return root;
}

const placesOf = new Map<string, InstancePlace[]>();

/** Has an instance ended when its folder goes. */
export function watchPlace(root: string, dir: string, id: string): InstancePlace {
  const place = placeOf(dir, id);
  placesOf.set(root, [...(placesOf.get(root) ?? []), place]);
  return place;
}

async function endAll(place: InstancePlace): Promise<void> {
  const { keeper } = look(place);
  if (keeper !== undefined) process.kill(keeper, "SIGKILL");
  await endProcesses(huntFor(markOf("keeper", place.folder)), { graceMs: 0 });
}

/** Ports of this machine on which nobody listens, far enough apart for gateways. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const found: number[] = [];
  while (found.length < count) {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    server.close();
    await once(server, "close");
    const port = typeof address === "object" && address ? address.port : 0;
    if (found.every((other) => Math.abs(other - port) >= 4)) found.push(port);
  }
  return found;
}

/** An instance with a small gateway, and the order for a keeper of it. */
export async function orderFor(
  t: TestContext,
  more: Partial<KeeperOrder> & { readonly mode?: string } = {},
): Promise<KeeperOrder> {
  const root = clusterFolder(t);
  const place = watchPlace(root, root, "webster");
  mkdirSync(place.folder, { recursive: true });
  const [port = 0] = await freePorts(1);
  writeFileSync(place.config, JSON.stringify({ gateway: { port } }));
  const mark = markOf("keeper", place.folder);
  const { mode, ...rest } = more;
  return {
    place,
    command: GATEWAY_SCRIPT,
    env: {
      PATH: process.env["PATH"] ?? "",
      OPENCLAW_CONFIG_PATH: place.config,
      HQ_HOOKS_TOKEN: "hooks-token",
      ...(mode === undefined ? {} : { HQ_TEST_MODE: mode }),
      [MARK]: mark,
    },
    mark,
    port,
    restartMs: 50,
    startLimit: 3,
    windowMs: 60_000,
    graceMs: 5000,
    logMax: 1024 * 1024,
    ...rest,
  };
}

/** Nothing signals what other processes do: looks until it is so, and fails with how it stood. */
export async function untilStands(
  place: InstancePlace,
  isSo: (standing: Standing) => boolean,
  withinMs = 15_000,
): Promise<Standing> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const standing = look(place);
    if (isSo(standing)) return standing;
    if (Date.now() > deadline) throw new Error(`it stands so: ${JSON.stringify(standing)}`);
    await pause(20);
  }
}

export async function untilAnswers(port: number, withinMs = 15_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      await (await fetch(`http://127.0.0.1:${port}/health`)).arrayBuffer();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await pause(20);
    }
  }
}

/** A program by that name that comes first on the path. Returns the path. */
export function pathWith(root: string, programs: Readonly<Record<string, string>>): string {
  const bin = join(root, "bin");
  mkdirSync(bin, { recursive: true });
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  }
  return [bin, dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter);
}

/** No test may reach the systemd of whoever runs it. */
export const NO_SYSTEMD = { systemctl: "#!/bin/sh\necho 'no systemd in tests' >&2\nexit 1\n" };
