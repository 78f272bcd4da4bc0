import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { startFakeGateway } from "../support/fake-gateway.ts";
import { INSTALLATION } from "./cli-harness.ts";
import { goneWithin, newRoot, pidIn, runHq, startHq } from "./cli-process.ts";

const QUICK = "Find the CTE of Zerodur between 20 and 40 °C [slow 10ms]";

/** Writes the name of each of our files that is loaded to stderr. */
const TELLER = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  registerHooks({
    load(url, context, next) {
      if (url.includes("/src/")) process.stderr.write(url + "\\n");
      return next(url, context);
    },
  });
`)}`;

test("a supervisor keeps no other command in memory", () => {
  const loaded = (...argv: string[]) => {
    const { status, stderr } = spawnSync(
      process.execPath,
      ["--import", TELLER, join(INSTALLATION, "bin", "hq.js"), ...argv],
      { encoding: "utf8" },
    );
    assert.equal(status, 0, stderr);
    return stderr.split("\n").map((url) => url.replace(/.*\/src\//, ""));
  };
  const forStart = loaded("start", "--help");
  assert.ok(forStart.includes("cli/start.ts"));
  assert.ok(!forStart.includes("cli/delegate.ts"), forStart.join(" "));
  assert.ok(loaded("delegate", "--help").includes("cli/delegate.ts"));
});

/** Gives the work back in place of an agent that keeps silent. */
function handIn(home: string, runId: string): void {
  const path = join(home, "handoffs", `${runId}.json`);
  const handoff = {
    schemaVersion: "1.0",
    runId,
    agent: "webster",
    status: "complete",
    result: "0.03 ppm/K",
    artifacts: [],
    confidence: "high",
    notes: "",
    timestamp: new Date().toISOString(),
  };
  writeFileSync(`${path}.tmp`, JSON.stringify(handoff));
  renameSync(`${path}.tmp`, path);
}

const idIn = (text: string) => /orch-\w+/.exec(text)?.[0] ?? "";

test("ten parallel calls without a supervisor share a temporary one, from another working directory; it leaves by itself", async (t) => {
  const { root, home } = newRoot(t);
  mkdirSync(join(root, "config"));
  writeFileSync(join(root, "config", "hq.yaml"), "{}\n");
  const deep = join(root, "deep", "er");
  mkdirSync(deep, { recursive: true });
  const calls = Array.from({ length: 10 }, () => runHq(t, ["delegate", "webster", QUICK], { cwd: deep }));
  const ended = await Promise.all(calls);
  for (const { code, err } of ended) assert.equal(code, 0, err);
  const handoffs = ended.map(({ out }) => JSON.parse(out) as { runId: string; status: string });
  assert.equal(new Set(handoffs.map(({ runId }) => runId)).size, 10);
  assert.ok(handoffs.every(({ status }) => status === "complete"));
  const pid = pidIn(home);
  assert.ok(pid, "the temporary supervisor stays for a moment");
  const ready = readFileSync(join(home, "logs", "temporary.log"), "utf8").match(/"event":"ready"/g);
  assert.equal(ready?.length, 1);
  for (const file of ["run.json", "api.key"])
    assert.equal(statSync(join(home, file)).mode & 0o777, 0o600, file);
  assert.ok(await goneWithin(pid, 15_000), "it leaves when nothing is open");
  assert.equal(existsSync(join(home, "run.json")), false);
  const status = await runHq(t, ["status"], { cwd: deep });
  assert.equal(status.code, 5);
  const later = await runHq(t, ["wait", handoffs[0]?.runId ?? ""], { cwd: deep });
  assert.deepEqual(
    [later.code, (JSON.parse(later.out) as { runId: string }).runId],
    [0, handoffs[0]?.runId],
    "what it did can still be read",
  );
});

test("exit codes tell success, part, block, failure, timeout, refusal and mistakes apart", async (t) => {
  const { home } = newRoot(t);
  const options = { env: { HQ_HOME: home }, cwd: tmpdir() };
  const cases: readonly [string[], number, RegExp][] = [
    [["webster", QUICK, "--validate", "--caller", "manager"], 0, /succeeded/],
    [["tech-lead", `${QUICK} [partial]`], 0, /Warning: tech-lead did a part/],
    [["auditor", `${QUICK} [blocked]`], 1, /is blocked/],
    [["optimizer", `${QUICK} [fail]`, "--retries", "0"], 1, /is failed/],
    [["secretary", `${QUICK} [silent]`, "--retries", "0", "--timeout", "1"], 4, /timed out/],
    [
      ["secretary", QUICK, "--caller", "webster"],
      3,
      /webster may not delegate to secretary[^]*manager or tech-lead/,
    ],
    [["webstr", QUICK], 2, /Did you mean webster/],
  ];
  // As long as something is open the supervisor stays, however long the next command takes to begin.
  const open = await runHq(t, ["delegate", "nx-expert", `${QUICK} [silent]`, "--no-wait"], options);
  assert.equal(open.code, 0, open.err);
  const ended = await Promise.all(cases.map(([argv]) => runHq(t, ["delegate", ...argv], options)));
  for (const [i, [argv, code, words]] of cases.entries()) {
    assert.equal(ended[i]?.code, code, `${argv.join(" ")}: ${ended[i]?.err}`);
    assert.match(ended[i]?.err ?? "", words);
  }
  const stopped = await runHq(t, ["stop", "--json"], options);
  assert.equal(stopped.code, 0, stopped.err);
  assert.equal((JSON.parse(stopped.out) as { stopped: boolean }).stopped, true);
  assert.equal(pidIn(home), undefined);
});

test("an agent's key makes its calls its own", async (t) => {
  const { home } = newRoot(t);
  const options = { env: { HQ_HOME: home }, cwd: tmpdir() };
  const supervisor = startHq(t, ["start", "--embedded", "--json", "--port", "0"], options);
  await supervisor.said(/"event":"ready"/);
  const key = await runHq(t, ["agents", "key", "tech-lead"], options);
  assert.equal(key.code, 0, key.err);
  const env = { ...options.env, HQ_AGENT_TOKEN: key.out.trim() };
  const asAgent = await runHq(t, ["delegate", "webster", QUICK], { ...options, env });
  assert.equal(asAgent.code, 0, asAgent.err);
  const pretending = await runHq(t, ["delegate", "webster", QUICK, "--caller", "manager"], {
    ...options,
    env,
  });
  assert.equal(pretending.code, 3);
});

test("Ctrl-C ends the waiting with 130 and the id; the work goes on and is read later", async (t) => {
  const { home } = newRoot(t);
  const options = { env: { HQ_HOME: home }, cwd: tmpdir() };
  const asked = startHq(t, ["delegate", "webster", "The CTE of ULE [slow 1500ms]"], options);
  await asked.said(/dispatched/);
  asked.child.kill("SIGINT");
  const { code, out, err } = await asked.done;
  assert.deepEqual([code, out], [130, ""]);
  const id = /Interrupted: (\S+) goes on/.exec(err)?.[1] ?? "";
  const waited = await runHq(t, ["wait", id], options);
  assert.equal(waited.code, 0, waited.err);
  assert.equal((JSON.parse(waited.out) as { runId: string }).runId, id);
});

test("a temporary supervisor that is killed is followed by another one, and the result still comes once", async (t) => {
  const { home } = newRoot(t);
  const options = { env: { HQ_HOME: home }, cwd: tmpdir() };
  const asked = startHq(t, ["delegate", "webster", "The CTE of ULE [silent]"], options);
  await asked.said(/dispatched/);
  const first = pidIn(home) ?? 0;
  process.kill(first, "SIGKILL");
  await asked.said(/is back/);
  handIn(home, idIn(asked.err()));
  const { code, out, err } = await asked.done;
  assert.equal(code, 0, err);
  assert.equal((JSON.parse(out) as { status: string }).status, "complete");
  assert.match(err, /went away; the work is kept/);
  assert.notEqual(pidIn(home), first);
});

test("a temporary supervisor that is killed while it starts is followed by another one", async (t) => {
  const { root, home } = newRoot(t);
  const dying = join(root, "dying.mjs");
  writeFileSync(
    dying,
    `import { existsSync, writeFileSync } from "node:fs";
    if (process.argv.includes("--embedded") && !existsSync("${root}/died")) {
      writeFileSync("${root}/died", "");
      process.kill(process.pid, "SIGKILL");
    }`,
  );
  const env = { HQ_HOME: home, NODE_OPTIONS: `--import=${dying}` };
  const { code, err } = await runHq(t, ["delegate", "webster", QUICK], { env, cwd: tmpdir() });
  assert.equal(code, 0, err);
  assert.ok(existsSync(join(root, "died")));
});

test("a command that was killed while it started a supervisor keeps no other one from starting it", async (t) => {
  const gone = spawnSync("true").pid;
  // Its number may be another's by now.
  for (const [pid, at] of [
    [gone, new Date()],
    [process.pid, new Date(Date.now() - 60_000)],
  ] as const) {
    const { home } = newRoot(t);
    mkdirSync(home);
    const starting = join(home, "starting");
    writeFileSync(starting, String(pid));
    utimesSync(starting, at, at);
    const env = { HQ_HOME: home };
    const { code, err } = await runHq(t, ["delegate", "webster", QUICK], { env, cwd: tmpdir() });
    assert.equal(code, 0, err);
    assert.equal(existsSync(starting), false);
  }
});

test("what a temporary supervisor runs in holds no token of whoever started it", async (t) => {
  const { home } = newRoot(t);
  const env = { HQ_HOME: home, HQ_AGENT_TOKEN: "hqa.webster.not-for-the-supervisor" };
  const { code, err } = await runHq(t, ["delegate", "webster", QUICK], { env, cwd: tmpdir() });
  assert.equal(code, 3, err);
  const held = readFileSync(`/proc/${pidIn(home)}/environ`, "utf8");
  assert.match(held, /HQ_HOME=/);
  assert.doesNotMatch(held, /not-for-the-supervisor/);
});

test("start is refused while a temporary one works, with the words for that and how to go on", async (t) => {
  const { home } = newRoot(t);
  const options = { env: { HQ_HOME: home }, cwd: tmpdir() };
  const asked = startHq(t, ["delegate", "webster", "The CTE of ULE [silent]"], options);
  await asked.said(/dispatched/);
  const rival = await runHq(t, ["start", "--port", "0", "--guild-port", "0"], options);
  assert.equal(rival.code, 3);
  assert.match(
    rival.err,
    new RegExp(`^A temporary supervisor \\(pid ${pidIn(home)}\\), which another \`hq\` started`),
  );
  assert.match(rival.err, /leaves some seconds after its work is done.*`hq stop` ends it now/);
  handIn(home, idIn(asked.err()));
  assert.equal((await asked.done).code, 0);
});

test("start says when it is ready, is the only one, is waited for across kill -9, and stops when asked", async (t) => {
  const { home } = newRoot(t);
  const options = { env: { HQ_HOME: home }, cwd: tmpdir() };
  const start = () => startHq(t, ["start", "--json", "--port", "0", "--guild-port", "0"], options);
  const first = start();
  await first.said(/"event":"ready"/);
  const ready = JSON.parse(first.out()) as { event: string; pid: number; api: string };
  assert.deepEqual([ready.event, ready.pid], ["ready", pidIn(home)]);
  const rival = await start().done;
  assert.equal(rival.code, 3);
  assert.match(rival.err, /hq stop/);
  const asked = startHq(t, ["delegate", "webster", "The CTE of ULE [silent]", "--format", "text"], options);
  await asked.said(/dispatched/);
  first.child.kill("SIGKILL");
  await asked.said(/went away/);
  const second = start();
  await second.said(/"event":"ready"/);
  handIn(home, idIn(asked.err()));
  const { code, out, err } = await asked.done;
  assert.equal(code, 0, err);
  assert.equal(out, "0.03 ppm/K\n");
  const stop = await runHq(t, ["stop"], options);
  assert.equal(stop.code, 0, stop.err);
  assert.equal((await second.done).code, 0);
});

test("a terminal that is closed stops it in order, and the log says so", async (t) => {
  const { home } = newRoot(t);
  const options = { env: { HQ_HOME: home }, cwd: tmpdir() };
  const supervisor = startHq(t, ["start", "--embedded", "--json", "--port", "0"], options);
  await supervisor.said(/"event":"ready"/);
  supervisor.child.kill("SIGHUP");
  const { code, signal } = await supervisor.done;
  assert.deepEqual([code, signal, existsSync(join(home, "run.json"))], [0, null, false]);
  const last =
    readFileSync(join(home, "logs", "supervisor.log"), "utf8")
      .trim()
      .split("\n")
      .at(-1) ?? "";
  assert.equal((JSON.parse(last) as { msg: string }).msg, "stopped");
});

test("Ctrl-C that arrives twice, from the terminal and from a launcher, still stops it in order", async (t) => {
  const { root, home } = newRoot(t);
  // A request under way holds up the stop for as long as its gateway keeps silent.
  await using gateway = await startFakeGateway({ behaviour: { kind: "hang" } });
  const HQ_CONFIG = join(root, "config");
  mkdirSync(HQ_CONFIG);
  writeFileSync(join(HQ_CONFIG, "agents.yaml"), `agents: { webster: { url: "${gateway.url}" } }\n`);
  const options = {
    env: { HQ_HOME: home, HQ_CONFIG, HQ_AGENTS: "config", OPENCLAW_GATEWAY_TOKEN: "x" },
    cwd: tmpdir(),
  };
  const supervisor = startHq(t, ["start", "--json", "--port", "0", "--guild-port", "0"], options);
  await supervisor.said(/"event":"ready"/);
  const asked = startHq(t, ["delegate", "webster", QUICK], options);
  await gateway.requestsReach(1);
  asked.child.kill("SIGKILL");
  supervisor.child.kill("SIGINT");
  // It begins its stop with this file.
  while (existsSync(join(home, "run.json"))) await pause(5);
  // The second one is what a launcher passes on.
  assert.ok(supervisor.child.kill("SIGINT"));
  gateway.breakOff();
  const { code, signal } = await supervisor.done;
  assert.deepEqual([code, signal, existsSync(join(home, "run.json"))], [0, null, false]);
});

test("a supervisor that does not answer is told of; stop waits for it, and says how to end it; stop --now ends it", async (t) => {
  const { home } = newRoot(t);
  const options = { env: { HQ_HOME: home }, cwd: tmpdir() };
  const supervisor = startHq(t, ["start", "--embedded", "--json", "--port", "0"], options);
  await supervisor.said(/"event":"ready"/);
  supervisor.child.kill("SIGSTOP");
  const asking = [["status"], ["delegate", "webster", "Wait."]].map((argv) => runHq(t, argv, options));
  const refused = await runHq(t, ["stop"], options);
  assert.equal(refused.code, 4, refused.err);
  // Nothing else takes its place, and that it runs is said.
  const silent = new RegExp(
    `The supervisor \\(pid ${supervisor.child.pid}\\) does not answer\\.\n.*\`hq stop\``,
  );
  for (const { code, err } of await Promise.all(asking)) {
    assert.equal(code, 5, err);
    assert.match(err, silent);
  }
  // What --now does to open work is not what somebody wants who only has to wait.
  assert.match(
    refused.err,
    new RegExp(`\\bkill -9 ${supervisor.child.pid}\\b.*--now.*would cancel all work`),
  );
  const stopped = await runHq(t, ["stop", "--now", "--json"], options);
  assert.equal(stopped.code, 0, stopped.err);
  assert.equal((JSON.parse(stopped.out) as { how: string }).how, "killed");
  assert.equal((await supervisor.done).signal, "SIGKILL");
});

test("stop ends nobody else's supervisor whose number a stale run.json names, and finds its own without one", async (t) => {
  const [mine, other] = [newRoot(t), newRoot(t)];
  const start = async (home: string) => {
    const started = startHq(t, ["start", "--embedded", "--json", "--port", "0"], {
      env: { HQ_HOME: home },
      cwd: tmpdir(),
    });
    await started.said(/"event":"ready"/);
    return started;
  };
  const theirs = await start(other.home);
  const run = JSON.parse(readFileSync(join(other.home, "run.json"), "utf8"));
  const { pid } = run;
  mkdirSync(mine.home, { recursive: true });
  // As a power loss leaves it: nobody listens there any more, and the number is another one's.
  const stale = () => {
    writeFileSync(join(mine.home, "run.json"), JSON.stringify({ ...run, api: "http://127.0.0.1:1" }));
    writeFileSync(join(mine.home, "supervisor.lock.json"), JSON.stringify({ pid, startedAt: "then" }));
  };
  stale();
  const options = { env: { HQ_HOME: mine.home }, cwd: tmpdir() };
  for (const more of [[], ["--now"]]) {
    const { code, out } = await runHq(t, ["stop", "--json", ...more], options);
    const { stopped, reason } = JSON.parse(out);
    assert.deepEqual([code, stopped, reason], [0, false, "not running"]);
  }
  assert.ok(theirs.child.exitCode === null && theirs.child.signalCode === null);
  const live = await fetch(`${run.api}/api/v1/health/live`);
  assert.equal(((await live.json()) as { pid: number }).pid, pid);

  // As while it starts and while it stops.
  rmSync(join(other.home, "run.json"));
  const { code, err } = await runHq(t, ["stop"], { env: { HQ_HOME: other.home }, cwd: tmpdir() });
  assert.equal(`${code} ${err}`, `0 The supervisor (pid ${pid}) is stopped.\n`);
  assert.equal((await theirs.done).code, 0);
});
