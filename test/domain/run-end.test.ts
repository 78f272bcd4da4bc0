import assert from "node:assert/strict";
import test from "node:test";
import { endOf } from "../../src/domain/run-end.ts";
import { stepOf, withStep } from "../../src/domain/run-tally.ts";
import type { Outcome, RunState, StepStatus } from "../../src/domain/run-types.ts";
import { begin, OPERATOR } from "../support/run-law.ts";
import { stepOf as stepNamed, taskOf } from "../support/workflow.ts";

const step = (id: string, condition?: string) =>
  stepNamed(id, taskOf("webster", "Look."), condition === undefined ? {} : { if: condition });

/** A run of two whose first step succeeded and whose second one came to this. */
function afterwards(status: StepStatus, outcome: Partial<Outcome> = {}): RunState {
  const law = begin([step("a"), step("b")]);
  law.succeed("a");
  const state: RunState = law.state;
  const whole = { status, at: 1, ...outcome } as Outcome;
  return withStep(state, 1, { ...stepOf(state, 1), status, outcome: whole });
}

const verdict = (state: RunState) => endOf(state, 2).status;

test("what people took as it was is partial, however whole it looks", () => {
  const whole = afterwards("succeeded");
  assert.deepEqual([verdict(whole), verdict({ ...whole, accepted: true })], ["succeeded", "partial"]);
});

test("a run of which every step said no by itself succeeded, unless people took it as it was", () => {
  const { state } = begin([step("a", "false"), step("b", "false")]);
  assert.deepEqual([verdict(state), verdict({ ...state, accepted: true })], ["succeeded", "failed"]);
});

test("a skipped step is no wish of the file's when what it needed was lost, or a person skipped it", () => {
  const { state } = begin([step("a", "false"), step("b", "false")]);
  const second = stepOf(state, 1);
  const skipped = (more: Partial<Outcome>) =>
    withStep(state, 1, { ...second, outcome: { ...(second.outcome as Outcome), ...more } });
  assert.equal(verdict(skipped({ lost: true })), "failed");
  assert.equal(verdict(skipped({ by: OPERATOR })), "failed");
  assert.equal(verdict(afterwards("skipped")), "succeeded");
  assert.equal(verdict(afterwards("skipped", { lost: true })), "partial");
  assert.equal(verdict(afterwards("skipped", { by: OPERATOR })), "partial");
});

test("what had not begun when the time was over makes a run partial; only what failed makes it fail", () => {
  const canceling = { at: 1, by: OPERATOR, reason: "the run's time is over", expired: true };
  assert.equal(verdict({ ...afterwards("canceled"), canceling }), "partial");
  assert.equal(verdict({ ...afterwards("failed"), canceling }), "failed");
  assert.equal(verdict(afterwards("canceled")), "failed");
});
