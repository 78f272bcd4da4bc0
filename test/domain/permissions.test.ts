import assert from "node:assert/strict";
import test from "node:test";
import type { Actor, Right } from "../../src/domain/actor.ts";
import {
  type About,
  mayDo,
  VERB_FACTS,
  VERBS,
  type Verb,
  type VerbRules,
} from "../../src/domain/permissions.ts";

const person = (more: Partial<Extract<Actor, { kind: "person" }>> = {}): Actor => ({
  kind: "person",
  id: "123456789012345678",
  name: "ada",
  rights: [],
  ...more,
});
const withRight = (right: Right) => person({ rights: [right] });
const AGENT: Actor = { kind: "agent", id: "webster" };
const BOUND: Actor = { ...AGENT, run: "orch-1" };
const own = (asker: Actor): About => ({ id: "orch-2", asker });
const may = (actor: Actor, verb: Verb, verbs?: VerbRules, about?: About) =>
  mayDo(verbs ? { verbs } : {}, actor, verb, about).allowed;

test("without rules everything is as it always was", () => {
  const asked = own({ kind: "operator" });
  const row = (actor: Actor) =>
    VERBS.filter((verb) => may(actor, verb, undefined, VERB_FACTS[verb].owned ? asked : undefined));
  const open = ["delegate", "workflow", "submit", "context"];
  assert.deepEqual(row({ kind: "operator" }), [...VERBS]);
  assert.deepEqual(row({ kind: "system", id: "engine" }), [...VERBS]);
  assert.deepEqual(row(person()), [...open, "approve"]);
  assert.deepEqual(row(withRight("operate")), [
    ...open,
    "cancel",
    "retry",
    "override",
    "approve",
    "drain",
    "stop",
    "batch",
  ]);
  assert.deepEqual(row(AGENT), open);
  assert.deepEqual(row(BOUND), ["delegate", "context"]);
});

test("whoever asked for something may end it and try it again; agents override nothing, not even their own", () => {
  for (const actor of [person(), AGENT]) {
    for (const verb of ["cancel", "retry"] as const)
      assert.equal(may(actor, verb, undefined, own(actor)), true);
    assert.equal(may(actor, "override", undefined, own(actor)), actor.kind === "person");
  }
  assert.equal(may(person(), "cancel", undefined, own(person({ id: "1" }))), false);
  assert.equal(may(person({ id: "webster" }), "cancel", undefined, own(AGENT)), false, "nobody of that name");
});

test("a run's token reaches what that run began, an agent's own token all that the agent asked for", () => {
  const other: Actor = { ...AGENT, run: "orch-9" };
  assert.equal(may(BOUND, "cancel", undefined, own(BOUND)), true);
  assert.equal(may(BOUND, "cancel", undefined, own(other)), false);
  assert.equal(may(BOUND, "cancel", undefined, own(AGENT)), false);
  assert.equal(may(AGENT, "cancel", undefined, own(BOUND)), true);
});

test("no rule lets an agent decide, override, drain, clear or stop", () => {
  const all: VerbRules = Object.fromEntries(VERBS.map((verb) => [verb, ["everyone", "agents", "webster"]]));
  for (const verb of ["approve", "override", "drain", "clear", "stop"] as const) {
    const answer = mayDo({ verbs: all }, AGENT, verb, own(AGENT));
    assert.equal(answer.allowed, false, verb);
    assert.match(answer.text, /agents never do/);
    assert.equal(answer.rule, `agents never ${verb}`);
  }
});

test("no rule lets a run's token do more than delegate, read and cancel", () => {
  const all: VerbRules = Object.fromEntries(VERBS.map((verb) => [verb, ["everyone"]]));
  const allowed = VERBS.filter((verb) => may(BOUND, verb, all, own(BOUND)));
  assert.deepEqual(allowed, ["delegate", "context", "cancel"]);
  assert.equal(mayDo({}, BOUND, "workflow").rule, "a run's token");
});

test("a rule names rights, agents, roles, users and groups, and nobody else gets through", () => {
  const leads = person({ roles: [{ id: "77", name: "Leads" }] });
  const cases: readonly (readonly [word: string, actor: Actor, allowed: boolean])[] = [
    ["operate", withRight("operate"), true],
    ["operate", withRight("delegate"), false],
    ["role:leads", leads, true],
    ["role:@Leads", leads, true],
    ["role:77", leads, true],
    ["role:Others", leads, false],
    ["user:123456789012345678", person(), true],
    ["user:123456789012345679", person(), false],
    ["people", person(), true],
    ["people", AGENT, false],
    ["agents", AGENT, true],
    ["agents", person(), false],
    ["webster", AGENT, true],
    ["webster", person({ as: "webster" }), true],
    ["manager", AGENT, false],
    ["operator", person({ rights: ["operate"] }), false],
  ];
  for (const [word, actor, allowed] of cases)
    assert.equal(may(actor, "delegate", { delegate: [word] }), allowed, `${word} ${JSON.stringify(actor)}`);
});

test("an operator who asks in an agent's name is bound by that agent's rule where the name counts", () => {
  const claimed: Actor = { kind: "operator", claims: "webster" };
  assert.equal(may(claimed, "delegate", { delegate: ["manager"] }), false);
  assert.equal(may({ kind: "operator" }, "delegate", { delegate: ["manager"] }), true);
  assert.equal(may(claimed, "stop"), true);
});

test("a refusal names the rule and who can", () => {
  const stop = mayDo({}, person(), "stop");
  assert.equal(stop.text, "@ada may not stop everything.");
  assert.equal(
    stop.hint,
    "An operator or a person with the right `operate` can. Rule: verbs.stop: operate (default).",
  );
  const rules = { verbs: { cancel: ["asker", "role:Leads"] } };
  const cancel = mayDo(rules, AGENT, "cancel", own(person()));
  assert.equal(cancel.text, "orch-2 was asked by somebody else.");
  assert.equal(
    cancel.hint,
    "Its asker, an operator, or @Leads can cancel it. Rule: verbs.cancel: asker, role:Leads.",
  );
  const clear = mayDo({}, person(), "clear");
  assert.equal(clear.hint, "An operator can. Rule: verbs.clear: the operator alone (default).");
});

test("asked in general, what is one's own counts, and says so", () => {
  assert.equal(
    mayDo({}, AGENT, "cancel").text,
    "agent webster may cancel work that they asked for (verbs.cancel: asker, operate (default)).",
  );
});
