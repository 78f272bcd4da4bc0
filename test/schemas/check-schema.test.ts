import assert from "node:assert/strict";
import test from "node:test";
import { createCheckSchema } from "../../src/schemas/check-schema.ts";

const review = {
  type: "object",
  required: ["verdict", "risks"],
  additionalProperties: false,
  properties: { verdict: { enum: ["go", "stop"] }, risks: { type: "array", items: { type: "string" } } },
};

test("a value that fits has no problems", () => {
  assert.deepEqual(createCheckSchema()(review, { verdict: "go", risks: [] }), []);
});

test("every misfit is named with its place, at once", () => {
  const problems = createCheckSchema()(review, { verdict: "maybe", risks: [1], more: true });
  assert.deepEqual(problems, [
    { path: "", message: 'has the unknown field "more"' },
    { path: "verdict", message: 'must be one of "go", "stop"' },
    { path: "risks.0", message: "must be string" },
  ]);
});

test("the newer dialect is understood when the schema says so", () => {
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    prefixItems: [{ type: "number" }],
  };
  assert.deepEqual(createCheckSchema()(schema, ["one"]), [{ path: "0", message: "must be number" }]);
});

test("a schema that points elsewhere is a problem, and nothing is fetched", () => {
  const [problem] = createCheckSchema()({ $ref: "https://example.invalid/schema.json" }, {});
  assert.match(problem?.message ?? "", /schema itself cannot be used/);
});

test("many schemas do not pile up", () => {
  const check = createCheckSchema();
  for (let n = 0; n < 300; n++) assert.equal(check({ const: n }, n).length, 0);
});
