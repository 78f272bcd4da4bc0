import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { DEFAULT_ACL } from "../../src/domain/acl.ts";
import type { Actor } from "../../src/domain/actor.ts";
import { type AgentCard, createRegistry } from "../../src/domain/agent-card.ts";
import { checkInputs, permissionProblems } from "../../src/domain/workflow-check.ts";
import type {
  InputDefinition,
  InputValue,
  StepDefinition,
  WorkflowDefinition,
} from "../../src/domain/workflow-types.ts";

const input = (name: string, more: Partial<InputDefinition> = {}): InputDefinition => ({
  name,
  type: "string",
  description: "",
  required: false,
  ...more,
});

const INPUTS = [
  input("design", { required: true, minLength: 3, maxLength: 10, description: "Link or text" }),
  input("depth", { type: "choice", options: ["quick", "deep"], default: "quick" }),
  input("mass", { type: "number", min: 1, max: 5 }),
  input("dry", { type: "boolean", default: false }),
  input("note"),
];
const check = (given: Readonly<Record<string, InputValue>>, inputs = INPUTS) =>
  checkInputs({ name: "review", inputs }, given);
const problemsOf = (given: Readonly<Record<string, InputValue>>) => {
  const checked = check(given);
  return checked.ok ? [] : checked.problems.map(({ path, message }) => `${path} ${message}`);
};

test("text is read by the input's type, and defaults are filled in", () => {
  assert.deepEqual(check({ design: "mirror", mass: " 4.5 ", dry: "Yes", depth: "DEEP" }), {
    ok: true,
    inputs: { design: "mirror", depth: "deep", mass: 4.5, dry: true },
  });
  assert.deepEqual(check({ Design: "mirror", mass: 2 }), {
    ok: true,
    inputs: { design: "mirror", depth: "quick", mass: 2, dry: false },
  });
});

test("an empty field is as good as none, except text that may be empty", () => {
  assert.deepEqual(check({ design: "mirror", mass: "", depth: " ", dry: "", note: "" }), {
    ok: true,
    inputs: { design: "mirror", depth: "quick", dry: false, note: "" },
  });
  assert.deepEqual(problemsOf({ design: "  " }), ["inputs.design is needed: a string (Link or text)"]);
});

test("every problem is said at once, with the place and what was meant", () => {
  assert.deepEqual(problemsOf({ desing: "x", depth: "deeep", mass: "heavy", dry: "maybe", other: 1 }), [
    'inputs.desing review has no input "desing"; did you mean "design"?',
    'inputs.other review has no input "other"; there are: design, depth, mass, dry, note',
    "inputs.design is needed: a string (Link or text)",
    "inputs.depth must be one of quick, deep",
    "inputs.mass must be a number",
    "inputs.dry must be true or false",
  ]);
  assert.deepEqual(problemsOf({ design: "ab", mass: 0.5 }), [
    "inputs.design has 2 characters; at least 3 are needed",
    "inputs.mass must be at least 1",
  ]);
  assert.deepEqual(problemsOf({ design: "x".repeat(11), mass: 6 }), [
    "inputs.design has 11 characters; at most 10 are allowed",
    "inputs.mass must be at most 5",
  ]);
  assert.deepEqual(problemsOf({ design: "mirror", Design: "other" }), [
    "inputs.Design is given twice: names match in any case",
  ]);
  assert.deepEqual(check({ a: 1 }, []), {
    ok: false,
    problems: [{ path: "inputs.a", message: 'review has no input "a"; it takes none' }],
  });
});

test("numbers are numbers: no infinity, no truth value, no text with a tail", () => {
  for (const mass of ["Infinity", "NaN", "1kg", true, ""]) {
    const checked = check({ mass }, [input("mass", { type: "number", required: true })]);
    assert.equal(checked.ok, false, String(mass));
  }
});

test("what passed the check passes it again unchanged", () => {
  const value = fc.oneof(fc.string({ maxLength: 12 }), fc.double(), fc.boolean());
  const given = fc.record(
    { design: value, depth: value, mass: value, dry: value, note: value },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(given, (values) => {
      const first = check(values);
      if (first.ok) assert.deepEqual(check(first.inputs), first);
      else assert.ok(first.problems.length > 0);
    }),
  );
});

const card = (id: string, ...capabilities: string[]): AgentCard => ({
  id,
  name: id,
  aliases: [],
  url: "http://127.0.0.1:1",
  hooksPath: "/hooks/agent",
  capabilities,
  skills: [],
  role: "",
  handoffVia: "file",
  concurrency: 1,
  sample: false,
});
const registry = createRegistry([
  card("manager", "planning"),
  card("tech-lead", "review"),
  card("auditor", "review", "Audit"),
  card("webster", "research"),
]);
const MANAGER: Actor = { kind: "operator", claims: "manager" };
const LEAD: Actor = { kind: "agent", id: "tech-lead" };

const task = (id: string, who: { agent?: string; capability?: string }): StepDefinition => ({
  id,
  needs: [],
  continueOnError: false,
  cleanup: false,
  action: {
    kind: "task",
    task: "x",
    timeoutMs: 1,
    retry: { maxAttempts: 1, delayMs: 0, backoff: "fixed" },
    validate: false,
    format: "json",
    ...who,
  },
});
const workflow = (name: string, steps: readonly StepDefinition[]): WorkflowDefinition => ({
  name,
  description: "",
  inputs: [],
  limits: { maxParallel: 1, timeoutMs: 1, maxFailures: 1 },
  steps,
  schedules: [],
  digest: "",
});
const wait: StepDefinition = { ...task("rest", {}), action: { kind: "wait", ms: 1 } };

test("whoever asks must be allowed every agent of every step, nested ones too", () => {
  const outer = workflow("outer", [
    task("look", { agent: "webster" }),
    task("audit", { agent: "auditor" }),
    wait,
  ]);
  const nested = {
    inner: workflow("inner", [task("plan", { agent: "manager" }), task("gone", { agent: "ghost" })]),
  };
  const problems = (actor: Actor) =>
    permissionProblems(outer, nested, actor, DEFAULT_ACL, registry).map(
      ({ path, message }) => `${path}: ${message}`,
    );
  assert.deepEqual(permissionProblems(outer, {}, MANAGER, DEFAULT_ACL, registry), []);
  assert.deepEqual(problems({ kind: "operator" }), ['inner.steps.gone: There is no agent "ghost" any more.']);
  const lead = problems(LEAD);
  assert.equal(lead.length, 3);
  assert.match(lead[0] ?? "", /^steps\.audit: tech-lead may not delegate to auditor: its row is webster/);
  assert.match(lead[1] ?? "", /^inner\.steps\.plan: .*nobody delegates to manager/);
});

test("a step with a capability needs one agent who may be asked", () => {
  const of = (capability: string, actor: Actor) =>
    permissionProblems(workflow("w", [task("a", { capability })]), {}, actor, DEFAULT_ACL, registry);
  assert.deepEqual(of("research", LEAD), []);
  assert.match(
    of("audit", LEAD)[0]?.message ?? "",
    /^Nobody with the capability "audit" may be asked: tech-lead may not/,
  );
  assert.match(of("cooking", LEAD)[0]?.message ?? "", /^No agent has the capability "cooking"/);
});
