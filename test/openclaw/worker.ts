/**
 * A worker that is the real OpenClaw, from npm: `node test/openclaw/worker.ts`. The command is the one that ships, its
 * only model is a script. Installs it once into the temporary folder.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { createWorkers } from "../../src/agents/workers/workers.ts";
import { DEFAULT_COMMAND } from "../../src/config/task-queue-defaults.ts";
import { taskQueueOf } from "../support/task-queue.ts";
import { installOpenclaw, NEWEST } from "./install.ts";
import { type ChatRequest, startScriptedModel, type Turn, textOf } from "./scripted-model.ts";

/** Reads the message as a model would: looks at the task, writes the result and the summary, says a word. */
function work(request: ChatRequest): Turn {
  const said = request.messages.map(textOf).join("\n");
  const folder = /TASK\.txt in (\S+)\/ and complete/.exec(said)?.[1];
  if (folder === undefined) return { say: "I was not told where my task is." };
  const exec = (command: string): Turn => ({ call: "exec", with: { command } });
  switch (request.messages.filter(({ role }) => role === "tool").length) {
    case 0:
      return exec(
        `cat '${folder}/TASK.txt'; head -1 AGENTS.md; env | cut -d= -f1 | sort > '${folder}/names'`,
      );
    case 1:
      return exec(`printf '4\\n' > '${folder}/RESULT.txt'`);
    case 2:
      return exec(`printf 'It is 4.\\n' > '${folder}/SUMMARY.txt'`);
    default:
      return { say: "Done." };
  }
}

test("the command that ships does a task with the model that was asked for, and tells its tokens", async (t) => {
  const { entry } = await installOpenclaw(NEWEST);
  const home = mkdtempSync(join(tmpdir(), "hq-openclaw-worker-"));
  const seen: { model?: string; texts: string }[] = [];
  const model = await startScriptedModel((request) => {
    const asked = (request as ChatRequest & { model?: string }).model;
    seen.push({
      ...(asked === undefined ? {} : { model: asked }),
      texts: request.messages.map(textOf).join("\n"),
    });
    return work(request);
  });
  const config = join(home, "openclaw.json");
  const models = ["moonshotai/kimi-k2.5", "qwen/qwen3-coder-next"].map((id) => ({
    id,
    name: id,
    reasoning: true,
    input: ["text"],
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    contextWindow: 128_000,
    maxTokens: 8192,
  }));
  const provider = { baseUrl: model.url, apiKey: "none", api: "openai-completions", models };
  const document = {
    models: { mode: "replace", providers: { openrouter: provider } },
    agents: { defaults: { model: { primary: "openrouter/moonshotai/kimi-k2.5" }, skipBootstrap: true } },
    logging: { file: join(home, "openclaw.log") },
  };
  writeFileSync(config, JSON.stringify(document), { mode: 0o600 });

  const queue = taskQueueOf(home);
  const { standard } = queue.worker.kinds;
  assert.ok(standard);
  const command = [process.execPath, entry, ...DEFAULT_COMMAND.slice(1)];
  const set = { OPENCLAW_CONFIG_PATH: config };
  const settings = {
    ...queue,
    worker: { ...queue.worker, kinds: { standard: { ...standard, command, set } } },
  };
  const workers = createWorkers({
    settings: () => settings,
    env: { PATH: process.env["PATH"], HOME: home, DISCORD_TOKEN: "not for workers" },
    secrets: () => [],
    now: Date.now,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  t.after(async () => {
    await workers.killAll();
    await model.close();
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });
  const end = await workers.run({
    id: "task-1471858733452890401/w1",
    agent: "agent-1795241000-1",
    task: "task-1471858733452890401",
    text: "What is 2 + 2?",
    worker: "standard",
    model: "openrouter/qwen/qwen3-coder-next",
    thinking: "low",
    timeoutMs: 240_000,
  });
  assert.deepEqual(model.failures, []);
  assert.deepEqual([end.status, end.result, end.summary], ["succeeded", "4", "It is 4."], end.reason);
  assert.deepEqual(new Set(seen.map((each) => each.model)), new Set(["qwen/qwen3-coder-next"]));
  assert.match(seen.at(-1)?.texts ?? "", /TASK: What is 2 \+ 2\?\n# You are a worker/);
  // Four turns of 100 tokens in and 20 out.
  assert.deepEqual(end.usage, {
    inputTokens: 400,
    outputTokens: 80,
    usd: (400 * 0.00015 + 80 * 0.0008) / 1000,
  });
  assert.doesNotMatch(readFileSync(join(end.folder, "names"), "utf8"), /DISCORD/);
  process.stdout.write(
    `it took ${((end.endedAt - end.startedAt) / 1000).toFixed(1)} s; ${readdirSync(end.folder).join(" ")}\n`,
  );
});
