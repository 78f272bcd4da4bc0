import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { createLocalGuild } from "../../src/local/local-guild.ts";
import { person, temporaryFolder } from "../support/guild.ts";

const CHILD = join(import.meta.dirname, "../support/guild-process.ts");

async function spawnGuild(t: test.TestContext, dir: string): Promise<{ url: string; child: ChildProcess }> {
  const child = spawn(process.execPath, [CHILD, dir], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { url: line.toString().trim(), child };
}

async function openGuild(t: test.TestContext, dir: string, now?: () => number) {
  const guild = await createLocalGuild({ port: 0, dir, rates: false, ...(now ? { now } : {}) });
  await guild.start();
  t.after(guild.stop);
  return guild;
}

const asBot = (url: string, path: string, init: RequestInit = {}) =>
  fetch(`${url}/api/v10${path}`, {
    ...init,
    headers: { authorization: "Bot x", "content-type": "application/json" },
  });

test("a killed guild has lost nothing that it answered, and no id comes twice", async (t) => {
  const dir = temporaryFolder(t);
  const first = await spawnGuild(t, dir);
  const you = person(first);
  const answered: string[] = [];
  const posts = (async () => {
    for (let i = 0; ; i++) answered.push((await you.say("technical", `m${i}`)).id);
  })();
  const kill = (async () => {
    while (answered.length < 150) await new Promise((resolve) => setImmediate(resolve));
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
  })();
  await assert.rejects(posts);
  await kill;

  const guild = await openGuild(t, dir);
  const kept = guild.inspect.messages("technical").map((message) => message.id);
  // At most the one that was under way is there without having been answered.
  assert.deepEqual(kept.slice(0, answered.length), answered);
  assert.ok(kept.length - answered.length <= 1);
  const next = await person(guild).say("technical", "after");
  assert.ok(BigInt(next.id) > BigInt(kept.at(-1) ?? 0));
});

test("everything is there after a restart: edits, reactions, threads, files, commands, nonces, interactions", async (t) => {
  const dir = temporaryFolder(t);
  const before = await openGuild(t, dir);
  const you = person(before);
  const { id } = await you.say("technical", "first");
  await you.must("PATCH", `/local/messages/${id}`, { content: "edited ✓" });
  await you.react(id, "✅");
  const gone = await you.say("technical", "gone");
  await you.ask("DELETE", `/local/messages/${gone.id}`);
  const channel = before.inspect.channelId("technical");
  const bot = (path: string, method: string, body: object) =>
    asBot(before.url, path, { method, body: JSON.stringify(body) });
  const nonce = { content: "result", nonce: "n1", enforce_nonce: true };
  await bot(`/channels/${channel}/messages`, "POST", nonce);
  await bot(`/channels/${channel}/messages/${id}/threads`, "POST", { name: "thread" });
  const app = before.inspect.memberId("Atomizer HQ");
  await bot(`/applications/${app}/guilds/${before.guildId}/commands`, "PUT", [
    { name: "ask", description: "x" },
  ]);
  const { id: asked } = await you.must<{ id: string }>("POST", "/local/commands", {
    channel: "technical",
    name: "ask",
  });
  const { token } = before.inspect.interaction(asked) ?? {};
  await bot(`/interactions/${asked}/${token}/callback`, "POST", { type: 5, data: { flags: 64 } });
  const form = new FormData();
  form.set("payload_json", JSON.stringify({ channel: "results" }));
  form.set("files[0]", new Blob(["bytes"]), "a.txt");
  await fetch(`${before.url}/local/messages`, { method: "POST", body: form });
  await before.stop();

  const after = await openGuild(t, dir);
  const [message, result] = after.inspect.messages("technical");
  assert.equal(after.inspect.messages("technical").length, 2);
  assert.equal(message?.content, "edited ✓");
  assert.deepEqual(message?.reactions, [
    { emoji: { id: null, name: "✅" }, users: [after.inspect.memberId("you")] },
  ]);
  assert.equal(after.inspect.threads()[0]?.name, "thread");
  const again = await asBot(after.url, `/channels/${channel}/messages`, {
    method: "POST",
    body: JSON.stringify(nonce),
  });
  assert.equal(((await again.json()) as { id: string }).id, result?.id);
  const state = await person(after).get<{ commands: { name: string }[] }>("/local/state");
  assert.deepEqual(
    state.commands.map((command) => command.name),
    ["ask"],
  );
  const edited = await asBot(after.url, `/webhooks/${app}/${token}/messages/@original`, {
    method: "PATCH",
    body: JSON.stringify({ content: "late but there" }),
  });
  assert.equal(edited.status, 200);
  const [posted] = await person(after).get<{ attachments: { url: string }[] }[]>(
    "/local/channels/results/messages",
  );
  assert.equal(await (await fetch(posted?.attachments[0]?.url ?? "")).text(), "bytes");
});

test("a torn last line is cut off, and what comes after it is whole", async (t) => {
  const dir = temporaryFolder(t);
  const first = await openGuild(t, dir);
  await person(first).say("technical", "whole");
  await first.stop();
  appendFileSync(join(dir, "guild.jsonl"), '["message","147185873360232572');
  const second = await openGuild(t, dir);
  await person(second).say("technical", "next");
  await second.stop();
  const third = await openGuild(t, dir);
  assert.deepEqual(
    third.inspect.messages("technical").map((message) => message.content),
    ["whole", "next"],
  );
  for (const line of readFileSync(join(dir, "guild.jsonl"), "utf8").trimEnd().split("\n")) JSON.parse(line);
});

test("the journal shrinks at a start when most of it is outdated, and ids still do not repeat", async (t) => {
  const dir = temporaryFolder(t);
  let now = Date.UTC(2026, 5, 1);
  const first = await openGuild(t, dir, () => now);
  const { id } = await person(first).say("technical", "x".repeat(1500));
  for (let i = 0; i < 150; i++) {
    await person(first).must("PATCH", `/local/messages/${id}`, { content: `${i}${"y".repeat(1990)}` });
  }
  const last = await person(first).say("technical", "gone");
  await person(first).ask("DELETE", `/local/messages/${last.id}`);
  await first.stop();
  const path = join(dir, "guild.jsonl");
  const large = statSync(path).size;
  const second = await openGuild(t, dir, () => now);
  assert.ok(statSync(path).size < large / 10);
  assert.match(second.inspect.message(id)?.content ?? "", /^149y/);
  await second.stop();
  assert.deepEqual(readdirSync(dir).sort(), ["attachments", "guild.jsonl"]);
  now -= 60_000;
  const third = await openGuild(t, dir, () => now);
  assert.ok(BigInt((await person(third).say("technical", "new")).id) > BigInt(last.id));
});

test("a start is quick with ten thousand messages in the journal", async (t) => {
  const dir = temporaryFolder(t);
  const first = await openGuild(t, dir);
  const channel = first.inspect.channelId("results");
  await person(first).say("results", "template");
  await first.stop();
  const path = join(dir, "guild.jsonl");
  const [line = ""] = readFileSync(path, "utf8")
    .split("\n")
    .filter((one) => one.startsWith('["message"'));
  const id = BigInt(/\/(\d+)"/.exec(line)?.[1] ?? 0);
  const lines = Array.from({ length: 10_000 }, (_, i) =>
    line.replaceAll(String(id), String(id + BigInt(i + 1))),
  );
  appendFileSync(path, `${lines.join("\n")}\n`);
  const started = performance.now();
  const second = await openGuild(t, dir);
  const took = performance.now() - started;
  assert.ok(took < 1500, `the start took ${took} ms`);
  const page = (await (
    await asBot(second.url, `/channels/${channel}/messages?limit=100`)
  ).json()) as unknown[];
  assert.equal(page.length, 100);
});
