import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import { runHq } from "./cli-process.ts";
import { newInstallation } from "./setup-fixture.ts";

const KEY = "k".repeat(32);

test("doctor says what other machines reach, and whether it is encrypted", async (t) => {
  const { root, run } = newInstallation(t);
  const exposure = async (api: string, key = KEY) => {
    writeFileSync(join(root, "config", "hq.yaml"), `api: ${api}\n`);
    const { out } = await run(["doctor", "--json"], { ORCHESTRATOR_API_KEY: key });
    const { findings } = JSON.parse(out) as { findings: readonly Finding[] };
    const found = findings.find(({ id }) => id === "exposure");
    return `${found?.status}: ${found?.text}`;
  };
  assert.equal(await exposure("{}", "short"), "ok: REST and the page: this machine only");
  const proxy = "{ public_url: 'https://hq.example.org' }";
  assert.match(await exposure(proxy), /^ok: .*through https:\/\/hq\.example\.org; it needs a key$/);
  assert.match(await exposure("{ public_url: 'http://hq.example.org' }"), /^warn: .*without encryption/);
  const open = "{ host: 0.0.0.0, allowed_hosts: [10.0.0.5] }";
  assert.match(
    await exposure(open),
    /^warn: .*listens on 0\.0\.0\.0, as 10\.0\.0\.5; .*nothing is encrypted$/,
  );
  assert.match(await exposure(proxy, "short"), /^fail: ORCHESTRATOR_API_KEY has 5 characters/);
});

test("check refuses a key that can be guessed where other machines reach REST, and only there", async (t) => {
  const { root, run } = newInstallation(t);
  const env = { ORCHESTRATOR_API_KEY: "short" };
  assert.equal((await run(["check"], env)).code, 0);
  writeFileSync(join(root, "config", "hq.yaml"), "api: { public_url: 'https://hq.example.org' }\n");
  const { code, err } = await run(["check"], env);
  assert.equal(code, 2);
  assert.match(err, /ORCHESTRATOR_API_KEY has 5 characters[\s\S]*openssl rand -base64 32/);
  assert.equal((await run(["check"], { ORCHESTRATOR_API_KEY: KEY })).code, 0);
});

test("a key that no request can carry is refused by check, doctor and the start, in words and without the key", async (t) => {
  const { root, run } = newInstallation(t);
  const refused = /ORCHESTRATOR_API_KEY is no key that a request can carry[\s\S]*openssl rand -base64 32/;
  for (const key of ["my secret key", "schlüssel", "k".repeat(513)]) {
    const env = { ORCHESTRATOR_API_KEY: key };
    for (const [command, exit] of [
      ["check", 2],
      ["doctor", 1],
    ] as const) {
      const { code, out, err } = await run([command], env);
      assert.equal(code, exit, command);
      assert.match(`${out}${err}`, refused);
      assert.ok(!`${out}${err}`.includes(key));
    }
  }
  assert.equal((await run(["check"], { ORCHESTRATOR_API_KEY: "k".repeat(512) })).code, 0);
  const env = { ORCHESTRATOR_API_KEY: "my secret key", HQ_HOME: join(root, ".hq") };
  const started = await runHq(t, ["start", "--port", "0", "--guild-port", "0"], { env, cwd: root });
  assert.equal(started.code, 2);
  assert.match(started.err, refused);
});
