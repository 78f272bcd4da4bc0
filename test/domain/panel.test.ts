import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import {
  type Ballot,
  concludePanel,
  RATINGS,
  type Rating,
  readVote,
  type Vote,
  verdictText,
} from "../../src/domain/panel.ts";
import { consensusCheck } from "../../src/domain/templates/consensus-check.ts";
import { fillTemplate } from "../../src/domain/templates/fill-template.ts";
import { createCheckSchema } from "../../src/schemas/check-schema.ts";

const vote = (verdict: Rating, more: Partial<Vote> = {}): Vote => ({
  verdict,
  confidence: "high",
  recommendation: `I say ${verdict}.`,
  strengths: [],
  concerns: [],
  ...more,
});
const cast = (...ratings: readonly Rating[]): readonly Ballot[] =>
  ratings.map((rating, n) => ({ role: `expert ${n + 1}`, vote: vote(rating) }));

/** Every place of the scale, and each kind of tie. */
const VERDICTS: readonly (readonly [readonly Rating[], Rating, "high" | "medium" | "low"])[] = [
  [["approve"], "approve", "high"],
  [["strong_approve", "approve", "approve"], "approve", "high"],
  [["strong_approve", "strong_approve", "reject"], "strong_approve", "medium"],
  [["neutral", "neutral", "approve"], "neutral", "medium"],
  [["strong_reject", "approve", "strong_approve"], "approve", "medium"],
  [["reject", "reject", "strong_approve", "strong_reject", "approve"], "reject", "medium"],
  // Ties: the mean of the two in the middle, to caution when it falls between two.
  [["approve", "reject"], "neutral", "low"],
  [["strong_approve", "strong_reject"], "neutral", "low"],
  [["strong_approve", "approve"], "approve", "high"],
  [["approve", "neutral"], "neutral", "medium"],
  [["neutral", "reject"], "reject", "medium"],
  [["reject", "strong_reject"], "strong_reject", "high"],
  [["strong_approve", "reject"], "neutral", "low"],
  [["approve", "approve", "reject", "reject"], "neutral", "low"],
  [["approve", "neutral", "neutral", "reject"], "neutral", "medium"],
];

for (const [ratings, verdict, confidence] of VERDICTS) {
  test(`${ratings.join(", ")} make ${verdict}, confidence ${confidence}`, () => {
    const panel = concludePanel(cast(...ratings), 1);
    assert.deepEqual([panel.verdict, panel.confidence], [verdict, confidence]);
  });
}

test("who stands on another side is quoted, by recommendation, else by the weightiest point", () => {
  const panel = concludePanel(
    [
      { role: "sales", agent: "manager", vote: vote("strong_approve") },
      { role: "finance", vote: vote("approve") },
      {
        role: "legal",
        agent: "auditor",
        vote: vote("reject", { recommendation: "", concerns: ["No cap."] }),
      },
      { role: "security", vote: vote("neutral", { recommendation: " " }) },
      { role: "product", vote: vote("approve") },
    ],
    3,
  );
  assert.equal(panel.verdict, "approve");
  assert.deepEqual(panel.dissent, [
    { role: "legal", agent: "auditor", verdict: "reject", quote: "No cap." },
    { role: "security", verdict: "neutral", quote: "(gave no reason)" },
  ]);
  assert.match(verdictText(panel), /Dissent of legal \(auditor\) \(reject\): “No cap\.”/);
});

test("who is missing is named, makes the verdict less sure, and below the quorum there is none", () => {
  const ballots: readonly Ballot[] = [
    ...cast("approve", "approve"),
    { role: "cost", agent: "optimizer", missing: "timed out" },
  ];
  const met = concludePanel(ballots, 2);
  assert.deepEqual([met.verdict, met.confidence], ["approve", "medium"]);
  assert.deepEqual(met.missing, [{ role: "cost", agent: "optimizer", why: "timed out" }]);
  assert.deepEqual(met.quorum, { needed: 2, answered: 2, asked: 3 });
  const below = concludePanel(ballots, 3);
  assert.deepEqual([below.verdict, below.confidence, below.votes.length], [undefined, undefined, 2]);
  assert.match(
    verdictText(below),
    /No verdict: 2 of 3 .* 3 are needed[\s\S]*Missing: cost \(optimizer\): timed out/,
  );
  assert.equal(concludePanel([{ role: "cost", missing: "timed out" }], 0).verdict, undefined);
});

test("one unsure vote makes a unanimous panel less sure", () => {
  const unsure = { role: "unsure", vote: vote("approve", { confidence: "low" }) };
  assert.equal(concludePanel([...cast("approve"), unsure], 2).confidence, "medium");
});

/** Of the template that experts are asked by. */
function check(value: unknown) {
  const filled = fillTemplate(consensusCheck, { proposal: "x", expert_role: "y" });
  assert.ok(filled.ok);
  return createCheckSchema()(consensusCheck.schema(filled.values), value);
}

test("a vote that fits the schema can be read, and nothing else is a vote", () => {
  const handed = {
    expert_role: "cost",
    verdict: "strong_reject",
    confidence: "low",
    assessment: { strengths: ["a"], concerns: ["b"], risks: ["c"], alternatives: [] },
    recommendation: "Do not.",
  };
  assert.deepEqual(check(handed), []);
  assert.deepEqual(readVote(handed), {
    verdict: "strong_reject",
    confidence: "low",
    recommendation: "Do not.",
    strengths: ["a"],
    concerns: ["b", "c"],
  });
  for (const wrong of [undefined, null, "approve", { ...handed, verdict: "maybe" }, { verdict: "approve" }])
    assert.equal(readVote(wrong), undefined);
  for (const rating of RATINGS) assert.deepEqual(check({ ...handed, verdict: rating }), [], rating);
});

const ratings = fc.array(fc.constantFrom(...RATINGS), { minLength: 1, maxLength: 9 });
const place = (rating: Rating | undefined) => RATINGS.indexOf(rating as Rating);

test("the verdict lies between the votes, does not depend on their order, and no better vote makes it worse", () => {
  fc.assert(
    fc.property(ratings, fc.nat(8), (given, pick) => {
      const { verdict } = concludePanel(cast(...given), 1);
      const places = given.map(place);
      assert.ok(place(verdict) >= Math.min(...places) && place(verdict) <= Math.max(...places));
      assert.equal(concludePanel(cast(...given.toReversed()), 1).verdict, verdict);
      const better = given.with(pick % given.length, "strong_approve");
      assert.ok(place(concludePanel(cast(...better), 1).verdict) >= place(verdict));
    }),
  );
});

test("every expert is a vote or missing, and dissent is never on the verdict's side", () => {
  const ballots = fc.array(
    fc.oneof(
      fc.constantFrom(...RATINGS).map((rating): Ballot => ({ role: "x", vote: vote(rating) })),
      fc.constant<Ballot>({ role: "x", missing: "silent" }),
    ),
    { maxLength: 9 },
  );
  fc.assert(
    fc.property(ballots, fc.integer({ min: 1, max: 9 }), (given, needed) => {
      const { verdict, votes, missing, dissent, quorum } = concludePanel(given, needed);
      assert.equal(votes.length + missing.length, given.length);
      assert.equal(verdict === undefined, votes.length < needed);
      assert.deepEqual(quorum, { needed, answered: votes.length, asked: given.length });
      const side = (rating: Rating | undefined) => Math.sign(place(rating) - 2);
      assert.ok(dissent.every((one) => side(one.verdict) !== side(verdict)));
    }),
  );
});
