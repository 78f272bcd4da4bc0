/**
 * What it costs to ask 100 agents how they are: CPU of the whole product in local mode, once per minute and each 5 s.
 * The baseline is the same supervisor with the same agents that asks them nothing, at the same time on the same machine.
 *
 * usage: node bench/health.ts [--agents N] [--seconds N] [--dir FOLDER]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { table } from "./report.ts";

const { values } = parseArgs({
  options: {
    agents: { type: "string", default: "100" },
    seconds: { type: "string", default: "120" },
    dir: { type: "string", default: tmpdir() },
    /** Only the gateways, as a process of their own. */
    gateways: { type: "boolean", default: false },
  },
});
const ROOT = resolve(import.meta.dirname, "..");
const AGENTS = Number(values.agents);
const SECONDS = Number(values.seconds);
const SETTLE_MS = 15_000;
const GOAL_PERCENT = 1;
/** Clock ticks a second, as /proc counts CPU. */
const TICKS = 100;
const IDLE = "1h";

type Gateways = {
  readonly ports: readonly number[];
  readonly looks: () => Promise<number>;
  readonly child: ChildProcess;
};
type Running = { readonly every: string; readonly child: ChildProcess; readonly gateways: Gateways };

/** A gateway for each agent, on a port of its own; says how often they were asked when it is told to. */
async function serveGateways(): Promise<void> {
  let looks = 0;
  const begunAt = Date.now();
  const ports: number[] = [];
  for (let n = 0; n < AGENTS; n++) {
    const server = createServer((_, response) => {
      looks += 1;
      response.writeHead(200, { "content-type": "application/json" });
      const uptimeMs = Date.now() - begunAt;
      response.end(JSON.stringify({ ok: true, status: "started", version: "2026.9.6", uptimeMs }));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    ports.push((server.address() as AddressInfo).port);
  }
  process.on("message", () => process.send?.({ looks }));
  process.send?.({ ports });
}

async function startGateways(): Promise<Gateways> {
  const child = spawn(process.execPath, [import.meta.filename, "--gateways", "--agents", values.agents], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const [{ ports }] = (await once(child, "message")) as [{ ports: readonly number[] }];
  return {
    ports,
    child,
    async looks() {
      const answer = once(child, "message");
      child.send("looks?");
      return ((await answer) as [{ looks: number }])[0].looks;
    },
  };
}

async function start(base: string, every: string): Promise<Running> {
  const gateways = await startGateways();
  const config = join(base, every, "config");
  mkdirSync(config, { recursive: true });
  const agents = gateways.ports.map(
    (port, n) => `  agent-${n}: { url: "http://127.0.0.1:${port}", browser_ports: false }\n`,
  );
  writeFileSync(join(config, "agents.yaml"), `agents:\n${agents.join("")}`);
  writeFileSync(
    join(config, "hq.yaml"),
    `agents: { health_every: ${every} }\nworkflows: { dir: ${config} }\n`,
  );
  const child = spawn(process.execPath, [join(ROOT, "bin/hq.js"), "start", "--json"], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      HQ_HOME: join(base, every, "home"),
      HQ_CONFIG: config,
      HQ_AGENTS: "config",
      HQ_PORT: "0",
      HQ_GUILD_PORT: "0",
      OPENCLAW_GATEWAY_TOKEN: "bench-token",
    },
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(createInterface({ input: child.stdout }), "line");
  return { every, child, gateways };
}

async function stop({ child, gateways }: Running): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
  gateways.child.kill();
}

/** CPU of a process so far, in ms. */
function cpuMs({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
}

async function main(): Promise<void> {
  const base = mkdtempSync(join(values.dir, "hq-bench-"));
  const all: Running[] = [];
  try {
    for (const every of [IDLE, "60s", "5s"]) all.push(await start(base, every));
    await pause(SETTLE_MS);
    const before = await Promise.all(
      all.map(async ({ child, gateways }) => ({ cpu: cpuMs(child), looks: await gateways.looks() })),
    );
    await pause(SECONDS * 1000);
    const spent = await Promise.all(
      all.map(async ({ every, child, gateways }, n) => ({
        every,
        cpu: cpuMs(child) - (before[n]?.cpu ?? 0),
        looks: (await gateways.looks()) - (before[n]?.looks ?? 0),
      })),
    );
    const idle = spent[0]?.cpu ?? 0;
    const percent = (ms: number) => ms / (SECONDS * 10);
    const rows = spent.map(({ every, cpu, looks }) => [
      every === IDLE ? "idle: asks nobody" : `each ${every}`,
      String(looks),
      `${percent(cpu).toFixed(2)} %`,
      every === IDLE ? "" : `${percent(cpu - idle).toFixed(2)} %`,
      looks === 0 ? "" : ((cpu - idle) / looks).toFixed(2),
    ]);
    console.log(`${AGENTS} agents, ${SECONDS} s; CPU of one core\n`);
    console.log(table(["asked", "looks", "the supervisor", "the looks alone", "ms a look"], rows));
    const minute = percent((spent[1]?.cpu ?? 0) - idle);
    const isMet = minute <= GOAL_PERCENT && (spent[1]?.looks ?? 0) >= Math.floor(SECONDS / 60) * AGENTS;
    console.log(`\nGoal, asked each minute: at most ${GOAL_PERCENT} %: ${isMet ? "met" : "missed"}.`);
    process.exitCode = isMet ? 0 : 1;
  } finally {
    await Promise.all(all.map(stop));
    rmSync(base, { recursive: true, force: true });
  }
}

await (values.gateways ? serveGateways() : main());
