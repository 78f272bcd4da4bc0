import assert from "node:assert/strict";
import test from "node:test";
import { loaded, refused, spoken } from "./folder.ts";

test("an unknown agent in the matrix, in never or in people is an error with what was meant", (t) => {
  assert.deepEqual(
    refused(t, {
      "acl.yaml":
        "matrix:\n  manger: ['*']\n  tech-lead: [websetr]\nnever: [manager, boss]\npeople:\n  roles:\n    - role: Lab\n      as: auditer\n",
    }),
    [
      'acl.yaml:2:3 matrix.manger: there is no agent "manger" in agents.yaml (did you mean "manager"?)',
      'acl.yaml:3:15 matrix.tech-lead.0: there is no agent "websetr" in agents.yaml (did you mean "webster"?)',
      'acl.yaml:4:18 never.1: there is no agent "boss" in agents.yaml (there are: manager, tech-lead, secretary, auditor, optimizer, study-builder, nx-expert, webster)',
      'acl.yaml:8:11 people.roles.0.as: there is no agent "auditer" in agents.yaml (did you mean "auditor"?)',
    ],
  );
});

test("a preset and rows of one's own are never mixed", (t) => {
  assert.deepEqual(refused(t, { "acl.yaml": "preset: default\nmatrix:\n  manager: ['*']\n" }), [
    "acl.yaml:1:1 preset: preset and matrix are both given (keep one of them: presets are never mixed with rows of your own)",
  ]);
});

test("the preset hooks-protocol is the older table", (t) => {
  const { acl } = loaded(t, { "acl.yaml": "preset: hooks-protocol\n" }).config;
  assert.deepEqual(acl, {
    name: "hooks-protocol",
    matrix: { manager: ["*"], "tech-lead": ["*"] },
    never: ["manager"],
  });
});

test("aliases in rows become ids, and one agent has one row", (t) => {
  const { acl } = loaded(t, { "acl.yaml": "matrix:\n  technical-lead: [webster]\n" }).config;
  assert.deepEqual(acl, { name: "own", matrix: { "tech-lead": ["webster"] }, never: ["manager"] });
  assert.deepEqual(
    refused(t, { "acl.yaml": "matrix:\n  tech-lead: [webster]\n  technical-lead: [auditor]\n" }),
    ["acl.yaml:3:3 matrix.technical-lead: is the same agent as tech-lead"],
  );
});

test("standing for an agent means to delegate as it and to read, unless rights are named", (t) => {
  const { people } = loaded(t, {
    "acl.yaml":
      "people:\n  roles:\n    - { role: Lab, as: technical-lead }\n    - { role: Guests, rights: [read] }\n  users:\n    - { user: 123456789012345678, as: manager, rights: [delegate, operate] }\n",
  }).config;
  assert.deepEqual(people, {
    roles: [
      { role: "Lab", as: "tech-lead", rights: ["delegate", "read"] },
      { role: "Guests", rights: ["read"] },
    ],
    users: [{ user: "123456789012345678", as: "manager", rights: ["delegate", "operate"] }],
  });
});

test("entries that give nobody anything are allowed with a warning", (t) => {
  const { warnings } = loaded(t, {
    "hq.yaml": "",
    "agents.yaml": "agents: { auditor: { port: 18812 } }",
    "channels.yaml": "",
    "acl.yaml":
      "people:\n  roles:\n    - { role: Empty }\n    - { role: Nobody, rights: [delegate] }\n    - { role: Mute, as: auditor, rights: [read] }\n",
  });
  assert.deepEqual(warnings.map(spoken), [
    "acl.yaml:3:7 people.roles.0: gives no rights (add as: <agent>, rights: [delegate, any-agent], or take it away)",
    "acl.yaml:4:7 people.roles.1: may delegate, yet to nobody (add as: <agent> for an agent's row, or the right any-agent)",
    "acl.yaml:5:7 people.roles.2: stands for auditor without the right to delegate (add delegate to its rights)",
  ]);
});

test("people listed twice, unknown rights and names instead of ids are refused", (t) => {
  assert.deepEqual(
    refused(t, {
      "acl.yaml":
        "people:\n  roles:\n    - { role: Lab, as: auditor }\n    - { role: Lab, rights: [opperate] }\n",
    }),
    [
      'acl.yaml:4:29 people.roles.1.rights.0: must be one of delegate, any-agent, operate, read (did you mean "operate"?)',
    ],
  );
  assert.deepEqual(
    refused(t, {
      "acl.yaml":
        "people:\n  users:\n    - { user: 123456789012345678, as: auditor }\n    - { user: 123456789012345678, as: manager }\n",
    }),
    ['acl.yaml:4:7 people.users.1: "123456789012345678" is listed twice (one entry each)'],
  );
});

test("rules for verbs know agents by any of their words, and leave the others as they were", (t) => {
  const { acl } = loaded(t, {
    "acl.yaml":
      "preset: hooks-protocol\nverbs:\n  delegate: [technical-lead, H, 'role:lab']\n  stop: [operate, 'user:123456789012345678']\n  clear: [operator]\npeople:\n  roles:\n    - { role: Lab, as: auditor }\n",
  }).config;
  assert.deepEqual(acl.verbs, {
    delegate: ["tech-lead", "webster", "role:lab"],
    clear: ["operator"],
    stop: ["operate", "user:123456789012345678"],
  });
  assert.equal(loaded(t, { "acl.yaml": "preset: default\n" }).config.acl.verbs, undefined);
});

test("unknown verbs, rights, agents, roles and users in a rule are refused with place and what was meant", (t) => {
  assert.deepEqual(refused(t, { "acl.yaml": "verbs:\n  aprove: [people]\n  cancel: [operate]\n" }), [
    'acl.yaml:2:3 verbs.aprove: unknown key "aprove" (did you mean "approve"?)',
  ]);
  assert.deepEqual(
    refused(t, {
      "acl.yaml":
        "verbs:\n  cancel: [asker, opperate]\n  delegate:\n    - websetr\n    - role:Labb\n    - Lab\n    - user:ada\npeople:\n  roles:\n    - { role: Lab, as: auditor }\n",
    }),
    [
      'acl.yaml:2:19 verbs.cancel.1: "opperate" is no right, agent or group (did you mean "operate"?)',
      'acl.yaml:4:7 verbs.delegate.0: "websetr" is no right, agent or group (did you mean "webster"?)',
      'acl.yaml:5:7 verbs.delegate.1: there is no role "Labb" under people.roles (did you mean "Lab"?)',
      'acl.yaml:6:7 verbs.delegate.2: "Lab" is a role (write role:Lab)',
      "acl.yaml:7:7 verbs.delegate.3: a user is an id of 17 to 20 digits (write user:<id>)",
    ],
  );
});

test("no rule gives agents what is for people, and asker stands only where somebody asked", (t) => {
  const people = "(write people, a right, role:<name> or user:<id>)";
  assert.deepEqual(
    refused(t, {
      "acl.yaml": "verbs:\n  approve: [everyone]\n  drain: [manager, agents]\n  stop: [asker]\n",
    }),
    [
      `acl.yaml:2:13 verbs.approve.0: agents never approve, whatever is written here ${people}`,
      `acl.yaml:3:11 verbs.drain.0: agents never drain, whatever is written here ${people}`,
      `acl.yaml:3:20 verbs.drain.1: agents never drain, whatever is written here ${people}`,
      "acl.yaml:4:10 verbs.stop.0: stop is not done to work that somebody asked for (leave it out)",
    ],
  );
});
