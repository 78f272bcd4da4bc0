import assert from "node:assert/strict";
import test from "node:test";
import { definitionOf, pipelineStatus, type StageView, summaryOf } from "../../src/domain/pipeline.ts";
import type { PostHook } from "../../src/domain/pipeline-types.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const stageOf = (index: number, skill: string) => ({
  index,
  step: `stage-${index}`,
  capability: "implement",
  goal: "Build",
  skill,
  via: skill,
});
const STAGES = [stageOf(0, "python-backend"), stageOf(1, "devops")];
const minutesOf = (skill: string) => (skill === "devops" ? 30 : 4);

test("a stage has twice the time of its skill and two tries, the pipeline the time of all of them and of the decisions", () => {
  const steps = (postHooks: readonly PostHook[]) => {
    const definition = definitionOf("build", { stages: STAGES, postHooks }, minutesOf);
    const limits = definition.steps.map(({ id, needs, action }) => [
      id,
      needs,
      action.kind === "task" ? [action.timeoutMs, action.retry.maxAttempts] : action.kind,
    ]);
    return { definition, limits };
  };
  const plain = steps([]);
  assert.deepEqual(plain.limits, [
    ["stage-0", [], [10 * MINUTE, 2]],
    ["stage-1", ["stage-0"], [60 * MINUTE, 2]],
  ]);
  assert.equal(plain.definition.limits.timeoutMs, 140 * MINUTE);
  assert.deepEqual(plain.definition.output, { step: "stage-1" });
  const checked = steps(["sanity-check"]);
  assert.deepEqual(checked.limits, [
    ["stage-0", [], [10 * MINUTE, 2]],
    ["stage-0-check", ["stage-0"], "approval"],
    ["stage-1", ["stage-0", "stage-0-check"], [60 * MINUTE, 2]],
    ["stage-1-check", ["stage-1"], "approval"],
  ]);
  assert.equal(checked.definition.limits.timeoutMs, 140 * MINUTE + 2 * DAY);
  const [first] = checked.definition.steps;
  assert.ok(first?.action.kind === "task");
  assert.match(first.action.task, /A test whose last word is fail holds the next stage\./);
});

test("a pipeline is pending until something begins, and completed when the rest was skipped", () => {
  const status = (...all: readonly StageView["status"][]) =>
    pipelineStatus(all.map((one) => ({ status: one })));
  assert.equal(status("pending", "pending"), "pending");
  assert.equal(status("done", "pending"), "in_progress");
  assert.equal(status("in_progress", "pending"), "in_progress");
  assert.equal(status("done", "skipped"), "completed");
  assert.equal(status("done", "failed", "pending"), "failed");
});

test("the summary tells what a check warns of, and leaves out what nobody said", () => {
  const shown = { capability: "implement", goal: "Build", skill: "devops", postHooksRun: false } as const;
  const stages = [
    { ...shown, index: 0, workItem: "a", status: "done", verdict: "pass", issues: [] },
    { ...shown, index: 1, workItem: "b", status: "skipped", verdict: "warn", issues: ["thin", "late"] },
  ] as const;
  const canceled = { by: "operator", at: 1 };
  const head = { id: "wf-1", name: "build", mode: "manual", postHooks: [], createdAt: 1 } as const;
  assert.equal(
    summaryOf({ ...head, status: "canceled", canceled, stages }),
    [
      "build: canceled · wf-1",
      "  canceled by operator",
      "  ✅ 0. [implement] Build → devops",
      "  ⏭ 1. [implement] Build → devops",
      "       sanity-check: warn: thin; late",
    ].join("\n"),
  );
});
