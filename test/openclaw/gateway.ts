import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const READY_WITHIN_MS = 240_000;
const STOP_WITHIN_MS = 10_000;

/** The hook that docs/guide/openclaw.md recommends. */
export const MAPPING = {
  id: "hq",
  match: { path: "delegate" },
  action: "agent",
  wakeMode: "next-heartbeat",
  name: "{{name}}",
  messageTemplate: "{{message}}",
  deliver: false,
  timeoutSeconds: 3600,
  allowUnsafeExternalContent: true,
} as const;

/** Starts a gateway with a state of its own, whose only model is ours. */
export async function startOpenclaw(given: {
  readonly entry: string;
  readonly folder: string;
  readonly modelUrl: string;
  /** More of the section `hooks`. */
  readonly hooks?: object;
}) {
  const { folder } = given;
  const port = await freePort();
  const hookToken = randomBytes(24).toString("hex");
  const state = join(folder, "state");
  const workspace = join(folder, "workspace");
  const home = join(folder, "home");
  for (const each of [state, workspace, home]) mkdirSync(each, { recursive: true });
  const configPath = join(folder, "openclaw.json");
  const model = {
    id: "scripted-1",
    name: "Scripted",
    reasoning: false,
    input: ["text"],
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    contextWindow: 128_000,
    maxTokens: 8192,
  };
  const provider = {
    baseUrl: given.modelUrl,
    apiKey: "none",
    api: "openai-completions",
    models: [model],
  };
  const config = {
    gateway: {
      mode: "local",
      bind: "loopback",
      port,
      auth: { mode: "token", token: randomBytes(24).toString("hex") },
    },
    hooks: { enabled: true, token: hookToken, path: "/hooks", mappings: [MAPPING], ...given.hooks },
    models: { mode: "replace", providers: { scripted: provider } },
    agents: { defaults: { model: { primary: "scripted/scripted-1" }, workspace, skipBootstrap: true } },
    logging: { file: join(folder, "gateway.log") },
  };
  writeFileSync(configPath, JSON.stringify(config, undefined, 2), { mode: 0o600 });

  const outputPath = join(folder, "output.log");
  const output = openSync(outputPath, "w");
  const startedAt = Date.now();
  const gateway = spawn(process.execPath, [given.entry, "gateway", "run", "--port", String(port)], {
    env: {
      PATH: process.env.PATH,
      HOME: home,
      OPENCLAW_STATE_DIR: state,
      OPENCLAW_CONFIG_PATH: configPath,
    },
    stdio: ["ignore", output, output],
    // A group of its own: it starts processes that are to end with it.
    detached: true,
  });
  closeSync(output);
  const exited = once(gateway, "exit");
  const url = `http://127.0.0.1:${port}`;

  async function stop(): Promise<void> {
    if (gateway.exitCode === null && gateway.signalCode === null) gateway.kill("SIGTERM");
    await Promise.race([exited, pause(STOP_WITHIN_MS)]);
    try {
      process.kill(-(gateway.pid ?? 0), "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
    await exited;
  }

  while (!(await answers(url))) {
    const isOver = gateway.exitCode !== null || Date.now() - startedAt > READY_WITHIN_MS;
    if (isOver) {
      await stop();
      throw new Error(`the gateway did not become ready:\n${readFileSync(outputPath, "utf8").slice(-4000)}`);
    }
    await pause(250);
  }
  /** Dies where it stands, with all that it started. */
  async function kill(): Promise<void> {
    process.kill(-(gateway.pid ?? 0), "SIGKILL");
    await exited;
  }

  return { url, hookToken, readyMs: Date.now() - startedAt, stop, kill };
}

/** The older version has no such path, but answers all the same. */
async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/startupz`, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.status !== 503;
  } catch {
    return false;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
