import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { RunPlan } from "../../src/domain/run-plan.ts";
import { hq, INSTALLATION, temporaryFolder } from "./cli-harness.ts";

/** A folder with its own configuration and workflows, and no supervisor. */
function openFolder(t: TestContext, workflows: Readonly<Record<string, string>> = {}) {
  const root = temporaryFolder(t);
  mkdirSync(join(root, "config"));
  const isOwn = Object.keys(workflows).length > 0;
  writeFileSync(
    join(root, "config", "hq.yaml"),
    isOwn ? `workflows: { dir: ${JSON.stringify(join(root, "workflows"))} }\n` : "{}\n",
  );
  mkdirSync(join(root, "workflows"));
  for (const [name, text] of Object.entries(workflows))
    writeFileSync(join(root, "workflows", `${name}.yaml`), text);
  const given = { cwd: root };
  return { root, hq: (...argv: string[]) => hq(argv, given) };
}

const STUDY = [
  "material-trade-study",
  "--input",
  "materials=Zerodur, Clearceram-Z HS, ULE",
  "--input",
  "requirements=CTE < 0.01 ppm/K",
];

test("the example of the guide is a workflow without problems", async (t) => {
  const guide = readFileSync(join(INSTALLATION, "docs", "guide", "workflows.md"), "utf8");
  const [example = "", schedule = ""] = [...guide.matchAll(/```yaml\n([^]*?)```/g)].map(([, yaml]) => yaml);
  const folder = openFolder(t, { "mirror-check": `${example}${schedule}` });
  const list = await folder.hq("workflow", "list");
  assert.deepEqual([list.code, list.err], [0, ""]);
  assert.match(list.out, /mirror-check +4 +mirror/);
  const show = await folder.hq("workflow", "show", "mirror-check");
  assert.match(show.out, /sign-off +whoever may operate +thermal, material +gate: 1 to approve/);
  assert.match((await folder.hq("workflow", "graph", "mirror-check")).out, /s2\{\{"sign-off/);
  assert.match(show.out, /schedule +0 7 \* \* mon-fri \(Europe\/Berlin\)[^]*schedule +30 18 1 \* \* \(UTC\)/);
  const [, stubs = ""] = /```json\n([^]*?)```/.exec(guide) ?? [];
  writeFileSync(join(folder.root, "stubs.json"), stubs);
  const [, line = ""] = /^hq (workflow run mirror-check .*--stubs .*)$/m.exec(guide) ?? [];
  const { code, out, err } = await folder.hq(...line.split(" "), "--format", "text");
  assert.deepEqual([code, out], [0, "The material will do.\n"], err);
  assert.match(err, /missing: thermal is partial/);
});

test("a dry run and stubs say who may not read the channel of a step", async (t) => {
  const listen = [
    "name: listen",
    "steps:",
    "  look:",
    "    agent: webster",
    "    task: Look.",
    "    channel_context: { channel: technical }",
    "",
  ].join("\n");
  const folder = openFolder(t, { listen });
  writeFileSync(join(folder.root, "config", "acl.yaml"), "verbs:\n  context: [tech-lead]\n");
  writeFileSync(join(folder.root, "stubs.json"), '{"steps": {"look": {"result": "seen"}}}');
  const run = ["workflow", "run", "listen", "--caller"];
  for (const how of [["--dry-run"], ["--stubs", "stubs.json"]]) {
    const refused = await folder.hq(...run, "manager", ...how);
    assert.equal(refused.code, 3, refused.err);
    assert.match(refused.err, /steps\.look\.channel_context operator \(as manager\) may not read channels\./);
    assert.match(refused.err, /Rule: verbs\.context: tech-lead/);
    assert.equal((await folder.hq(...run, "tech-lead", ...how)).code, 0);
  }
});

test("without a supervisor a dry run is made from the files, and nothing is written anywhere", async (t) => {
  const folder = openFolder(t);
  const before = readdirSync(folder.root, { recursive: true });
  const { code, out, err } = await folder.hq("workflow", ...STUDY, "--caller", "manager", "--dry-run");
  assert.deepEqual([code, err], [0, ""]);
  assert.match(out, /input +requirements=CTE < 0\.01 ppm\/K/);
  assert.match(out, /1 +research +webster +–/);
  assert.match(out, /2 +evaluation +tech-lead +research/);
  assert.match(out, /3 +review +auditor +evaluation/);
  assert.match(out, /time +not known/);
  assert.match(out, /Nothing was called, posted or written\./);
  assert.deepEqual(readdirSync(folder.root, { recursive: true }), before);
  assert.equal(existsSync(join(folder.root, ".hq")), false);
  const json = await folder.hq("workflow", "run", ...STUDY, "--dry-run", "--json");
  const plan = JSON.parse(json.out) as RunPlan;
  assert.deepEqual(
    plan.waves.map((wave) => wave.map(({ agent }) => agent)),
    [["webster"], ["tech-lead"], ["auditor"]],
  );
});

const SCHEDULED = `name: scheduled
inputs: { topic: { type: string, default: all }, depth: { type: number, default: 1 } }
on:
  schedule:
    - { cron: "0 7 * * mon-fri", timezone: Europe/Berlin, overlap: queue, catchup: 90m, inputs: { topic: "news,\\nsports", depth: 2 } }
    - { cron: "*/30 * * * *", timezone: UTC }
steps:
  look: { agent: webster, task: "Look for \${{ inputs.topic }}, \${{ inputs.depth }} deep." }
`;

test("show tells of each schedule when it fires, what holds when it overlaps or is missed, and its inputs", async (t) => {
  const { hq: ask } = openFolder(t, { scheduled: SCHEDULED });
  const { out, err } = await ask("workflow", "show", "scheduled");
  assert.deepEqual(
    out.split("\n").filter((line) => line.startsWith("schedule")),
    [
      "schedule  0 7 * * mon-fri (Europe/Berlin), overlap queue, catch-up 1h 30m, topic=news, sports, depth=2",
      "schedule  */30 * * * * (UTC), overlap skip, catch-up 6h 00m",
    ],
    err,
  );
  const json = JSON.parse((await ask("workflow", "show", "scheduled", "--json")).out);
  assert.deepEqual(json.definition.schedules, [
    {
      cron: "0 7 * * mon-fri",
      timezone: "Europe/Berlin",
      overlap: "queue",
      catchupMs: 5_400_000,
      inputs: { topic: "news,\nsports", depth: 2 },
    },
    { cron: "*/30 * * * *", timezone: "UTC", overlap: "skip", catchupMs: 21_600_000, inputs: {} },
  ]);
});

test("a plan names its gates, and says why an agent was chosen", async (t) => {
  const folder = openFolder(t);
  const argv = ["workflow", "design-review", "--input", "design=M1", "--dry-run"];
  const { code, out } = await folder.hq(...argv);
  assert.equal(code, 0);
  assert.match(out, /gates +sign-off/);
  assert.match(out, /1 +technical +tech-lead[^]*1 +optimization +optimizer/);
  assert.match(out, /named by the step/);
  assert.match(out, /has optimization/);
  assert.match(out, /2 +sign-off +approval .*by role:Engineering/);
});

test("every problem is told at once: inputs, and the caller's permission for each step", async (t) => {
  const folder = openFolder(t);
  const argv = [
    "workflow",
    "material-trade-study",
    "--dry-run",
    "--caller",
    "webster",
    "--input",
    "materals=x",
  ];
  const { code, out, err } = await folder.hq(...argv);
  assert.deepEqual([code, out], [2, ""]);
  assert.match(err, /^hq: material-trade-study cannot be started:\n {2}inputs\.materals: /);
  assert.equal(err.match(/has no input "materals"/g)?.length, 1, err);
  assert.match(err, /requirements/);
  for (const step of ["research", "evaluation", "review"]) assert.match(err, new RegExp(step), step);
  const forbidden = await folder.hq("workflow", ...STUDY, "--dry-run", "--caller", "tech-lead");
  assert.equal(forbidden.code, 3, forbidden.err);
  const nobody = await folder.hq("workflow", ...STUDY, "--dry-run", "--caller", "webstr");
  assert.deepEqual([nobody.code, /webster/.test(nobody.err)], [2, true]);
});

test("a workflow that is not there or not valid is refused with the place and the nearest name", async (t) => {
  const folder = openFolder(t, {
    broken: "name: broken\ndescription: x\nsteps:\n  a: { agent: webstr, task: x }\n",
  });
  const list = await folder.hq("workflow", "list");
  assert.match(list.out, /broken +0 +– +! 1 to mend/);
  assert.match(list.err, /workflows\/broken\.yaml:4:\d+.*webstr/);
  const run = await folder.hq("workflow", "broken", "--dry-run");
  assert.equal(run.code, 2);
  assert.match(run.err, /broken is not valid[^]*hq check/);
  const none = await folder.hq("workflow", "brokn", "--dry-run");
  assert.match(none.err, /Did you mean broken/);
});

test("a run whose conditions left out every step ends well, and says that nothing was done", async (t) => {
  const idle = `name: idle\nsteps:\n  look: { if: "false", agent: webster, task: x }\n`;
  const folder = openFolder(t, { idle });
  writeFileSync(join(folder.root, "s.json"), "{}");
  for (const more of [[], ["--format", "text"]]) {
    const { code, out, err } = await folder.hq("workflow", "idle", "--stubs", "s.json", ...more);
    assert.equal(code, 0);
    const told = /^\S+ succeeded: nothing was done, since every step was skipped by its own condition$/m;
    assert.match(err, told, out);
  }
});

const STUBBED = `name: stubbed
description: x
inputs: { list: { type: string, default: "a,b" } }
steps:
  each: { for_each: "\${{ split(inputs.list, ',') }}", agent: webster, task: "Find \${{ item }}" }
  sum: { needs: [each], agent: tech-lead, task: "Sum up \${{ steps.each.result }}" }
  pause: { needs: [sum], wait: 10m }
  sign-off: { needs: [pause], approval: { prompt: "Go on?", min: 2 } }
  last: { needs: [sign-off], agent: auditor, task: "Close" }
output: { step: last }
`;

test("--stubs runs all of it on given outputs, and leaves nothing behind", async (t) => {
  const folder = openFolder(t, { stubbed: STUBBED });
  const write = (stubs: unknown) => writeFileSync(join(folder.root, "s.json"), JSON.stringify(stubs));
  const run = (...more: string[]) => folder.hq("workflow", "stubbed", "--stubs", "s.json", ...more);
  const each = [{ result: "1 ppm/K" }, { result: "2 ppm/K" }];
  const steps = { each, sum: { result: "3", confidence: "low" }, last: { result: "Done." } };

  write({ steps, gates: { "sign-off": "approve" } });
  const before = readdirSync(folder.root, { recursive: true });
  const done = await run("--format", "text");
  assert.deepEqual([done.code, done.out], [0, "Done.\n"], done.err);
  assert.match(done.err, /✓ each +webster +\S+ +2\/2/);
  assert.match(done.err, /✓ pause +wait +10m 00s/);
  assert.match(done.err, /a simulation: nothing was called, posted or written/);
  assert.deepEqual(readdirSync(folder.root, { recursive: true }), before);

  write({ steps });
  const paused = await run();
  assert.equal(paused.code, 4, paused.err);
  assert.match(paused.err, /Paused at the gate sign-off/);
  assert.equal((JSON.parse(paused.out) as { waiting: string }).waiting, "gate");

  write({ steps, gates: { "sign-off": "reject" } });
  const rejected = await run();
  assert.equal(rejected.code, 1);
  assert.match(rejected.err, /- last/);
  assert.doesNotMatch(rejected.err, /hq workflow retry/);

  write({
    steps: { ...steps, each: [{ status: "failed", reason: "no source" }, { result: "2" }] },
    gates: { "sign-off": "approve" },
  });
  const part = await run();
  assert.equal(part.code, 0, part.err);
  assert.match(part.err, /~ each[^]*Warning: a part of/);

  write({ steps: { each: [{ result: "1" }] } });
  const lacking = await run();
  assert.deepEqual([lacking.code, lacking.out], [2, ""]);
  assert.match(lacking.err, /There is no stub for item 1 of each/);

  write({ steps: { eahc: {} }, gates: { last: "approve" } });
  const stranger = await run();
  assert.equal(stranger.code, 2);
  assert.match(stranger.err, /no step "eahc"[^]*Did you mean each\?[^]*last is no gate/);
  write({ steps: { ...steps, pause: {}, "sign-off": { result: "yes" } }, gates: { "sign-off": "approve" } });
  const unasked = await run();
  assert.deepEqual([unasked.code, unasked.out], [2, ""]);
  assert.match(unasked.err, /pause is a wait[^]*sign-off is a gate; its decision belongs under gates/);
  write({ step: {} });
  assert.match((await run()).err, /s\.json is no file of stubs/);
});

test("a stub is held against the schema that its step expects", async (t) => {
  const folder = openFolder(t, {
    strict:
      "name: strict\ndescription: x\nsteps:\n  a: { agent: webster, task: x, expect: { schema: n.json } }\n",
  });
  writeFileSync(join(folder.root, "workflows", "n.json"), '{"type":"object","required":["cte"]}');
  const run = async (stub: object) => {
    writeFileSync(join(folder.root, "s.json"), JSON.stringify({ steps: { a: stub } }));
    return folder.hq("workflow", "strict", "--stubs", "s.json");
  };
  const fits = await run({ result: '{"cte": 0.03}' });
  assert.equal(fits.code, 0, fits.err);
  assert.deepEqual((JSON.parse(fits.out) as { output: unknown }).output, { cte: 0.03 });
  const wrong = await run({ output: { density: 2 } });
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /steps\.a.*cte.*\(n\.json\)/);
});
