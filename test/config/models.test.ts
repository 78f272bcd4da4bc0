import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { workflowPlaceOf } from "../../src/app/workflow-place.ts";
import { loadWorkflows } from "../../src/config/workflows.ts";
import { configFolder, loaded, refused, spoken } from "./folder.ts";
import { shippedConfig } from "./workflow-fixtures.ts";

test("models are read in the order of the file, each with its full name; without fits they are for all work", (t) => {
  const text = [
    "models:",
    "  - { name: coder, fits: { max_words: 300, templates: [Code-Review], capabilities: [materials] } }",
    "  - { name: openrouter/other/one }",
  ].join("\n");
  const { config, warnings } = loaded(t, { "hq.yaml": text });
  assert.deepEqual(config.settings.models, [
    {
      name: "coder",
      model: "openrouter/qwen/qwen3-coder-next",
      maxWords: 300,
      templates: ["code_review"],
      capabilities: ["materials"],
    },
    { name: "openrouter/other/one", model: "openrouter/other/one" },
  ]);
  assert.match(
    warnings.map(spoken).join("\n"),
    /hq\.yaml:3:13 models\.1\.name: "openrouter\/other\/one" has no price, so it is never the cheapest \(add it to task_queue\.prices\)/,
  );
});

test("models, templates and capabilities that there are not are refused together, with place and suggestion", (t) => {
  const lines = refused(t, {
    "hq.yaml": [
      "models:",
      "  - { name: chep }",
      "  - { name: coder, fits: { templates: [reserch], capabilities: [material] } }",
      "  - { name: coder }",
      "  - { name: primary, fits: { max_words: 0 } }",
    ].join("\n"),
  });
  assert.equal(lines.length, 1, "what is no number of words is told first");
  assert.match(lines[0] ?? "", /^hq\.yaml:5:41 models\.3\.fits\.max_words: /);
  assert.deepEqual(
    refused(t, {
      "hq.yaml": [
        "task_queue: { models: { primary: a/b, cheapest: a/c, coder: a/d } }",
        "models:",
        "  - { name: codr }",
        "  - { name: coder, fits: { templates: [reserch], capabilities: [material] } }",
        "  - { name: a/d }",
      ].join("\n"),
    }),
    [
      "hq.yaml:1:49 task_queue.models.cheapest: is the word for the cheapest model that fits (rename it)",
      'hq.yaml:3:13 models.0.name: "codr" is not in task_queue.models (did you mean "coder"?)',
      'hq.yaml:4:40 models.1.fits.templates.0: there is no template "reserch" (did you mean "research"?)',
      'hq.yaml:4:65 models.1.fits.capabilities.0: no agent has the capability "material" (did you mean "materials"?)',
      'hq.yaml:5:13 models.2.name: "a/d" has a rule before (make one rule of the two)',
    ],
  );
});

function workflow(t: TestContext, text: string) {
  const { root } = configFolder(t, {});
  const dir = join(root, "workflows");
  mkdirSync(dir);
  writeFileSync(join(dir, "w.yaml"), text);
  return loadWorkflows({ ...workflowPlaceOf(shippedConfig()), dir });
}

test("a step takes the model of defaults, or one of its own", (t) => {
  const { entries, problems } = workflow(
    t,
    [
      "name: w",
      "defaults: { model: cheapest }",
      "steps:",
      "  a: { agent: webster, task: x }",
      "  b: { agent: webster, task: y, model: coder }",
    ].join("\n"),
  );
  assert.deepEqual(problems, []);
  const models = entries[0]?.definition?.steps.map(({ action }) => action.kind === "task" && action.model);
  assert.deepEqual(models, ["cheapest", "coder"]);
});

test("a model that config/hq.yaml does not know is refused once, where it stands", (t) => {
  const { problems } = workflow(
    t,
    [
      "name: w",
      "defaults: { model: cheepest }",
      "steps:",
      "  a: { agent: webster, task: x }",
      "  b: { agent: webster, task: y, model: codr }",
      "  c: { wait: 5s, model: coder }",
    ].join("\n"),
  );
  assert.deepEqual(problems.map(spoken), [
    'w.yaml:2:20 defaults.model: there is no model "cheepest" (did you mean "cheapest"?)',
    'w.yaml:5:40 steps.b.model: there is no model "codr" (did you mean "coder"?)',
    "w.yaml:6:18 steps.c.model: has no meaning for a wait",
  ]);
});
