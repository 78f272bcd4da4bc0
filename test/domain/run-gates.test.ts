import assert from "node:assert/strict";
import test from "node:test";
import { mayDecide } from "../../src/domain/gate.ts";
import { ADA, assertReloads, BEN, begin, OPERATOR, orderOf } from "../support/run-law.ts";
import { approvalOf, stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const HOUR = 3_600_000;
const task = taskOf("webster", "Go.");
const gated = (gate: Parameters<typeof approvalOf>[0] = {}) => [
  stepOf("draft", task),
  stepOf("sign", approvalOf({ prompt: "Take ${{ steps.draft.result }}?", ...gate }), { needs: ["draft"] }),
  stepOf("after", task, { needs: ["sign"] }),
  stepOf("beside", task),
];

test("a gate opens with its prompt and parks its own branch only", () => {
  const law = begin(gated());
  law.succeed("draft", undefined, { result: "version 1" });
  assert.deepEqual(law.statuses, ["draft succeeded", "sign waiting", "after pending", "beside running"]);
  const { gate } = law.view.steps[1] ?? {};
  assert.equal(gate?.prompt, "Take version 1?");
  assert.match(gate?.digest ?? "", /^[0-9a-f]{12}$/);
  assert.equal(law.view.waiting, undefined, "something still runs");
  law.succeed("beside");
  assert.equal(law.view.waiting, "gate");
});

test("a gate has its whole time also when the news that opens it comes a day late", () => {
  const law = begin(gated());
  const of = law.placeOf("draft");
  const outcome = { status: "succeeded", at: 2000, result: "x" } as const;
  law.take({ type: "child-settled", at: 50 * HOUR, of, child: "wf-1.draft", outcome });
  assert.equal(law.step("draft").outcome?.at, 2000);
  assert.equal(law.step("sign").gate?.expiresAt, 74 * HOUR);
});

test("the digest on a gate's buttons is of this run, this opening and what was handed in before it", () => {
  const opened = (result: string, order: Parameters<typeof begin>[2] = {}) => {
    const law = begin([stepOf("draft", task), stepOf("gate", approvalOf(), { needs: ["draft"] })], {}, order);
    law.succeed("draft", undefined, { result });
    return law;
  };
  const digestOf = (law: ReturnType<typeof opened>) => law.step("gate").gate?.digest;
  const first = opened("a draft");
  const shown = digestOf(first);
  assert.ok(shown);
  assert.equal(digestOf(opened("a draft")), shown);
  assert.notEqual(digestOf(opened("another draft")), shown);
  assert.notEqual(digestOf(opened("a draft", { id: "wf-2" })), shown);
  first.decide("gate", "reject");
  first.rerun("gate");
  assert.equal(first.step("gate").status, "waiting");
  assert.notEqual(digestOf(first), shown, "the buttons of before decide nothing of it");
});

test("what a gate asks is cut where it grows longer than anybody reads", () => {
  const gate = stepOf("gate", approvalOf({ prompt: "${{ steps.draft.result }}" }), { needs: ["draft"] });
  const law = begin([stepOf("draft", task), gate]);
  law.succeed("draft", undefined, { result: "x".repeat(100_000) });
  assert.equal(law.step("gate").gate?.prompt.length, 16 * 1024);
});

test("an approval lets the branch go on, once, and says by whom", () => {
  const law = begin(gated());
  law.succeed("draft");
  const made = law.decide("sign", "approve", ADA, { reason: "looks good" });
  assert.deepEqual(law.typesOf(made), ["gate.approval", "gate.decided", "step.settled", "step.started"]);
  assert.equal(law.step("sign").outcome?.result, "approved by @ada: looks good");
  assert.equal(law.view.steps[1]?.gate?.decidedBy, "@ada");
  assert.deepEqual(law.decide("sign", "approve", ADA), [], "the same click again");
  assert.deepEqual(law.typesOf(law.decide("sign", "reject", ADA)), ["gate.late-decision"]);
  assert.deepEqual(law.typesOf(law.decide("sign", "reject", BEN)), ["gate.late-decision"]);
  assert.deepEqual(law.decide("sign", "reject", BEN), []);
  assert.equal(law.step("after").status, "running");
  assert.equal(law.step("after").generation, 1);
  assertReloads(law);
});

test("a rejection fails the step with the reason and skips what hangs on it", () => {
  const law = begin(gated());
  law.succeed("draft");
  law.decide("sign", "reject", BEN, { reason: "too thin" });
  assert.deepEqual(law.statuses, ["draft succeeded", "sign failed", "after skipped", "beside running"]);
  assert.equal(law.step("sign").outcome?.reason, "rejected by @ben: too thin");
  assert.equal(law.state.counts.failures, 1);
  assert.deepEqual(law.decide("sign", "reject", BEN), []);
  assert.deepEqual(law.typesOf(law.decide("sign", "reject", ADA)), ["gate.late-decision"]);
});

test("two different people are needed when the gate says so; the same one counts once", () => {
  const law = begin(gated({ min: 2 }));
  law.succeed("draft");
  assert.deepEqual(law.typesOf(law.decide("sign", "approve", ADA)), ["gate.approval"]);
  assert.deepEqual(law.decide("sign", "approve", ADA), []);
  assert.equal(law.step("sign").status, "waiting");
  law.decide("sign", "approve", OPERATOR);
  assert.equal(law.step("sign").outcome?.result, "approved by @ada and operator");
});

test("each approval keeps the reason that came with it; those of before, which have none, still count", () => {
  const law = begin(gated({ min: 3 }));
  law.succeed("draft");
  const [first] = law.decide("sign", "approve", ADA, { reason: "fits the budget" });
  assert.equal(first?.type === "gate.approval" && first.reason, "fits the budget");
  law.decide("sign", "approve", BEN);
  law.decide("sign", "approve", OPERATOR, { reason: "go" });
  const given = law.view.steps[1]?.gate?.approvals.map(({ who, reason }) => [who, reason]);
  assert.deepEqual(given, [
    ["@ada", "fits the budget"],
    ["@ben", undefined],
    ["operator", "go"],
  ]);
  assert.ok(!("reason" in (law.step("sign").gate?.approvals[1] ?? {})));
  assert.equal(
    law.step("sign").outcome?.result,
    "approved by @ada (fits the budget) and @ben and operator: go",
  );
  assertReloads(law);
});

test("one no is enough, also after a yes", () => {
  const law = begin(gated({ min: 2 }));
  law.succeed("draft");
  law.decide("sign", "approve", ADA);
  law.decide("sign", "reject", ADA);
  assert.equal(law.step("sign").status, "failed");
});

test("who may not decide changes nothing", () => {
  const law = begin(gated({ preventSelfApproval: true }), {}, { actor: ADA });
  law.succeed("draft");
  assert.deepEqual(law.decide("sign", "approve", ADA), []);
  assert.deepEqual(law.decide("sign", "approve", { kind: "agent", id: "manager" }), []);
  assert.deepEqual(law.decide("sign", "approve", { kind: "system", id: "x" }), []);
  law.decide("sign", "approve", BEN);
  assert.equal(law.step("sign").status, "succeeded");
});

test("the operator at the machine decides also the gate of a run of their own", () => {
  const law = begin(gated({ preventSelfApproval: true }), {}, { actor: OPERATOR });
  law.succeed("draft");
  law.decide("sign", "approve", OPERATOR);
  assert.equal(law.step("sign").outcome?.result, "approved by operator");
});

test("approvers are named by role or user; the operator always may, agents never", () => {
  const order = orderOf(workflowOf("law", []));
  const { gate } = approvalOf({ approvers: ["role:Engineering", "user:77"], escalateTo: ["role:leads"] }) as {
    gate: Parameters<typeof mayDecide>[1];
  };
  const person = (id: string, ...roles: readonly string[]) =>
    ({
      kind: "person",
      id,
      name: `p${id}`,
      rights: ["operate"],
      roles: roles.map((name) => ({ id: `id-${name}`, name })),
    }) as const;
  const may = (actor: Parameters<typeof mayDecide>[2], isEscalated = false) =>
    mayDecide(order, gate, actor, isEscalated).allowed;
  assert.ok(may(person("1", "@engineering")));
  assert.ok(may(person("77")));
  assert.ok(may(OPERATOR));
  assert.ok(!may(person("2", "leads")));
  assert.ok(may(person("2", "leads"), true));
  assert.ok(!may(person("3")));
  assert.ok(!may({ kind: "agent", id: "manager" }));
  const refused = mayDecide(order, gate, person("3"));
  assert.ok(!refused.allowed && /@Engineering, the user 77/.test(refused.hint));
  const open = mayDecide(order, { ...gate, approvers: [] }, { ...person("4"), rights: ["delegate"] });
  assert.ok(!open.allowed && /right `operate`/.test(open.hint));
  const byId = { ...gate, approvers: ["role:id-x"] };
  assert.ok(mayDecide(order, byId, person("5", "x")).allowed);
});

test("without remind_every nobody is reminded", () => {
  const law = begin([stepOf("gate", approvalOf())]);
  assert.equal(law.step("gate").status, "waiting");
  assert.equal(law.step("gate").gate?.remindAt, undefined);
});

test("people are reminded in turns until it is decided, each time once", () => {
  const law = begin(gated({ remindEveryMs: HOUR, timeoutMs: 3 * HOUR }));
  law.succeed("draft");
  const { openedAt = 0 } = law.step("sign").gate ?? {};
  const remind = (at: number, generation = 1) =>
    law.take({ type: "gate-reminder", step: "sign", at, generation });
  assert.deepEqual(remind(openedAt + HOUR - 1), []);
  assert.deepEqual(law.typesOf(remind(openedAt + HOUR)), ["gate.reminded"]);
  assert.deepEqual(remind(openedAt + HOUR), []);
  assert.deepEqual(remind(openedAt + 2 * HOUR, 2), []);
  assert.equal(remind(openedAt + 2 * HOUR).length, 1);
  assert.deepEqual(remind(openedAt + 3 * HOUR), [], "then it expires");
  const reminders = law.bodies("post").filter(({ delivery }) => delivery.kind === "reminder");
  assert.deepEqual(
    reminders.map(({ delivery }) => delivery.id),
    ["wf-1/reminder-sign~1-1", "wf-1/reminder-sign~1-2"],
  );
  assert.deepEqual(reminders[0]?.delivery.gate, { step: "sign", generation: 1 });
});

for (const onTimeout of ["reject", "fail"] as const) {
  test(`an expired gate fails its step (${onTimeout})`, () => {
    const law = begin(gated({ onTimeout }));
    law.succeed("draft");
    const { expiresAt = 0 } = law.step("sign").gate ?? {};
    const expire = (at: number) => law.take({ type: "gate-expired", step: "sign", generation: 1, at });
    assert.deepEqual(expire(expiresAt - 1), []);
    expire(expiresAt);
    assert.deepEqual(law.statuses.slice(1, 3), ["sign failed", "after skipped"]);
    assert.equal(law.step("sign").gate?.status, "expired");
    assert.equal(law.step("sign").outcome?.reason, "nobody decided within 1d 0h");
    assert.deepEqual(expire(expiresAt), []);
    assert.deepEqual(law.typesOf(law.decide("sign", "approve", ADA)), ["gate.late-decision"]);
  });
}

test("an escalated gate asks others once, waits once more, and then expires", () => {
  const law = begin(
    gated({ onTimeout: "escalate", approvers: ["user:1"], escalateTo: ["user:2"], remindEveryMs: HOUR }),
  );
  law.succeed("draft");
  assert.deepEqual(law.decide("sign", "approve", BEN), [], "not yet");
  const first = law.step("sign").gate?.expiresAt ?? 0;
  const expire = (at: number) => law.take({ type: "gate-expired", step: "sign", generation: 1, at });
  assert.deepEqual(law.typesOf(expire(first)), ["gate.escalated"]);
  assert.deepEqual(law.view.steps[1]?.gate?.approvers, ["user:1", "user:2"]);
  assert.deepEqual(expire(first), []);
  assert.deepEqual(
    law.bodies("post").map(({ delivery }) => delivery.id),
    ["wf-1/escalation-sign~1"],
  );
  const second = law.step("sign").gate?.expiresAt ?? 0;
  assert.equal(second, first + 24 * HOUR);
  assert.equal(law.step("sign").gate?.remindAt, first + HOUR);
  const again = begin(gated({ onTimeout: "escalate", approvers: ["user:1"], escalateTo: ["user:2"] }));
  again.succeed("draft");
  again.take({ type: "gate-expired", step: "sign", generation: 1, at: first + 10 });
  again.decide("sign", "approve", BEN);
  assert.equal(again.step("sign").status, "succeeded");
  expire(second);
  assert.equal(law.step("sign").status, "failed");
});

test("a gate that was rejected and drafted anew is not passed by the older approval", () => {
  const law = begin(gated({ min: 2 }));
  law.succeed("draft");
  const old = law.step("sign").gate?.digest;
  law.decide("sign", "approve", ADA);
  law.decide("sign", "reject", BEN);
  law.succeed("beside");
  law.rerun("draft");
  assert.equal(law.step("sign").status, "pending");
  assert.deepEqual(
    law.take({ type: "decide-gate", at: 1, step: "sign", generation: 1, decision: "approve", actor: ADA }),
    [],
    "there is no gate yet",
  );
  law.succeed("draft", undefined, { result: "version 2" });
  assert.equal(law.step("sign").status, "waiting");
  assert.notEqual(law.step("sign").gate?.digest, old);
  assert.deepEqual(law.step("sign").gate?.approvals, []);
  const stale = {
    type: "decide-gate",
    at: law.now,
    step: "sign",
    generation: 1,
    decision: "approve",
  } as const;
  assert.deepEqual(law.take({ ...stale, actor: ADA }), []);
  assert.deepEqual(law.take({ ...stale, actor: OPERATOR }), []);
  assert.deepEqual(
    law.take({ type: "gate-expired", step: "sign", generation: 1, at: law.now + 99 * HOUR }),
    [],
  );
  law.decide("sign", "approve", ADA);
  assert.equal(law.step("sign").status, "waiting", "the approval of the first version does not count");
  law.decide("sign", "approve", BEN);
  assert.equal(law.step("after").status, "running");
  const cards = law.bodies("card").filter(({ gate }) => gate);
  assert.ok(
    cards.some(({ gate }) => gate?.generation === 1) && cards.some(({ gate }) => gate?.generation === 2),
  );
});

test("parallel gates are decided each by itself", () => {
  const law = begin([
    stepOf("left", approvalOf()),
    stepOf("right", approvalOf()),
    stepOf("after-left", task, { needs: ["left"] }),
    stepOf("after-right", task, { needs: ["right"] }),
  ]);
  law.decide("right", "approve", ADA);
  assert.deepEqual(law.statuses, [
    "left waiting",
    "right succeeded",
    "after-left pending",
    "after-right running",
  ]);
  law.decide("left", "reject", ADA);
  assert.deepEqual(law.statuses, [
    "left failed",
    "right succeeded",
    "after-left skipped",
    "after-right running",
  ]);
});

test("a canceled or skipped gate ends without a decision, and a later one is only kept", () => {
  const law = begin(gated());
  law.succeed("draft");
  law.cancel();
  assert.equal(law.step("sign").status, "canceled");
  assert.deepEqual(law.typesOf(law.decide("sign", "approve", BEN)), ["gate.late-decision"]);
  assert.equal(law.step("after").status, "canceled");
  const other = begin(gated());
  other.succeed("draft");
  other.skip("sign");
  assert.equal(other.step("after").status, "running");
  assert.equal(other.view.steps[1]?.by, "@ada");
});

test("the run's time ends a gate as expired", () => {
  const law = begin(gated());
  law.succeed("draft");
  law.succeed("beside");
  law.deadline();
  assert.equal(law.step("sign").gate?.status, "expired");
  assert.equal(law.step("sign").outcome?.reason, "the run's time is over");
  assert.equal(law.view.status, "failed");
  assert.deepEqual(law.view.missing, [
    "sign failed: the run's time is over.",
    "after was canceled: the run's time is over.",
  ]);
});

test("steps that are not gates cannot be decided", () => {
  const law = begin(gated());
  assert.deepEqual(law.decide("draft", "approve", ADA), []);
});

test("a gate that is asked in the cleanup waits no longer than the run's deadline either", () => {
  const law = begin([stepOf("draft", task), stepOf("sign", approvalOf(), { cleanup: true })]);
  law.succeed("draft");
  assert.equal(law.step("sign").status, "waiting");
  law.deadline();
  assert.deepEqual([law.view.steps[1]?.gate?.status, law.view.status], ["expired", "failed"]);
});
