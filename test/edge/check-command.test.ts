import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { findHome } from "../../src/cli/home.ts";
import type { ConfigProblem } from "../../src/domain/config.ts";
import { newInstallation } from "./setup-fixture.ts";

test("hq check is content with what ships", async (t) => {
  const { run } = newInstallation(t);
  const { code, out, err } = await run(["check"]);
  assert.match(
    err,
    /^note: recursive dream: \d workflows have steps whose agents may delegate on \(hq check --json names them\)\n$/,
  );
  assert.match(out, /^Valid: \d+ files, 8 agents, \d+ workflows\.\n$/);
  assert.equal(code, 0);
});

test("hq check names file, line, path and what was meant, and exits 2", async (t) => {
  const { root, run } = newInstallation(t);
  writeFileSync(join(root, "config", "hq.yaml"), "delegation:\n  timout: 5m\n");
  writeFileSync(join(root, "config", "acl.yaml"), "matrix: { manager: [websetr] }\n");
  const { code, out, err } = await run(["check"]);
  assert.equal(code, 2);
  assert.equal(out, "");
  assert.equal(
    err,
    [
      'error: config/hq.yaml:2:3 delegation.timout: unknown key "timout" (did you mean "timeout"?)',
      'error: config/acl.yaml:1:21 matrix.manager.0: there is no agent "websetr" in agents.yaml (did you mean "webster"?)',
      "2 problems to mend.\n",
    ].join("\n"),
  );
});

test("hq check reads the workflows too: places, circles, time zones and schemas, all at once", async (t) => {
  const { root, run } = newInstallation(t);
  writeFileSync(
    join(root, "workflows", "quick-research.yaml"),
    [
      "name: quick-research",
      'on: { schedule: [{ cron: "61 7 * * *", timezone: Europe/Berlin }] }',
      "steps:",
      "  research: { agent: webstr, task: look }",
      "  a: { needs: [b], agent: webster, task: look, expect: { schema: none.json } }",
      "  b: { needs: [a], agent: webster, task: look }",
      "",
    ].join("\n"),
  );
  const { code, out, err } = await run(["check"]);
  assert.equal(code, 2);
  assert.equal(out, "");
  const lines = err.split("\n").filter((line) => line.startsWith("error: "));
  assert.match(lines[0] ?? "", /quick-research\.yaml:2:26 on\.schedule\.0\.cron: cannot be read: .*61/);
  assert.match(
    lines[1] ?? "",
    /:4:22 steps\.research\.agent: there is no agent "webstr" \(did you mean "webster"\?\)/,
  );
  assert.match(lines[2] ?? "", /:5:3 steps\.a: needs itself: a → b → a/);
  assert.match(lines[3] ?? "", /:5:66 steps\.a\.expect\.schema: there is no file none\.json/);
  assert.equal(lines.length, 4);
});

test("workflows that were written for other agents are named at the end, with the ways out", async (t) => {
  const { root, run } = newInstallation(t);
  const dir = join(root, "own");
  mkdirSync(dir);
  const file = (name: string, steps: string) =>
    writeFileSync(join(dir, `${name}.yaml`), `name: ${name}\nsteps:\n${steps}\n`);
  file("one", "  a: { agent: wanda, task: look }");
  file("two", "  a: { capability: welding, task: look }");
  file("three", "  a: { agent: wanda, task: look }\n  b: { agent: webstr, task: look, retry: often }");
  const config = join(root, "config");
  writeFileSync(join(config, "hq.yaml"), `workflows: { dir: ${JSON.stringify(dir)} }\n`);
  const few = await run(["check"]);
  assert.equal(few.code, 2);
  assert.doesNotMatch(few.err, /ask agents whom/);
  file("four", "  a: { agent: wanda, task: look }");
  const many = await run(["check"]);
  assert.equal(many.code, 2);
  assert.equal(many.err.match(/^error: own\/.*there is no agent "wanda"/gm)?.length, 3);
  assert.match(
    many.err,
    /\nnote: own has 3 files that ask agents whom agents\.yaml does not have: four, one, two \(.*aliases.*workflows\.dir\)\n\d problems to mend\.\n$/,
  );
  const { notes } = JSON.parse((await run(["check", "--json"])).out) as { notes: readonly ConfigProblem[] };
  assert.deepEqual(
    notes.map(({ file: place, message }) => [place, message.endsWith("four, one, two")]),
    [[dir, true]],
  );
});

test("hq check looks at .env by the rules of the start", async (t) => {
  const { root, run } = newInstallation(t, {
    ".env": "GUILD_ID=123456789012345678\nHQ_PORT=high\n",
  });
  chmodSync(join(root, ".env"), 0o644);
  const { code, out } = await run(["check", "--json"]);
  const said = JSON.parse(out) as {
    ok: boolean;
    problems: readonly ConfigProblem[];
    warnings: readonly ConfigProblem[];
  };
  assert.equal(code, 2);
  assert.equal(said.ok, false);
  assert.match(said.problems[0]?.message ?? "", /there is no DISCORD_TOKEN/);
  assert.match(said.problems[1]?.message ?? "", /HQ_PORT is "high"/);
  assert.match(said.warnings[0]?.suggestion ?? "", /^chmod 600 /);
});

test("hq check names one port for REST and the local guild, also where one of them is the usual one", async (t) => {
  const { root, run } = newInstallation(t);
  for (const env of [
    { HQ_PORT: "18701" },
    { HQ_GUILD_PORT: "18700" },
    { HQ_PORT: "9", HQ_GUILD_PORT: "9" },
  ]) {
    const { code, err } = await run(["check"], env);
    assert.equal(code, 2, JSON.stringify(env));
    assert.match(err, /HQ_PORT and HQ_GUILD_PORT are both (18700|18701|9); .* \(Set one of them/);
  }
  for (const env of [
    { HQ_PORT: "0", HQ_GUILD_PORT: "0" },
    { HQ_PORT: "18701", HQ_GUILD_PORT: "0" },
  ])
    assert.equal((await run(["check"], env)).code, 0, JSON.stringify(env));
  writeFileSync(join(root, ".env"), "DISCORD_TOKEN=t\nGUILD_ID=123456789012345678\n", { mode: 0o600 });
  assert.equal((await run(["check"], { HQ_PORT: "18701" })).code, 0, "Discord needs no port of ours");
});

test("the old name of the bot token is accepted with a notice", async (t) => {
  const { run } = newInstallation(t);
  const { code, err } = await run(["check"], { CHIP_TOKEN: "x", GUILD_ID: "123456789012345678" });
  assert.equal(code, 0);
  assert.match(err, /^warning: .*CHIP_TOKEN.*DISCORD_TOKEN/m);
});

test("hq check refuses what the start would: a short HQ_SECRET, and an address of a database in hq.yaml that can be none", async (t) => {
  const { root, run } = newInstallation(t);
  const short = await run(["check"], { HQ_SECRET: "too-short" });
  assert.equal(short.code, 2);
  assert.match(short.err, /HQ_SECRET has fewer than 32 characters\. \(Make one with/);
  assert.doesNotMatch(short.err, /too-short/);
  for (const [address, why] of [
    ["postgres://hq@db.example/", /names no database/],
    ["postgres://hq@db.example/hq?sslmod=require", /settings that nobody knows: sslmod/],
  ] as const) {
    writeFileSync(join(root, "config", "hq.yaml"), `# ours\ndatabase: ${address}\n`);
    const { code, err } = await run(["check", "--json"]);
    assert.deepEqual([code, err], [2, ""]);
    const { out } = await run(["check", "--json"]);
    const [problem, ...more] = (JSON.parse(out) as { problems: readonly ConfigProblem[] }).problems;
    assert.deepEqual(more, []);
    assert.match(problem?.message ?? "", why);
    assert.deepEqual(
      [problem?.file, problem?.path, problem?.line],
      [join(root, "config", "hq.yaml"), "database", undefined],
    );
    // What is not used is not judged.
    assert.equal((await run(["check"], { DATABASE_URL: "postgres://hq@db.example/hq" })).code, 0);
  }
});

test("hq check doubts a folder of workflows that is not there", async (t) => {
  const { root, run } = newInstallation(t);
  writeFileSync(join(root, "config", "hq.yaml"), "workflows: { dir: workflow }\n");
  const { code, out, err } = await run(["check"]);
  assert.equal(code, 0);
  assert.match(
    err,
    /^warning: config\/hq\.yaml:1:19 workflows\.dir: is not there, so there are no workflows \(make .*\/workflow, or/m,
  );
  assert.match(out, /0 workflows/);
});

test("HQ_CONFIG of .env holds where HQ_HOME comes from the environment, and that of the environment goes first", async (t) => {
  const { root, run } = newInstallation(t, { ".env": "HQ_CONFIG=elsewhere\n" });
  mkdirSync(join(root, "elsewhere"));
  writeFileSync(join(root, "elsewhere", "hq.yaml"), "delegation: { timout: 5m }\n");
  for (const env of [{}, { HQ_HOME: join(root, "state") }] as const) {
    const { code, err } = await run(["check"], env);
    assert.equal(code, 2);
    assert.match(err, /elsewhere\/hq\.yaml:1:15 delegation\.timout/);
  }
  assert.equal((await run(["check"], { HQ_HOME: join(root, "state"), HQ_CONFIG: "config" })).code, 0);
});

test("~ in HQ_HOME and HQ_CONFIG is the home of the user, in the environment and in .env, as elsewhere in the configuration", (t) => {
  const { root } = newInstallation(t, { ".env": "HQ_HOME=~/kept\nHQ_CONFIG=~\n" });
  const at = (env: Readonly<Record<string, string>>, cwd = root) =>
    findHome({ env, cwd, installation: root });
  assert.deepEqual(at({ HOME: "/home/hq" }), { home: "/home/hq/kept", config: "/home/hq" });
  const own = newInstallation(t).root;
  const given = { HOME: "/home/hq", HQ_HOME: "~/state", HQ_CONFIG: "~user/config" };
  for (const cwd of [root, own])
    assert.deepEqual(at(given, cwd), { home: "/home/hq/state", config: join(cwd, "~user/config") });
});

test("an .env that cannot be read is named in words by every command but help", async (t) => {
  const { root, run } = newInstallation(t);
  mkdirSync(join(root, ".env"));
  const said = `${root}/.env cannot be used: it is a folder (EISDIR, read).\nName a file.`;
  for (const argv of [["status"], ["check"]]) {
    const { code, err } = await run(argv);
    assert.deepEqual([code, err], [1, `hq: ${said}\n`]);
  }
  const { code, err } = await run(["batch", "list"]);
  assert.deepEqual([code, JSON.parse(err)], [1, { status: "error", code: "ERROR", message: said }]);
  assert.equal((await run(["help"])).code, 0, "help reads none");
});
