import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type { Asking } from "../../src/cli/asking.ts";
import type { ConfigProblem } from "../../src/domain/config.ts";
import { TREE } from "../../src/domain/playbook/decision-tree.ts";
import { hq } from "./cli-harness.ts";
import { newInstallation } from "./setup-fixture.ts";

/** The answers that lead to a leaf, and what it needs. `goal` is what YAML likes least. */
const goal = 'Say "yes: no" to #1\n- and: {this}, 100 % of it\n\nsteps: none';
const LEAVES: Readonly<
  Record<string, { readonly yes?: string; readonly more: object; readonly inputs?: readonly string[] }>
> = {
  inline: { yes: "single", more: { by: "webster" } },
  lost: { more: { by: "H" } },
  "fan-out": {
    yes: "independent",
    more: { parts: ["auth: a", "api", "data"], agents: ["webster", "tech-lead"], by: "auditor" },
  },
  pipeline: { yes: "sequential", more: { stages: "research, outline, draft", agents: "webster" } },
  panel: {
    yes: "opinions",
    more: {
      roles: ["security", "cost", "thermal"],
      agents: ["auditor", "optimizer"],
      criteria: "risk, price",
    },
  },
  "map-reduce": {
    yes: "dataset",
    more: { agents: ["webster"], by: "auditor", parts: 4 },
    inputs: ["--input", "items=a, b, c, d, e"],
  },
  supervisor: { yes: "judgment", more: { agents: ["webster", "optimizer"], by: "tech-lead", rounds: 2 } },
};

function answersFor(leaf: string): Readonly<Record<string, unknown>> {
  const { yes, more } = LEAVES[leaf] ?? { more: {} };
  const asked = yes === undefined ? TREE : TREE.slice(0, TREE.findIndex(({ key }) => key === yes) + 1);
  return { ...Object.fromEntries(asked.map(({ key }) => [key, key === yes])), goal, ...more };
}

for (const [leaf, { inputs = [] }] of Object.entries(LEAVES)) {
  test(`the leaf ${leaf} becomes a workflow that hq check takes without a doubt, and that can be planned`, async (t) => {
    const { root, run } = newInstallation(t, { "answers.json": JSON.stringify(answersFor(leaf)) });
    const made = await run(["plan", "--answers", "answers.json", "--out", "workflows/my-plan.yaml"]);
    assert.equal(made.code, 0, made.err);
    assert.equal(made.out, "");
    assert.match(made.err, leaf === "lost" ? /→ inline: no pattern fits/ : new RegExp(`^→ ${leaf}$`, "m"));
    const check = await run(["check", "--json"]);
    const { ok, warnings } = JSON.parse(check.out) as { ok: boolean; warnings: readonly ConfigProblem[] };
    assert.deepEqual([ok, warnings], [true, []]);
    const plan = await run(["workflow", "run", "my-plan", ...inputs, "--dry-run"]);
    assert.equal(plan.code, 0, plan.err);
    assert.match(readFileSync(join(root, "workflows", "my-plan.yaml"), "utf8"), /^name: my-plan$/m);
  });
}

test("without --out the workflow is all that stdout holds; the way through the tree is on stderr", async (t) => {
  const { run } = newInstallation(t);
  const argv = ["plan", "--answer", "single=yes", "--answer", "goal=Find the CTE", "--answer", "by=webster"];
  const { code, out, err } = await run([...argv, "--answer", "minutes=20"]);
  assert.equal(code, 0, err);
  assert.match(out, /^# yaml-language-server[^]*name: find-the-cte\n/);
  assert.match(err, /less than 5 minutes\? yes\n→ inline\n/);
  assert.match(err, /more than 15 minutes: plan it/);
  assert.match(err, /Without a workflow: hq delegate webster 'Find the CTE'/);
  const json = JSON.parse((await run([...argv, "--json"])).out) as Record<string, unknown>;
  assert.deepEqual(Object.keys(json), ["name", "pattern", "path", "answers", "yaml"]);
});

test("a file that is there is never overwritten", async (t) => {
  const { root, run } = newInstallation(t, { "answers.json": JSON.stringify(answersFor("inline")) });
  const file = join(root, "workflows", "mine.yaml");
  writeFileSync(file, "name: mine\n");
  const { code, err } = await run(["plan", "--answers", "answers.json", "--out", "workflows/mine.yaml"]);
  assert.equal(code, 2);
  assert.match(err, /mine\.yaml is there already and was left as it is/);
  assert.equal(readFileSync(file, "utf8"), "name: mine\n");
});

test("what is not answered is asked for by name when nobody can be asked, and nothing is written", async (t) => {
  const { root, run } = newInstallation(t);
  const tree = await run(["plan", "--answer", "single=no", "--out", "workflows/p.yaml"]);
  assert.equal(tree.code, 2);
  assert.match(tree.err, /independent: is needed: Are its parts independent/);
  const details = await run([
    "plan",
    "--answer",
    "single=no",
    "--answer",
    "independent=yes",
    "--out",
    "workflows/p.yaml",
  ]);
  assert.match(details.err, /goal: is needed[^]*parts: is needed[^]*agents: is needed[^]*by: is needed/);
  assert.equal(existsSync(join(root, "workflows", "p.yaml")), false);
});

test("answers to no question, and words that are neither yes nor no, are refused", async (t) => {
  const { run } = newInstallation(t);
  const { code, err } = await run([
    "plan",
    "--answer",
    "singel=no",
    "--answer",
    "independent=maybe",
    "--answer",
    "minutes=soon",
  ]);
  assert.equal(code, 2);
  assert.match(err, /singel: answers no question \(did you mean "single"\?\)/);
  assert.match(err, /minutes: must be a number[^]*independent: must be yes or no/);
});

test("the file is named like the workflow", async (t) => {
  const { run } = newInstallation(t, { "answers.json": JSON.stringify(answersFor("inline")) });
  const plan = ["plan", "--answers", "answers.json"];
  assert.match(
    (await run([...plan, "--name", "a", "--out", "workflows/b.yaml"])).err,
    /must stand in a file a\.yaml/,
  );
  assert.match((await run([...plan, "--name", "Not A Name"])).err, /is no name for a workflow/);
});

test("on a terminal the questions of the tree and of the pattern are asked, a wrong answer again", async (t) => {
  const { root } = newInstallation(t);
  const asked: string[] = [];
  const written = ["Review the mount", "security, cost", "webstr", "webster, auditor", ""];
  const asking: Asking = {
    async choose(message) {
      asked.push(message);
      return message.startsWith("Is it a decision") ? "yes" : "no";
    },
    async write(message) {
      asked.push(message);
      return written.shift();
    },
  };
  const { code, out, err } = await hq(["plan"], {
    installation: root,
    cwd: root,
    env: { HQ_AGENTS: "sample" },
    asking,
  });
  assert.equal(code, 0, err);
  assert.equal(asked.length, 4 + 5);
  assert.match(
    asked[7] ?? "",
    /^That there is no agent "webstr" \(did you mean "webster"\?\)\. Who are the experts/,
  );
  assert.match(out, /proposal: Review the mount\n/);
  assert.match(out, /role: cost\n +agent: auditor/);
});

test("whoever gives up gets no plan", async (t) => {
  const { root } = newInstallation(t);
  const asking: Asking = { choose: async () => undefined, write: async () => undefined };
  const { code, out } = await hq(["plan"], { installation: root, cwd: root, env: {}, asking });
  assert.deepEqual([code, out], [130, ""]);
});
