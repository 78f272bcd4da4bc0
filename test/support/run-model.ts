import assert from "node:assert/strict";
import fc from "fast-check";
import type { Actor } from "../../src/domain/actor.ts";
import type { Outcome, Place, RunInput, StepState } from "../../src/domain/run-types.ts";
import { childIdOf } from "../../src/domain/run-work.ts";
import type { StepDefinition } from "../../src/domain/workflow-types.ts";
import { valuesOf } from "../../src/kernel/vector.ts";
import { ADA, BEN, begin, OPERATOR } from "./run-law.ts";
import { assertAtRest, assertChangesNothing } from "./run-rules.ts";
import { approvalOf, stepOf, taskOf } from "./workflow.ts";
import { writtenPanel } from "./written-panel.ts";

/** What may happen to a run; `pick` chooses among what there is to choose from. */
export type Command = {
  readonly what:
    | "started"
    | "settled"
    | "refused"
    | "approve"
    | "reject"
    | "expire"
    | "remind"
    | "wait-over"
    | "stalled"
    | "cancel"
    | "deadline"
    | "skip"
    | "retry"
    | "retry-step"
    | "rerun"
    | "accept"
    /** The input before once more, in the same words. */
    | "again"
    /** News of an earlier generation. */
    | "old"
    /** What was last told may have been in the ledger or not: the next life is told once more. */
    | "crash";
  readonly pick: number;
  readonly status: Outcome["status"];
};

export function commandOf(): fc.Arbitrary<Command> {
  const often = (what: Command["what"], weight: number) => ({ weight, arbitrary: fc.constant(what) });
  return fc.record({
    what: fc.oneof(
      often("settled", 12),
      often("started", 6),
      often("approve", 5),
      often("wait-over", 3),
      often("again", 4),
      often("old", 2),
      often("crash", 3),
      ...(
        [
          "refused",
          "reject",
          "expire",
          "remind",
          "stalled",
          "skip",
          "retry",
          "retry-step",
          "rerun",
          "accept",
        ] as const
      ).map((what) => often(what, 2)),
      often("cancel", 1),
      often("deadline", 1),
    ),
    pick: fc.nat(1000),
    status: fc.constantFrom("succeeded", "succeeded", "succeeded", "partial", "failed", "failed", "canceled"),
  });
}

const task = taskOf("webster", "Go.");
const LIMIT = 2;
const VERDICT = {
  kind: "conclusion",
  of: {
    kind: "panel",
    quorum: 1,
    experts: [
      { role: "a", step: "vote-a" },
      { role: "b", step: "vote-b" },
    ],
  },
} as const;
const experts = ["vote-a", "vote-b"].map((id) => stepOf(id, task, { needs: ["top"], continueOnError: true }));

/** A diamond with gates, waits, a fan-out, conditions and cleanup, in a few variants. */
function stepsOf(shape: number): readonly StepDefinition[] {
  const bit = (n: number) => ((shape >> n) & 1) === 1;
  const gate = approvalOf({
    min: bit(0) ? 2 : 1,
    timeoutMs: 1000,
    remindEveryMs: 300,
    onTimeout: bit(1) ? "escalate" : "reject",
  });
  return [
    stepOf("top", task),
    stepOf("left", task, { needs: ["top"], continueOnError: bit(2) }),
    stepOf("right", task, { needs: ["top"], ...(bit(3) ? { if: "always()" } : {}) }),
    stepOf("sign", gate, { needs: ["left"] }),
    stepOf("sign-too", gate, { needs: bit(4) ? [] : ["right"] }),
    stepOf("rest", { kind: "wait", ms: 500 }, { needs: ["top"] }),
    stepOf("each", task, {
      needs: bit(5) ? ["top"] : [],
      forEach: { expression: "split('a,b,c,d', ',')", maxParallel: bit(6) ? 1 : 3 },
      continueOnError: bit(7),
    }),
    stepOf("inner", { kind: "workflow", workflow: "x", with: {} }, { needs: ["sign", "sign-too"] }),
    stepOf("mend", task, { needs: ["inner"], if: "failure()" }),
    stepOf("bottom", task, { needs: ["inner", "rest", "each"] }),
    ...(bit(9) ? [...experts, stepOf("verdict", VERDICT, { needs: ["vote-a", "vote-b"] })] : []),
    ...(bit(10) ? writtenPanel(["a", "b"], 2, { needs: ["top"] }) : []),
    ...(bit(8)
      ? [stepOf("tidy", task, { cleanup: true }), stepOf("tell", task, { cleanup: true, needs: ["tidy"] })]
      : []),
  ];
}

export type Played = ReturnType<typeof play>;

export function play(shape: number, commands: readonly Command[]) {
  const law = begin(stepsOf(shape), { limits: { maxParallel: LIMIT, timeoutMs: 1_000_000, maxFailures: 3 } });
  const people: readonly Actor[] = [ADA, BEN, OPERATOR];
  const effective: Command["what"][] = [];
  const ids = law.state.order.definition.steps.map(({ id }) => id);
  let last: RunInput | undefined;

  /** Places that a child is asked for now. */
  function running(): readonly Place[] {
    return ids.flatMap((id): readonly Place[] => {
      const step = law.step(id);
      if (step.status !== "running") return [];
      if (!step.items) return [law.placeOf(id)];
      return [...valuesOf(step.items)].flatMap(({ status }, item) =>
        status === "running" ? [law.placeOf(id, item)] : [],
      );
    });
  }

  const waiting = (isMeant: (step: StepState) => boolean) =>
    ids.filter((id) => law.step(id).status === "waiting" && isMeant(law.step(id)));
  const oneOf = <T>(list: readonly T[], pick: number): T | undefined => list[pick % Math.max(1, list.length)];

  function inputFor({ what, pick, status }: Command): RunInput | undefined {
    const now = law.now;
    const of = oneOf(running(), pick);
    const gate = oneOf(
      waiting((step) => step.gate !== undefined),
      pick,
    );
    const actor = oneOf(people, pick) ?? ADA;
    const child = of && childIdOf("wf-1", of);
    switch (what) {
      case "started":
        return of && child
          ? { type: "child-started", at: now, of, child, agent: "webster", stallAt: now + 50 }
          : undefined;
      case "settled":
        return of && child
          ? { type: "child-settled", of, child, outcome: { status, at: now, result: `${pick}` } }
          : undefined;
      case "refused":
        return of && { type: "child-refused", at: now, of, text: "no" };
      case "approve":
      case "reject":
        return gate === undefined
          ? undefined
          : {
              type: "decide-gate",
              at: now,
              step: gate,
              generation: law.step(gate).generation,
              decision: what,
              actor,
            };
      case "expire":
      case "remind": {
        if (gate === undefined) return undefined;
        const { generation, gate: shown } = law.step(gate);
        const due = what === "expire" ? shown?.expiresAt : shown?.remindAt;
        const at = Math.max(now, due ?? 0);
        return { type: what === "expire" ? "gate-expired" : "gate-reminder", at, step: gate, generation };
      }
      case "wait-over": {
        const id = oneOf(
          waiting((step) => step.untilAt !== undefined),
          pick,
        );
        if (id === undefined) return undefined;
        const { generation, untilAt = 0 } = law.step(id);
        return { type: "wait-over", at: Math.max(now, untilAt), step: id, generation };
      }
      case "stalled":
        return of && { type: "stalled", at: now + 100, of, text: "slow", againAt: now + 200 };
      case "cancel":
        return { type: "cancel", at: now, actor, reason: "not needed" };
      case "deadline":
        return { type: "deadline", at: law.state.order.deadlineAt };
      case "skip":
        return { type: "skip", at: now, step: oneOf(ids, pick) ?? "", actor };
      case "retry":
        return { type: "retry", at: now, actor };
      case "retry-step":
        return { type: "retry", at: now, actor, step: oneOf(ids, pick) ?? "" };
      case "rerun":
        return { type: "rerun", at: now, actor, from: oneOf(ids, pick) ?? "" };
      case "accept":
        return { type: "accept-partial", at: now, actor };
      case "crash":
        law.crash();
        return last;
      case "again":
        return last;
      case "old": {
        const id = oneOf(ids, pick) ?? "";
        const place = { step: id, generation: Math.max(1, law.step(id).generation - 1) };
        const isOld = place.generation < law.step(id).generation;
        if (!isOld) return undefined;
        if (law.step(id).gate || id.startsWith("sign"))
          return { type: "decide-gate", at: now, ...place, decision: "approve", actor };
        return {
          type: "child-settled",
          of: place,
          child: childIdOf("wf-1", place),
          outcome: { status, at: now },
        };
      }
    }
  }

  function carryOut(command: Command): void {
    law.pass(1);
    const input = inputFor(command);
    if (!input) return;
    const before = law.state;
    const made = law.take(input);
    if (made.length > 0) effective.push(command.what);
    else assert.equal(law.state, before);
    if (command.what === "again" || command.what === "crash")
      assert.deepEqual(law.typesOf(made), [], `twice: ${JSON.stringify(input)}`);
    if (command.what === "old") assertChangesNothing(made);
    last = input;
    if ("at" in input && input.type !== "deadline") law.pass(Math.max(0, input.at - law.now));
    assertAtRest(law, ids);
  }

  for (const command of commands) carryOut(command);

  /** Everybody answers, in one way, until nothing is left to answer. */
  function serveToTheEnd(isGood: boolean): void {
    for (let n = 0; n < 500 && law.view.status === "running"; n++) {
      const status = isGood ? "succeeded" : "failed";
      const [of] = running();
      const [gate] = waiting((step) => step.gate !== undefined);
      const decision = isGood ? "approve" : "reject";
      if (of) carryOut({ what: "settled", pick: 0, status });
      else if (gate !== undefined) carryOut({ what: decision, pick: n, status });
      else if (waiting(() => true).length > 0) carryOut({ what: "wait-over", pick: 0, status });
      else if (law.state.stopped) carryOut({ what: "accept", pick: 0, status });
      else assert.fail(`nothing can be done: ${JSON.stringify(law.statuses)}`);
    }
  }

  return { law, effective, serveToTheEnd };
}
