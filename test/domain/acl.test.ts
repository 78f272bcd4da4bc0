import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { loadConfig } from "../../src/config/load.ts";
import { type Acl, aclTable, HOOKS_PROTOCOL_ACL, mayAsk, mayDelegate } from "../../src/domain/acl.ts";
import { MATRICES } from "../support/matrices.ts";

const loaded = loadConfig({
  dir: join(import.meta.dirname, "..", "..", "config"),
  installation: "/installation",
  home: "/home/hq",
  env: {},
});
assert.ok(loaded.ok);
const { acl, registry } = loaded.config;

function drawn(matrix: Acl): string {
  const marks = aclTable(matrix, registry).map(({ allowed }) => (allowed ? "x" : "."));
  return registry.agents
    .map(({ id }, row) => `${marks.slice(row * 8, row * 8 + 8).join("")} ${id}`)
    .join("\n");
}

test("all 64 pairs of the shipped matrix", () => {
  assert.equal(drawn(acl), MATRICES.default.join("\n"));
});

test("all 64 pairs of the preset hooks-protocol", () => {
  assert.equal(drawn(HOOKS_PROTOCOL_ACL), MATRICES["hooks-protocol"].join("\n"));
});

test("a refusal says who, whom, which rule, and whom to ask instead", () => {
  const cases = [
    ["webster", "secretary", "no row for webster", " Ask manager or tech-lead to delegate it."],
    [
      "tech-lead",
      "auditor",
      "matrix default: tech-lead → webster, nx-expert, study-builder, secretary",
      " Ask manager to delegate it.",
    ],
    [
      "optimizer",
      "nx-expert",
      "matrix default: optimizer → webster, study-builder, secretary",
      " Ask manager or tech-lead to delegate it.",
    ],
    ["manager", "manager", "self", ""],
    ["tech-lead", "manager", "never: manager", ""],
  ] as const;
  for (const [caller, target, rule, advice] of cases) {
    const answer = mayDelegate(acl, caller, target);
    assert.equal(answer.allowed, false);
    assert.equal(answer.rule, rule);
    assert.match(answer.text, new RegExp(`^${caller} may not delegate to ${target}: [^.]*\\.${advice}$`));
  }
});

test("the alias technical-lead is tech-lead as caller and as target", () => {
  const lead = registry.find("technical-lead")?.id ?? "";
  assert.equal(mayDelegate(acl, lead, "webster").allowed, true);
  assert.equal(mayDelegate(acl, lead, "tech-lead").rule, "self");
  assert.equal(mayDelegate(acl, "manager", lead).allowed, true);
});

test("an unknown agent is nobody: no card, no row", () => {
  assert.equal(registry.find("mario"), undefined);
  assert.equal(mayDelegate(acl, "mario", "webster").allowed, false);
});

test("a row of names does not let anyone else through, and a star never oneself", () => {
  const own: Acl = { name: "own", matrix: { a: ["*"], b: ["c"] }, never: [] };
  assert.deepEqual(
    ["a", "b", "c"].map((caller) =>
      ["a", "b", "c"].map((target) => mayDelegate(own, caller, target).allowed),
    ),
    [
      [false, true, true],
      [false, false, true],
      [false, false, false],
    ],
  );
});

test("the operator is free, and bound by the row of the agent that is claimed", () => {
  assert.equal(mayAsk(acl, { kind: "operator" }, "manager").allowed, true);
  assert.equal(mayAsk(acl, { kind: "operator", claims: "tech-lead" }, "webster").allowed, true);
  assert.equal(mayAsk(acl, { kind: "operator", claims: "tech-lead" }, "auditor").allowed, false);
});

test("an agent is bound by its own row", () => {
  assert.equal(mayAsk(acl, { kind: "agent", id: "optimizer" }, "webster").allowed, true);
  assert.equal(mayAsk(acl, { kind: "agent", id: "webster" }, "optimizer").allowed, false);
});
