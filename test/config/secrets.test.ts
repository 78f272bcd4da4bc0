import assert from "node:assert/strict";
import test from "node:test";
import { looksLikeSecret, secretsIn } from "../../src/config/secrets.ts";
import { parseYaml } from "../../src/config/yaml-source.ts";

/** Put together here, so that no reader of this file takes them for real ones. */
const of = (length: number, text = "Gz3") => text.repeat(length).slice(0, length);

const SECRETS: Readonly<Record<string, string>> = {
  "a Discord bot token": `${of(24)}.${of(6)}.${of(27)}`,
  "a Discord bot token of the shortest id": `${of(23)}.${of(6)}.${of(27)}`,
  "a Discord bot token of the longest id": `${of(28)}.${of(7)}.${of(38)}`,
  "a bearer, however it is written": `authorization: bearer ${of(8, "x")}`,
  "a key of an API": `sk-${of(16, "x")}`,
  "a public key's other half": `pk_${of(16, "x")}`,
  "a token of GitHub": `ghp_${of(16, "x")}`,
  "a token of an app of GitHub": `gho_${of(16, "x")}`,
  "a token of Slack": `xoxb-${of(16, "x")}`,
  "a JSON web token": `eyJ${of(8, "x")}.${of(8, "x")}.`,
  "32 hexadecimal digits": of(32, "0a"),
  "them in capitals": of(40, "0A"),
  "a password in an address": "postgres://hq:pa55@db:5432/hq",
  "a password without a name": "redis://:pa55@db",
  "36 mixed letters and digits": of(36),
};

const HARMLESS: Readonly<Record<string, string>> = {
  "a name of a variable": "WEBSTER_HOOK_TOKEN",
  "an address with a port": "http://127.0.0.1:18828/hooks",
  "an address with a name": "postgres://hq@db:5432/hq",
  "an id of Discord": "123456789012345678",
  "31 hexadecimal digits": of(31, "0a"),
  "35 mixed letters and digits": of(35),
  "long without digits": of(50, "GzY"),
  "long without capitals": of(50, "xz3"),
  "long without small letters": of(50, "XZ3"),
  "a long path": `/home/ada/${of(40)}/x`,
  "a short bearer": "the bearer of news",
};

test("what looks like a secret is told from what does not", () => {
  for (const [name, text] of Object.entries(SECRETS)) assert.ok(looksLikeSecret(text), name);
  for (const [name, text] of Object.entries(HARMLESS)) assert.ok(!looksLikeSecret(text), name);
});

function placesIn(text: string): readonly string[] {
  const read = parseYaml("x.yaml", text);
  assert.ok(read.kind === "parsed");
  return secretsIn(read.source).map(({ path }) => path ?? "");
}

test("a key that is named for a secret is refused whatever its value is, however deep and with whatever before its name", () => {
  for (const key of [
    "token",
    "hook_token",
    "api-key",
    "apikey",
    "db-password",
    "Secret",
    "credentials",
    "credential",
  ])
    assert.deepEqual(placesIn(`a: [{ ${key}: x }]`), [`a.0.${key}`], key);
  for (const key of ["token_env", "tokens", "secretary", "public_key"])
    assert.deepEqual(placesIn(`a: [{ ${key}: x }]`), [], key);
  assert.deepEqual(placesIn(`token: { port: 1, note: "${SECRETS["a token of GitHub"]}" }`), ["token.note"]);
});

test("only the public half of a key pair may look like a secret, and only when it is one", () => {
  const hex = of(64, "0a");
  assert.deepEqual(placesIn(`public_key: ${hex}`), []);
  assert.deepEqual(placesIn(`other_name: ${hex}`), ["other_name"]);
  assert.deepEqual(placesIn(`public_key: ${SECRETS["a Discord bot token"]}`), ["public_key"]);
});
