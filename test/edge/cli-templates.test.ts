import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type { ConfigProblem } from "../../src/domain/config.ts";
import { cleanEnv, ROOT } from "../support/supervisor.ts";
import { openDoor } from "./api-scripted.ts";
import { hq, temporaryFolder } from "./cli-harness.ts";
import { newInstallation } from "./setup-fixture.ts";

const NAMES = [
  "code_review",
  "research",
  "data_extraction",
  "consensus_check",
  "documentation",
  "testing",
  "refactor",
];

test("the list is JSON with name and description of each template", async () => {
  const { code, out, err } = await hq(["templates", "list"]);
  assert.deepEqual([code, err], [0, ""]);
  const { templates } = JSON.parse(out) as { templates: readonly object[] };
  assert.deepEqual(
    templates.map((one) => Object.keys(one)),
    NAMES.map(() => ["name", "description"]),
  );
  assert.deepEqual(
    (templates as readonly { name: string }[]).map(({ name }) => name),
    NAMES,
  );
});

test("every template can be looked at without a field, and its prompt is all that is printed", async () => {
  for (const name of NAMES) {
    const { code, out, err } = await hq(["templates", "preview", name]);
    assert.deepEqual([code, err], [0, ""], name);
    assert.match(out, /^## Role\n/);
    assert.match(out, /\n## Output Interface\n[^#]+$/);
  }
});

test("the flags of the older tool fill the fields", async () => {
  const preview = async (...argv: string[]) => (await hq(["templates", "preview", ...argv])).out;
  assert.match(
    await preview("code_review", "--files", "src/auth.py,src/api.py"),
    /- src\/auth\.py\n- src\/api\.py/,
  );
  assert.match(await preview("testing", "--files", "src/auth.py"), /with pytest for src\/auth\.py\./);
  assert.match(await preview("research", "--topic", "CTE of ULE"), /topic: CTE of ULE\n/);
  const check = await preview("consensus_check", "--role", "lawyer", "--proposal", "Buy it");
  assert.match(check, /judges as lawyer, [^]*proposal:\nBuy it\n/);
  assert.match(await preview("research", "--set", "depth=deep"), /5 to 10 sources/);
  const json = JSON.parse(await preview("research", "--set", "topic=a=b", "--json")) as {
    readonly name: string;
    readonly words: number;
    readonly fields: { readonly topic: string };
    readonly schema: { readonly type: string };
  };
  assert.deepEqual([json.name, json.fields.topic, json.schema.type], ["research", "a=b", "object"]);
  assert.ok(json.words > 100);
});

test("unknown templates, fields and flags that mean nothing are refused, all at once", async () => {
  const unknown = await hq(["templates", "preview", "code_revew"]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /no template "code_revew"[^]*Did you mean "code_review"\?/);
  const flags = await hq([
    "templates",
    "preview",
    "research",
    "--role",
    "x",
    "--proposal",
    "y",
    "--set",
    "z",
  ]);
  assert.equal(flags.code, 2);
  assert.match(flags.err, /--role: means nothing[^]*--proposal: means nothing[^]*--set: is "z"/);
  const fields = await hq([
    "templates",
    "preview",
    "research",
    "--set",
    "depht=deep",
    "--set",
    "max_sources=no",
  ]);
  assert.match(
    fields.err,
    /depht: research has no field "depht" \(did you mean "depth"\?\)[^]*max_sources: must be/,
  );
});

test("a prompt of more than 500 words is warned of by name", async () => {
  const { code, err } = await hq([
    "templates",
    "preview",
    "code_review",
    "--set",
    `context=${"word ".repeat(500)}`,
  ]);
  assert.equal(code, 0);
  assert.match(err, /^warning: context dump: \d+ words; /);
});

test("the templates and their fields are read over REST", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const { items } = (await (await door.call("/templates")).json()) as {
    readonly items: readonly {
      readonly name: string;
      readonly fields: readonly { readonly name: string }[];
    }[];
  };
  assert.deepEqual(
    items.map(({ name }) => name),
    NAMES,
  );
  assert.deepEqual(
    items[1]?.fields.map(({ name }) => name),
    ["topic", "depth", "questions", "output_format", "max_sources"],
  );
});

test("the playbook's command lines work under their old name", async (t) => {
  const folder = temporaryFolder(t);
  const ask = (...args: string[]) =>
    new Promise<string>((resolve, reject) => {
      const script = join(ROOT, "compat", "task_templates.py");
      execFile(
        "python3",
        [script, ...args],
        { env: cleanEnv({ HQ_HOME: folder }), cwd: folder },
        (error, out) => (error ? reject(error) : resolve(out)),
      );
    });
  assert.equal((JSON.parse(await ask("list")) as { templates: readonly object[] }).templates.length, 7);
  assert.match(await ask("preview", "code_review", "--files", "src/auth.py"), /- src\/auth\.py\n/);
  assert.match(await ask("preview", "consensus_check"), /security engineer/);
});

test("hq check names anti-patterns with their places, and never fails for them", async (t) => {
  const { root, run } = newInstallation(t);
  writeFileSync(
    join(root, "workflows", "quick-research.yaml"),
    [
      "name: quick-research",
      "limits: { max_parallel: 9 }",
      "steps:",
      "  lost: { agent: webster, task: Look. }",
      `  long: { agent: webster, timeout: 1h, task: ${"word ".repeat(600)}}`,
      "  last: { needs: [long], agent: auditor, template: code_review, with: { files: a } }",
      "output: { step: last }",
      "",
    ].join("\n"),
  );
  const { code, err } = await run(["check"]);
  assert.equal(code, 0);
  const lines = err.split("\n").filter((line) => line.startsWith("warning: workflows/quick-research"));
  assert.deepEqual(
    lines.map((line) => /yaml:(\d+:\d+) (\S+): ([\w ]+):/.exec(line)?.slice(1).join(" ")),
    [
      "4:3 steps.lost fire and forget",
      "5:40 steps.long.task context dump",
      "5:27 steps.long.timeout monolith spawn",
      "2:11 limits.max_parallel more than 6 workers",
    ],
  );
  const { warnings, notes } = JSON.parse((await run(["check", "--json"])).out) as {
    readonly warnings: readonly ConfigProblem[];
    readonly notes: readonly ConfigProblem[];
  };
  assert.equal(warnings.length, 4);
  assert.ok(notes.length > 0 && notes.every(({ message }) => message.startsWith("recursive dream: ")));
});

test("a dry run says what the prompts cost and names the same anti-patterns", async (t) => {
  const { run } = newInstallation(t);
  const argv = ["workflow", "run", "design-review", "--input", "design=M1", "--dry-run"];
  const { code, out } = await run(argv);
  assert.equal(code, 0);
  assert.match(out, /^prompts +\d+ words for 3 workers; what steps hand on comes on top$/m);
  assert.match(out, /^warning: technical: recursive dream \(only a note\): tech-lead may delegate on /m);
  const { cost } = JSON.parse((await run([...argv, "--json"])).out) as { cost: { workers: number } };
  assert.equal(cost.workers, 3);
});

test("a dry run says what the prompts cost in dollars where the agents' models have a price", async (t) => {
  const { root, run } = newInstallation(t);
  const file = join(root, "config", "agents.yaml");
  const agents = readFileSync(file, "utf8");
  writeFileSync(file, agents.replace(/(\n {2}webster:[^]*?model: )Gemini 2\.5 Pro/, "$1kimi-k2.5"));
  const task = "word ".repeat(300).trim();
  writeFileSync(
    join(root, "workflows", "priced.yaml"),
    `name: priced\nsteps:\n  look: { agent: webster, for_each: "split('a,b', ',')", task: ${task} }\n`,
  );
  const { out } = await run(["workflow", "run", "priced", "--dry-run"]);
  // 600 words are 800 tokens, at 0.00045 USD a thousand.
  assert.match(out, /^prompts +600 words for 2 workers, about 0\.0004 USD to read; /m);
});
