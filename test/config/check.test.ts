import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { checkConfig } from "../../src/config/check.ts";
import { configFolder, spoken } from "./folder.ts";

const AWAY = "what lies in a handoff folder is taken for a handoff and moved away";

const rest = {
  "agents.yaml": "agents: { solo: { port: 18800, channel: lab } }",
  "acl.yaml": "preset: default",
};

test("a handoff folder that cannot be made is a warning with what to do", (t) => {
  const { root, place, write } = configFolder(t, { ...rest, "channels.yaml": "" });
  // A file where a folder would have to be: not even root can make one below it.
  writeFileSync(join(root, "taken"), "");
  write("hq.yaml", `handoffs: { dir: ${join(root, "taken", "handoffs")} }\n`);
  const checked = checkConfig(place);
  assert.ok(checked.ok);
  assert.deepEqual(checked.warnings.map(spoken), [
    `hq.yaml handoffs.dir: ${join(root, "taken", "handoffs")} cannot be written (name another folder, or make it yours (chown, chmod))`,
  ]);
});

test("no handoffs lie where the ledger, the configuration, the program or the logs do: they would be moved away", (t) => {
  const { root, place, write } = configFolder(t, rest);
  mkdirSync(place.home);
  symlinkSync(place.home, join(root, "link"));
  const said = (hq: string, agent = "") => {
    write("hq.yaml", hq);
    write("agents.yaml", `agents: { solo: { port: 18800${agent} } }`);
    const checked = checkConfig(place);
    return checked.ok ? [] : checked.problems.map(spoken);
  };
  const own = (what: string) => [`hq.yaml:1:18 handoffs.dir: is ${what}: ${AWAY} (name a folder of its own)`];
  assert.deepEqual(said("handoffs: { dir: .hq }\n"), own("HQ_HOME"));
  assert.deepEqual(said("handoffs: { dir: link }\n"), own("HQ_HOME"));
  assert.deepEqual(said("handoffs: { dir: .hq/logs }\n"), own("the folder of the logs in HQ_HOME"));
  assert.deepEqual(said("handoffs: { dir: config }\n"), own("the folder of the configuration"));
  assert.deepEqual(said("handoffs: { dir: . }\n"), own("the installation"));
  assert.deepEqual(said("", ", handoff_dir: .hq"), [
    `agents.yaml:1:45 agents.solo.handoff_dir: is HQ_HOME: ${AWAY} (name a folder of its own)`,
  ]);
  const named = (place: string, setting: string) => [
    `hq.yaml:${place} ${setting}: lies in the folder of handoffs: ${AWAY} (name another folder)`,
  ];
  assert.deepEqual(said("logs: { dir: .hq/handoffs }\n"), named("1:14", "logs.dir"));
  const log = "logs: { project_log: .hq/handoffs/sub/log.md }\n";
  assert.deepEqual(said(log), named("1:22", "logs.project_log"));
  assert.deepEqual(said("handoffs: { dir: h }\nworkflows: { dir: h/sub }\n"), named("2:19", "workflows.dir"));
  assert.deepEqual(said("handoffs: { dir: .hq/other }\n", ", handoff_dir: out"), []);
});

test("once setup has listed the channels, a name that is not among them is doubted", (t) => {
  const ids =
    "results: '123456789012345671', agent-logs: '123456789012345672', task-queue: '123456789012345673', inter-agent: '123456789012345674', ceo-office: '123456789012345675'";
  const { place } = configFolder(t, {
    ...rest,
    "hq.yaml": "",
    "channels.yaml": `ids: { ${ids} }\ncontextable: [results, '123456789012345672', gossip]\n`,
  });
  const checked = checkConfig(place);
  assert.ok(checked.ok);
  const advice = "(make the channel, mend the name, or run hq setup again)";
  assert.deepEqual(checked.warnings.map(spoken), [
    `agents.yaml agents.solo.channel: #lab is not among the channels that setup found ${advice}`,
    `channels.yaml contextable.2: #gossip is not among the channels that setup found ${advice}`,
  ]);
});
