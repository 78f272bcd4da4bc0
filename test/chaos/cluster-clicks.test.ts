import assert from "node:assert/strict";
import test, { after } from "node:test";
import { startPostgres } from "../support/postgres.ts";
import { clickedText, clickThroughTakeovers, WAYS } from "./cluster-clicks.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

/** Just before the kill, six times after it, and when another one is connected. */
const TYPED = 8;

test("what is typed while another one takes over is answered and done once when it comes by HTTP", {
  timeout: 200_000,
}, async (t) => {
  const log = (text: string) => t.diagnostic(text);
  const clicked = await clickThroughTakeovers(postgres, { takeovers: 1, byHttp: true, log });
  t.diagnostic(clickedText(clicked));
  const { lost, doubled, unseen, seenTwice } = clicked.verdict;
  assert.deepEqual([...clicked.wrong, ...lost, ...doubled, ...unseen, ...seenTwice], []);
  assert.ok(clicked.proof.isClean, clicked.proof.text);
  assert.equal(clicked.ways.get(WAYS[0]), TYPED);
});
