import assert from "node:assert/strict";
import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { folderOf, markedIn, orderOf, script, startWorkers, textOf, untilFile } from "./worker-fixture.ts";

test("a task is done by a process of its own in a folder of its own, and its turns are summed", async (t) => {
  const { dir, workers } = startWorkers(t);
  const order = orderOf("Compare Zerodur and ULE");
  const end = await workers.run(order);
  const folder = folderOf(dir, order);
  assert.equal(end.status, "succeeded", end.reason);
  assert.equal(end.reason, undefined);
  assert.equal(end.folder, folder);
  assert.deepEqual(end.files, ["RESULT.txt", "SUMMARY.txt"]);
  assert.match(end.result ?? "", /sample worker .* No model was asked/);
  assert.equal(end.summary, "A sample answered: Compare Zerodur and ULE");
  assert.equal(readFileSync(join(folder, "TASK.txt"), "utf8"), "TASK: Compare Zerodur and ULE\n");
  assert.match(
    readFileSync(join(folder, "agent-output.log"), "utf8"),
    /sample worker: a task of 23 characters/,
  );
  // Three turns: 900 tokens, 900 and the task, the same and the result.
  const result = Math.ceil((end.result ?? "").length / 4);
  assert.ok((end.usage?.inputTokens ?? 0) > 3 * 900);
  assert.ok((end.usage?.outputTokens ?? 0) >= 20 + result + 12);
  const { inputTokens = 0, outputTokens = 0, usd = 0 } = end.usage ?? {};
  assert.ok(Math.abs(usd - (inputTokens * 0.00045 + outputTokens * 0.00225) / 1000) < 1e-9);
  assert.deepEqual(markedIn(dir), []);
});

test("bug 14: AGENTS.md and TOOLS.md are in the folder where the worker is started, and in the one above", async (t) => {
  const code = `
    import { copyFileSync, writeFileSync } from "node:fs";
    copyFileSync("AGENTS.md", "RESULT.txt");
    writeFileSync("SUMMARY.txt", process.cwd());`;
  const { dir, workers } = startWorkers(t, { kind: script(code) });
  const order = orderOf("Where am I?");
  const end = await workers.run(order);
  assert.equal(end.summary, folderOf(dir, order));
  assert.match(end.result ?? "", /^# You are a worker[^]*RESULT\.txt[^]*at most 2000 characters/);
  assert.doesNotMatch(end.result ?? "", /Where am I|English/);
  for (const name of ["AGENTS.md", "TOOLS.md"]) assert.ok(existsSync(join(dir, order.agent, name)), name);
});

test("bug 17: a line of the configuration tells workers to write English, in a template of one's own too", async (t) => {
  const code = `import { copyFileSync } from "node:fs"; copyFileSync("AGENTS.md", "RESULT.txt");`;
  const { home, workers, open } = startWorkers(t, { kind: script(code), queue: { englishOnly: true } });
  const end = await workers.run(orderOf("bonjour"));
  assert.match(end.result ?? "", /Write English only/);
  const agentsMd = join(home, "agents.md");
  writeFileSync(agentsMd, "Do {task} in {folder}, {unknown} stays.\n");
  const other = open({ kind: { ...script(code), agentsMd }, queue: { englishOnly: true } });
  const order = orderOf("bonjour");
  const { result, folder } = await other.run(order);
  assert.match(result ?? "", new RegExp(`^Do ${order.task} in ${folder}, \\{unknown\\} stays\\.`));
  assert.match(result ?? "", /Write English only/);
});

test("TOOLS.md says what a template of one's own says", async (t) => {
  const code = `import { copyFileSync } from "node:fs"; copyFileSync("TOOLS.md", "RESULT.txt");`;
  const { home, workers, open } = startWorkers(t, { kind: script(code) });
  assert.match((await workers.run(orderOf("look"))).result ?? "", /^# Tools\n/);
  const toolsMd = join(home, "tools.md");
  writeFileSync(toolsMd, "You have a saw.\n");
  const other = open({ kind: { ...script(code), toolsMd } });
  assert.equal((await other.run(orderOf("look again"))).result, "You have a saw.");
});

test("a template that cannot be read fails the task with its name", async (t) => {
  const { home, workers } = startWorkers(t, { kind: { agentsMd: "/nowhere/agents.md" } });
  const end = await workers.run(orderOf("x"));
  assert.equal(end.status, "failed");
  assert.match(
    end.reason ?? "",
    /the template \/nowhere\/agents\.md cannot be read: correct task_queue\.worker/,
  );
  assert.deepEqual(markedIn(home), []);
});

test("bugs 6, 7 and 8: pipes, line breaks, quotes, fences and $( ) travel whole, and only in TASK.txt", async (t) => {
  const text = "a | b\n\"q\" 'r' `s` $(touch owned) $HOME\n```js\n1\n```\n{session} ; rm -rf /  ✅";
  const code = `
    import { readFileSync, writeFileSync } from "node:fs";
    writeFileSync("RESULT.txt", readFileSync("TASK.txt"));
    writeFileSync("SUMMARY.txt", readFileSync("/proc/self/cmdline", "utf8").split("\\0").at(-2));`;
  const { dir, workers } = startWorkers(t, { kind: script(code) });
  const order = orderOf(text);
  const end = await workers.run(order);
  assert.equal(end.result, `TASK: ${text}`);
  assert.equal(
    end.summary,
    `Read AGENTS.md and TASK.txt in ${folderOf(dir, order)}/ and complete the task. Write the result to RESULT.txt and a short summary to SUMMARY.txt in the same folder.`,
  );
});

test("bug 15: the worker hears the model's real name, and its state is its own", async (t) => {
  const code = `
    import { writeFileSync } from "node:fs";
    const { OPENCLAW_MODEL, OPENCLAW_STATE_DIR, OPENCLAW_WORKSPACE_DIR } = process.env;
    writeFileSync("RESULT.txt", [OPENCLAW_MODEL, OPENCLAW_STATE_DIR, OPENCLAW_WORKSPACE_DIR].join(" "));`;
  const { dir, workers } = startWorkers(t, { kind: script(code) });
  const order = orderOf("x", { model: "openrouter/qwen/qwen3-coder-next" });
  const { result } = await workers.run(order);
  assert.equal(result, `openrouter/qwen/qwen3-coder-next ${join(dir, order.agent)} ${folderOf(dir, order)}`);
});

test("bug 21: no secret is in the environment of a worker, of its keeper or of their children", async (t) => {
  const env = {
    PATH: process.env["PATH"],
    HOME: "/home/ada",
    LC_ALL: "C.UTF-8",
    DISCORD_TOKEN: "the-bot-token-of-this-guild",
    ORCHESTRATOR_API_KEY: "the-key-for-rest",
    OPENCLAW_GATEWAY_TOKEN: "the-hooks-token",
    NODE_OPTIONS: "--no-warnings",
    OPENROUTER_API_KEY: "a-key-for-workers",
    COPIED: "Bearer the-hooks-token",
  };
  const code = `
    import { spawn } from "node:child_process";
    import { writeFileSync } from "node:fs";
    const child = spawn("sleep", ["600"], { stdio: "ignore" });
    child.on("spawn", () => writeFileSync("pids", [process.ppid, process.pid, child.pid].join(" ")));`;
  const { dir, workers } = startWorkers(t, {
    kind: { ...script(code), env: ["OPENROUTER_API_KEY", "COPIED"], set: { TEAM: "a" } },
    deps: { env, secrets: () => ["the-hooks-token", undefined, "1"] },
  });
  const order = orderOf("x");
  const end = workers.run(order);
  const pids = (await untilFile(join(folderOf(dir, order), "pids"))).split(" ");
  const environments = pids.map((pid) => textOf(`/proc/${pid}/environ`).split("\0").filter(Boolean));
  await workers.kill(order.id);
  assert.equal((await end).status, "canceled");
  for (const environment of environments) {
    assert.deepEqual(environment.map((line) => line.split("=")[0]).sort(), [
      "HOME",
      "HQ_WORKER",
      "LC_ALL",
      "OPENCLAW_MODEL",
      "OPENCLAW_STATE_DIR",
      "OPENCLAW_WORKSPACE_DIR",
      "OPENROUTER_API_KEY",
      "PATH",
      "TEAM",
    ]);
    assert.doesNotMatch(environment.join("\n"), /the-/);
  }
});

test("bugs 10 and 22: without a result, or with an empty one, it failed, and the reason says what happened", async (t) => {
  const { workers } = startWorkers(t);
  const [none, empty, failed] = await Promise.all([
    workers.run(orderOf("x [silent]")),
    workers.run(orderOf("x [empty]")),
    workers.run(orderOf("x [fail]")),
  ]);
  assert.deepEqual([none.status, empty.status, failed.status], ["failed", "failed", "failed"]);
  assert.match(none.reason ?? "", /^there is no RESULT\.txt \(exit code 0\)/);
  assert.match(empty.reason ?? "", /^RESULT\.txt is empty \(exit code 0\)/);
  assert.match(
    failed.reason ?? "",
    /there is no RESULT\.txt \(exit code 1\); its last words: .*asked me to fail/,
  );
  assert.equal(none.result, undefined);
});

test("a result counts although the exit code is not 0, and the code is told", async (t) => {
  const code = `import { writeFileSync } from "node:fs"; writeFileSync("RESULT.txt", "4\\n"); process.exitCode = 3;`;
  const { workers } = startWorkers(t, { kind: script(code) });
  const end = await workers.run(orderOf("2 + 2"));
  assert.deepEqual(
    [end.status, end.result, end.reason],
    ["succeeded", "4", "it ended with exit code 3, after its result"],
  );
  assert.equal(end.usage, undefined);
});

test("bug 18: a program that is not there is told with the line that mends it", async (t) => {
  const { workers } = startWorkers(t, { kind: { command: ["openclaw-that-is-not-there", "agent"] } });
  const end = await workers.run(orderOf("x"));
  assert.equal(end.status, "failed");
  assert.match(end.reason ?? "", /openclaw-that-is-not-there was not found: .*openclaw_bin or OPENCLAW_BIN/);
});

test("a kind of worker that the configuration does not have is refused", async (t) => {
  const { workers } = startWorkers(t);
  const end = await workers.run(orderOf("x", { worker: "toString" }));
  assert.match(end.reason ?? "", /there is no worker called "toString"/);
});

test("without SUMMARY.txt the result is cut to the limit, the words that say so included", async (t) => {
  const { workers } = startWorkers(t, { worker: { summaryMax: 80 } });
  const end = await workers.run(orderOf("x [no summary]"));
  assert.equal(end.summary?.length, 80);
  assert.ok(end.summary?.endsWith("... (truncated, see RESULT.txt)"));
});

test("a result that is a link to somewhere else is not read", async (t) => {
  const { home, workers } = startWorkers(t, {
    kind: script(`import { symlinkSync } from "node:fs"; symlinkSync("../../../../outside", "RESULT.txt");`),
  });
  writeFileSync(join(home, "outside"), "not for you");
  symlinkSync(join(home, "outside"), join(home, "link"));
  const end = await workers.run(orderOf("x"));
  assert.deepEqual([end.status, end.result, end.files], ["failed", undefined, []]);
});

test("the log keeps its size however much a worker prints", async (t) => {
  const { dir, workers } = startWorkers(t, { worker: { logMax: 65_536 } });
  const order = orderOf("x [loud 8]");
  assert.equal((await workers.run(order)).status, "succeeded");
  const log = readFileSync(join(folderOf(dir, order), "agent-output.log"), "utf8");
  assert.ok(log.length < 65_536 + 100, String(log.length));
  assert.match(log, /\[the rest was left out: the log holds 65536 bytes\]\n$/);
});

test("asked twice with the same id, at once or later, it is started once", async (t) => {
  const code = `import { appendFileSync } from "node:fs"; appendFileSync("RESULT.txt", "once\\n");`;
  const { workers, open } = startWorkers(t, { kind: script(code) });
  const order = orderOf("x");
  const [first, second] = await Promise.all([workers.run(order), workers.run(order)]);
  assert.deepEqual(first, second);
  assert.equal(first.result, "once");
  assert.deepEqual(await workers.run(order), first);
  assert.deepEqual(await open().run(order), first);
});

test("an id that leads out of the folder is refused", (t) => {
  const { workers } = startWorkers(t);
  assert.throws(() => workers.run(orderOf("x", { id: "../x" })), /cannot be the id of a worker/);
  assert.throws(() => workers.run(orderOf("x", { agent: "agent-../.." })), /no name of a worker's folder/);
});

test("pruning takes what succeeded long enough ago, and leaves failures and what runs", async (t) => {
  let at = Date.now();
  const { dir, workers } = startWorkers(t, { deps: { now: () => at }, worker: { retentionMs: 3_600_000 } });
  const done = orderOf("x");
  const failed = orderOf("x [fail]");
  const running = orderOf("x [slow 60s]", { timeoutMs: 86_400_000 });
  await Promise.all([workers.run(done), workers.run(failed)]);
  const end = workers.run(running);
  await untilFile(join(folderOf(dir, running), "agent-output.log"));
  assert.deepEqual(await workers.prune(), []);
  at += 3_700_000;
  assert.deepEqual(await workers.prune(), [join(dir, done.agent)]);
  assert.deepEqual(
    [done, failed, running].map((each) => existsSync(folderOf(dir, each))),
    [false, true, true],
  );
  await workers.kill(running.id);
  assert.equal((await end).status, "canceled");
});
