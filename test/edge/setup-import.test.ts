import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { addHandledTasks, readHandledTasks } from "../../src/app/handled-tasks.ts";
import { readImport } from "../../src/cli/setup/read-import.ts";
import { readEnvFile } from "../../src/config/env-file.ts";
import { loadConfig } from "../../src/config/load.ts";
import { GUILD_ID } from "../../src/local/local-guild.ts";
import { temporaryFolder } from "./cli-harness.ts";
import { channels, discordWith, newInstallation, TOKEN } from "./setup-fixture.ts";

const OLD_CHANNEL = "1471864000000000001";

test("an older installation is taken over: token, guild, channels by id, settings, and what it had claimed", async (t) => {
  // The guild calls its channels what it likes: the old file knew them by id.
  const guild = await discordWith(
    t,
    channels((channel) => (channel.name === "results" ? { ...channel, name: "ergebnisse" } : channel)),
  );
  const old = temporaryFolder(t);
  mkdirSync(join(old, ".runtime"));
  writeFileSync(
    join(old, ".runtime", "assigned-tasks.txt"),
    "1471864000000000101\n1471864000000000102 agent-1770000000-123\n\n1471864000000000101\nnot an id\n",
  );
  writeFileSync(
    join(old, "discord-config.env"),
    [
      "#!/bin/bash",
      `export CHIP_TOKEN="${TOKEN}"`,
      `TASK_QUEUE_CHANNEL="${guild.inspect.channelId("task-queue")}"`,
      `RESULTS_CHANNEL='${guild.inspect.channelId("ergebnisse")}' # where results go`,
      `WORKER_POOL_CHANNEL="${OLD_CHANNEL}"`,
      `GUILD_ID="${GUILD_ID}"`,
      'ORCHESTRATOR_CHANNEL="1471864000000000009"',
      'WORKER1_TOKEN="secret-of-worker-1"',
      "TIMEOUT=90",
      "SUMMARY_MAX_LENGTH=1500",
      'OPENCLAW_BIN="$HOME/bin/openclaw"',
      "",
    ].join("\n"),
  );
  const { root, run } = newInstallation(t);
  const file = join(old, "discord-config.env");
  const { code, out, err } = await run(["setup", "--yes", "--import", file], { DISCORD_API: guild.restApi });
  assert.equal(code, 0, `${err}\n${out}`);
  assert.deepEqual(readEnvFile(join(root, ".env")), {
    TIMEOUT: "90",
    SUMMARY_MAX_LENGTH: "1500",
    DISCORD_TOKEN: TOKEN,
    GUILD_ID,
    DISCORD_API: guild.restApi,
  });
  const env = readEnvFile(join(root, ".env"));
  const loaded = loadConfig({ dir: join(root, "config"), installation: root, home: join(root, ".hq"), env });
  assert.ok(loaded.ok);
  const { settings } = loaded.config;
  assert.equal(settings.channels.roles.results, "ergebnisse");
  assert.equal(settings.channels.roles.taskQueue, "task-queue");
  assert.equal(settings.channels.roles.workerPool, "worker-pool");
  assert.equal(settings.taskQueue.worker.summaryMax, 1500);
  assert.deepEqual([...readHandledTasks(join(root, ".hq"))], ["1471864000000000101", "1471864000000000102"]);
  assert.match(err, /2 tasks of .*assigned-tasks\.txt are remembered as handled \(2 new\)/);
  assert.match(err, new RegExp(`no channel ${OLD_CHANNEL}.*workerPool`));
  assert.match(err, /ORCHESTRATOR_CHANNEL was never read/);
  assert.match(err, /WORKER1_TOKEN belonged to workers that polled/);
  assert.match(err, /OPENCLAW_BIN is a shell expression/);
  assert.doesNotMatch(`${out}${err}`, new RegExp(`${TOKEN}|secret-of-worker`));

  const again = await run(["setup", "--yes", "--import", file], { DISCORD_API: guild.restApi });
  assert.equal(again.code, 0);
  assert.match(again.err, /\(0 new\)/);
});

test("the list of claimed tasks is found above a file in bin/, and its absence is said", async (t) => {
  const old = temporaryFolder(t);
  mkdirSync(join(old, "bin"));
  const file = join(old, "bin", "discord-config.env");
  writeFileSync(
    file,
    'ORCHESTRATOR_AGENT_TOKEN="new"\nCHIP_TOKEN="old"\nGUILD_ID="17"\nRESULTS_CHANNEL=results\n',
  );
  assert.equal(readImport(file).handledFrom, undefined);
  mkdirSync(join(old, ".runtime"));
  writeFileSync(join(old, ".runtime", "assigned-tasks.txt"), "1471864000000000101\r\n1471864000000000102");
  const read = readImport(file);
  assert.deepEqual(read.handled, ["1471864000000000101", "1471864000000000102"]);
  assert.deepEqual(read.token, { token: "new", variable: "ORCHESTRATOR_AGENT_TOKEN" });
  assert.match(read.notices.join("\n"), /RESULTS_CHANNEL is "results", which is no channel's id/);
});

test("a file that is not there, or a token that Discord refuses, ends setup and writes nothing", async (t) => {
  const guild = await discordWith(t);
  const { root, run } = newInstallation(t, { "old.env": 'CHIP_TOKEN="x"\n' });
  const env = { DISCORD_API: guild.restApi };
  const none = await run(["setup", "--yes", "--import", "nowhere.env"], env);
  assert.equal(none.code, 2);
  assert.match(none.err, /nowhere\.env cannot be read \(ENOENT\)/);
  guild.faults.add({ kind: "status", path: "/users/@me", status: 401 });
  const refused = await run(["setup", "--yes", "--import", "old.env"], env);
  assert.equal(refused.code, 2);
  assert.match(refused.err, /Discord refuses the token in CHIP_TOKEN of the imported file/);
  assert.deepEqual(readEnvFile(join(root, ".env")), {});
});

test("handled tasks are kept in a file of their own, each once", (t) => {
  const home = join(temporaryFolder(t), "home");
  assert.equal(readHandledTasks(home).size, 0);
  assert.equal(addHandledTasks(home, ["1", "2", "1"]), 2);
  assert.equal(addHandledTasks(home, ["2", "3"]), 1);
  assert.equal(readFileSync(join(home, "handled-tasks.txt"), "utf8"), "1\n2\n3\n");
});
