import assert from "node:assert/strict";
import test, { after } from "node:test";
import { clickedText, clickThroughTakeovers, WAYS } from "../chaos/cluster-clicks.ts";
import { startPostgres } from "../support/postgres.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

const TAKEOVERS = 5;
const TYPED = 40;

test("40 commands typed during 5 takeovers are all answered when they come by HTTP", {
  timeout: 280_000,
}, async (t) => {
  const log = (text: string) => t.diagnostic(text);
  const clicked = await clickThroughTakeovers(postgres, { takeovers: TAKEOVERS, byHttp: true, log });
  t.diagnostic(clickedText(clicked));
  const { lost, doubled, unseen, seenTwice } = clicked.verdict;
  assert.deepEqual([...clicked.wrong, ...lost, ...doubled, ...unseen, ...seenTwice], []);
  assert.ok(clicked.proof.isClean, clicked.proof.text);
  assert.equal(clicked.ways.get(WAYS[0]), TYPED);
});
