/**
 * 100 tasks in #task-queue of the local guild, each done by a fresh sample worker, from the first post to the last task
 * that is done. Beside it, in the same run, one pass of the shape that the first tool had: once a minute read the newest
 * messages, take ten without a tick, put it, start a worker each two seconds, wait for all, post each result.
 *
 * usage: node bench/tasks.ts [--tasks 100]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createLocalGuild } from "../src/local/local-guild.ts";
import { ROOT, startSupervisor, temporaryFolder } from "../test/support/supervisor.ts";
import { table } from "./report.ts";

const { values } = parseArgs({ options: { tasks: { type: "string", default: "100" } } });
const TICK = encodeURIComponent("✅");
const PER_PASS = 10;
const BETWEEN_STARTS_MS = 2000;

async function post(guild: string, text: string): Promise<void> {
  const response = await fetch(new URL("/local/messages", guild), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ channel: "task-queue", content: text }),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}

async function measureOurs(count: number): Promise<number> {
  using folder = temporaryFolder("hq-bench-tasks-");
  const supervisor = await startSupervisor(folder.path);
  const guild = supervisor.ready.guild ?? "";
  const from = performance.now();
  for (let n = 0; n < count; n++) await post(guild, `Job ${n} [model:cheap]`);
  for (let done = 0; done < count; ) {
    const { body } = await supervisor.call("GET", "/tasks?status=done&limit=200");
    done = body.items.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const ms = performance.now() - from;
  await supervisor.stop();
  return ms;
}

/** One pass; the next one begins with the next minute, however short this one was. */
async function measurePolling(): Promise<number> {
  using folder = temporaryFolder("hq-bench-polling-");
  const guild = await createLocalGuild({ port: 0, rates: false });
  await guild.start();
  const address = guild.url;
  for (let n = 0; n < PER_PASS; n++) await post(address, `Job ${n} [model:cheap]`);
  const call = async (method: string, path: string, body?: object): Promise<any> => {
    const response = await fetch(`${guild.restApi}/v10${path}`, {
      method,
      headers: { authorization: "Bot bench", "content-type": "application/json" },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? undefined : response.json();
  };
  const from = performance.now();
  const channels: { id: string; name: string }[] = await call(
    "GET",
    `/guilds/${await guildId(call)}/channels`,
  );
  const idOf = (name: string) => channels.find((channel) => channel.name === name)?.id ?? "";
  const messages: { id: string; content: string; reactions?: unknown[] }[] = await call(
    "GET",
    `/channels/${idOf("task-queue")}/messages?limit=20`,
  );
  const working: Promise<void>[] = [];
  for (const { id, content } of messages.filter(({ reactions }) => !reactions?.length).slice(0, PER_PASS)) {
    await call("PUT", `/channels/${idOf("task-queue")}/messages/${id}/reactions/${TICK}/@me`);
    working.push(work(join(folder.path, id), content).then((result) => report(result)));
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_STARTS_MS));
  }
  await Promise.all(working);
  const ms = performance.now() - from;
  await guild.stop();
  return ms;

  function report(result: string): Promise<void> {
    return call("POST", `/channels/${idOf("results")}/messages`, { content: result.slice(0, 1500) });
  }
}

async function guildId(call: (method: string, path: string) => Promise<any>): Promise<string> {
  const [guild] = await call("GET", "/users/@me/guilds");
  return guild.id;
}

async function work(folder: string, text: string): Promise<string> {
  mkdirSync(folder);
  writeFileSync(join(folder, "TASK.txt"), `TASK: ${text}\n`);
  const worker: ChildProcess = spawn(
    process.execPath,
    [join(ROOT, "src/local/worker/sample-worker.ts"), "work", "bench", "cheap", "low"],
    { cwd: folder, stdio: "ignore" },
  );
  await once(worker, "exit");
  return readFileSync(join(folder, "RESULT.txt"), "utf8");
}

const count = Number(values.tasks);
const pollingMs = await measurePolling();
const oursMs = await measureOurs(count);
const ours = (count / oursMs) * 60_000;
console.log(
  table(
    ["what", "tasks", "seconds", "a minute"],
    [
      ["task queue", String(count), (oursMs / 1000).toFixed(1), ours.toFixed(0)],
      ["one pass of polling each minute", String(PER_PASS), (pollingMs / 1000).toFixed(1), String(PER_PASS)],
    ],
  ),
);
console.log(`${(ours / PER_PASS).toFixed(0)}× as many a minute`);
