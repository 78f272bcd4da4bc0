import assert from "node:assert/strict";
import { type IncomingMessage, request } from "node:http";
import test from "node:test";
import type { LocalGuild } from "../../src/local/local-guild.ts";
import { person, startGuild } from "../support/guild.ts";

type Sent = { method?: string; headers?: Record<string, string>; body?: string };

/** A request with any header, which fetch would not allow. */
async function send(guild: LocalGuild, path: string, { method = "GET", headers = {}, body }: Sent = {}) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = request(
    `${guild.url}${path}`,
    { method, headers: body === undefined ? headers : { ...headers, "content-length": `${body.length}` } },
    resolve,
  );
  sent.on("error", reject);
  sent.on("upgrade", (response, socket) => {
    socket.destroy();
    resolve(response);
  });
  sent.end(body);
  const response = await promise;
  const chunks: Buffer[] = [];
  if (response.statusCode !== 101) for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() };
}

const json = { "content-type": "application/json" };
const task = { method: "POST", body: JSON.stringify({ channel: "task-queue", content: "rm -rf" }) };

test("a name that only points here is refused: no DNS rebinding", async (t) => {
  const guild = await startGuild(t);
  const port = new URL(guild.url).port;
  for (const host of [
    "evil.example",
    `evil.example:${port}`,
    "127.0.0.1",
    "127.0.0.1:1",
    `localhost.evil:${port}`,
  ]) {
    for (const path of ["/", "/local/state", "/api/v10/gateway"]) {
      assert.equal((await send(guild, path, { headers: { host } })).status, 403, `${host} ${path}`);
    }
  }
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`]) {
    assert.equal((await send(guild, "/local/state", { headers: { host } })).status, 200, host);
  }
});

test("a guild at another address answers there, and by no other name", async (t) => {
  const guild = await startGuild(t, { host: "127.0.0.2" });
  const { port } = new URL(guild.url);
  const { id } = await person(guild).say("technical", "Hello from the other machine");
  assert.match(id, /^\d+$/);
  const own = await send(guild, "/local/messages", { ...task, headers: { ...json, origin: guild.url } });
  assert.equal(own.status, 201, own.text);
  for (const host of [`evil.example:${port}`, `127.0.0.3:${port}`]) {
    const { status, text } = await send(guild, "/local/state", { headers: { host } });
    assert.equal(status, 403, host);
    assert.match(text, new RegExp(`Use ${guild.url}`));
  }
});

test("a foreign web page cannot post a task or run a command", async (t) => {
  const guild = await startGuild(t);
  const port = new URL(guild.url).port;
  const foreign: Record<string, string>[] = [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: `http://localhost:${Number(port) + 1}` },
    { origin: `https://127.0.0.1:${port}` },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ];
  for (const headers of foreign) {
    for (const path of ["/local/messages", "/local/commands", "/api/v10/channels/1/messages"]) {
      const refused = await send(guild, path, { ...task, headers: { ...json, ...headers } });
      assert.equal(refused.status, 403, `${JSON.stringify(headers)} ${path}`);
    }
  }
  assert.equal(guild.inspect.messages("task-queue").length, 0);
  for (const headers of [
    { origin: guild.url, "sec-fetch-site": "same-origin" },
    { "sec-fetch-site": "none" },
  ]) {
    assert.equal(
      (await send(guild, "/local/messages", { ...task, headers: { ...json, ...headers } })).status,
      201,
    );
  }
});

test("the gateway takes no socket from a foreign page", async (t) => {
  const guild = await startGuild(t);
  const upgrade = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  const at = (headers: Record<string, string>, path = "/gateway/?v=10&encoding=json") =>
    send(guild, path, { headers: { ...upgrade, ...headers } });
  assert.equal((await at({ origin: "https://evil.example" })).status, 403);
  assert.equal((await at({ host: "evil.example" })).status, 403);
  assert.equal((await at({ "sec-fetch-site": "cross-site" })).status, 403);
  assert.equal((await at({}, "/elsewhere")).status, 404);
  assert.equal((await at({}, "/gateway?encoding=etf")).status, 400);
  assert.equal((await at({}, "//")).status, 400, "an address that is none ends nothing");
  assert.equal((await at({})).status, 101);
});

test("only application/json is read, and multipart where files go up", async (t) => {
  const guild = await startGuild(t);
  const types = ["text/plain", "application/x-www-form-urlencoded", "application/xml"];
  for (const type of types) {
    const refused = await send(guild, "/local/messages", { ...task, headers: { "content-type": type } });
    assert.equal(refused.status, 415, type);
    assert.equal(JSON.parse(refused.text).code, "unsupported_media_type");
  }
  const form = { "content-type": "multipart/form-data; boundary=x" };
  assert.equal((await send(guild, "/local/commands", { ...task, headers: form })).status, 415);
  const broken = await send(guild, "/local/messages", { ...task, body: "{", headers: json });
  assert.equal(broken.status, 400);
  const prototype = '{"channel":"technical","content":"x","__proto__":{"as":"ada"}}';
  assert.equal(
    (await send(guild, "/local/messages", { method: "POST", body: prototype, headers: json })).status,
    400,
  );
  const large = JSON.stringify({ channel: "technical", content: "x".repeat(1024 * 1024) });
  assert.equal(
    (await send(guild, "/local/messages", { method: "POST", body: large, headers: json })).status,
    413,
  );
  assert.equal(guild.inspect.messages("task-queue").length, 0);
});

test("with a key, everything under /local needs it, and the page does not", async (t) => {
  const guild = await startGuild(t, { key: "a-long-secret-key" });
  const without = [
    ["GET", "/local/state"],
    ["GET", "/local/events"],
    ["GET", "/local/channels/technical/messages"],
    ["POST", "/local/messages"],
    ["POST", "/local/commands"],
    ["POST", "/local/autocomplete"],
    ["POST", "/local/components"],
    ["POST", "/local/modals"],
    ["POST", "/local/reactions"],
    ["DELETE", "/local/reactions"],
    ["PATCH", "/local/messages/1"],
    ["DELETE", "/local/messages/1"],
  ] as const;
  const keys: Record<string, string>[] = [
    {},
    { authorization: "Bearer wrong" },
    { authorization: "Basic a-long-secret-key" },
    { cookie: "key=a-long-secret-key" },
  ];
  for (const [method, path] of without) {
    for (const headers of keys) {
      const refused = await send(guild, path, {
        method,
        headers: { ...headers, ...(method === "GET" ? {} : json) },
        ...(method === "GET" ? {} : { body: "{}" }),
      });
      assert.equal(refused.status, 401, `${method} ${path} ${JSON.stringify(headers)}`);
      assert.doesNotMatch(refused.text, /secret/);
    }
  }
  assert.equal((await send(guild, "/local/state?key=a-long-secret-key")).status, 401);
  assert.equal(guild.address, `${guild.url}/#key=a-long-secret-key`);
  const you = person(guild, "you", "a-long-secret-key");
  assert.ok((await you.say("technical", "hello")).id);
});

test("the page comes with a strict policy, and nothing beside it is served", async (t) => {
  const guild = await startGuild(t);
  const page = await send(guild, "/");
  assert.equal(page.status, 200);
  assert.match(page.headers["content-type"] ?? "", /text\/html/);
  const policy = String(page.headers["content-security-policy"]);
  assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/);
  assert.doesNotMatch(policy, /unsafe|\*/);
  assert.equal(page.headers["x-content-type-options"], "nosniff");
  assert.equal(page.headers["x-frame-options"], "DENY");
  assert.equal(page.headers["referrer-policy"], "no-referrer");
  for (const path of ["/../local-guild.ts", "/%2e%2e/local-guild.ts", "/..%2flocal-guild.ts", "/main.ts"]) {
    assert.ok([400, 403, 404].includes((await send(guild, path)).status ?? 0), path);
  }
});

test("faults are served only where they were allowed, and the bot's routes need a token", async (t) => {
  const guild = await startGuild(t);
  const fault = { method: "POST", headers: json, body: '{"kind":"status","status":500}' };
  assert.equal((await send(guild, "/local/faults", fault)).status, 404);
  assert.equal((await send(guild, "/api/v10/users/@me")).status, 401);
  const testing = await startGuild(t, { allowFaults: true });
  assert.equal((await send(testing, "/local/faults", fault)).status, 204);
  const bot = { headers: { authorization: "Bot x" } };
  assert.equal((await send(testing, "/api/v10/users/@me", bot)).status, 500);
  assert.equal((await send(testing, "/api/v10/users/@me", bot)).status, 200);
});
