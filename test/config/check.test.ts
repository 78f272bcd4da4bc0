import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { checkConfig } from "../../src/config/check.ts";
import { configFolder, spoken } from "./folder.ts";

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
