/**
 * The real OpenClaw, from npm: `node test/openclaw/run.ts [--feb | --version <version>]`.
 * Installs it once into the temporary folder, starts a gateway on loopback whose model is a script, and delegates to it.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import test, { after, before } from "node:test";
import { parseArgs, promisify } from "node:util";
import { createAgents } from "../../src/agents/agents.ts";
import type { AgentCard } from "../../src/domain/agent-card.ts";
import type { Order } from "../../src/domain/delegation-types.ts";
import { composePrompt } from "../../src/domain/prompt.ts";
import type { Log } from "../../src/engine/ports/log.ts";
import { MAPPING, startOpenclaw } from "./gateway.ts";
import { FEBRUARY, installOpenclaw, NEWEST } from "./install.ts";
import { handInByShell } from "./scripted-handoff.ts";
import { startScriptedModel } from "./scripted-model.ts";
import "./cluster.ts";
import "./sessions.ts";
import "./two-gateways.ts";

const HANDOFF_WITHIN_MS = 120_000;
const { values } = parseArgs({ options: { feb: { type: "boolean" }, version: { type: "string" } } });
const version = values.version ?? (values.feb ? FEBRUARY : NEWEST);
const isFebruary = version.startsWith("2026.2.");
const installation = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "hq-openclaw-"));
const handoffs = join(folder, "handoffs");
const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} };
const say = (text: string) => process.stdout.write(`${text}\n`);
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

const model = await startScriptedModel(handInByShell);
let gateway: Awaited<ReturnType<typeof startOpenclaw>>;

function cardFor(hooksPath: string): AgentCard {
  return {
    id: "webster",
    name: "Webster",
    aliases: [],
    url: gateway.url,
    hooksPath,
    tokenEnv: "OPENCLAW_GATEWAY_TOKEN",
    capabilities: [],
    skills: [],
    role: "You are Webster: you do research.",
    handoffVia: "file",
    concurrency: 1,
    sample: false,
  };
}

function requestFor(run: string, card: AgentCard) {
  const order: Order = {
    id: run,
    agent: card.id,
    objective: "Find the CTE of Zerodur Class 0.",
    attachments: [],
    timeoutMs: 120_000,
    startWithinMs: 60_000,
    maxAttempts: 1,
    validate: true,
    format: "json",
    deliver: true,
    actor: { kind: "operator" },
    origin: { door: "system" },
    queuedAt: 0,
    slotGraceMs: 0,
  };
  const { text } = composePrompt({
    order,
    attempt: 1,
    problems: [],
    card,
    handoff: { via: "file", path: join(handoffs, `${run}.json`) },
    mayDelegateTo: [],
    delegateBy: { token: "", url: "" },
    nonce: "data-0123456789abcdef",
  });
  return { agent: card, message: text, name: `HQ ${run}`, idempotencyKey: `${run}#1`, timeoutMs: 120_000 };
}

/** Resolves with the handoff as soon as the file has its final name. */
async function handoffOf(run: string): Promise<Record<string, unknown>> {
  const path = join(handoffs, `${run}.json`);
  const watcher = watch(handoffs);
  const signal = AbortSignal.timeout(HANDOFF_WITHIN_MS);
  try {
    while (!existsSync(path)) await once(watcher, "change", { signal });
    return JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  } finally {
    watcher.close();
  }
}

function agentsWith(token: string) {
  return createAgents({ now: Date.now, secret: () => token, log: quiet, version: "0.1.0" });
}

before(async () => {
  mkdirSync(handoffs, { recursive: true });
  say(`installing openclaw ${version} (several hundred megabytes the first time) …`);
  const { entry, tookMs } = await installOpenclaw(version);
  say(tookMs === 0 ? "it was installed before" : `installed in ${seconds(tookMs)}`);
  gateway = await startOpenclaw({ entry, folder, modelUrl: model.url });
  say(`the gateway was ready after ${seconds(gateway.readyMs)}`);
});

after(async () => {
  await gateway?.stop();
  await model.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  assert.deepEqual(model.failures, []);
});

test("a probe tells what kind of gateway it is", async () => {
  const agents = agentsWith(gateway.hookToken);
  const health = await agents.probe(cardFor("/hooks/agent"));
  assert.equal(health.state, "up");
  assert.equal(health.idempotent, !isFebruary);
  assert.equal(health.version, isFebruary ? undefined : version);
  await agents.close();
});

for (const hooksPath of [`/hooks/${MAPPING.match.path}`, "/hooks/agent"]) {
  test(`a prompt sent to ${hooksPath} comes back as a handoff file`, async () => {
    const agents = agentsWith(gateway.hookToken);
    const run = `orch-real${hooksPath.replaceAll("/", "-")}`;
    const startedAt = Date.now();
    const answer = await agents.dispatch(requestFor(run, cardFor(hooksPath)));
    assert.equal(answer.kind, "accepted", JSON.stringify(answer));
    const admittedMs = Date.now() - startedAt;
    const handoff = await handoffOf(run);
    say(
      `${hooksPath}: accepted after ${seconds(admittedMs)}, handoff after ${seconds(Date.now() - startedAt)}`,
    );
    assert.deepEqual(
      [handoff.runId, handoff.agent, handoff.status, handoff.result],
      [run, "webster", "complete", "0.02e-6 per kelvin, a scripted answer"],
    );
    await agents.close();
  });
}

test("the same request again is known again, unless the gateway is of February", async () => {
  const agents = agentsWith(gateway.hookToken);
  const request = requestFor("orch-real-again", cardFor(`/hooks/${MAPPING.match.path}`));
  const first = await agents.dispatch(request);
  const second = await agents.dispatch(request);
  assert.equal(first.kind === "accepted" && second.kind === "accepted", true);
  const isSame =
    first.kind === "accepted" && second.kind === "accepted" && first.agentRunId === second.agentRunId;
  assert.equal(isSame, !isFebruary);
  await handoffOf("orch-real-again");
  await agents.close();
});

test("a wrong token is refused once, and then nothing more is sent", async () => {
  const agents = agentsWith("not-the-token");
  const request = requestFor("orch-real-refused", cardFor("/hooks/agent"));
  const first = await agents.dispatch(request);
  assert.equal(first.kind, "unauthorized");
  assert.match(first.text, /401/);
  const second = await agents.dispatch(request);
  assert.match(second.kind === "unauthorized" ? second.text : "", /nothing more is sent/);
  await agents.close();
});

test("a path that is no hook is final", async () => {
  const agents = agentsWith(gateway.hookToken);
  const answer = await agents.dispatch(requestFor("orch-real-lost", cardFor("/hooks/no-such-hook")));
  assert.equal(answer.kind === "final" && answer.status, 404);
  await agents.close();
});

test("the whole product delegates to it: `hq delegate` prints the handoff", async () => {
  const config = join(folder, "config");
  mkdirSync(config);
  const webster = {
    url: gateway.url,
    hooks_path: `/hooks/${MAPPING.match.path}`,
    capabilities: ["research"],
  };
  // JSON is YAML too.
  writeFileSync(join(config, "agents.yaml"), JSON.stringify({ agents: { webster } }));
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    HQ_HOME: join(folder, "hq-home"),
    HQ_CONFIG: config,
    HQ_AGENTS: "config",
    HQ_PORT: "0",
    OPENCLAW_GATEWAY_TOKEN: gateway.hookToken,
  };
  const hq = (...args: string[]) =>
    promisify(execFile)(process.execPath, [join(installation, "bin", "hq.js"), ...args], {
      env,
      cwd: folder,
    });
  const startedAt = Date.now();
  try {
    const { stdout } = await hq("delegate", "webster", "Find the CTE of Zerodur.", "--timeout", "120");
    const printed = JSON.parse(stdout) as Record<string, unknown>;
    say(`hq delegate: ${seconds(Date.now() - startedAt)}`);
    assert.deepEqual(
      [printed.agent, printed.status, printed.result],
      ["webster", "complete", "0.02e-6 per kelvin, a scripted answer"],
    );
  } finally {
    await hq("stop");
  }
});
