import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { request, type Server } from "node:http";
import { connect } from "node:net";
import test from "node:test";
import { API_SETTINGS, agentToken, OPERATOR_KEY, openDoor } from "./api-scripted.ts";

type Raw = { method?: string; path?: string; headers?: Record<string, string>; body?: string };

/** Sends exactly these headers: what a browser or a stranger's program could send. */
function send(
  port: number,
  raw: Raw,
): Promise<{ status: number; headers: Record<string, unknown>; json: unknown }> {
  return new Promise((resolve, reject) => {
    const call = request({
      port,
      host: "127.0.0.1",
      path: raw.path ?? "/api/v1/delegations",
      method: raw.method ?? "POST",
      headers: raw.headers ?? {},
      agent: false,
    });
    call.on("error", reject);
    call.on("upgrade", () => reject(new Error("was upgraded")));
    call.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          json: JSON.parse(text || "{}"),
        }),
      );
    });
    call.end(raw.body);
  });
}

const WORK = JSON.stringify({ agent: "webster", objective: "Find the CTE of ULE" });
const JSON_TYPE = { "content-type": "application/json" };
const KEY = { authorization: `Bearer ${OPERATOR_KEY}` };
const codeOf = (answer: { json: unknown }) => (answer.json as { code?: string }).code;

test("a foreign web page cannot post a task, whatever form it takes and even with the key", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const foreign: Record<string, Record<string, string>> = {
    "a page elsewhere": { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
    "a page elsewhere that hides where it is from": { origin: "null" },
    "a page on another port of this machine": {
      origin: `http://127.0.0.1:${door.port + 1}`,
      "sec-fetch-site": "same-site",
    },
    "a page whose name begins like ours": { origin: `http://127.0.0.1.evil.example:${door.port}` },
    "a page on our port by https": { origin: `https://localhost.evil.example:${door.port}` },
    "a frame without an origin": { "sec-fetch-site": "cross-site" },
    "another port without an origin": { "sec-fetch-site": "same-site" },
    "our origin, fetched from elsewhere": {
      origin: `http://127.0.0.1:${door.port}`,
      "sec-fetch-site": "cross-site",
    },
  };
  for (const [who, headers] of Object.entries(foreign)) {
    for (const path of [
      "/api/v1/delegations",
      "/api/v1/delegations/orch-1/cancel",
      "/api/v1/stop",
      "/api/v1/handoffs/orch-1",
    ]) {
      const answer = await send(door.port, {
        path,
        headers: { ...KEY, ...JSON_TYPE, ...headers },
        body: WORK,
      });
      assert.deepEqual([answer.status, codeOf(answer)], [403, "foreign_origin"], `${who} ${path}`);
    }
  }
  assert.equal(door.requests.length, 0);
});

test("a simple request or a form post carries no work, even from a program with the key", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  for (const type of [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonx",
    "",
  ]) {
    const headers = type
      ? { ...KEY, "content-type": type }
      : { ...KEY, "content-length": String(WORK.length) };
    const answer = await send(door.port, { headers, body: WORK });
    assert.deepEqual([answer.status, codeOf(answer)], [415, "unsupported_media_type"], type);
  }
  const withCharset = await send(door.port, {
    headers: { ...KEY, "content-type": "application/json; charset=utf-8" },
    body: WORK,
  });
  assert.equal(withCharset.status, 201);
  assert.equal(door.requests.length, 1);
});

test("a name that was rebound to this machine is refused, even for reading and for liveness", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const read = (host: string, path = "/api/v1/delegations") =>
    send(door.port, { method: "GET", path, headers: { ...KEY, host } });
  for (const host of [
    "evil.example",
    `evil.example:${door.port}`,
    "127.0.0.1",
    `127.0.0.1:${door.port + 1}`,
    `localhost.:${door.port}`,
    `0.0.0.0:${door.port}`,
  ]) {
    assert.equal(codeOf(await read(host)), "foreign_origin", host);
    assert.equal((await read(host, "/api/v1/health/live")).status, 403, host);
  }
  for (const host of [
    `127.0.0.1:${door.port}`,
    `localhost:${door.port}`,
    `LOCALHOST:${door.port}`,
    `[::1]:${door.port}`,
  ]) {
    assert.equal((await read(host)).status, 200, host);
  }
});

test("a request that names no host at all is refused", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const socket = connect(door.port, "127.0.0.1");
  socket.end(`GET /api/v1/health/live HTTP/1.0\r\n\r\n`);
  let text = "";
  for await (const part of socket) text += String(part);
  assert.match(text, /^HTTP\/1\.1 403 /);
});

test("more names come from config, also behind a proxy that leaves the port away", async (t) => {
  const door = await openDoor({ settings: () => ({ ...API_SETTINGS, allowedHosts: ["hq.example.org"] }) });
  t.after(door.api.stop);
  for (const host of ["hq.example.org", `hq.example.org:${door.port}`]) {
    const headers = {
      ...KEY,
      ...JSON_TYPE,
      host,
      origin: "https://hq.example.org",
      "sec-fetch-site": "same-origin",
    };
    assert.equal((await send(door.port, { headers, body: WORK })).status, 201, host);
  }
  const other = await send(door.port, {
    headers: { ...KEY, ...JSON_TYPE, origin: "https://hq.example.com" },
    body: WORK,
  });
  assert.equal(codeOf(other), "foreign_origin");
});

test("a name of config with a port of its own is that name at that port alone, for its pages too", async (t) => {
  const allowedHosts = ["hq.example.org:8443", "hq.example.net:443"];
  const door = await openDoor({ settings: () => ({ ...API_SETTINGS, allowedHosts }) });
  t.after(door.api.stop);
  const post = (host: string, origin: string) =>
    send(door.port, { headers: { ...KEY, ...JSON_TYPE, host, origin }, body: WORK });
  assert.equal((await post("hq.example.org:8443", "https://hq.example.org:8443")).status, 201);
  // A browser leaves the port of https away; a proxy may add it.
  assert.equal((await post("hq.example.net:443", "https://hq.example.net")).status, 201);
  assert.equal(
    codeOf(await post(`hq.example.org:${door.port}`, "https://hq.example.org:8443")),
    "foreign_origin",
  );
  assert.equal(codeOf(await post("hq.example.org:8443", "https://hq.example.org")), "foreign_origin");
});

test("a name is the same in capital letters; the name of api.public_url is answered at its port", async (t) => {
  const settings = () => ({
    ...API_SETTINGS,
    allowedHosts: ["HQ.Example.net"],
    publicUrl: "https://hq.example.org:8443",
  });
  const door = await openDoor({ settings });
  t.after(door.api.stop);
  const post = (host: string, origin: string) =>
    send(door.port, { headers: { ...KEY, ...JSON_TYPE, host, origin }, body: WORK });
  for (const host of ["hq.example.net", `hq.example.net:${door.port}`])
    assert.equal((await post(host, "https://HQ.example.net")).status, 201, host);
  assert.equal((await post("hq.example.org:8443", "https://hq.example.org:8443")).status, 201);
  assert.equal(codeOf(await post("hq.example.org", "https://hq.example.org")), "foreign_origin");
});

test("whatever it listens on, its address is one by which this machine reaches it", async () => {
  for (const [host, name] of [
    ["0.0.0.0", "127.0.0.1"],
    ["::", "[::1]"],
    ["::1", "[::1]"],
  ] as const) {
    const door = await openDoor({ settings: () => ({ ...API_SETTINGS, host }) });
    try {
      assert.equal(door.url, `http://${name}:${door.port}`);
      assert.equal((await door.call("/agents")).status, 200);
    } finally {
      await door.api.stop();
    }
  }
});

test("a foreign web page changes nothing by any other method either", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const foreign = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  for (const method of ["PUT", "PATCH", "DELETE", "OPTIONS"]) {
    const answer = await send(door.port, { method, path: "/api/v1/tasks", headers: { ...KEY, ...foreign } });
    assert.deepEqual([answer.status, codeOf(answer)], [403, "foreign_origin"], method);
  }
  assert.deepEqual(door.requests, []);
});

test("a page of ours that came from beside it, or that a person opened, may post", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const own = { origin: `http://localhost:${door.port}` };
  for (const headers of [{ ...own, "sec-fetch-site": "same-site" }, { "sec-fetch-site": "none" }]) {
    const answer = await send(door.port, { headers: { ...KEY, ...JSON_TYPE, ...headers }, body: WORK });
    assert.equal(answer.status, 201, JSON.stringify(headers));
  }
});

test("our own page may post", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const headers = {
    ...KEY,
    ...JSON_TYPE,
    origin: `http://127.0.0.1:${door.port}`,
    "sec-fetch-site": "same-origin",
  };
  assert.equal((await send(door.port, { headers, body: WORK })).status, 201);
});

test("an upgrade from a foreign page is refused", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const headers = { ...KEY, connection: "upgrade", upgrade: "websocket", origin: "https://evil.example" };
  const answer = await send(door.port, { method: "GET", path: "/api/v1/events", headers });
  assert.equal(codeOf(answer), "foreign_origin");
});

test("a browser's preflight for another page gets no permission", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const answer = await send(door.port, {
    method: "OPTIONS",
    headers: { origin: "https://evil.example", "access-control-request-method": "POST" },
  });
  assert.equal(answer.status, 403);
  assert.equal(answer.headers["access-control-allow-origin"], undefined);
});

test("every route but liveness needs a key, also those that do not exist", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const routes = [
    "GET /delegations",
    "POST /delegations",
    "GET /delegations/x",
    "POST /delegations/x/cancel",
    "GET /delegations/x/history",
    "GET /delegations/x/receipts",
    "GET /trace/x",
    "GET /workflows",
    "GET /workflows/x",
    "GET /workflows/x/graph",
    "POST /workflows/x/plan",
    "GET /runs",
    "POST /runs",
    ...["", "/graph", "/history", "/receipts"].map((part) => `GET /runs/x${part}`),
    ...["cancel", "retry", "rerun", "accept-partial"].map((act) => `POST /runs/x/${act}`),
    ...["skip", "retry", "approve", "reject"].map((act) => `POST /runs/x/steps/y/${act}`),
    "POST /handoffs/x",
    "GET /handoffs",
    "GET /agents",
    "GET /agents/webster",
    "POST /agents/webster/key",
    "GET /acl/explain?caller=manager&target=webster",
    "GET /channels/technical/context",
    "GET /events",
    "POST /stop",
    "GET /health/ready",
    "GET /openapi.json",
    "GET /nowhere",
  ];
  for (const route of routes) {
    const [method = "", path = ""] = route.split(" ");
    for (const key of route.startsWith("POST /handoffs")
      ? [undefined]
      : [undefined, "wrong", `${OPERATOR_KEY}x`]) {
      const body = method === "POST" ? "{}" : undefined;
      const answer = await door.call(path, { method, key, ...(body ? { body } : {}) });
      assert.equal(answer.status, 401, `${route} with ${key}`);
      assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer/);
      assert.equal(((await answer.json()) as { code: string }).code, "unauthenticated");
    }
  }
  const live = await door.call("/health/live", { key: undefined });
  assert.deepEqual(await live.json(), { status: "live", pid: process.pid, version: "0.0.0" });
});

test("a key is taken as a bearer only, and a body without a key is not read", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  for (const authorization of [
    `Basic ${btoa(`x:${OPERATOR_KEY}`)}`,
    OPERATOR_KEY,
    "Bearer",
    "Bearer a b",
    `Bearer ${OPERATOR_KEY} b`,
  ]) {
    const answer = await send(door.port, { method: "GET", headers: { authorization } });
    assert.equal(answer.status, 401, authorization);
  }
  const big = await door.call("/delegations", { method: "POST", key: undefined, body: "x".repeat(200_000) });
  assert.equal(big.status, 401);
});

test("whoever sends slowly is given up: 30 s for the headers, ten minutes for all of a request", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const limits: unknown[] = [];
  const note = (message: unknown) => {
    const { server } = message as { readonly server: Server };
    limits.push([server.headersTimeout, server.requestTimeout]);
  };
  subscribe("http.server.request.start", note);
  t.after(() => unsubscribe("http.server.request.start", note));
  await door.call("/agents");
  assert.deepEqual(limits, [[30_000, 600_000]]);
});

test("a body above the limit is refused as too large", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const ofBytes = (bytes: number) => WORK.padEnd(bytes, " ");
  const most = API_SETTINGS.bodyLimit;
  assert.equal((await door.call("/delegations", { method: "POST", body: ofBytes(most) })).status, 201);
  const answer = await door.call("/delegations", { method: "POST", body: ofBytes(most + 1) });
  assert.equal(answer.status, 413);
  assert.equal(answer.headers.get("content-type"), "application/problem+json; charset=utf-8");
  assert.equal(((await answer.json()) as { code: string }).code, "too_large");
});

test("who asks too often is told when to come back; others and liveness go on", async (t) => {
  const door = await openDoor({ settings: () => ({ ...API_SETTINGS, ratePerMinute: 3 }) });
  t.after(door.api.stop);
  for (let i = 0; i < 3; i++) assert.equal((await door.call("/agents")).status, 200);
  const answer = await door.call("/agents");
  assert.equal(answer.status, 429);
  const seconds = Number(answer.headers.get("retry-after"));
  assert.ok(seconds > 30 && seconds <= 60, `${seconds} s`);
  assert.equal(((await answer.json()) as { code: string }).code, "rate_limited");
  for (let i = 0; i < 5; i++) assert.equal((await door.call("/health/live", { key: undefined })).status, 200);
  assert.equal((await door.call("/agents", { key: agentToken("webster") })).status, 200);
});

test("what is handed in is counted for each run by itself, so that many agents of one machine may", async (t) => {
  const door = await openDoor({ settings: () => ({ ...API_SETTINGS, ratePerMinute: 3 }) });
  t.after(door.api.stop);
  const statusOf = async (run: string) =>
    (await door.post(`/handoffs/${run}`, { result: "x" }, { key: "guessed" })).status;
  for (const run of ["a", "b", "c", "d", "e"]) assert.equal(await statusOf(run), 404, run);
  assert.deepEqual([await statusOf("a"), await statusOf("a"), await statusOf("a")], [404, 404, 429]);
});

test("guessing keys is slowed down too", async (t) => {
  const door = await openDoor({ settings: () => ({ ...API_SETTINGS, ratePerMinute: 3 }) });
  t.after(door.api.stop);
  const guess = (i: number) => door.call("/agents", { key: `guess-${i}` });
  assert.deepEqual(
    (await Promise.all([0, 1, 2].map(guess))).map(({ status }) => status),
    [401, 401, 401],
  );
  assert.equal((await guess(4)).status, 429);
  assert.equal((await door.call("/agents")).status, 200);
});

test("a rate that is changed in the configuration counts from the next request on", async (t) => {
  let ratePerMinute = 1;
  const door = await openDoor({ settings: () => ({ ...API_SETTINGS, ratePerMinute }) });
  t.after(door.api.stop);
  const statusOf = async () => (await door.call("/agents")).status;
  assert.deepEqual([await statusOf(), await statusOf()], [200, 429]);
  ratePerMinute = 10;
  assert.equal(await statusOf(), 200);
});

test("what Discord sends is counted by itself: nobody who guesses keys takes its place, nor it theirs", async (t) => {
  const door = await openDoor({ settings: () => ({ ...API_SETTINGS, ratePerMinute: 3 }) });
  t.after(door.api.stop);
  const guess = async () => (await door.call("/agents", { key: "guess" })).status;
  const discord = async () =>
    (await send(door.port, { path: "/discord/interactions", headers: JSON_TYPE, body: "{}" })).status;
  for (let i = 0; i < 3; i++) assert.equal(await guess(), 401);
  assert.equal(await guess(), 429);
  for (let i = 0; i < 3; i++) assert.notEqual(await discord(), 429);
  assert.equal(await discord(), 429);
});

test("the scheme of a key is taken in any case, and an id of 200 characters is looked for", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const read = (path: string, scheme: string) =>
    send(door.port, { method: "GET", path, headers: { authorization: `${scheme} ${OPERATOR_KEY}` } });
  for (const scheme of ["Bearer", "bearer", "BEARER"])
    assert.equal((await read("/api/v1/agents", scheme)).status, 200, scheme);
  const codeFor = async (length: number) =>
    codeOf(await read(`/api/v1/delegations/${"x".repeat(length)}`, "Bearer"));
  assert.deepEqual([await codeFor(200), await codeFor(201)], ["not_found", "invalid_input"]);
});

test("whoever still asks while it stops is told so in the words of every refusal, and leaves", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const head = `Host: 127.0.0.1:${door.port}\r\nAuthorization: Bearer ${OPERATOR_KEY}\r\n`;
  const asking = connect(door.port, "127.0.0.1");
  await once(asking, "connect");
  asking.write("GET /api/v1/agents HTTP/1.1\r\n");
  const begun = Promise.withResolvers<void>();
  const note = () => begun.resolve();
  subscribe("http.server.request.start", note);
  t.after(() => unsubscribe("http.server.request.start", note));
  // What is being sent keeps the door from closing at once.
  const sending = connect(door.port, "127.0.0.1");
  t.after(() => sending.destroy());
  sending.write(
    `POST /api/v1/delegations HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{`,
  );
  await begun.promise;
  // Whoever is answered now came after both of them, and both were let in.
  for (const _ of [1, 2]) assert.equal((await door.call("/agents")).status, 200);
  const stopped = door.api.stop();
  asking.write(`${head}\r\n`);
  let text = "";
  for await (const part of asking) text += String(part);
  sending.destroy();
  await stopped;
  assert.match(text, /^HTTP\/1\.1 503 /);
  assert.match(text, /\r\nconnection: close\r\n/i);
  assert.match(text, /application\/problem\+json[^]*"code":"stopping"/);
});

test("answers may not be framed, sniffed or kept", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const { headers } = await door.call("/agents");
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(headers.get("cross-origin-resource-policy"), "same-origin");
  // It speaks http itself: a browser that was told to use https only would not find it again.
  assert.equal(headers.get("strict-transport-security"), null);
  assert.match(headers.get("content-security-policy") ?? "", /default-src 'self'/);
});

test("an address that cannot be read, and what is no request, are refused in the form of every refusal", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  for (const path of ["/api/v1/delegations/%E0%A4%A", `/api/v1/delegations/${"x".repeat(301)}`, "/%"]) {
    const { status, headers, json } = await send(door.port, { method: "GET", path });
    assert.deepEqual([status, codeOf({ json })], [400, "invalid_input"], path.slice(0, 40));
    assert.match(String(headers["content-type"]), /^application\/problem\+json/);
  }
  const raw = async (text: string) => {
    const socket = connect(door.port, "127.0.0.1");
    socket.end(text);
    let said = "";
    for await (const part of socket) said += String(part);
    return said;
  };
  const garbage = await raw("no request\r\n\r\n");
  assert.match(garbage, /^HTTP\/1\.1 400 [^]*application\/problem\+json[^]*"code":"invalid_input"/);
  const endless = await raw(`GET /api/v1/agents?${"x".repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  assert.match(endless, /^HTTP\/1\.1 431 [^]*application\/problem\+json[^]*"code":"too_large"/);
});
