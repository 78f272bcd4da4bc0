/**
 * A session with a real gateway: it remembers the first turn, also when the supervisor was killed before the second.
 * Alone: `node test/openclaw/sessions.ts [--feb | --version <version>]`; test/openclaw/run.ts runs it too. The gateway of
 * February keeps no such sessions: there each turn brings the earlier ones along.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { parseArgs } from "node:util";
import type { Sent } from "../../src/engine/orchestrator-verbs.ts";
import { type Supervisor, startSupervisor } from "../support/supervisor.ts";
import { MAPPING, startOpenclaw } from "./gateway.ts";
import { FEBRUARY, installOpenclaw, NEWEST } from "./install.ts";
import { type ChatRequest, startScriptedModel, type Turn, textOf } from "./scripted-model.ts";

const { values } = parseArgs({ options: { feb: { type: "boolean" }, version: { type: "string" } } });
const version = values.version ?? (values.feb ? FEBRUARY : NEWEST);
const isKept = !version.startsWith("2026.2.");
const folder = mkdtempSync(join(tmpdir(), "hq-openclaw-sessions-"));
const say = (text: string) => process.stdout.write(`${text}\n`);

/** The hook that docs/guide/openclaw.md recommends for sessions. */
const SESSIONS = {
  allowRequestSessionKey: true,
  allowedSessionKeyPrefixes: ["hook:"],
  mappings: [
    {
      ...MAPPING,
      id: "hq-session",
      match: { ...MAPPING.match, source: "hq-session" },
      sessionKey: "{{sessionKey}}",
      sessionMode: "persistent",
    },
    MAPPING,
  ],
};

/** Hands in, for the latest prompt, every task that the conversation holds: what the model was not told it cannot say. */
function recite({ messages }: ChatRequest): Turn {
  const last = messages.findLastIndex((message) => textOf(message).includes("# How to hand in"));
  const prompt = textOf(messages[last] ?? { role: "user" });
  if (last < 0 || messages.slice(last).some(({ role }) => role === "tool")) return { say: "Handed in." };
  const [, path = ""] = /to exactly this file:\n\n(.+)\n/.exec(prompt) ?? [];
  const [, example = "{}"] = /```json\n([\s\S]*?)\n```/.exec(prompt) ?? [];
  const told = messages
    .slice(0, last + 1)
    .map(textOf)
    .join("\n");
  const tasks = [...told.matchAll(/^(?:# Task\n|Asked: )(.+)$/gm)].map(([, task]) => task);
  const handoff = { ...(JSON.parse(example) as object), result: [...new Set(tasks)].join(" | ") };
  const lines = [`cat > '${path}.tmp' <<'END'`, JSON.stringify(handoff), "END", `mv '${path}.tmp' '${path}'`];
  return { call: "exec", with: { command: lines.join("\n") } };
}

suite(`sessions, OpenClaw ${version}`, () => {
  let model: Awaited<ReturnType<typeof startScriptedModel>>;
  let gateway: Awaited<ReturnType<typeof startOpenclaw>>;
  let supervisor: Supervisor;

  const start = () =>
    startSupervisor(join(folder, "hq-home"), {
      HQ_CONFIG: join(folder, "config"),
      HQ_AGENTS: "config",
      OPENCLAW_GATEWAY_TOKEN: gateway.hookToken,
    });

  before(async () => {
    const { entry } = await installOpenclaw(version);
    model = await startScriptedModel(recite);
    const given = { entry, folder: join(folder, "gateway"), modelUrl: model.url };
    mkdirSync(given.folder);
    gateway = await startOpenclaw({ ...given, ...(isKept ? { hooks: SESSIONS } : {}) });
    const webster = { url: gateway.url, hooks_path: `/hooks/${MAPPING.match.path}`, sessions: isKept };
    mkdirSync(join(folder, "config"));
    // JSON is YAML too.
    writeFileSync(join(folder, "config", "agents.yaml"), JSON.stringify({ agents: { webster } }));
    supervisor = await start();
  });

  after(async () => {
    await supervisor?.stop();
    await gateway?.stop();
    await model?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    assert.deepEqual(model?.failures, []);
  });

  test("a second turn's answer depends on the first, also after the supervisor was killed in between", async () => {
    const ask = async (path: string, body: object) =>
      (await supervisor.call("POST", `/../orchestrator/sessions/${path}`, body)).body;
    const { token } = (await ask("spawn", { sessionId: "s1", instance: "webster" })) as { token: string };
    const turn = async (task: string): Promise<Sent> => {
      const startedAt = Date.now();
      const sent = (await ask("send", { sessionId: "s1", token, data: { task }, timeout: "120s" })) as Sent;
      say(`turn ${sent.turn}: ${sent.reply} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
      return sent;
    };
    const first = await turn("Find the CTE of Zerodur.");
    assert.equal(first.reply, "Find the CTE of Zerodur.");
    const second = await turn("And its density?");
    assert.deepEqual(
      new Set(second.reply?.split(" | ")),
      new Set(["Find the CTE of Zerodur.", "And its density?"]),
    );
    supervisor.child.kill("SIGKILL");
    await supervisor.exited;
    supervisor = await start();
    const third = await turn("Which is stiffer?");
    assert.deepEqual(
      new Set(third.reply?.split(" | ")),
      new Set(["Find the CTE of Zerodur.", "And its density?", "Which is stiffer?"]),
    );
    const prompts = model.requests.map(({ messages }) => messages.map(textOf).join("\n"));
    const isBrought = prompts.some((text) => text.includes("earlier turns of this session"));
    assert.equal(isBrought, !isKept, "whoever remembers is not told again");
  });
});
