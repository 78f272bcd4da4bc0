/**
 * A worker for the local guild: a process that does what a real one does, without a model. It reads TASK.txt in the
 * folder it is started in, writes RESULT.txt and SUMMARY.txt, and a session file as OpenClaw does, and says of itself
 * that it is a sample. Words in square brackets in the task make it slow or go wrong (docs/specs/sample-agents.md).
 * It stands alone: nothing of the rest is imported, and nothing imports it.
 */
import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const LONGEST_MS = 3_600_000;
const MOST_LOUD_MIB = 100;
const CHARACTERS_PER_TOKEN = 4;
const PROMPT_TOKENS = 900;

type Wishes = { readonly slowMs: number; readonly loudMib: number; readonly words: ReadonlySet<string> };

const [mode = "", session = "sample", model = "sample", thinking = "medium"] = process.argv.slice(2);
if (mode === "work") await work();
else if (mode === "fork") leaveBehind("linger");
else if (mode === "linger") await linger();
else {
  process.stderr.write(
    "usage: sample-worker.ts work <session> <model> <thinking>, in a folder with TASK.txt\n",
  );
  process.exitCode = 2;
}

async function work(): Promise<void> {
  const task = readFileSync("TASK.txt", "utf8")
    .replace(/^TASK: /, "")
    .trim();
  const wishes = wishesIn(task);
  const log = openSession();
  log.user("Read AGENTS.md and TASK.txt and complete the task.");
  log.turn({ call: "read", path: "TASK.txt" }, PROMPT_TOKENS, 20);
  log.tool(task);
  process.stdout.write(`sample worker: a task of ${task.length} characters, thinking ${thinking}\n`);

  if (wishes.words.has("stubborn"))
    process.on("SIGTERM", () => process.stdout.write("I was asked to stop.\n"));
  if (wishes.words.has("fork")) leaveBehind("fork");
  for (let mib = 0; mib < wishes.loudMib; mib++)
    process.stdout.write("all work and no play\n".repeat(49_933));
  await pause(wishes.slowMs);
  if (wishes.words.has("fail")) {
    process.stderr.write("sample worker: the task asked me to fail\n");
    process.exitCode = 1;
    return;
  }
  if (wishes.words.has("silent")) return;

  const result = wishes.words.has("empty") ? "" : resultOf(task);
  writeFileSync("RESULT.txt", result);
  const read = PROMPT_TOKENS + tokensOf(task);
  log.turn({ call: "write", path: "RESULT.txt" }, read, tokensOf(result));
  log.tool("written");
  if (!wishes.words.has("no summary"))
    writeFileSync("SUMMARY.txt", `A sample answered: ${firstOf(task, 120)}\n`);
  log.turn({ say: "Done." }, read + tokensOf(result), 12);
}

function resultOf(task: string): string {
  const words = task.split(/\s+/).filter((word) => word !== "").length;
  return [
    "This is the result of the sample worker of the local guild. No model was asked and nothing was looked up.",
    "",
    `It was asked, in ${words} words: ${firstOf(task, 600)}`,
    `It would have used ${model} with thinking ${thinking}; its tokens are characters divided by ${CHARACTERS_PER_TOKEN}.`,
    "",
    "To have tasks done by a real worker, set task_queue.worker in config/hq.yaml and name authors.",
    "",
  ].join("\n");
}

/** `[slow 5s] [fail] [silent] [empty] [no summary] [fork] [stubborn] [loud 5]`, in any case. */
function wishesIn(task: string): Wishes {
  const words = new Set<string>();
  let slowMs = 0;
  let loudMib = 0;
  for (const [, inner = ""] of task.matchAll(/\[([a-z][a-z0-9. ]{2,24})\]/gi)) {
    const word = inner.trim().toLowerCase();
    const [, count, unit = "s"] = /^slow (\d+(?:\.\d+)?)(ms|s|m)?$/.exec(word) ?? [];
    const [, mib] = /^loud (\d+)$/.exec(word) ?? [];
    if (count !== undefined) slowMs = Math.min(Number(count) * unitMs(unit), LONGEST_MS);
    else if (mib !== undefined) loudMib = Math.min(Number(mib), MOST_LOUD_MIB);
    else words.add(word);
  }
  return { slowMs, loudMib, words };
}

function unitMs(unit: string): number {
  if (unit === "ms") return 1;
  return unit === "m" ? 60_000 : 1000;
}

/** A process that is nobody's child any more, in a session of its own: what a worker must not leave behind. */
function leaveBehind(next: "fork" | "linger"): void {
  spawn(process.execPath, [import.meta.filename, next], { detached: true, stdio: "ignore" }).unref();
}

async function linger(): Promise<void> {
  for (const name of ["SIGTERM", "SIGHUP", "SIGINT"] as const) process.on(name, () => undefined);
  await pause(LONGEST_MS);
}

/** The session file, entry by entry, in the form in which OpenClaw of February 2026 writes it. */
function openSession() {
  const state = process.env["OPENCLAW_STATE_DIR"];
  const folder = state === undefined ? undefined : join(state, "agents", "main", "sessions");
  if (folder !== undefined) mkdirSync(folder, { recursive: true, mode: 0o700 });
  let parentId: string | null = null;
  let count = 0;
  const write = (entry: object) => {
    if (folder === undefined) return;
    count++;
    const id = count.toString(16).padStart(8, "0");
    const line = { ...entry, id, parentId, timestamp: new Date().toISOString() };
    appendFileSync(join(folder, `${session}.jsonl`), `${JSON.stringify(line)}\n`);
    parentId = id;
  };
  const message = (role: string, content: readonly object[], more: object = {}) =>
    write({ type: "message", message: { role, content, ...more, timestamp: Date.now() } });
  write({ type: "session", version: 3, cwd: process.cwd() });
  write({ type: "thinking_level_change", thinkingLevel: thinking });
  return {
    user: (text: string) => message("user", [{ type: "text", text }]),
    tool: (text: string) => message("toolResult", [{ type: "text", text }], { isError: false }),
    turn(act: { call: string; path: string } | { say: string }, input: number, output: number) {
      const isCall = "call" in act;
      const content = isCall
        ? { type: "toolCall", id: `call_${count}`, name: act.call, arguments: { path: act.path } }
        : { type: "text", text: act.say };
      const usage = { input, output, cacheRead: 0, cacheWrite: 0, totalTokens: input + output };
      const stopReason = isCall ? "toolUse" : "stop";
      message("assistant", [content], { provider: "sample", model, usage, stopReason });
    },
  };
}

function tokensOf(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}

function firstOf(text: string, length: number): string {
  const line = text.replace(/\s+/g, " ");
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
