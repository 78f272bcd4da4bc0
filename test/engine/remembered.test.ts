import assert from "node:assert/strict";
import test from "node:test";
import { createRemembered, type Remembered } from "../../src/engine/remembered.ts";

const entry = (length: number): Remembered => ({ kind: "delegation", state: {}, version: 1, length });

test("of more streams than are remembered those that were put longest ago are forgotten", () => {
  const remembered = createRemembered({ most: 2 });
  for (const stream of ["a", "b"]) remembered.put(stream, entry(1));
  remembered.put("a", entry(1));
  remembered.put("c", entry(1));
  assert.deepEqual(
    ["a", "b", "c"].map((stream) => remembered.get(stream) !== undefined),
    [true, false, true],
  );
});

test("a few long states make as many short ones forgotten as they need room, and are counted once however often they are put", () => {
  const remembered = createRemembered({ mostLength: 10 });
  for (const stream of ["a", "b", "c"]) remembered.put(stream, entry(3));
  remembered.put("d", entry(5));
  const known = () => ["a", "b", "c", "d"].filter((stream) => remembered.get(stream));
  assert.deepEqual(known(), ["c", "d"]);
  for (let times = 0; times < 5; times++) remembered.put("d", entry(5));
  assert.deepEqual(known(), ["c", "d"]);
  remembered.forget("d");
  remembered.put("a", entry(7));
  assert.deepEqual(known(), ["a", "c"]);
});

test("what is longer than all the room is remembered alone", () => {
  const remembered = createRemembered({ mostLength: 10 });
  remembered.put("a", entry(3));
  remembered.put("b", entry(30));
  assert.deepEqual([remembered.get("a"), remembered.get("b")?.length], [undefined, 30]);
});
