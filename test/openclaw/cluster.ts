/**
 * A real OpenClaw that `hq cluster init` made and `hq cluster start` runs. Alone: `node test/openclaw/cluster.ts
 * [--feb | --version <version>]`; test/openclaw/run.ts runs it too.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, suite, test } from "node:test";
import { parseArgs } from "node:util";
import { markOf } from "../../src/agents/cluster/environment.ts";
import { huntFor } from "../../src/agents/cluster/gateway.ts";
import { parseEnv } from "../../src/config/env-file.ts";
import { freePort } from "./gateway.ts";
import { FEBRUARY, installOpenclaw, NEWEST } from "./install.ts";
import { handInByShell } from "./scripted-handoff.ts";
import { startScriptedModel } from "./scripted-model.ts";

const { values } = parseArgs({ options: { feb: { type: "boolean" }, version: { type: "string" } } });
const version = values.version ?? (values.feb ? FEBRUARY : NEWEST);
const installation = resolve(import.meta.dirname, "../..");
const folder = realpathSync(mkdtempSync(join(tmpdir(), "hq-openclaw-cluster-")));
const instance = join(folder, "cluster", "instances", "webster");
const say = (text: string) => process.stdout.write(`${text}\n`);
const env = {
  PATH: process.env["PATH"],
  HOME: folder,
  HQ_HOME: join(folder, ".hq"),
  HQ_CONFIG: join(folder, "config"),
  HQ_AGENTS: "config",
  HQ_PORT: "0",
  WEBSTER_HOOKS_TOKEN: randomBytes(24).toString("hex"),
};

type Ran = { readonly code: number; readonly out: string; readonly err: string };

function run(program: string, args: readonly string[], more: object = env): Promise<Ran> {
  return new Promise((done) => {
    execFile(program, args, { env: { ...more }, cwd: folder }, (error, out, err) =>
      done({ code: typeof error?.code === "number" ? error.code : error ? 1 : 0, out, err }),
    );
  });
}

const hq = (...args: string[]) => run(process.execPath, [join(installation, "bin", "hq.js"), ...args]);

type Shown = { readonly state: string; readonly answers: boolean; readonly pid?: number };

async function shown(): Promise<Shown> {
  const { out } = await hq("cluster", "status", "webster", "--json");
  const [first] = JSON.parse(out) as Shown[];
  assert.ok(first, out);
  return first;
}

/** What a person adds to the file that `hq cluster init` wrote: which model answers. */
function addModel(baseUrl: string): void {
  const path = join(instance, "openclaw.json");
  const config = JSON.parse(readFileSync(path, "utf8")) as { agents: { defaults: object } };
  const model = {
    id: "scripted-1",
    name: "Scripted",
    reasoning: false,
    input: ["text"],
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    contextWindow: 128_000,
    maxTokens: 8192,
  };
  const provider = { baseUrl, apiKey: "none", api: "openai-completions", models: [model] };
  config.agents.defaults = { ...config.agents.defaults, model: { primary: "scripted/scripted-1" } };
  const whole = { ...config, models: { mode: "replace", providers: { scripted: provider } } };
  writeFileSync(path, JSON.stringify(whole, undefined, 2));
}

suite("a cluster of one real gateway", () => {
  let entry = "";
  let model: Awaited<ReturnType<typeof startScriptedModel>>;

  before(async () => {
    ({ entry } = await installOpenclaw(version));
    model = await startScriptedModel(handInByShell);
    const config = join(folder, "config");
    mkdirSync(config);
    const webster = {
      port: await freePort(),
      hooks_path: "/hooks/delegate",
      token_env: "WEBSTER_HOOKS_TOKEN",
      capabilities: ["research"],
    };
    // JSON is YAML too.
    writeFileSync(join(config, "agents.yaml"), JSON.stringify({ agents: { webster } }));
    const cluster = { command: [process.execPath, entry, "gateway"] };
    writeFileSync(join(config, "hq.yaml"), JSON.stringify({ cluster }));
  });

  after(async () => {
    await hq("stop");
    await hq("cluster", "stop", "--timeout", "5s");
    await model?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    assert.deepEqual(model.failures, []);
  });

  test("what `cluster init` writes is a configuration that OpenClaw takes, and a person's additions stay", async () => {
    const first = await hq("cluster", "init", "webster");
    assert.equal(first.code, 0, first.err);
    addModel(model.url);
    const before = readFileSync(join(instance, "openclaw.json"), "utf8");
    const again = await hq("cluster", "init", "webster", "--json");
    const report = JSON.parse(again.out) as { instances: { files: { state: string }[] }[] };
    assert.deepEqual(
      report.instances[0]?.files.filter(({ state }) => state !== "kept"),
      [],
    );
    assert.equal(readFileSync(join(instance, "openclaw.json"), "utf8"), before);
  });

  test("`cluster start` comes back when it answers, and /health or any answer is there", async () => {
    const startedAt = Date.now();
    const { code, err } = await hq("cluster", "start", "--timeout", "240s");
    assert.equal(code, 0, `${err}${(await hq("cluster", "logs")).out}`);
    say(`hq cluster start: ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
    const { state, answers } = await shown();
    assert.deepEqual([state, answers], ["running", true]);
  });

  test("it takes the hook, unwrapped, and hands in", async () => {
    const { code, out, err } = await hq(
      "delegate",
      "webster",
      "Find the CTE of Zerodur.",
      "--timeout",
      "120",
    );
    assert.equal(code, 0, err);
    assert.equal((JSON.parse(out) as { status: string }).status, "complete");
  });

  test("the link to a skill is a skill for it", async () => {
    const linked = await hq("cluster", "skills", "install", "webster");
    assert.equal(linked.code, 0, linked.err);
    const own = parseEnv(readFileSync(join(instance, "env"), "utf8"));
    const listed = await run(process.execPath, [entry, "skills", "list", "--json"], {
      PATH: process.env["PATH"],
      ...own,
    });
    const text = listed.out.slice(listed.out.indexOf("{"));
    const { skills } = JSON.parse(text) as { skills: { name: string; eligible: boolean }[] };
    for (const name of ["delegate", "orchestrator"])
      assert.equal(skills.find((one) => one.name === name)?.eligible, true, name);
  });

  test("killed with -9, the keeper leaves it running; the next start keeps the same process again", async () => {
    const { pid } = await shown();
    const record = JSON.parse(readFileSync(join(instance, "cluster.json"), "utf8")) as {
      keeper: { pid: number };
    };
    process.kill(record.keeper.pid, "SIGKILL");
    const orphan = await shown();
    assert.deepEqual([orphan.state, orphan.pid, orphan.answers], ["unwatched", pid, true]);
    const { code, err } = await hq("cluster", "start", "webster");
    assert.equal(code, 0, err);
    const kept = await shown();
    assert.deepEqual([kept.state, kept.pid], ["running", pid]);
    const again = await hq("delegate", "webster", "And of ULE.", "--timeout", "120");
    assert.equal(again.code, 0, again.err);
  });

  test("killed itself, it is started again and answers", async () => {
    const { pid = 0 } = await shown();
    process.kill(pid, "SIGKILL");
    const { code, err } = await hq("cluster", "start", "webster", "--timeout", "240s");
    assert.equal(code, 0, err);
    const { pid: next, answers } = await shown();
    assert.equal(answers, true);
    assert.notEqual(next, pid);
  });

  test("`cluster stop` leaves no process of it", async () => {
    const { code, err } = await hq("cluster", "stop", "webster", "--timeout", "30s");
    assert.equal(code, 0, err);
    assert.deepEqual(huntFor(markOf("keeper", instance))(), []);
    assert.equal((await shown()).state, "stopped");
  });
});
