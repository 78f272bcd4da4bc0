import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { append, at, emptyVector, type Vector, valuesOf, vectorOf, withAt } from "../../src/kernel/vector.ts";

test("a vector holds what a plain list holds, and no older version changes", () => {
  const change = fc.tuple(fc.nat(4000), fc.integer());
  fc.assert(
    fc.property(
      fc.array(fc.integer(), { maxLength: 1200 }),
      fc.array(change, { maxLength: 60 }),
      (start, changes) => {
        let vector: Vector<number> = vectorOf(start);
        const list = [...start];
        const before = vector;
        for (const [place, value] of changes) {
          if (place % 2 === 0 || list.length === 0) {
            vector = append(vector, value);
            list.push(value);
          } else {
            vector = withAt(vector, place % list.length, value);
            list[place % list.length] = value;
          }
        }
        assert.deepEqual([...valuesOf(vector)], list);
        assert.deepEqual([...valuesOf(before)], start);
        assert.deepEqual([...valuesOf(JSON.parse(JSON.stringify(vector)))], list);
      },
    ),
  );
});

test("appending one by one gives what is made at once", () => {
  let vector: Vector<number> = emptyVector;
  for (let i = 0; i < 33_000; i++) vector = append(vector, i);
  assert.deepEqual(vector, vectorOf(Array.from({ length: 33_000 }, (_, i) => i)));
  assert.equal(at(vector, 32_999), 32_999);
  assert.equal(at(vector, 33_000), undefined);
  assert.throws(() => withAt(vector, 33_001, 0), RangeError);
});
