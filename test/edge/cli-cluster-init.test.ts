import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { parseEnv } from "../../src/config/env-file.ts";
import { newCluster } from "./cluster-fixture.ts";

type Report = {
  readonly env: { readonly written: readonly string[] };
  readonly notices: readonly string[];
  readonly instances: readonly {
    readonly id: string;
    readonly files: readonly { path: string; state: string; differences?: readonly string[] }[];
  }[];
};
const modeOf = (path: string) => statSync(path).mode & 0o777;
const read = (path: string) => readFileSync(path, "utf8");

/** Every file below a folder with its content. */
function contentsOf(folder: string): Readonly<Record<string, string>> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    names
      .filter((one) => one.isFile())
      .map((one) => [join(one.parentPath, one.name), read(join(one.parentPath, one.name))]),
  );
}

test("init writes instances and workspaces, each with its own secrets at mode 0600; the second time changes nothing", async (t) => {
  const botTokens = { WEBSTER_DISCORD_TOKEN: "bot-of-webster", DISCORD_TOKEN_MANAGER: "bot-of-manager" };
  const { run, dir, place, ports } = await newCluster(t, { env: botTokens });
  const first = await run(["cluster", "init"]);
  assert.equal(first.code, 0, first.err);
  assert.match(first.out, /^manager {2}port \d+ [^]*written: [^\n]*openclaw\.json, env[^]*webster/);
  for (const [id, other] of [
    ["manager", "webster"],
    ["webster", "manager"],
  ] as const) {
    const { env: envFile, config, folder, home } = place(id);
    assert.deepEqual(
      [modeOf(envFile), modeOf(config), modeOf(folder), modeOf(home)],
      [0o600, 0o600, 0o700, 0o700],
    );
    const env = parseEnv(read(envFile));
    assert.equal(env["HQ_HOOKS_TOKEN"], `hooks-of-${id}`);
    assert.equal(env["DISCORD_BOT_TOKEN"], `bot-of-${id}`);
    assert.equal(env["HOME"], home);
    assert.match(env["HQ_AGENT_TOKEN"] ?? "", new RegExp(`^hqa\\.${id}\\.`));
    assert.match(env["OPENCLAW_GATEWAY_TOKEN"] ?? "", /^[0-9a-f]{48}$/);
    assert.doesNotMatch(read(envFile) + read(config), new RegExp(`of-${other}`));
    // The configuration names secrets and holds none.
    assert.doesNotMatch(read(config), /hooks-of|bot-of|hqa\./);
    assert.match(read(config), /\$\{DISCORD_BOT_TOKEN\}/);
  }
  const config = JSON.parse(read(place("webster").config)) as { gateway: object };
  assert.deepEqual(config.gateway, {
    mode: "local",
    bind: "loopback",
    port: ports[1],
    auth: { mode: "token", token: "${OPENCLAW_GATEWAY_TOKEN}" },
  });
  const workspace = join(dir, "workspaces", "webster");
  assert.deepEqual(readdirSync(workspace).toSorted(), [
    "AGENTS.md",
    "HEARTBEAT.md",
    "MEMORY.md",
    "SOUL.md",
    "memory",
    "skills",
  ]);
  const before = contentsOf(dir);
  const again = await run(["cluster", "init", "--json"]);
  const states = (JSON.parse(again.out) as Report).instances.flatMap(({ files }) =>
    files.map(({ state }) => state),
  );
  assert.deepEqual([...new Set(states)], ["kept"]);
  assert.deepEqual(contentsOf(dir), before);
});

test("init overwrites nothing that people wrote: it says what differs, by place and never by value", async (t) => {
  const { run, dir, place } = await newCluster(t);
  const { config, env, folder } = place("webster");
  const workspace = join(dir, "workspaces", "webster");
  mkdirSync(folder, { recursive: true });
  mkdirSync(workspace, { recursive: true });
  writeFileSync(config, `{"gateway": {"port": 4711}, "models": {}}`);
  writeFileSync(env, "# mine\nHQ_HOOKS_TOKEN=old-token\nANTHROPIC_API_KEY=k\n");
  chmodSync(env, 0o644);
  writeFileSync(join(workspace, "SOUL.md"), "I am somebody else.\n");
  const { code, out } = await run(["cluster", "init", "H", "--json"]);
  assert.equal(code, 0);
  const files = (JSON.parse(out) as Report).instances[0]?.files ?? [];
  const of = (path: string) => files.find((one) => one.path === path);
  assert.equal(of(config)?.state, "differs");
  assert.deepEqual(of(config)?.differences?.slice(0, 3), ["gateway.mode", "gateway.bind", "gateway.port"]);
  assert.equal(read(config), `{"gateway": {"port": 4711}, "models": {}}`);
  assert.deepEqual([of(env)?.state, of(env)?.differences], ["differs", ["HQ_HOOKS_TOKEN"]]);
  assert.match(read(env), /^# mine\nHQ_HOOKS_TOKEN=old-token\nANTHROPIC_API_KEY=k\nHOME=/);
  assert.equal(modeOf(env), 0o600);
  assert.equal(of(join(workspace, "SOUL.md"))?.state, "kept");
  assert.equal(read(join(workspace, "SOUL.md")), "I am somebody else.\n");
  assert.doesNotMatch(out, /old-token|hooks-of/);
  assert.equal(existsSync(place("manager").folder), false);
});

test("a configuration with comments is kept and not compared", async (t) => {
  const { run, place } = await newCluster(t);
  const { config, folder } = place("webster");
  mkdirSync(folder, { recursive: true });
  writeFileSync(config, "// mine\n{}\n");
  const { out } = await run(["cluster", "init", "webster"]);
  assert.match(out, /differs: openclaw\.json \(not compared: it is not plain JSON\)/);
  assert.equal(read(config), "// mine\n{}\n");
});

test("a dry run says the same and writes nothing at all", async (t) => {
  const { run, root, dir } = await newCluster(t);
  const { code, out } = await run(["cluster", "init", "--dry-run"]);
  assert.equal(code, 0);
  assert.match(out, /would be written: [^\n]*openclaw\.json, env/);
  assert.equal(existsSync(dir), false);
  assert.equal(existsSync(join(root, ".hq")), false);
});

test("a hooks token that nobody has set is made, once for all who share it, and HQ finds it in .env", async (t) => {
  const shared = { token_env: "SHARED_TOKEN" };
  const { run, root, place } = await newCluster(t, {
    agents: { manager: shared, webster: shared, "nx-expert": { token_env: "NX_TOKEN" } },
  });
  const { out, err } = await run(["cluster", "init", "--json"]);
  assert.deepEqual((JSON.parse(out) as Report).env.written, ["SHARED_TOKEN", "NX_TOKEN"]);
  const env = parseEnv(read(join(root, ".env")));
  assert.equal(modeOf(join(root, ".env")), 0o600);
  const tokenOf = (id: string) => parseEnv(read(place(id).env))["HQ_HOOKS_TOKEN"];
  assert.deepEqual(["manager", "webster", "nx-expert"].map(tokenOf), [
    env["SHARED_TOKEN"],
    env["SHARED_TOKEN"],
    env["NX_TOKEN"],
  ]);
  assert.notEqual(env["SHARED_TOKEN"], env["NX_TOKEN"]);
  assert.match(err, /manager, webster share one hooks token \(SHARED_TOKEN\)[^]*token_env/);
  assert.match(err, /HQ reads \S+\.env at its start: restart it/);
  const again = await run(["cluster", "init", "--json"]);
  assert.deepEqual((JSON.parse(again.out) as Report).env.written, []);
  // Whoever loses .env gets back what the gateways have.
  writeFileSync(join(root, ".env"), "");
  await run(["cluster", "init"]);
  assert.equal(parseEnv(read(join(root, ".env")))["SHARED_TOKEN"], env["SHARED_TOKEN"]);
});

test("agents are named as everywhere; unknown ones, those elsewhere and ports too near are refused", async (t) => {
  const far = { url: "https://10.0.0.7:18828", port: undefined };
  const { run, place, root } = await newCluster(t, { agents: { manager: {}, webster: {}, far } });
  const unknown = await run(["cluster", "init", "webstr"]);
  assert.deepEqual([unknown.code, /Did you mean webster/.test(unknown.err)], [2, true]);
  const elsewhere = await run(["cluster", "init", "far"]);
  assert.deepEqual([elsewhere.code, /another machine/.test(elsewhere.err)], [2, true]);
  const all = await run(["cluster", "init", "a,h"]);
  assert.equal(all.code, 0, all.err);
  assert.ok(existsSync(place("manager").env) && existsSync(place("webster").env));
  assert.match((await run(["cluster", "init"])).err, /Not on this machine, left out: far\./);
  const near = { agents: { manager: { port: 18800 }, webster: { port: 18803 } } };
  writeFileSync(join(root, "config", "agents.yaml"), JSON.stringify(near));
  const refused = await run(["cluster", "init"]);
  assert.equal(refused.code, 2);
  assert.match(refused.err, /18800|18803/);
});
