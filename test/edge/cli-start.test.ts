import assert from "node:assert/strict";
import { type StdioOptions, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { callerOf, doors } from "../faults/world.ts";
import { freePorts } from "../support/cluster.ts";
import { person, startGuild } from "../support/guild.ts";
import { cleanEnv } from "../support/supervisor.ts";
import { needing } from "../support/tools.ts";
import { INSTALLATION } from "./cli-harness.ts";
import { newRoot, refusedPort, startHq } from "./cli-process.ts";

const ANSWERS = ["single=yes", "goal=Tidy up", "by=webster"].flatMap((answer) => ["--answer", answer]);
const LOCAL = "http://127\\.0\\.0\\.1:\\d+";
const REST = `  REST: (?<api>${LOCAL})/api/v1 · stop with Ctrl-C or: npx --no hq stop\n$`;
const WATCH = [
  `  Watch the work:  (?<page>${LOCAL}/#code=[\\w-]{43})`,
  "                   \\(signs in once, within 10 minutes; another link: npx --no hq page\\)",
];

/** `npm start` without its preparation: what it says to whoever typed it, by the names in the pattern. */
async function started(t: TestContext, lines: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { root, home } = newRoot(t);
  const hq = startHq(t, ["start", "--port", "0", "--guild-port", "0"], {
    env: { HQ_HOME: home, ...env },
    cwd: root,
  });
  const pattern = new RegExp(`^${[...lines, ...WATCH, REST].join("\n")}`);
  await hq.said(/hq stop\n/);
  assert.match(hq.out(), pattern);
  const run = JSON.parse(readFileSync(join(home, "run.json"), "utf8")) as Record<string, string>;
  return { home, hq, run, said: pattern.exec(hq.out())?.groups ?? {} };
}

const statusOf = async (url: string, headers: Record<string, string> = {}) =>
  (await fetch(url, { headers })).status;

test("start says where the local guild, the page and REST are, and what to type", async (t) => {
  const { hq, run, said } = await started(t, [
    "Atomizer HQ is ready \\(local guild, sample agents\\)\\.",
    `  Open the guild:  (?<guild>${LOCAL}/)`,
    "  Then type /delegate in a channel, or in another terminal:",
    '  npx --no hq delegate webster "[^"]+"',
  ]);
  assert.deepEqual([`${run.guild}/`, run.api, run.guildKey], [said.guild, said.api, undefined]);
  assert.match(await (await fetch(said.guild ?? "")).text(), /<!doctype html>/i);
  assert.equal(await statusOf(`${said.guild}local/state`), 200);
  assert.equal(await statusOf(`${said.api}/api/v1/health/live`), 200);
  hq.child.kill("SIGINT");
  const { code, out, err } = await hq.done;
  assert.deepEqual([code, err], [0, ""]);
  assert.equal(out.split("\n").length, 8, out);
});

test("with agents that are real, the local guild asks for the key that start says and run.json keeps", async (t) => {
  const config = join(newRoot(t).root, "config");
  mkdirSync(config);
  writeFileSync(join(config, "agents.yaml"), "agents: { webster: { url: 'http://127.0.0.1:9' } }\n");
  const { home, run, said } = await started(
    t,
    [
      "Atomizer HQ is ready \\(local guild, agents from config/agents\\.yaml\\)\\.",
      `  Open the guild:  (?<guild>${LOCAL})/#key=(?<key>[\\w-]{32})`,
      "  Then type /delegate in a channel, or in another terminal:",
      '  npx --no hq delegate webster "[^"]+"',
    ],
    { HQ_CONFIG: config, HQ_AGENTS: "config", OPENCLAW_GATEWAY_TOKEN: "hooks-token" },
  );
  const { guild = "", key = "" } = said;
  assert.deepEqual([run.guild, run.guildKey], [guild, key]);
  assert.equal(await statusOf(`${guild}/`), 200);
  assert.equal(await statusOf(`${guild}/local/state`), 401);
  const refused = await person({ url: guild }).ask("POST", "/local/messages", {
    channel: "technical",
    content: "hello",
  });
  assert.equal(refused.status, 401);
  assert.match(JSON.stringify(refused.body), /Open the address that `hq start` printed/);
  assert.ok((await person({ url: guild }, "you", key).say("technical", "hello")).id);
  assert.ok(!readFileSync(join(home, "logs", "supervisor.log"), "utf8").includes(key));
});

test("with a bot's token start speaks of Discord and of no local guild", async (t) => {
  const guild = await startGuild(t);
  const { run } = await started(t, ["Atomizer HQ is ready \\(Discord\\)\\."], {
    DISCORD_TOKEN: "MTA.bot.token",
    GUILD_ID: guild.guildId,
    DISCORD_API: guild.restApi,
    HQ_AGENTS: "sample",
  });
  assert.equal(run.guild, undefined);
});

test("what the start leaves behind is given back a moment after it is ready", async (t) => {
  const { root, home } = newRoot(t);
  const hq = startHq(t, ["start", "--json", "--port", "0", "--guild-port", "0"], {
    env: { HQ_HOME: home },
    cwd: root,
    nodeFlags: ["--trace-gc"],
  });
  await hq.said(/"event":"ready"[^]*Mark-Compact \(reduce\).* testing; GC/);
});

test("a door that another program holds is told with another one to choose, and nothing of the start is left", async (t) => {
  const { home } = newRoot(t);
  mkdirSync(home, { recursive: true });
  await refusedPort(t, home, "port");
  await refusedPort(t, home, "guild-port");
});

test("one port for REST and the local guild is refused with both names, before anything is made", async (t) => {
  const { root, home } = newRoot(t);
  const hq = startHq(t, ["start"], {
    env: { HQ_HOME: home, HQ_PORT: "18711", HQ_GUILD_PORT: "18711" },
    cwd: root,
  });
  const { code, err } = await hq.done;
  assert.deepEqual([code, existsSync(home)], [2, false], err);
  const message = "HQ_PORT and HQ_GUILD_PORT are both 18711; REST and the local guild need a port each.";
  const hint = "Set one of them to another port, as in HQ_GUILD_PORT=18721 npm start (0 = a free one).";
  assert.equal(err, `${message}\n${hint}\n`);
  const ofJson = startHq(t, ["start", "--json", "--port", "18711", "--guild-port", "18711"], {
    env: { HQ_HOME: home },
    cwd: root,
  });
  const said = await ofJson.done;
  assert.deepEqual([said.code, said.out], [2, ""], said.err);
  assert.deepEqual(JSON.parse(said.err), { status: "error", code: "invalid_input", message, hint });
});

test("a free port for REST is not the local guild's, even where it was REST's in the life before", async (t) => {
  const { root, home } = newRoot(t);
  const [port = 0] = await freePorts(1);
  mkdirSync(home);
  writeFileSync(join(home, "api.port"), `${port}\n`);
  const hq = startHq(t, ["start", "--port", "0", "--guild-port", `${port}`], {
    env: { HQ_HOME: home },
    cwd: root,
  });
  await hq.said(/hq stop\n/);
  assert.match(hq.out(), new RegExp(`Open the guild: {2}http://127\\.0\\.0\\.1:${port}/`));
});

test("a supervisor goes on and stops as ever when nobody takes what it says and the disk takes no log", async (t) => {
  const { root, home } = newRoot(t);
  mkdirSync(join(home, "logs"), { recursive: true });
  symlinkSync("/dev/full", join(home, "logs", "supervisor.log"));
  const child = spawn(
    process.execPath,
    [join(INSTALLATION, "bin", "hq.js"), "start", "--json", "--port", "0", "--guild-port", "0"],
    { cwd: root, env: cleanEnv({ HQ_HOME: home }), stdio: ["ignore", "pipe", "pipe"] },
  );
  t.after(() => child.kill("SIGKILL"));
  const exited = once(child, "exit");
  const [line] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
  for (const stream of [child.stdout, child.stderr]) stream.destroy();
  const { api } = JSON.parse(line) as { readonly api: string };
  const call = callerOf(api, readFileSync(join(home, "api.key"), "utf8").trim());
  // Each is a warning in the log and on stderr.
  for (const agent of ["webster", "auditor"]) {
    const objective = `${"ULE ".repeat(600)} [slow 10ms]`;
    const { status, body } = await call("POST", "/delegations", { agent, objective, deliver: false });
    assert.deepEqual([status, body.warnings?.length], [201, 1]);
    await doors(call).settled(body.id);
  }
  child.kill("SIGTERM");
  assert.deepEqual(await exited, [0, null]);
});

test("a command whose output a full disk does not take says so and ends with 1; its progress may get lost", () => {
  const plan = (stdio: StdioOptions) =>
    spawnSync(process.execPath, [join(INSTALLATION, "bin", "hq.js"), "plan", ...ANSWERS], {
      encoding: "utf8",
      stdio,
    });
  const full = openSync("/dev/full", "w");
  const whole = plan(["ignore", "pipe", "pipe"]);
  assert.match(whole.stderr, /single piece of work/);
  const untold = plan(["ignore", "pipe", full]);
  assert.deepEqual([untold.status, untold.stdout], [0, whole.stdout]);
  const { status, stderr } = plan(["ignore", full, "pipe"]);
  assert.equal(status, 1);
  assert.equal(
    stderr.slice(whole.stderr.length),
    "hq: Standard output cannot be used: the disk is full (ENOSPC, write).\nWhat the command did stays done: look before you give it again (`hq status`).\n",
  );
});

test("whoever reads the output of a command late reads all of it", () => {
  const long = "x".repeat(100_000);
  const args = ["templates", "preview", "research", "--topic", long, "--set", `questions=${long}`];
  const hq = [process.execPath, join(INSTALLATION, "bin", "hq.js"), ...args];
  // A pipe holds 64 KiB; the reader is later than a command that is done leaves behind what holds it.
  const read = (reader: string) =>
    spawnSync("sh", ["-c", `"$@" | ${reader}`, "sh", ...hq], { encoding: "utf8" }).stdout;
  const whole = read("cat");
  assert.ok(whole.length > 2 * long.length);
  assert.equal(read("(sleep 4; cat)").length, whole.length);
});

test("a task that comes in another encoding than UTF-8 is not taken: the agent would be asked something else", (t) => {
  const { home } = newRoot(t);
  const args = [join(INSTALLATION, "bin", "hq.js"), "delegate", "webster", "-"];
  const { status, stderr } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    input: Buffer.from("CTE between 20 and 40 °C", "latin1"),
    env: cleanEnv({ HQ_HOME: home }),
  });
  assert.equal(status, 2);
  assert.equal(
    stderr,
    "hq: Standard input is no UTF-8 text.\nConvert it on the way: `iconv -f latin1 -t utf-8`.\n",
  );
  assert.equal(existsSync(home), false, "no supervisor was started");
});

test(
  "where the disk is full from the beginning, a start and a command say so in words, and an emergency stop holds",
  needing("unshare", (t) => {
    const { root, home } = newRoot(t);
    mkdirSync(home);
    const full = `mount -t tmpfs -o size=4k tmpfs "$HQ_HOME"; head -c 4096 /dev/zero > "$HQ_HOME/filler"`;
    const script = `${full}; "$@" start; echo "exit $?"; "$@" delegate webster x; echo "exit $?"; "$@" stop --now; echo "exit $?"; ls "$HQ_HOME"`;
    const hq = [process.execPath, join(INSTALLATION, "bin", "hq.js")];
    const { stdout, stderr } = spawnSync("unshare", ["-rm", "sh", "-c", script, "sh", ...hq], {
      encoding: "utf8",
      cwd: root,
      env: cleanEnv({ HQ_HOME: home, HQ_PORT: "0", HQ_GUILD_PORT: "0" }),
    });
    assert.match(stdout, /^exit 1\nexit 1\nexit 0\n[^]*^held$/m);
    assert.doesNotMatch(stdout, /^starting$/m, "the next one may begin");
    assert.doesNotMatch(stderr, /^ +at /m);
    assert.match(
      stderr,
      /full[^]*hq: A file cannot be written: the disk is full \(ENOSPC, write\)\.\nFree some space/,
    );
  }),
);
