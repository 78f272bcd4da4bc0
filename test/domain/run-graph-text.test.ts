import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { graphOfDefinition, graphOfRun } from "../../src/domain/run-graph-text.ts";
import type { StepView } from "../../src/domain/run-view.ts";
import type { StepDefinition, WorkflowDefinition } from "../../src/domain/workflow-types.ts";

const task = {
  timeoutMs: 1,
  retry: { maxAttempts: 1, delayMs: 0, backoff: "fixed" },
  validate: false,
} as const;
const step = (id: string, more: Partial<StepDefinition>): StepDefinition => ({
  id,
  needs: [],
  continueOnError: false,
  cleanup: false,
  action: { kind: "task", agent: "webster", task: "x", format: "json", ...task },
  ...more,
});
const workflow = (steps: readonly StepDefinition[]): WorkflowDefinition => ({
  name: "w",
  description: "",
  inputs: [],
  limits: { maxParallel: 1, timeoutMs: 1, maxFailures: 1 },
  steps,
  schedules: [],
  digest: "",
});
const view = (id: string, more: Partial<StepView>): StepView => ({
  id,
  kind: "task",
  status: "pending",
  needs: [],
  generation: 1,
  ...more,
});

test("a workflow is a flowchart: a shape for each kind, an arrow for each need, conditions as notes", () => {
  const gate = {
    prompt: "",
    approvers: ["role:engineering"],
    min: 1,
    preventSelfApproval: false,
    timeoutMs: 1,
    onTimeout: "reject",
    escalateTo: [],
  } as const;
  const { action } = step("", {});
  const steps = [
    step("end", { forEach: { expression: "split(inputs.a, ',')", maxParallel: 3 } }),
    step("gate", { needs: ["end"], action: { kind: "approval", gate } }),
    step("pause", { needs: ["gate"], action: { kind: "wait", ms: 5 } }),
    step("sub", { needs: ["end", "pause"], action: { kind: "workflow", workflow: "other", with: {} } }),
    step("tidy", { cleanup: true, if: "failure()", action }),
  ];
  assert.equal(
    graphOfDefinition(workflow(steps)),
    `flowchart TD
  s0["end<br/>webster<br/>for each of split#40;inputs.a, #39;,#39;#41;"]
  s1{{"gate<br/>approval by role:engineering"}}
  s2(["pause<br/>wait"])
  s3[["sub<br/>workflow other"]]
  s4["tidy<br/>webster<br/>if failure#40;#41;<br/>cleanup"]
  s0 --> s1
  s1 --> s2
  s0 --> s3
  s2 --> s3
`,
  );
});

test("a run's states are classes, each defined once", () => {
  const graph = graphOfRun({
    steps: [
      view("a", {
        status: "succeeded",
        agent: "webster",
        items: { total: 3, settled: 3, failed: 0, running: 0 },
      }),
      view("b", { status: "succeeded", needs: ["a"], generation: 2 }),
      view("c", { kind: "approval", status: "waiting", needs: ["b"] }),
    ],
  });
  assert.match(graph, /s0\["a<br\/>webster<br\/>3 of 3<br\/>succeeded"\]/);
  assert.match(graph, /s1\["b<br\/>succeeded, time 2"\]/);
  assert.match(graph, /class s0,s1 succeeded\n/);
  assert.match(graph, /class s2 waiting\n/);
  assert.equal(graph.match(/classDef succeeded/g)?.length, 1);
});

test("whatever a label holds, it stays a label", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (agent) => {
      const lines = graphOfRun({ steps: [view("a", { agent })] }).split("\n");
      assert.equal(lines.length, 5, "no line is added");
      const label = /^ {2}s0\["(.*)"\]$/u.exec(lines[1] ?? "")?.[1] ?? assert.fail(lines[1]);
      assert.doesNotMatch(label.replaceAll("<br/>", ""), /["<>[\]{}`\\]/);
    }),
  );
});
