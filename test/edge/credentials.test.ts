import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { keepSecret, loadCredentials } from "../../src/app/credentials.ts";
import { temporaryFolder } from "../support/supervisor.ts";

test("key and secret are made once, each its own, for their owner alone", () => {
  using folder = temporaryFolder("hq-credentials-");
  const first = loadCredentials(folder.path, {});
  assert.deepEqual(loadCredentials(folder.path, {}), first);
  assert.notEqual(first.apiKey, first.secret);
  for (const [file, line] of [
    ["api.key", first.apiKey],
    ["secret.key", first.secret],
  ] as const) {
    const path = join(folder.path, file);
    assert.equal(readFileSync(path, "utf8"), `${line}\n`);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  }
});

test("a key that a power loss emptied, cut short or filled with zeros is made anew; one of a person's own stays", () => {
  using folder = temporaryFolder("hq-credentials-");
  const path = join(folder.path, "api.key");
  for (const spoiled of ["", "short\n", "\0".repeat(44)]) {
    writeFileSync(path, spoiled);
    const { apiKey } = loadCredentials(folder.path, {});
    assert.match(apiKey, /^[\w-]{43}$/);
    assert.equal(loadCredentials(folder.path, {}).apiKey, apiKey);
  }
  const own = "an operator's own key, of 32 characters or more";
  writeFileSync(path, own);
  assert.equal(loadCredentials(folder.path, {}).apiKey, own);
});

test("the secret of all members takes the place of one's own", () => {
  using folder = temporaryFolder("hq-credentials-");
  loadCredentials(folder.path, {});
  const shared = "s".repeat(43);
  keepSecret(folder.path, shared);
  assert.equal(loadCredentials(folder.path, {}).secret, shared);
  assert.equal(statSync(join(folder.path, "secret.key")).mode & 0o777, 0o600);
});
