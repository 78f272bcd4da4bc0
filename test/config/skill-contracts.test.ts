import assert from "node:assert/strict";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { checkConfig } from "../../src/config/check.ts";
import { loadContracts } from "../../src/config/skill-contracts.ts";
import { savedIn, watchConfig } from "../../src/config/watch.ts";
import type { Config } from "../../src/domain/config.ts";
import { configFolder, spoken } from "./folder.ts";

const shipped = join(import.meta.dirname, "..", "..", "config");

const CONTRACT = {
  name: "mend",
  skill_path: "skills/mend/SKILL.md",
  capabilities: ["mending"],
  estimated_minutes: 5,
};

function folderWith(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  more: Record<string, string> = {},
) {
  const folder = configFolder(t, {
    "hq.yaml": "",
    "channels.yaml": "",
    "agents.yaml": "agents: { solo: { port: 18800 } }",
    "acl.yaml": "preset: default",
    ...more,
  });
  mkdirSync(join(folder.dir, "skill_contracts"));
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(folder.dir, "skill_contracts", name), text);
  return folder;
}

test("the seven contracts ship with their capabilities, minutes and models, in the order of their files", () => {
  const { contracts, problems, warnings } = loadContracts(shipped);
  assert.deepEqual([problems, warnings], [[], []]);
  assert.deepEqual(
    contracts.map(
      (one) => `${one.name} ${one.estimated_minutes} ${one.model_preference} ${one.capabilities.join(" ")}`,
    ),
    [
      "devops 10 flash ci_cd infrastructure containers kubernetes gitops monitoring deploy security_scan",
      "docs-engine 10 flash documentation api_docs tutorials how_to_guides reference_docs changelog",
      "python-backend 15 opus api_design database authentication background_processing ml_serving testing implement refactor",
      "reflect 5 opus learning self_improvement pattern_extraction behavior_encoding",
      "sanity-check 3 flash verification gating drift_detection quality_check",
      "skill-lifecycle 5 flash monitoring error_classification circuit_breaking self_healing research evolution",
      "task-planner 2 flash task_capture project_management planning tracking decomposition",
    ],
  );
});

test("each shipped contract is held by an agent of the shipped registry", (t) => {
  const { place } = configFolder(t, {});
  const checked = checkConfig({ ...place, dir: shipped });
  assert.ok(checked.ok);
  const { contracts, registry } = checked.config;
  for (const { name } of contracts) assert.ok(registry.able(name).length > 0, name);
});

test("a wrong contract is refused with file, line and suggestion, every problem at once", (t) => {
  const { place } = folderWith(t, {
    "mend.json": `{\n  "name": "mendd",\n  "skill_path": "x",\n  "capabilities": ["a"],\n  "estimated_minutes": 5\n}`,
    "bad.json": `{\n  "name": "bad",\n  "skill_path": "x",\n  "capabilites": ["a"],\n  "inputs": [{ "name": "x", "type": "strng" }],\n  "estimated_minutes": 5\n}`,
    "words.json": "name: words",
  });
  const checked = checkConfig(place);
  assert.ok(!checked.ok);
  const said = checked.problems.map(spoken).toSorted();
  assert.deepEqual(said.slice(0, 4), [
    'bad.json:1:1 capabilities: "capabilities" is missing',
    'bad.json:4:3 capabilites: unknown key "capabilites" (did you mean "capabilities"?)',
    'bad.json:5:37 inputs.0.type: must be one of markdown, file_paths, list, string, text, enum, telemetry, number, json (did you mean "string"?)',
    'mend.json:2:11 name: is "mendd", and the file is mend.json (name the file mendd.json, or the skill "mend")',
  ]);
  assert.match(said[4] ?? "", /^words\.json : is not JSON: /);
});

test("a skill without a contract is doubted, at the agent and in a contract", (t) => {
  const { place } = folderWith(
    t,
    { "mend.json": JSON.stringify({ ...CONTRACT, downstream: ["mendd"] }), "notes.txt": "" },
    { "agents.yaml": "agents: { solo: { port: 18800, skills: [ment] } }" },
  );
  const checked = checkConfig(place);
  assert.ok(checked.ok);
  assert.deepEqual(checked.warnings.map(spoken), [
    "notes.txt : is not read: contracts are files that end in .json",
    'mend.json:1:115 downstream.0: there is no contract "mendd" (did you mean "mend"?)',
    'agents.yaml:1:41 agents.solo.skills.0: there is no contract "ment" (did you mean "mend"?)',
  ]);
});

test("a saved contract holds from now on, and one that is not valid keeps what was good last", async (t) => {
  const { dir, place } = folderWith(t, { "mend.json": JSON.stringify(CONTRACT) });
  const file = join(dir, "skill_contracts", "mend.json");
  let heard: (what: Config | string) => void = () => undefined;
  const next = () => new Promise<Config | string>((resolve) => (heard = resolve));
  const watcher = watchConfig({
    first: savedIn(place.dir),
    place,
    required: [],
    onChange: (config) => heard(config),
    onProblems: (problems) => heard(problems.map(spoken).join()),
    settleMs: 5,
  });
  await watcher.start();
  t.after(watcher.stop);
  let told = next();
  writeFileSync(file, JSON.stringify({ ...CONTRACT, capabilities: ["mending", "darning"] }));
  const changed = await told;
  assert.ok(typeof changed !== "string");
  assert.deepEqual(changed.contracts[0]?.capabilities, ["mending", "darning"]);
  told = next();
  writeFileSync(file, "{}");
  const wrong = await told;
  assert.ok(typeof wrong === "string");
  assert.match(wrong, /mend\.json:1:1 name: "name" is missing/);
  told = next();
  rmSync(file);
  const gone = await told;
  assert.ok(typeof gone !== "string");
  assert.deepEqual(gone.contracts, []);
  told = next();
  cpSync(join(shipped, "skill_contracts", "reflect.json"), join(dir, "skill_contracts", "reflect.json"));
  const added = await told;
  assert.ok(typeof added !== "string");
  assert.equal(added.contracts[0]?.name, "reflect");
});
