import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import { createHandoffTokens } from "../../src/handoffs/token.ts";

const tokens = createHandoffTokens("secret");

test("a token is good for its run and tells the attempt", () => {
  assert.equal(tokens.verify(tokens.tokenFor("orch-1", 1), "orch-1"), 1);
  assert.equal(tokens.verify(tokens.tokenFor("orch-1", 12), "orch-1"), 12);
  assert.match(tokens.tokenFor("orch-1", 3), /^3\.[\w-]{43}$/);
});

test("it is the same after a restart with the same secret, and worthless with another", () => {
  const token = tokens.tokenFor("orch-1", 1);
  assert.equal(createHandoffTokens("secret").tokenFor("orch-1", 1), token);
  assert.equal(createHandoffTokens("other").verify(token, "orch-1"), undefined);
});

test("another run, another attempt, a changed or a cut token are refused", () => {
  const token = tokens.tokenFor("orch-1", 1);
  assert.equal(tokens.verify(token, "orch-2"), undefined);
  assert.equal(tokens.verify(`2${token.slice(1)}`, "orch-1"), undefined);
  assert.equal(tokens.verify(token.slice(0, -1), "orch-1"), undefined);
  assert.equal(tokens.verify(`${token}\n`, "orch-1"), undefined);
  for (const odd of ["", ".", "1.", "0.x", "-1.x", "1e3.x"])
    assert.equal(tokens.verify(odd, "orch-1"), undefined);
});

test("the attempt cannot be moved into the run id", () => {
  assert.notEqual(tokens.tokenFor("orch-1\n1", 2), tokens.tokenFor("orch-1", 1));
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.integer({ min: 1, max: 9999 }), (run, other, attempt) => {
      assert.equal(tokens.verify(tokens.tokenFor(run, attempt), other), run === other ? attempt : undefined);
    }),
  );
});
