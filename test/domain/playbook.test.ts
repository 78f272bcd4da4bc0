import assert from "node:assert/strict";
import test from "node:test";
import { createRegistry } from "../../src/domain/agent-card.ts";
import { ruleOfThumb, TREE, walkText, walkTree } from "../../src/domain/playbook/decision-tree.ts";
import { readDetails } from "../../src/domain/playbook/plan-details.ts";
import { nameFor, planWorkflow } from "../../src/domain/playbook/plan-workflow.ts";
import { cardOf } from "../support/core.ts";

const registry = createRegistry(["webster", "tech-lead", "auditor"].map((id) => cardOf(id)));
const no = Object.fromEntries(TREE.map(({ key }) => [key, false]));

test("the tree is asked in the order of the playbook, and the first yes decides", () => {
  assert.deepEqual(
    TREE.map(({ key, yes }) => `${key} ${yes}`),
    [
      "single inline",
      "independent fan-out",
      "sequential pipeline",
      "opinions panel",
      "dataset map-reduce",
      "judgment supervisor",
    ],
  );
  for (let bits = 0; bits < 64; bits++) {
    const answers = Object.fromEntries(TREE.map(({ key }, index) => [key, (bits & (1 << index)) !== 0]));
    const { pattern, path } = walkTree(answers);
    const first = TREE.findIndex((_, index) => (bits & (1 << index)) !== 0);
    assert.equal(pattern, TREE[first]?.yes ?? "inline");
    assert.equal(path.length, first < 0 ? TREE.length : first + 1);
  }
});

test("what is not answered is what comes next", () => {
  assert.equal(walkTree({}).next?.key, "single");
  assert.deepEqual(
    [walkTree({ single: false }).next?.key, walkTree({ single: false }).pattern],
    ["independent", undefined],
  );
});

test("six times no is done inline, and says that no pattern fits", () => {
  assert.match(walkText(walkTree(no)), /→ inline: no pattern fits/);
  assert.match(walkText(walkTree({ single: true })), /5 minutes\? yes\n→ inline\n$/);
});

test("below 5 minutes inline, above 15 always a plan", () => {
  assert.match(ruleOfThumb(4), /inline/);
  assert.match(ruleOfThumb(15), /may pay/);
  assert.match(ruleOfThumb(16), /plan it/);
});

test("every wrong answer to what a pattern needs is told at once", () => {
  const told = (pattern: "fan-out" | "panel" | "map-reduce" | "supervisor", given: object) =>
    readDetails(pattern, { ...given }, registry).problems.map(({ path, message }) => `${path}: ${message}`);
  assert.deepEqual(told("fan-out", { parts: "one", agents: ["webstr"] }), [
    "goal: is needed: What is to be done?",
    "parts: must be 2 to 50, and there are 1",
    'agents: there is no agent "webstr" (did you mean "webster"?)',
    "by: is needed: Who puts the results together?",
  ]);
  assert.deepEqual(told("map-reduce", { goal: "x", agents: "webster", by: "auditor", parts: 51 }), [
    "parts: must be a number from 1 to 50",
  ]);
  assert.match(
    told("panel", { goal: "Say ${{ inputs.x }}", roles: "a,b", agents: "webster" })[0] ?? "",
    /^goal: must hold no/,
  );
  assert.deepEqual(told("supervisor", { goal: "x", agents: {}, by: "auditor" }), [
    "agents: must be a list of texts",
  ]);
});

test("agents take turns, a pipeline hands on only what the step before brought", () => {
  const given = { goal: "Launch it", stages: "find, draft, review", agents: "webster, tech-lead" };
  const { values } = readDetails("pipeline", given, registry);
  const { steps } = planWorkflow("launch", "pipeline", values) as {
    steps: Readonly<Record<string, { agent: string; task: string; needs?: readonly string[] }>>;
  };
  assert.deepEqual(
    Object.values(steps).map(({ agent, needs = [] }) => [agent, ...needs]),
    [["webster"], ["tech-lead", "step-1"], ["webster", "step-2"]],
  );
  assert.match(steps["step-3"]?.task ?? "", /steps\.step-2\.result/);
  assert.doesNotMatch(steps["step-3"]?.task ?? "", /step-1/);
});

test("a name is made of the goal where it can be", () => {
  assert.equal(nameFor("Document all 30 skills!", "fan-out"), "document-all-30-skills");
  assert.equal(nameFor("30 mirrors", "fan-out"), "mirrors");
  assert.equal(nameFor("Überprüfung der Öfen", "fan-out"), "uberprufung-der-ofen");
  assert.equal(nameFor("…", "panel"), "my-panel");
  const long = nameFor("Compare the thermal expansion of several glass ceramics", "panel");
  assert.match(long, /^[a-z][a-z0-9-]{0,39}$/);
  assert.equal(long, "compare-the-thermal-expansion-of");
});
