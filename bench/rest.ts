/**
 * Delegations over REST, 64 at once, with agents that answer at once: POST, then wait for the settled answer, against
 * a supervisor of its own. Against one `curl` for the dispatch and one Python process that waits for the handoff each,
 * at the same gateway, in the same run.
 *
 * usage: node bench/rest.ts [--jobs N] [--quick]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Pool } from "undici";
import { parse, stringify } from "yaml";
import { ROOT, startSupervisor } from "../test/support/supervisor.ts";
import { startGateway } from "./product.ts";
import { findPython } from "./python.ts";
import { percentile, table } from "./report.ts";

const { values } = parseArgs({
  options: { jobs: { type: "string", default: "1000" }, quick: { type: "boolean", default: false } },
});
const AT_ONCE = 64;
const COUNT = values.quick ? 100 : Number(values.jobs);
const WARM = values.quick ? 100 : 2000;
const base = mkdtempSync(join(tmpdir(), "hq-bench-"));

async function run(count: number, job: (index: number) => Promise<void>) {
  const times: number[] = [];
  let next = 0;
  const begin = performance.now();
  const lane = async () => {
    for (let index = next++; index < count; index = next++) {
      const from = performance.now();
      await job(index);
      times.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return { perSecond: (count / (performance.now() - begin)) * 1000, times };
}

/** The shipped configuration, with one agent that answers at once, and no limit that a program meets by itself. */
function configAt(url: string): string {
  const dir = join(base, "config");
  cpSync(join(ROOT, "config"), dir, { recursive: true });
  const agents = parse(readFileSync(join(dir, "agents.yaml"), "utf8")) as {
    agents: Record<string, Record<string, unknown>>;
  };
  const { webster } = agents.agents;
  delete webster?.port;
  Object.assign(webster ?? {}, { url, concurrency: AT_ONCE });
  writeFileSync(join(dir, "agents.yaml"), stringify(agents));
  const hq = parse(readFileSync(join(dir, "hq.yaml"), "utf8")) as Record<string, unknown> | null;
  writeFileSync(
    join(dir, "hq.yaml"),
    stringify({ ...hq, api: { ...(hq?.["api"] as object | undefined), rate_per_minute: 1_000_000 } }),
  );
  return dir;
}

async function measureOurs(url: string) {
  const home = join(base, "home");
  mkdirSync(home, { recursive: true });
  const supervisor = await startSupervisor(home, {
    HQ_CONFIG: configAt(url),
    HQ_AGENTS: "config",
    OPENCLAW_GATEWAY_TOKEN: "bench-token",
  });
  const key = readFileSync(join(home, "api.key"), "utf8").trim();
  const pool = new Pool(supervisor.ready.api, { connections: AT_ONCE });
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const ask = async (method: "GET" | "POST", path: string, body?: unknown) => {
    const answer = await pool.request({
      method,
      path: `/api/v1${path}`,
      headers: body === undefined ? { authorization: headers.authorization } : headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const said = (await answer.body.json()) as { id: string; status: string; detail?: string };
    if (answer.statusCode >= 300) throw new Error(`${answer.statusCode} ${said.detail ?? ""}`);
    return said;
  };
  const job = async (index: number) => {
    const { id } = await ask("POST", "/delegations", {
      agent: "webster",
      objective: `Job ${index}`,
      deliver: false,
    });
    const { status } = await ask("GET", `/delegations/${id}?wait=60s`);
    if (status !== "succeeded") throw new Error(`${id} is ${status}`);
  };
  await run(WARM, job);
  const measured = await run(COUNT, job);
  await pool.close();
  await supervisor.stop();
  return measured;
}

const python = findPython();
const WAIT = `
import json, os, sys, time
path, deadline = sys.argv[1], time.monotonic() + 60
while time.monotonic() < deadline:
    try:
        with open(path, encoding="utf-8") as file:
            print(json.load(file)["result"])
            sys.exit(0)
    except (FileNotFoundError, json.JSONDecodeError):
        time.sleep(0.01)
sys.exit(1)
`;

async function succeeds(child: ChildProcess): Promise<void> {
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`${child.spawnfile} ended with ${code}`);
}

async function measureTheirs(url: string) {
  const folder = join(base, "theirs");
  mkdirSync(folder, { recursive: true });
  return run(values.quick ? 64 : 256, async (index) => {
    const path = join(folder, `orch-${index}.json`);
    const message = `Run orch-${index} attempt 1. Write the handoff to ${path}`;
    const words = ["-sS", "-f", "-X", "POST", `${url}/hooks/agent`, "-H", "authorization: Bearer t"];
    const body = JSON.stringify({ message, deliver: false });
    await succeeds(
      spawn("curl", [...words, "-H", "content-type: application/json", "-d", body], { stdio: "ignore" }),
    );
    await succeeds(spawn(python, ["-c", WAIT, path], { stdio: "ignore" }));
  });
}

const gateway = await startGateway();
const ours = await measureOurs(gateway.url);
const theirs = await measureTheirs(gateway.url);
gateway.child.disconnect();
rmSync(base, { recursive: true, force: true });
const row = (name: string, { perSecond, times }: typeof ours) => [
  name,
  perSecond.toFixed(0),
  percentile(times, 50).toFixed(1),
  percentile(times, 99).toFixed(1),
  `${(perSecond / theirs.perSecond).toFixed(0)}×`,
];
const head = [`${AT_ONCE} at once`, "a second", "p50 ms", "p99 ms", "ratio"];
console.log(table(head, [row("REST", ours), row("curl + python", theirs)]));
