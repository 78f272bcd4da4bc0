import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

export const ROOT = resolve(import.meta.dirname, "../..");

/** A folder that goes away with the test. */
export function temporaryFolder(prefix = "hq-test-") {
  const path = mkdtempSync(join(tmpdir(), prefix));
  // A process that is about to be stopped may still write into it.
  const remove = () => rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  return {
    path,
    [Symbol.dispose]: remove,
    remove,
  };
}

export type Ready = {
  pid: number;
  api: string;
  guild?: string;
  guildKey?: string;
  mode: string;
  home: string;
};

export type Supervisor = {
  readonly child: ChildProcess;
  readonly ready: Ready;
  /** Resolves to `[code, signal]`. */
  readonly exited: Promise<readonly [number | null, NodeJS.Signals | null]>;
  readonly stderr: () => string;
  /** A call of the REST API with the operator's key; `body` is sent as JSON. */
  readonly call: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<{ status: number; body: any; headers: Headers }>;
  readonly stop: () => Promise<void>;
};

/** Environment of a test's supervisor: nothing of ours leaks in but what node needs. */
export function cleanEnv(more: Record<string, string | undefined>): Record<string, string> {
  const base = { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR };
  return Object.fromEntries(
    Object.entries({ ...base, ...more }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** Another place than this machine, as far as a process can tell. */
export type Place = {
  /** The program and its arguments that run there what follows them. */
  readonly before: readonly string[];
  /** By which its REST is asked from here. */
  readonly address: string;
};

/** `hq` with these arguments, as spawn takes it. */
export function hqThere(
  args: readonly string[],
  place?: Pick<Place, "before">,
): readonly [string, readonly string[]] {
  const [program = "", ...rest] = [
    ...(place?.before ?? []),
    process.execPath,
    join(ROOT, "bin/hq.js"),
    ...args,
  ];
  return [program, rest];
}

/** Starts a real supervisor process and waits for its ready line; throws with its stderr when it leaves before. */
export async function startSupervisor(
  home: string,
  env: Record<string, string | undefined> = {},
  args: readonly string[] = [],
  place?: Place,
): Promise<Supervisor> {
  const [program, given] = hqThere(["start", "--json", ...args], place);
  const child = spawn(program, given, {
    env: cleanEnv({ HQ_HOME: home, HQ_PORT: "0", HQ_GUILD_PORT: "0", ...env }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit").then(
    ([code, signal]) => [code as number | null, signal as NodeJS.Signals | null] as const,
  );
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise<Ready>((resolveReady) => {
    lines.on("line", (line) => {
      if (line.startsWith('{"event":"ready"')) resolveReady(JSON.parse(line) as Ready);
    });
  });
  const first = await Promise.race([ready, exited]);
  if (!("api" in first))
    throw Object.assign(
      new Error(`the supervisor left with ${String(first)} before it was ready:\n${stderr}`),
      { exit: first, stderr },
    );
  const key = readFileSync(join(home, "api.key"), "utf8").trim();
  const api = place ? `http://${place.address}:${new URL(first.api).port}` : first.api;
  return {
    child,
    ready: { ...first, api },
    exited,
    stderr: () => stderr,
    async call(method, path, body, headers = {}) {
      const response = await fetch(`${api}/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = response.headers.get("content-type")?.includes("json");
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
    },
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}
