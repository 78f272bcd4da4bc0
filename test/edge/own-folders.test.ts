import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { TREE } from "../../src/domain/playbook/decision-tree.ts";
import { makeFolder } from "../../src/handoffs/make-folder.ts";
import { createRunFiles } from "../../src/handoffs/run-files.ts";
import { createUploadFiles } from "../../src/handoffs/upload-files.ts";
import { createJournal } from "../../src/telemetry/journal.ts";
import { until } from "../handoffs/inbox-fixture.ts";
import { cleanEnv, temporaryFolder } from "../support/supervisor.ts";
import { needing } from "../support/tools.ts";
import { INSTALLATION } from "./cli-harness.ts";
import { runHq } from "./cli-process.ts";
import { startFor } from "./discord-person.ts";

/** A file system of the kernel: it takes no files, and says of a new folder that the one above it is not there. */
const KERNEL = "/proc";
const NOWHERE = "/proc/hq-of-a-test/logs";

function placeFor(t: TestContext) {
  const folder = temporaryFolder("hq-folders-");
  t.after(folder.remove);
  const config = join(folder.path, "config");
  mkdirSync(config);
  const file = join(folder.path, "file");
  writeFileSync(file, "");
  const env = { HQ_HOME: join(folder.path, "home"), HQ_CONFIG: config, HQ_PORT: "0", HQ_GUILD_PORT: "0" };
  const hqYaml = join(config, "hq.yaml");
  return { folder: folder.path, file, env, hqYaml, set: (text: string) => writeFileSync(hqYaml, text) };
}

const yamlOf = (setting: string, path: string) =>
  `${setting.replace(".", ": { ")}: ${JSON.stringify(path)} }\n`;

/** What `--json` says last, after its warnings. */
const refusalIn = (stderr: string): { message: string; hint: string } =>
  JSON.parse(stderr.trimEnd().split("\n").at(-1) ?? "");

test("a start into a place where nothing can be written is refused with the setting, the place and what to do", {
  timeout: 120_000,
}, async (t) => {
  const { folder, file, env, hqYaml, set } = placeFor(t);
  const places = [KERNEL, NOWHERE, join(file, "below")];
  const cases = [
    ...["handoffs.dir", "logs.dir"].flatMap((setting) =>
      places.map((place) => [setting, place, place] as const),
    ),
    ["logs.project_log", join(NOWHERE, "log.md"), NOWHERE] as const,
    ["logs.project_log", folder, folder] as const,
  ];
  for (const [setting, path, place] of cases) {
    set(yamlOf(setting, path));
    const { code, out, err } = await runHq(t, ["start", "--json"], { env, cwd: folder });
    assert.equal(`${code} ${out}`, "2 ", `${setting}: ${path}: ${err}`);
    const { message, hint } = refusalIn(err);
    assert.match(message, new RegExp(`^${place} cannot be (made|written)`), setting);
    assert.equal(
      hint,
      `${setting} in ${hqYaml} says so: name another place there, or make this one writable for this user.`,
    );
  }
  assert.ok(!existsSync(join(env.HQ_HOME, "ledger.db")), "nothing has begun");
});

test("a start that would take its own ledger for a handoff is refused, and a change to that is not taken", async (t) => {
  const { folder, env, hqYaml, set } = placeFor(t);
  const home = env.HQ_HOME;
  const theirs = { HQ_CONFIG: env.HQ_CONFIG };
  const supervisor = await startFor(t, home, theirs);
  set(yamlOf("handoffs.dir", home));
  const log = join(home, "logs", "supervisor.log");
  await until(() => /is not valid; the last good one stays/.test(readFileSync(log, "utf8")), "the refusal");
  await supervisor.stop();
  const { code, err } = await runHq(t, ["start", "--json"], { env, cwd: folder });
  assert.equal(code, 2, err);
  assert.ok(refusalIn(err).hint.startsWith(`${hqYaml}:1:18 handoffs.dir: is HQ_HOME: `), err);
  assert.ok(existsSync(join(home, "ledger.db")) && !existsSync(join(home, "rejected")));
});

test(
  "where the system takes no more watches, a change of the configuration is seen all the same",
  needing("unshare", async (t) => {
    const { env, set } = placeFor(t);
    set("logs: { level: info }\n");
    const script = `echo 0 > /proc/sys/user/max_inotify_watches && exec "$0" "$1" start`;
    const args = ["-rm", "sh", "-c", script, process.execPath, join(INSTALLATION, "bin/hq.js")];
    const child = spawn("unshare", args, { env: cleanEnv(env), stdio: "ignore" });
    const exited = once(child, "exit");
    t.after(() => child.kill("SIGKILL"));
    const log = join(env.HQ_HOME, "logs", "supervisor.log");
    const says = (words: string) => existsSync(log) && readFileSync(log, "utf8").includes(words);
    await until(() => existsSync(join(env.HQ_HOME, "run.json")), "the start");
    await until(
      () => says("config cannot be watched, and is looked at every 2 s instead: ENOSPC"),
      "the word of it",
    );
    set("logs: { level: debug }\n");
    await until(() => says("the configuration was read again"), "the change");
    child.kill("SIGTERM");
    assert.deepEqual(await exited, [0, null]);
  }),
);

test(
  "a folder that is mounted for reading alone is refused by the start too",
  needing("unshare", async (t) => {
    const { folder, env, set } = placeFor(t);
    const fixed = join(folder, "fixed");
    mkdirSync(fixed);
    const script = `mount -t tmpfs -o ro tmpfs "$1" && exec "$2" "$3" start --json`;
    const args = ["-rm", "sh", "-c", script, "sh", fixed, process.execPath, join(INSTALLATION, "bin/hq.js")];
    for (const [setting, path] of [
      ["handoffs.dir", fixed],
      ["logs.dir", join(fixed, "logs")],
    ] as const) {
      set(yamlOf(setting, path));
      const said = spawnSync("unshare", args, { encoding: "utf8", env: cleanEnv(env), timeout: 60_000 });
      assert.equal(`${said.status} ${said.stdout}`, "2 ", said.stderr);
      const { message, hint } = refusalIn(said.stderr);
      assert.equal(message, `${path} cannot be written (EROFS).`);
      assert.match(hint, new RegExp(`^${setting} in `));
    }
  }),
);

test("a start leaves nothing of its trial in the folders", async (t) => {
  const { folder, env, set } = placeFor(t);
  const logs = join(folder, "logs");
  set(yamlOf("logs.dir", logs));
  const supervisor = await startFor(t, env.HQ_HOME, env);
  assert.deepEqual(readdirSync(logs), []);
  assert.deepEqual(readdirSync(join(env.HQ_HOME, "handoffs")).sort(), [".sample-agents", "sub"]);
  await supervisor.stop();
});

test("what is named while it runs and takes no folders is an error of what needs it, and does not stand still", {
  timeout: 20_000,
}, async () => {
  const journal = createJournal(() => ({ dir: NOWHERE, projectLog: join(NOWHERE, "log.md") }), makeFolder);
  const files = createUploadFiles(() => NOWHERE);
  const words = /cannot be made: \/proc takes no new folders/;
  await assert.rejects(journal.append({ file: "project", line: "x" }, false), words);
  await assert.rejects(journal.append({ file: "attempts", line: "x" }, false), words);
  await assert.rejects(createRunFiles(() => NOWHERE).write("wf-1", "a", {}), words);
  await assert.rejects(
    files.take({ run: "orch-1", attempt: 1, name: "a.csv" }, (async function* () {})(), 1),
    words,
  );
});

test("commands that make folders refuse such a place too", { timeout: 60_000 }, async (t) => {
  const { folder, env, set } = placeFor(t);
  set(`cluster: { dir: ${NOWHERE} }\n`);
  const answers = join(folder, "answers.json");
  const said = Object.fromEntries(TREE.map(({ key }) => [key, false]));
  writeFileSync(answers, JSON.stringify({ ...said, goal: "Find the CTE", by: "H" }));
  for (const argv of [
    ["cluster", "init"],
    ["plan", "--answers", answers, "--out", join(NOWHERE, "plan.yaml")],
  ]) {
    const { code, err } = await runHq(t, argv, { env, cwd: folder });
    assert.match(`${code} ${err}`, /^2 [^]*cannot be made: \/proc takes no new folders/m, argv.join(" "));
  }
});
