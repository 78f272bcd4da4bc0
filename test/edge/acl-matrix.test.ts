import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { AGENT_IDS } from "../support/core.ts";
import { MATRICES } from "../support/matrices.ts";
import { ROOT } from "../support/supervisor.ts";
import { hq } from "./cli-harness.ts";
import { startTeam, type Team } from "./team.ts";

type Asked = { readonly allowed: boolean; readonly said: string };
type Door = (team: Team, caller: string, target: string) => Promise<Asked>;

const byRest: Door = async (team, caller, target) => {
  const token = await team.tokenOf(caller);
  const { status, body } = await team.call(
    "POST",
    "/delegations",
    { agent: target, objective: `${caller} asks`, deliver: false },
    { authorization: `Bearer ${token}` },
  );
  assert.ok(status === 201 || (status === 403 && body.code === "not_allowed"), JSON.stringify(body));
  return { allowed: status === 201, said: `${body.detail} ${body.hint}` };
};

const byCommandLine: Door = async (team, caller, target) => {
  const env = { HQ_HOME: team.home, HQ_AGENT_TOKEN: await team.tokenOf(caller) };
  const { code, err } = await hq(["delegate", target, `${caller} asks by hq`, "--no-wait", "--no-deliver"], {
    env,
  });
  assert.ok(code === 0 || code === 3, err);
  return { allowed: code === 0, said: err };
};

async function drawn(team: Team, door: Door): Promise<readonly string[]> {
  const rows: string[] = [];
  for (const caller of AGENT_IDS) {
    const marks = await Promise.all(
      AGENT_IDS.map(async (target) => {
        const { allowed, said } = await door(team, caller, target);
        if (!allowed)
          assert.match(said, /Rule: (?:self|never: manager|no row for |matrix )/, `${caller} ${target}`);
        return allowed ? "x" : ".";
      }),
    );
    rows.push(`${marks.join("")} ${caller}`);
  }
  return rows;
}

for (const [preset, expected] of Object.entries(MATRICES)) {
  test(`all 64 pairs of the preset ${preset}, asked by REST and by hq with the agents' own tokens`, async (t) => {
    const shipped = readFileSync(join(ROOT, "config/acl.yaml"), "utf8");
    const team = await startTeam(t, { acl: shipped.replace("preset: default", `preset: ${preset}`) });
    assert.deepEqual(await drawn(team, byRest), expected);
    assert.deepEqual(await drawn(team, byCommandLine), expected);

    const env = { HQ_HOME: team.home };
    const shown = await hq(["acl", "table"], { env });
    const table = shown.out
      .split("\n")
      .slice(1, 9)
      .map((line) => {
        const [, id = "", ...marks] = line.trim().split(/\s+/);
        return `${marks.join("")} ${id}`;
      });
    assert.deepEqual(table, expected);
    const { out } = await hq(["acl", "table", "--json"], { env });
    const items = JSON.parse(out) as { caller: string; target: string; allowed: boolean; rule: string }[];
    const marks = items.map(({ allowed }) => (allowed ? "x" : "."));
    const rows = AGENT_IDS.map((id, row) => `${marks.slice(row * 8, row * 8 + 8).join("")} ${id}`);
    assert.deepEqual(rows, expected);
    assert.ok(items.every(({ rule }) => rule !== ""));
  });
}

test("verbs that config/acl.yaml gives or takes are given and taken at once, by rule and by name", async (t) => {
  const shipped = readFileSync(join(ROOT, "config/acl.yaml"), "utf8");
  const rules = "verbs:\n  delegate: [manager]\n  workflow: []\n  context: [agents]\n";
  const team = await startTeam(t, { acl: `${shipped}\n${rules}` });
  const env = { HQ_HOME: team.home };
  assert.equal((await byRest(team, "manager", "webster")).allowed, true);
  const refused = await byRest(team, "tech-lead", "webster");
  assert.equal(refused.allowed, false);
  assert.match(refused.said, /Rule: verbs\.delegate: manager\.$/);
  const token = await team.tokenOf("manager");
  const run = await hq(["workflow", "run", "quick-research", "--input", "query=x"], {
    env: { ...env, HQ_AGENT_TOKEN: token },
  });
  assert.equal(run.code, 3);
  assert.match(run.err, /Rule: verbs\.workflow: the operator alone/);

  const said = async (...argv: string[]) => (await hq(["acl", "explain", ...argv], { env })).out.trim();
  assert.match(
    await said("manager", "webster"),
    /^manager may delegate to webster \(matrix default: manager → all others\)\.$/,
  );
  assert.equal(
    await said("tech-lead", "--verb", "drain"),
    "agent tech-lead may not drain or resume agents: agents never do. Ask a person, or hand the wish back under `needs:`. Rule: agents never drain.",
  );
  assert.equal(
    await said("role:Operators", "--verb", "drain"),
    "@Operators may drain or resume agents (verbs.drain: operate (default)).",
  );
  assert.match(await said("role:Engineering", "--verb", "drain"), /^@Engineering \(as tech-lead\) may not/);
  const mistyped =
    "config/acl.yaml does not name the role Enginering. Did you mean Engineering? It names Operators, Engineering.";
  for (const about of [["webster"], ["--verb", "drain"]])
    assert.ok((await said("role:Enginering", ...about)).includes(mistyped), about.join(" "));
  assert.doesNotMatch(await said("role:@engineering", "--verb", "drain"), /does not name/);
  assert.match(await said("operator", "--verb", "stop"), /^operator may stop everything/);
  assert.match(
    await said("webster", "--verb", "delegate"),
    /may not delegate.*Rule: verbs\.delegate: manager/,
  );
  const json = JSON.parse(await said("webster", "--verb", "context", "--json"));
  assert.deepEqual([json.allowed, json.verb, json.rule], [true, "context", "verbs.context: agents"]);
  const unknown = await hq(["acl", "explain", "webster", "--verb", "drian"], { env });
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /There is no verb "drian"\.\nDid you mean drain\?/);
  assert.equal((await hq(["acl", "explain", "webster"], { env })).code, 2);
});
