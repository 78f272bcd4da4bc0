import assert from "node:assert/strict";
import test from "node:test";
import { killMapReduce } from "./map-reduce.ts";

test("a map-reduce under kill -9: each item once, the reduce once, and the report names what failed", {
  timeout: 180_000,
}, async (t) => {
  const done = await killMapReduce({ items: 18, bad: [2, 13], workers: 6, killAt: [3, 9, 17] });
  t.diagnostic(done.missing.join(" "));
  assert.deepEqual(done.wrong, []);
  assert.equal(done.kills, 3);
  assert.match(done.missing.join("\n"), /map is partial: of 18 items: 2 failed \(bad-2, bad-13\)/);
});
