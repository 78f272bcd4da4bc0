import assert from "node:assert/strict";
import test from "node:test";
import { onceMore } from "../../src/discord/same-click.ts";
import { Refusal } from "../../src/kernel/refusal.ts";

const NOW = 100_000;

/** Keys that were used before: by what has ended, is open, or was another request. */
function keysOf(...used: readonly (number | "open" | "other")[]) {
  return async (time: number) => {
    const before = used[time - 1];
    if (before === "other") throw new Refusal("key_reused", "it was used before for another request");
    const settledAt = typeof before === "number" ? before : undefined;
    return { made: time, repeated: before !== undefined, settledAt };
  };
}

test("the first key that nothing was begun with begins it; what is open or has just ended is the same click", async () => {
  assert.equal(await onceMore(NOW, keysOf()), 1);
  assert.equal(await onceMore(NOW, keysOf("open")), 1);
  assert.equal(await onceMore(NOW, keysOf(NOW - 10_000)), 1);
  assert.equal(await onceMore(NOW, keysOf(NOW - 10_001)), 2);
  assert.equal(await onceMore(NOW, keysOf(0, 0, "open")), 3);
});

test("a click that is carried out again leads to what it began, also when that has long ended", async () => {
  assert.equal(await onceMore(NOW, keysOf(NOW + 3_600_000)), 1);
  assert.equal(await onceMore(NOW, keysOf(NOW - 20_000, NOW + 1)), 2);
});

test("a workflow that was changed since, so that the same is another request, does not stop it", async () => {
  assert.equal(await onceMore(NOW, keysOf("other")), 2);
  assert.equal(await onceMore(NOW, keysOf("other", "open")), 2);
});

test("other refusals are told, and a hundred times are enough", async () => {
  const refusing = () => Promise.reject(new Refusal("not_allowed", "no"));
  await assert.rejects(onceMore(NOW, refusing), /no/);
  assert.equal(await onceMore(NOW, keysOf(...Array.from({ length: 100 }, () => 0))), undefined);
});
