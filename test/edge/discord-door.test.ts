import assert from "node:assert/strict";
import { request } from "node:http";
import test from "node:test";
import type { ApiParts } from "../../src/api/parts.ts";
import type { DiscordDoor } from "../../src/api/routes-discord.ts";
import { makeSigningKeys, signWith } from "../../src/kernel/signature.ts";
import { API_SETTINGS, OPERATOR_KEY, openDoor } from "./api-scripted.ts";

const NOW = 1_700_000_000_000;
const PATH = "/discord/interactions";
const PING = '{"type":1}';
const KEYS = makeSigningKeys();

/** A REST door that Discord may knock at; what reaches the edge is kept. */
async function openFor(
  t: test.TestContext,
  more: { discord?: Partial<DiscordDoor>; api?: Partial<ApiParts> } = {},
) {
  const seen: unknown[] = [];
  const left: Promise<void>[] = [];
  const door = await openDoor({
    discord: {
      isOn: () => true,
      publicKey: async () => KEYS.publicKey,
      async answer(payload, answered) {
        seen.push(payload);
        left.push(answered);
        return { type: 1 };
      },
      wall: () => NOW,
      ...more.discord,
    },
    ...more.api,
  });
  t.after(door.api.stop);
  return { ...door, seen, left };
}

function signed(body: string, at = NOW, signedBody = body): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000));
  return {
    "content-type": "application/json",
    "x-signature-timestamp": timestamp,
    "x-signature-ed25519": signWith(KEYS.privateKey, Buffer.from(`${timestamp}${signedBody}`)),
  };
}

/** Exactly these headers and bytes; an answer is its status and code. */
function knock(
  port: number,
  headers: Record<string, string>,
  body: string | Buffer = PING,
): Promise<{ status: number; code?: string; type?: number }> {
  return new Promise((resolve, reject) => {
    const call = request({ port, host: "127.0.0.1", path: PATH, method: "POST", headers, agent: false });
    call.on("error", reject);
    call.on("response", (response) => {
      let text = "";
      response.on("data", (part: Buffer) => {
        text += part.toString();
      });
      response.on("end", () => resolve({ ...JSON.parse(text || "{}"), status: response.statusCode ?? 0 }));
    });
    call.end(body);
  });
}

test("Discord's signature opens the door without a key; the answer leaves, and the edge hears of it", async (t) => {
  const door = await openFor(t);
  const answer = await knock(door.port, signed(PING));
  assert.deepEqual([answer.status, answer.type], [200, 1]);
  assert.deepEqual(door.seen, [{ type: 1 }]);
  await door.left[0];
});

test("a wrong, old, early, foreign or missing signature is refused with 401 and nothing is carried out", async (t) => {
  const door = await openFor(t);
  const good = signed(PING);
  const stranger = makeSigningKeys();
  const wrong: Record<string, Record<string, string>> = {
    "of another body": signed(PING, NOW, '{"type":2}'),
    "from a minute ago": signed(PING, NOW - 61_000),
    "from a minute ahead": signed(PING, NOW + 61_000),
    "with another timestamp": { ...good, "x-signature-timestamp": String(NOW / 1000 + 1) },
    "with a timestamp that is none": { ...signed(PING), "x-signature-timestamp": "soon" },
    "of somebody else": {
      ...good,
      "x-signature-ed25519": signWith(stranger.privateKey, Buffer.from(`${NOW / 1000}${PING}`)),
    },
    "that is none": { ...good, "x-signature-ed25519": "00" },
    "that is missing": { "content-type": "application/json" },
    "that is missing, with the operator's key": {
      "content-type": "application/json",
      authorization: `Bearer ${OPERATOR_KEY}`,
    },
  };
  for (const [name, headers] of Object.entries(wrong)) {
    const { status, code } = await knock(door.port, headers);
    assert.deepEqual([status, code], [401, "unauthenticated"], name);
  }
  assert.deepEqual(door.seen, []);
});

test("the signature is of the bytes: bodies that are no JSON are 401 unsigned, 400 signed", async (t) => {
  const door = await openFor(t);
  for (const body of ["", "{", "[1", '"x"', "null", "a=b"]) {
    assert.equal((await knock(door.port, { "content-type": "application/json" }, body)).status, 401, body);
    const { status, code } = await knock(door.port, signed(body), body);
    assert.deepEqual([status, code], [400, "invalid_input"], body);
  }
  const form = { ...signed("a=b"), "content-type": "application/x-www-form-urlencoded" };
  assert.equal((await knock(door.port, form, "a=b")).status, 400);
  const spaced = '{ "type" : 1 }';
  assert.equal((await knock(door.port, signed(spaced), spaced)).status, 200);
  const torn = Buffer.from([0x7b, 0xff, 0x7d]);
  assert.equal((await knock(door.port, signed("{\ufffd}"), torn)).status, 401);
});

test("a body above the limit is refused before it is read", async (t) => {
  const door = await openFor(t);
  const body = JSON.stringify({ type: 1, filler: "x".repeat(600_000) });
  const answer = await knock(door.port, signed(body), body);
  assert.deepEqual([answer.status, answer.code], [413, "too_large"]);
});

test("a foreign page is refused even with a right signature; the public name of a proxy is answered", async (t) => {
  const settings = { ...API_SETTINGS, allowedHosts: ["hq.example.com"] };
  const door = await openFor(t, { api: { settings: () => settings } });
  const foreign = { ...signed(PING), origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  assert.deepEqual((await knock(door.port, foreign)).code, "foreign_origin");
  assert.deepEqual(
    (await knock(door.port, { ...signed(PING), host: "evil.example" })).code,
    "foreign_origin",
  );
  assert.equal((await knock(door.port, { ...signed(PING), host: "hq.example.com" })).status, 200);
  assert.equal(door.seen.length, 1);
});

test("it is off by default: nobody is answered, signed or not", async (t) => {
  const door = await openFor(t, { discord: { isOn: () => false } });
  const plain = await openDoor();
  t.after(plain.api.stop);
  for (const { port } of [door, plain]) {
    for (const headers of [signed(PING), {}]) {
      const { status, code } = await knock(port, headers);
      assert.deepEqual([status, code], [404, "not_found"]);
    }
  }
});

test("too many requests from one address are told to wait, and other doors stay open", async (t) => {
  const settings = { ...API_SETTINGS, ratePerMinute: 3 };
  const door = await openFor(t, { api: { settings: () => settings } });
  for (let i = 0; i < 3; i++) await knock(door.port, {});
  assert.deepEqual((await knock(door.port, signed(PING))).code, "rate_limited");
  assert.equal((await door.call("/agents")).status, 200);
});
