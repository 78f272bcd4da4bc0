import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { planFile } from "../../src/domain/proposals.ts";
import { work } from "../../src/domain/work-item.ts";
import type { WorkEvent, WorkInput, WorkState } from "../../src/domain/work-types.ts";
import { fold } from "../../src/kernel/decider.ts";
import { digestOf } from "../../src/kernel/id.ts";

const soul = (...texts: string[]) => texts.map((text) => ({ target: "SOUL.md", text }));
const planned = (text: string, ...lines: string[]) => planFile({ target: "SOUL.md", text }, soul(...lines));

test("a new line goes to the end of the section, before the next one, and the difference shows where", () => {
  const text = "# A\n\n## Learned from finished work\n\n- old\n\n## Rules\n\nNone.\n";
  const plan = planned(text, "new\nline");
  assert.equal(plan.text, text.replace("- old\n", "- old\n- new line\n"));
  assert.equal(
    plan.diff,
    "--- SOUL.md\n+++ SOUL.md\n@@ -3,6 +3,7 @@\n ## Learned from finished work\n \n - old\n+- new line\n \n ## Rules\n ",
  );
});

test("an empty section gets its lines, and the line ends of the file stay", () => {
  assert.equal(
    planned("## Learned from finished work\r\n", "x").text,
    "## Learned from finished work\r\n\r\n- x\r\n",
  );
  assert.equal(planned("no end", "x").text, "no end\n\n## Learned from finished work\n\n- x\n");
});

test("what is there already is not there twice, and then nothing changes", () => {
  const once = planned("", "x", "x");
  assert.equal(once.text, "## Learned from finished work\n\n- x\n");
  const again = planned(once.text, "x");
  assert.deepEqual([again.text, again.diff, again.after], [once.text, "", again.before]);
});

test("no line is lost, none is added twice, and done again it changes nothing", () => {
  const line = fc.constantFrom("a", "b", "## Learned from finished work", "## X", "", "- a");
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1 }), (old, said) => {
      const text = old.map((one) => `${one}\n`).join("");
      const plan = planned(text, ...said);
      const kept = plan.text.split("\n");
      let at = 0;
      for (const one of old) at = kept.indexOf(one, at) + 1;
      assert.ok(old.length === 0 || at > 0);
      for (const one of said) assert.ok(kept.includes(`- ${one}`));
      assert.equal(planned(plan.text, ...said).text, plan.text);
      assert.equal(plan.before, digestOf(text));
    }),
  );
});

const actor = { kind: "operator" } as const;
const given = (...inputs: WorkInput[]) => {
  let state: WorkState | undefined;
  const events: WorkEvent[] = [];
  for (const input of inputs) {
    const more = work.decide(state, input);
    state = fold<WorkState, WorkEvent>(work.evolve, state, more);
    events.push(...more);
  }
  return { state: state as WorkState, events };
};
const order = { slug: "one", title: "one", criteria: [], constraints: [], blockers: [], maker: actor, at: 1 };
const evolved = (at: number, base: string) =>
  ({
    type: "evolved",
    at,
    since: 2,
    actor,
    verdict: "pass",
    issues: [],
    proposals: 1,
    proposed: soul("x"),
    agent: "webster",
    bases: { "SOUL.md": base },
  }) as const;
const BEGUN = [
  { type: "create", ...order },
  { type: "start", at: 2, actor },
  { type: "complete", at: 2, actor },
] as const;
const FILES = [{ target: "SOUL.md", before: "b", after: "a" }];

test("it is proposed anew when the file is another one and nothing was written; then both messages follow", () => {
  assert.equal(given(...BEGUN, evolved(3, "b"), evolved(4, "b")).state.evolved?.at, 3);
  const { state, events } = given(...BEGUN, evolved(3, "b"), evolved(4, "c"));
  assert.deepEqual(state.rounds, [3, 4]);
  const last = events.at(-1) as WorkEvent;
  assert.deepEqual(
    work.effects(state, last).map(({ body }) => "round" in body && body.round),
    [3, 4],
  );
  const stuck = [
    { type: "decide", decision: "accepted", of: 3, files: FILES, at: 5, actor },
    { type: "applied", of: 3, problem: "changed", at: 6, actor },
  ] as const;
  assert.equal(given(...BEGUN, evolved(3, "b"), ...stuck, evolved(7, "c")).state.evolved?.at, 7);
});

test("who decides about earlier proposals decides nothing, and what was written is not written again", () => {
  const late = { type: "decide", decision: "accepted", of: 3, at: 5, actor } as const;
  assert.equal(given(...BEGUN, evolved(3, "b"), evolved(4, "c"), late).state.evolved?.decided, undefined);
  const accept = { type: "decide", decision: "accepted", of: 3, files: FILES, at: 5, actor } as const;
  const applied = { type: "applied", of: 3, at: 6, actor } as const;
  const { state, events } = given(...BEGUN, evolved(3, "b"), accept, applied, applied, evolved(7, "c"));
  assert.equal(events.filter(({ type }) => type === "work.proposals_applied").length, 1);
  assert.deepEqual(state.evolved?.decided?.applied, {});
  assert.equal(state.evolved?.at, 3);
  const decided = given(...BEGUN, evolved(3, "b"), accept);
  assert.deepEqual(
    work.effects(decided.state, decided.events.at(-1) as WorkEvent).map(({ body }) => body.type),
    ["carry-out", "card"],
  );
});
