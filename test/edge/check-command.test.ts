import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
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

test("the old name of the bot token is accepted with a notice", async (t) => {
  const { run } = newInstallation(t);
  const { code, err } = await run(["check"], { CHIP_TOKEN: "x", GUILD_ID: "123456789012345678" });
  assert.equal(code, 0);
  assert.match(err, /^warning: .*CHIP_TOKEN.*DISCORD_TOKEN/m);
});
