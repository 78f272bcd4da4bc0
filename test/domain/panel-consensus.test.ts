import assert from "node:assert/strict";
import test from "node:test";
import type { PanelVerdict } from "../../src/domain/panel.ts";
import type { StepDefinition } from "../../src/domain/workflow-types.ts";
import { begin, OPERATOR } from "../support/run-law.ts";
import { stepOf, taskOf } from "../support/workflow.ts";
import { writtenPanel } from "../support/written-panel.ts";

const ROLES = ["cost", "risk", "law"] as const;

/** A panel whose consensus an agent writes, as the loader makes it, and a step that needs it. */
function panel(quorum: number, more: Partial<StepDefinition> = {}): readonly StepDefinition[] {
  return [
    ...writtenPanel(ROLES, quorum, more),
    stepOf("after", taskOf("webster", "Tell."), { needs: ["v"] }),
  ];
}

const vote = (verdict: string, recommendation = `${verdict}!`) => ({
  output: { verdict, confidence: "high", recommendation },
});

function voted(quorum = 2) {
  const law = begin(panel(quorum));
  law.succeed("v-cost", undefined, vote("approve"));
  law.succeed("v-risk", undefined, vote("approve"));
  law.succeed("v-law", undefined, vote("reject", "The contract binds us."));
  return law;
}

test("the agent is asked when the rule has concluded; its text is the result, and the rule's verdict stays", () => {
  const law = voted();
  assert.deepEqual(law.statuses.slice(3), [
    "v-votes succeeded",
    "v-consensus running",
    "v pending",
    "after pending",
  ]);
  const counted = law.step("v-votes").outcome;
  law.succeed("v-consensus", undefined, {
    result: "Build it, and have the contract read.",
    confidence: "low",
  });
  const { status, result, output, confidence } = law.step("v").outcome ?? {};
  assert.deepEqual([status, result], ["succeeded", "Build it, and have the contract read."]);
  assert.deepEqual([output, confidence], [counted?.output, counted?.confidence]);
  const { verdict, dissent } = output as PanelVerdict;
  assert.deepEqual([verdict, dissent.map(({ quote }) => quote)], ["approve", ["The contract binds us."]]);
  law.succeed("after");
  assert.equal(law.view.status, "succeeded");
});

for (const { how, ends, why } of [
  { how: "fails", ends: "failed", why: "it went wrong" },
  { how: "is skipped", ends: "skipped", why: "skipped by @ada" },
  { how: "hands in nothing", ends: "empty", why: "it is empty" },
] as const) {
  test(`the rule's own words stand when the consensus ${how}, and the panel is partial`, () => {
    const law = voted();
    if (ends === "skipped") law.skip("v-consensus");
    else if (ends === "failed") law.fail("v-consensus");
    else law.succeed("v-consensus", undefined, { result: " " });
    const { status, result, reason } = law.step("v").outcome ?? {};
    assert.equal(status, "partial");
    assert.equal(result, law.step("v-votes").outcome?.result);
    assert.equal(reason, `no consensus was written: ${why}; the rule's own words stand`);
    assert.equal(law.step("after").status, "running");
  });
}

test("a consensus that calls itself partial is taken, and makes the panel partial", () => {
  const law = voted();
  law.end(law.placeOf("v-consensus"), "partial", { result: "Half of it.", reason: "out of time" });
  const { status, result, reason } = law.step("v").outcome ?? {};
  assert.deepEqual([status, result], ["partial", "Half of it."]);
  assert.equal(reason, "the consensus is partial: out of time");
});

test("with an expert missing the panel stays partial, whatever is written", () => {
  const law = begin(panel(2));
  for (const role of ["cost", "risk"]) law.succeed(`v-${role}`, undefined, vote("approve"));
  law.fail("v-law");
  law.succeed("v-consensus", undefined, { result: "Build it." });
  const { status, result, reason } = law.step("v").outcome ?? {};
  assert.deepEqual([status, result], ["partial", "Build it."]);
  assert.match(reason ?? "", /^2 of 3 experts have voted; missing: law/);
});

test("below the quorum nobody is asked to write, the panel fails, and that is one failure more, not two", () => {
  const law = begin(panel(3));
  for (const role of ["cost", "risk"]) law.succeed(`v-${role}`, undefined, vote("approve"));
  law.fail("v-law");
  assert.deepEqual(
    ["v-consensus", "v", "after"].map((id) => law.step(id).status),
    ["skipped", "failed", "skipped"],
  );
  assert.match(law.step("v").outcome?.reason ?? "", /2 of 3 experts have voted, and 3 are needed/);
  assert.equal(law.state.counts.failures, 2);
  assert.equal(law.view.status, "failed");
});

test("experts whose condition says no make no panel, and nobody writes", () => {
  const law = begin(panel(2, { if: "false" }));
  assert.ok(law.statuses.every((line) => line.endsWith(" skipped")));
  assert.equal(law.view.status, "succeeded");
});

test("a person's skip of the writing stands when votes are asked for again", () => {
  const law = begin(panel(2));
  for (const role of ["cost", "risk"]) law.succeed(`v-${role}`, undefined, vote("approve"));
  law.fail("v-law");
  law.skip("v-consensus");
  law.succeed("after");
  law.retry("v");
  law.succeed("v-law", undefined, vote("reject"));
  assert.deepEqual([law.step("v-consensus").status, law.step("v-consensus").generation], ["skipped", 1]);
  assert.equal(law.step("v").status, "partial");
});

test("votes that are asked for again are written up again: no old words stand for a new verdict", () => {
  const law = begin(panel(2));
  for (const role of ["cost", "risk"]) law.succeed(`v-${role}`, undefined, vote("approve"));
  law.fail("v-law");
  law.succeed("v-consensus", undefined, { result: "Build it." });
  law.succeed("after");
  law.retry("v");
  law.succeed("v-law", undefined, vote("reject"));
  assert.deepEqual([law.step("v-consensus").status, law.step("v-consensus").generation], ["running", 2]);
  law.succeed("v-consensus", undefined, { result: "Build it, against the law's word." });
  const { status, result } = law.step("v").outcome ?? {};
  assert.deepEqual([status, result], ["succeeded", "Build it, against the law's word."]);
});

test("a retry after a failed consensus asks only for that again", () => {
  const law = voted();
  law.fail("v-consensus");
  law.succeed("after");
  law.retry();
  assert.deepEqual(
    ROLES.map((role) => law.step(`v-${role}`).generation),
    [1, 1, 1],
  );
  law.succeed("v-consensus", undefined, { result: "Build it." });
  assert.deepEqual([law.step("v").status, law.view.status], ["succeeded", "succeeded"]);
});

test("three failures stop the run before the words are written; accepted, the rule's words stand", () => {
  const law = begin(panel(1), { limits: { maxParallel: 4, timeoutMs: 9000, maxFailures: 2 } });
  law.succeed("v-cost", undefined, vote("approve"));
  for (const role of ["risk", "law"]) law.fail(`v-${role}`);
  assert.ok(law.state.stopped);
  law.take({ type: "accept-partial", at: law.now + 1, actor: OPERATOR });
  const { status, output, result } = law.step("v").outcome ?? {};
  assert.deepEqual([status, (output as PanelVerdict).verdict], ["partial", "approve"]);
  assert.match(result ?? "", /^Verdict: approve/);
  assert.equal(law.view.status, "partial");
});
