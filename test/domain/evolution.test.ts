import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { healthOf, sanityOf } from "../../src/domain/evolution.ts";
import type { WorkItem } from "../../src/domain/work-view.ts";

const at = "2026-02-14T00:00:00.000Z";
type Tests = readonly (readonly [name: string, status: string])[];

function itemWith(
  more: {
    tests?: Tests;
    status?: "done" | "failed" | "review";
    reason?: string;
    artifacts?: number;
    coverage?: readonly number[];
    slug?: string;
  } = {},
): WorkItem {
  const { tests = [], status = "done", reason, artifacts = 1, coverage = [], slug = "x" } = more;
  return {
    slug,
    title: slug,
    project: "",
    source_task_id: "",
    intent: { goal: "", success_criteria: [], constraints: [] },
    lifecycle: {
      status,
      assignee_skill: "devops",
      orchestrator_workflow: "",
      ...(reason === undefined ? {} : { reason }),
      timestamps: { created_at: at, started_at: at, completed_at: at },
    },
    dependencies: { blockers: [], dependents: [] },
    telemetry: {
      metrics: coverage.map((value) => ({ name: "test_coverage", value, unit: "%", timestamp: at })),
      tests: tests.map(([name, status]) => ({ name, status, evidence: "", timestamp: at })),
      logs: [],
    },
    artifacts: Array.from({ length: artifacts }, () => ({ type: "code", label: "a", path: "a" })),
    lessons: { findings: [], followups: [] },
    history: [],
  };
}

test("the output gate: nothing handed on or a failed test fails, what is odd warns, everything else passes", () => {
  const said = (more: Parameters<typeof itemWith>[0]) => {
    const { verdict, issues } = sanityOf(itemWith(more));
    return `${verdict}: ${issues.join("; ")}`;
  };
  assert.equal(said({}), "pass: ");
  assert.equal(said({ artifacts: 0 }), "fail: no artifacts: nothing was handed on");
  assert.equal(
    said({
      tests: [
        ["a", "pass"],
        ["b", "skip"],
      ],
    }),
    "pass: ",
  );
  assert.equal(
    said({
      tests: [
        ["a", "pass"],
        ["b", "fail"],
      ],
    }),
    "fail: the test b failed",
  );
  assert.equal(
    said({
      tests: [
        ["a", "fail"],
        ["a", "pass"],
      ],
    }),
    "pass: ",
  );
  assert.equal(said({ coverage: [69] }), "warn: test_coverage is 69, below 70");
  assert.equal(said({ coverage: [40, 70] }), "pass: ");
  assert.equal(said({ status: "failed" }), "fail: it failed, and nobody said why");
  assert.equal(said({ status: "failed", reason: "no disk" }), "pass: ");
  assert.equal(said({ status: "review", reason: "half" }), "warn: it is partial: half");
  assert.equal(
    said({ status: "review", reason: "one source failed" }),
    "warn: it is partial: one source failed",
    "the agent's own words are no verdict",
  );
});

test("a pass rate below 80 is degraded, below 50 failing; three failed items break the circuit", () => {
  const health = (passed: number, failed: number) => {
    const tests = Array.from({ length: passed + failed }, (_, i): [string, string] => [
      `t${i}`,
      i < passed ? "pass" : "fail",
    ]);
    return healthOf("devops", [itemWith({ tests })]).health;
  };
  assert.deepEqual(
    [health(8, 2), health(79, 21), health(5, 5), health(49, 51), health(0, 0)],
    ["healthy", "degraded", "degraded", "failing", "healthy"],
  );
  const failed = (count: number) =>
    healthOf(
      "devops",
      Array.from({ length: count }, (_, i) => itemWith({ status: "failed", reason: "x", slug: `s${i}` })),
    );
  assert.equal(failed(2).health, "healthy");
  assert.deepEqual(
    [failed(3).health, failed(3).issues],
    ["failing", ["3 items failed: consider circuit breaker"]],
  );
});

test("whatever the tests said, the gate fails exactly when the last word of one of them is no pass and no skip", () => {
  const tests = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.constantFrom("pass", "fail", "skip")), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(tests, (said) => {
      const last: Record<string, string> = {};
      for (const [name, status] of said) last[name] = status;
      const isBad = Object.values(last).includes("fail");
      assert.equal(sanityOf(itemWith({ tests: said })).verdict === "fail", isBad);
    }),
  );
});
