import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { isSignedBy, publicKeyOf } from "../../src/kernel/signature.ts";
import type { LocalGuild } from "../../src/local/local-guild.ts";
import { connectBot, person, startGuild } from "../support/guild.ts";

type Payload = { type: number; id: string; token: string; data: { name: string } };
type Application = { verify_key: string; interactions_endpoint_url: string | null };

const COMMAND = { name: "hello", description: "Says hello", type: 1 };

/** A program at an address: `answer` makes the body of what it says, or the status. */
async function program(
  t: test.TestContext,
  guild: LocalGuild,
  answer: (payload: Payload) => object | number | Promise<object | number>,
  checks = true,
) {
  const key = keyOf((await application(guild)).verify_key);
  const asked: Payload[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => void respond());
    async function respond() {
      const body = Buffer.concat(parts);
      const stamp = Buffer.from(String(request.headers["x-signature-timestamp"]));
      const signature = String(request.headers["x-signature-ed25519"]);
      if (checks && !isSignedBy(key, Buffer.concat([stamp, body]), signature)) {
        return response.writeHead(401).end();
      }
      const payload = JSON.parse(body.toString()) as Payload;
      if (payload.type === 1) return response.end('{"type":1}');
      asked.push(payload);
      const said = await answer(payload);
      return typeof said === "number" ? response.writeHead(said).end() : response.end(JSON.stringify(said));
    }
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/here` };
}

function keyOf(hex: string) {
  const key = publicKeyOf(hex);
  if (!key) throw new Error("the guild has no key");
  return key;
}

async function rest(guild: LocalGuild, method: string, path: string, body?: object) {
  const response = await fetch(`${guild.restApi}/v10${path}`, {
    method,
    headers: { authorization: "Bot x", "content-type": "application/json" },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  return { status: response.status, body: (text ? JSON.parse(text) : {}) as Record<string, unknown> };
}

const application = async (guild: LocalGuild) =>
  (await rest(guild, "GET", "/applications/@me")).body as unknown as Application;
const setUrl = (guild: LocalGuild, url: string | null) =>
  rest(guild, "PATCH", "/applications/@me", { interactions_endpoint_url: url });

async function withCommand(t: test.TestContext) {
  const guild = await startGuild(t);
  const { id } = (await rest(guild, "GET", "/users/@me")).body;
  const made = await rest(guild, "PUT", `/applications/${String(id)}/guilds/${guild.guildId}/commands`, [
    COMMAND,
  ]);
  assert.equal(made.status, 200);
  return { guild, you: person(guild) };
}

test("an address is taken when it answers a PING and refuses a wrong signature, and can be taken back", async (t) => {
  const { guild } = await withCommand(t);
  assert.equal((await application(guild)).interactions_endpoint_url, null);
  const careful = await program(t, guild, () => 500);
  const careless = await program(t, guild, () => 500, false);
  for (const url of [careless.url, "http://127.0.0.1:9/", "http://example.com/", "nonsense"]) {
    const { status, body } = await setUrl(guild, url);
    assert.deepEqual([status, body["code"]], [400, 50035], url);
    assert.match(JSON.stringify(body), /interactions_endpoint_url/);
  }
  assert.equal((await application(guild)).interactions_endpoint_url, null);
  assert.equal((await setUrl(guild, careful.url)).status, 200);
  assert.equal((await application(guild)).interactions_endpoint_url, careful.url);
  assert.equal((await setUrl(guild, null)).status, 200);
  assert.equal((await application(guild)).interactions_endpoint_url, null);
});

test("with an address, interactions go there and not over the gateway; what is answered is the first answer", async (t) => {
  const { guild, you } = await withCommand(t);
  const bot = await connectBot(t, guild);
  const overGateway: string[] = [];
  bot.on("interactionCreate", ({ id }) => overGateway.push(id));
  const { url, asked } = await program(t, guild, () => ({ type: 4, data: { content: "hello" } }));
  await setUrl(guild, url);
  const { state, message } = await you.command("technical", "hello");
  assert.deepEqual([state, message?.content], ["replied", "hello"]);
  assert.equal(asked[0]?.data.name, "hello");
  // An event of later must have come by now, had there been one of before.
  const said = new Promise((resolve) => bot.once("messageCreate", resolve));
  await you.say("technical", "and now?");
  await said;
  assert.deepEqual(overGateway, []);
});

test("202 leaves the answer to REST; no, wrong and late answers fail for the person", async (t) => {
  const { guild, you } = await withCommand(t);
  const later = await program(t, guild, async ({ id, token }) => {
    await rest(guild, "POST", `/interactions/${id}/${token}/callback`, {
      type: 4,
      data: { content: "by REST" },
    });
    return 202;
  });
  await setUrl(guild, later.url);
  assert.equal((await you.command("technical", "hello")).message?.content, "by REST");
  for (const wrong of [500, { type: 4, data: {} }, { type: 1 }, {}]) {
    const { url } = await program(t, guild, () => wrong);
    await setUrl(guild, url);
    assert.equal((await you.command("technical", "hello")).state, "failed", JSON.stringify(wrong));
  }
  const slow = await program(t, guild, () => new Promise(() => undefined));
  await setUrl(guild, slow.url);
  assert.equal((await you.command("technical", "hello")).state, "failed");
});

test("a request may be lost or come twice, when a fault says so", async (t) => {
  const { guild, you } = await withCommand(t);
  const { url, asked } = await program(t, guild, () => ({ type: 4, data: { content: "once" } }));
  await setUrl(guild, url);
  guild.faults.addEvent({ kind: "lose-event", event: "INTERACTION_CREATE" });
  assert.equal((await you.command("technical", "hello")).state, "failed");
  assert.equal(asked.length, 0);
  guild.faults.addEvent({ kind: "duplicate-event", event: "INTERACTION_CREATE" });
  const answer = await you.command("technical", "hello");
  assert.equal(answer.message?.content, "once");
  assert.equal(guild.inspect.messages("technical").length, 1);
});

test("the key pair and the address outlive a restart of the guild", async (t) => {
  const { temporaryFolder } = await import("../support/supervisor.ts");
  using folder = temporaryFolder();
  const first = await startGuild(t, { dir: folder.path });
  const { url } = await program(t, first, () => 500);
  assert.equal((await setUrl(first, url)).status, 200);
  const before = await application(first);
  await first.stop();
  assert.deepEqual(await application(await startGuild(t, { dir: folder.path })), before);
});
