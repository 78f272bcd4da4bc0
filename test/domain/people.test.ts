import assert from "node:assert/strict";
import test from "node:test";
import { DEFAULT_ACL, mayAsk } from "../../src/domain/acl.ts";
import { actorForPerson, type People, resolvePeople } from "../../src/domain/people.ts";

const people: People = {
  roles: [
    { role: "Operators", rights: ["delegate", "any-agent", "operate", "read"] },
    { role: "Engineering", as: "tech-lead", rights: ["delegate", "read"] },
    { role: "100000000000000003", as: "optimizer", rights: ["delegate"] },
  ],
  users: [{ user: "200000000000000001", as: "manager", rights: ["delegate"] }],
};
const ids = new Map([
  ["Operators", "100000000000000001"],
  ["Engineering", "100000000000000002"],
]);
const { people: resolved } = resolvePeople(people, (name) => ids.get(name));
const person = (roleIds: readonly string[], id = "200000000000000009") =>
  actorForPerson(resolved, { id, name: "ada", roleIds });

test("role names become ids, ids stay, and names the guild lacks are reported and give nothing", () => {
  const found = resolvePeople(people, (name) => (name === "Operators" ? ids.get(name) : undefined));
  assert.deepEqual(found.unresolved, ["Engineering"]);
  assert.deepEqual(
    found.people.byRole.map(({ roleId }) => roleId),
    ["100000000000000001", "100000000000000003"],
  );
  const actor = actorForPerson(found.people, { id: "1", name: "eve", roleIds: ["Engineering"] });
  assert.deepEqual(actor.rights, []);
});

test("someone with the operators' role may address anyone", () => {
  const actor = person(["100000000000000001"]);
  assert.deepEqual(actor, {
    kind: "person",
    id: "200000000000000009",
    name: "ada",
    rights: ["delegate", "any-agent", "operate", "read"],
  });
  assert.equal(mayAsk(DEFAULT_ACL, actor, "manager").allowed, true);
});

test("an engineer asks as tech-lead and is bound by its row", () => {
  const actor = person(["100000000000000002"]);
  assert.equal(actor.as, "tech-lead");
  assert.equal(mayAsk(DEFAULT_ACL, actor, "webster").allowed, true);
  assert.equal(mayAsk(DEFAULT_ACL, actor, "auditor").allowed, false);
});

test("rights add up, and the agent comes from the person's own entry, then from the first role in the file", () => {
  const both = person(["100000000000000003", "100000000000000002"]);
  assert.equal(both.as, "tech-lead");
  assert.deepEqual(both.rights, ["delegate", "read"]);
  const own = person(["100000000000000002"], "200000000000000001");
  assert.equal(own.as, "manager");
  assert.deepEqual(own.rights, ["delegate", "read"]);
});

test("a person without an entry is refused with the reason", () => {
  const actor = person(["100000000000000099"]);
  assert.deepEqual(actor.rights, []);
  assert.equal(actor.as, undefined);
  const answer = mayAsk(DEFAULT_ACL, actor, "webster");
  assert.equal(answer.allowed, false);
  assert.match(answer.text, /config\/acl\.yaml/);
});
