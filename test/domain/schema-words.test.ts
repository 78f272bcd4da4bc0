import assert from "node:assert/strict";
import test from "node:test";
import { z } from "zod";
import { inWords } from "../../src/domain/schema-words.ts";

function told(schema: z.ZodType, input: unknown): readonly string[] {
  const read = schema.safeParse(input, { error: inWords });
  return read.success ? [] : read.error.issues.map(({ path, message }) => [...path, message].join(": "));
}

test("what is missing, of another kind, too short or too long is told without the words of the library", () => {
  const schema = z.strictObject({
    name: z.string().min(1).max(3),
    many: z.array(z.int()).min(2).max(3),
    count: z.number().min(5).max(9),
    kind: z.enum(["a", "b"]),
    only: z.literal(true),
    map: z.record(z.string(), z.boolean()),
  });
  assert.deepEqual(told(schema, {}), [
    "name: is missing",
    "many: is missing",
    "count: is missing",
    "kind: is missing",
    "only: is missing",
    "map: is missing",
  ]);
  assert.deepEqual(told(schema, { name: "", many: [1], count: 4, kind: "c", only: false, map: [] }), [
    "name: must not be empty",
    "many: must have at least 2 entries",
    "count: must be at least 5",
    "kind: must be one of a, b",
    "only: must be true",
    "map: must be a map of keys, not a list",
  ]);
  assert.deepEqual(
    told(schema, { name: "four", many: [1, 2, 3, 4], count: 10, kind: null, only: true, map: { x: 1 } }),
    [
      "name: must have at most 3 characters",
      "many: must have at most 3 entries",
      "count: must be at most 9",
      "kind: must be one of a, b",
      "map: x: must be true or false, not a number",
    ],
  );
  assert.deepEqual(told(schema, null), ["must be a map of keys, not empty"]);
  assert.deepEqual(told(z.coerce.number(), "many"), ["must be a number, not text"]);
});

test("of several kinds all are told, or what is wrong inside the one that was meant; own words stay", () => {
  const stub = z.strictObject({ result: z.string() });
  assert.deepEqual(told(z.union([stub, z.array(stub)]), 7), ["must be a map of keys, or a list"]);
  assert.deepEqual(told(z.union([stub, z.array(stub)]), { result: 7 }), [
    "result: must be text, not a number",
  ]);
  assert.deepEqual(told(z.union([z.literal("*"), z.number()]), "x"), ["must be *, or a number"]);
  assert.deepEqual(told(z.object({ x: z.union([stub, z.string()]) }), {}), ["x: is missing"]);
  assert.deepEqual(told(z.string().min(1, "say what is to be done"), ""), ["say what is to be done"]);
});
