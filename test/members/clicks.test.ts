import assert from "node:assert/strict";
import test, { after } from "node:test";
import { type Clicked, clickedText, clickThroughTakeovers, WAYS } from "../chaos/cluster-clicks.ts";
import { startPostgres } from "../support/postgres.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

const TAKEOVERS = 5;
const TYPED = 40;

function isWell(clicked: Clicked): void {
  const { wrong, verdict, proof } = clicked;
  assert.deepEqual(wrong, []);
  const { lost, doubled, unseen, seenTwice } = verdict;
  assert.deepEqual(
    { lost, doubled, unseen, seenTwice },
    { lost: [], doubled: [], unseen: [], seenTwice: [] },
  );
  assert.ok(proof.isClean, proof.text);
  assert.equal(clicked.takeoversMs.length, TAKEOVERS);
  assert.equal(
    [...clicked.ways.values()].reduce((sum, n) => sum + n, 0),
    TYPED,
  );
}

test("40 commands typed during 5 takeovers are each answered and done once, or nobody responded and nothing was done", {
  timeout: 280_000,
}, async (t) => {
  const log = (text: string) => t.diagnostic(text);
  const clicked = await clickThroughTakeovers(postgres, { takeovers: TAKEOVERS, byHttp: false, log });
  t.diagnostic(clickedText(clicked));
  isWell(clicked);
  assert.ok((clicked.ways.get(WAYS[0]) ?? 0) >= TAKEOVERS, "whoever is connected answers");
});
