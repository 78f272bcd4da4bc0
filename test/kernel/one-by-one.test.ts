import assert from "node:assert/strict";
import test from "node:test";
import { createOneByOne } from "../../src/kernel/one-by-one.ts";

test("what is asked for at once is done one after the other, in the order of the calls", async () => {
  const oneByOne = createOneByOne();
  const seen: string[] = [];
  const first = Promise.withResolvers<void>();
  const work = (name: string, until?: Promise<void>) => async () => {
    seen.push(`${name} begins`);
    await until;
    seen.push(`${name} ends`);
    return name;
  };
  const all = [oneByOne(work("a", first.promise)), oneByOne(work("b")), oneByOne(work("c"))];
  await new Promise(setImmediate);
  assert.deepEqual(seen, ["a begins"]);
  first.resolve();
  assert.deepEqual(await Promise.all(all), ["a", "b", "c"]);
  assert.deepEqual(seen, ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

test("who failed hears it, and the next one is done all the same", async () => {
  const oneByOne = createOneByOne();
  const failing = oneByOne(() => Promise.reject(new Error("no")));
  const next = oneByOne(async () => "done");
  await assert.rejects(failing, /no/);
  assert.equal(await next, "done");
});
