import assert from "node:assert/strict";
import test from "node:test";
import { loaded, refused, spoken } from "./folder.ts";

const agents = (lines: readonly string[]) => ({
  "agents.yaml": `agents:\n${lines.map((line) => `  ${line}\n`).join("")}`,
});

test("ports closer than 4 on one host are refused, with the next one that is free", (t) => {
  assert.deepEqual(
    refused(t, agents(["one: { port: 18800 }", "two: { port: 18803 }", "three: { port: 18803 }"])),
    [
      "agents.yaml:3:16 agents.two.port: port 18803 is 3 from one's 18800, and a gateway also uses its port + 2 and + 3 (ports on one host are at least 4 apart: use 18804 or more)",
      "agents.yaml:4:18 agents.three.port: port 18803 is two's (ports on one host are at least 4 apart: use 18807 or more)",
    ],
  );
});

test("ports 4 apart, on other hosts, or of a gateway without browser ports are fine", (t) => {
  loaded(
    t,
    agents([
      "one: { port: 18800 }",
      "two: { port: 18804 }",
      "far: { url: 'https://10.0.0.9:18801' }",
      "plain: { port: 18900, browser_ports: false }",
      "next: { port: 18901 }",
    ]),
  );
});

test("writable needs a workspace to write in", (t) => {
  assert.deepEqual(
    refused(t, agents(["one: { port: 18800, writable: true }", "two: { port: 18804, writable: false }"])),
    [
      "agents.yaml:2:33 agents.one.writable: there is no workspace to write in (add workspace, or take writable out)",
    ],
  );
  const { registry } = loaded(t, agents(["one: { port: 18800, workspace: /w, writable: true }"])).config;
  assert.equal(registry.find("one")?.writable, true);
});

test("localhost, 127.0.0.1 and ::1 are one host", (t) => {
  const problems = refused(
    t,
    agents([
      "one: { url: 'http://localhost:18800' }",
      "two: { port: 18801 }",
      "three: { url: 'http://[::1]:18806' }",
      "four: { port: 18808 }",
    ]),
  );
  assert.match(problems.join("\n"), /agents\.two\.port: port 18801 is 1 from one's 18800/);
  assert.match(problems.join("\n"), /agents\.four\.port: port 18808 is 2 from three's 18806/);
});

test("an address is http or https, ends after the port, and is given once", (t) => {
  assert.deepEqual(
    refused(
      t,
      agents([
        "one: { url: 'ftp://127.0.0.1:18800' }",
        "two: { url: 'http://127.0.0.1:18804/hooks' }",
        "three: { url: 'http://127.0.0.1:18808', port: 18808 }",
        "four: {}",
        "five: { url: nowhere }",
      ]),
    ),
    [
      "agents.yaml:2:15 agents.one.url: ftp:// is not spoken here (use http:// or https://)",
      "agents.yaml:3:15 agents.two.url: must end after the port (put the path into hooks_path)",
      "agents.yaml:4:17 agents.three.url: port and url say the same thing twice (keep one of them)",
      "agents.yaml:5:3 agents.four: has no address (add port or url)",
      "agents.yaml:6:16 agents.five.url: is not an address (write http://127.0.0.1:18800)",
    ],
  );
});

test("each word names one agent, whatever its case, and says never who asks", (t) => {
  assert.deepEqual(
    refused(
      t,
      agents([
        "lead: { port: 100, aliases: [boss, Helper] }",
        "helper: { port: 200, letter: A, aliases: [BOSS, a] }",
        "operator: { port: 300 }",
        "x: { port: 400, aliases: [Person, System], letter: A }",
      ]),
    ),
    [
      `agents.yaml:2:38 agents.lead.aliases.1: "Helper" already means helper (each word names one agent, once)`,
      `agents.yaml:3:32 agents.helper.letter: "A" names helper already (each word names one agent, once)`,
      `agents.yaml:3:45 agents.helper.aliases.0: "BOSS" already means lead (each word names one agent, once)`,
      `agents.yaml:4:3 agents.operator: "operator" is reserved: it says who asks (choose another word)`,
      `agents.yaml:5:29 agents.x.aliases.0: "Person" is reserved: it says who asks (choose another word)`,
      `agents.yaml:5:37 agents.x.aliases.1: "System" is reserved: it says who asks (choose another word)`,
      `agents.yaml:5:54 agents.x.letter: "A" already means helper (each word names one agent, once)`,
    ],
  );
});

test("one wrong agent does not hide what is wrong between the others", (t) => {
  const problems = refused(t, {
    ...agents(["one: { port: 18800 }", "two: { port: 18801 }", "three: { prot: 18808 }"]),
    "acl.yaml": "matrix:\n  one: [three, tow]\n",
  });
  assert.deepEqual(problems, [
    "agents.yaml:3:16 agents.two.port: port 18801 is 1 from one's 18800, and a gateway also uses its port + 2 and + 3 (ports on one host are at least 4 apart: use 18804 or more)",
    'agents.yaml:4:12 agents.three.prot: unknown key "prot" (did you mean "port"?)',
    'acl.yaml:2:16 matrix.one.1: there is no agent "tow" in agents.yaml (did you mean "two"?)',
  ]);
});

test("defaults hold for agents that say nothing else, and a new agent needs only a port", (t) => {
  const { config } = loaded(t, {
    "agents.yaml":
      "defaults: { token_env: SHARED_TOKEN, hooks_path: /hooks/delegate, concurrency: 3 }\nagents:\n  post-processor: { port: 18832 }\n  it: { port: 18836, token_env: IT_TOKEN, hooks_path: /hooks/agent, concurrency: 1, handoff_via: rest }\n",
  });
  const card = config.registry.find("post-processor");
  assert.deepEqual(card, {
    id: "post-processor",
    name: "Post Processor",
    aliases: [],
    url: "http://127.0.0.1:18832",
    hooksPath: "/hooks/delegate",
    tokenEnv: "SHARED_TOKEN",
    capabilities: [],
    skills: [],
    role: "You are Post Processor.",
    handoffVia: "file",
    concurrency: 3,
    sample: false,
  });
  const it = config.registry.find("IT");
  assert.equal(it?.tokenEnv, "IT_TOKEN");
  assert.equal(it?.concurrency, 1);
  assert.equal(it?.handoffVia, "rest");
});

test("without tech-lead among the agents, the default people lose the role that stands for it", (t) => {
  const { config, warnings } = loaded(t, agents(["solo: { port: 18800 }"]));
  assert.deepEqual(
    config.people.roles.map(({ role }) => role),
    ["Operators"],
  );
  assert.ok(warnings.map(spoken).includes("acl.yaml : is not there: its defaults hold"));
});
