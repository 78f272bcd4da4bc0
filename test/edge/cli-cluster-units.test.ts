import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { newCluster } from "./cluster-fixture.ts";

/** Programs by systemd's names: they write down how they are called and answer what the files beside them say. */
const SYSTEMD = {
  systemctl: `#!/bin/sh
here=$(dirname "$0")
echo "$*" >> "$here/calls"
case "$*" in
  *"--property=Version"*) echo "Version=252" ;;
  *"list-unit-files"*) test -f "$here/installed" && echo "openclaw-atomizer@.service enabled enabled" ;;
  *"--property=ActiveState"*) cat "$here/standing" ;;
  "--user start"*) test ! -f "$here/refuse" || { echo "Job failed" >&2; exit 1; } ;;
  "--user stop"*) test ! -f "$here/slow" || { rm "$here/slow"; sleep 5; } ;;
esac
`,
  loginctl: '#!/bin/sh\necho "Linger=$(cat "$(dirname "$0")/linger")"\n',
  journalctl: '#!/bin/sh\necho "$*"\n',
};

async function newUnits(t: TestContext) {
  const cluster = await newCluster(t, { programs: SYSTEMD });
  const beside = (name: string) => join(cluster.root, "bin", name);
  const put = (name: string, text = "") => writeFileSync(beside(name), text);
  put("linger", "yes");
  put("standing", "ActiveState=inactive\nResult=success\nMainPID=0\nNRestarts=0\n");
  const calls = () => {
    if (!existsSync(beside("calls"))) return [];
    const all = readFileSync(beside("calls"), "utf8").trim().split("\n");
    return all.filter((line) => !/Version|list-unit-files|ActiveState/.test(line));
  };
  const units = join(cluster.root, ".config", "systemd", "user");
  return { ...cluster, put, calls, units };
}

test("units writes both units for this user, keeps them when nothing changed, and leaves foreign ones alone", async (t) => {
  const { run, units, root, calls } = await newUnits(t);
  const first = await run(["cluster", "units"]);
  assert.equal(first.code, 0, first.err);
  assert.equal(first.out, `written  ${units}/openclaw-atomizer@.service\nwritten  ${units}/hq.service\n`);
  assert.match(first.err, /systemctl --user daemon-reload/);
  const template = readFileSync(join(units, "openclaw-atomizer@.service"), "utf8");
  assert.match(template, new RegExp(`^ExecStart=${process.execPath} \\S+gateway-script\\.ts gateway$`, "m"));
  assert.match(template, new RegExp(`^EnvironmentFile=${root}/cluster/instances/%i/env$`, "m"));
  const supervisor = readFileSync(join(units, "hq.service"), "utf8");
  assert.match(supervisor, new RegExp(`^ExecStart=${process.execPath} ${root}/bin/hq\\.js start$`, "m"));
  const again = await run(["cluster", "units", "--json"]);
  const { written } = JSON.parse(again.out) as { written: { state: string }[] };
  assert.deepEqual(
    written.map(({ state }) => state),
    ["kept", "kept"],
  );
  writeFileSync(join(units, "hq.service"), "[Unit]\nDescription=mine\n");
  const foreign = await run(["cluster", "units"]);
  assert.equal(foreign.code, 2);
  assert.match(foreign.err, /hq\.service in \S+ was not written by hq/);
  assert.equal(readFileSync(join(units, "hq.service"), "utf8"), "[Unit]\nDescription=mine\n");
  assert.deepEqual(calls(), []);
});

test("--enable reloads, enables the supervisor and what is made, and tells how lingering is mended", async (t) => {
  const { run, calls, put } = await newUnits(t);
  put("linger", "no");
  await run(["cluster", "init", "webster"]);
  const { code, err } = await run(["cluster", "units", "--enable"]);
  assert.equal(code, 0, err);
  assert.deepEqual(calls(), [
    "--user daemon-reload",
    "--user enable --now hq.service",
    "--user enable --now openclaw-atomizer@webster.service",
  ]);
  assert.match(err, /Lingering is off for \S+: [^]*loginctl enable-linger/);
});

test("without systemd --user the units are written only into a folder that is named", async (t) => {
  const { run, root } = await newCluster(t);
  const refused = await run(["cluster", "units"]);
  assert.equal(refused.code, 2);
  assert.match(refused.err, /systemd --user does not answer here: no systemd in tests\.[^]*--dir <folder>/);
  assert.equal(existsSync(join(root, ".config")), false);
  const enable = await run(["cluster", "units", "--dir", "units", "--enable"]);
  assert.equal(enable.code, 2);
  const written = await run(["cluster", "units", "--dir", "units"]);
  assert.equal(written.code, 0, written.err);
  assert.ok(existsSync(join(root, "units", "hq.service")));
});

test("a program that is not on the path is refused: a unit needs its whole name", async (t) => {
  const { run } = await newCluster(t, { cluster: { command: ["no-such-openclaw", "gateway"] } });
  const { code, err } = await run(["cluster", "units", "--dir", "units"]);
  assert.equal(code, 2);
  assert.match(err, /no-such-openclaw is not on the PATH\.[^]*cluster\.command/);
});

test("where systemd has the unit, start, status, logs and stop go through it", async (t) => {
  const { run, calls, put, ports } = await newUnits(t);
  await run(["cluster", "init", "webster"]);
  put("installed");
  const gateway = createServer((_, response) => response.end("{}")).listen(ports[1], "127.0.0.1");
  t.after(() => gateway.close());
  put(
    "standing",
    "ActiveState=active\nResult=success\nMainPID=4711\nNRestarts=2\nStateChangeTimestamp=@1771150000\n",
  );
  const started = await run(["cluster", "start", "webster", "--json"]);
  assert.equal(started.code, 0, started.err);
  assert.deepEqual(JSON.parse(started.out), [
    {
      id: "webster",
      letter: "H",
      port: ports[1],
      by: "systemd",
      state: "running",
      answers: true,
      restarts: 2,
      pid: 4711,
      since: 1_771_150_000_000,
    },
  ]);
  assert.equal((await run(["cluster", "status", "webster"])).code, 0);
  const logs = await run(["cluster", "logs", "webster", "-n", "7"]);
  assert.match(logs.out, /^--user --unit openclaw-atomizer@webster\.service --lines 7 /);
  const stopped = await run(["cluster", "stop", "webster"]);
  assert.equal(stopped.out, "webster  stopped\n");
  assert.deepEqual(calls(), [
    "--user start openclaw-atomizer@webster.service",
    "--user stop openclaw-atomizer@webster.service",
  ]);
});

test("a unit that systemd cannot start, or has given up, is told with systemd's own word", async (t) => {
  const { run, put } = await newUnits(t);
  await run(["cluster", "init", "webster"]);
  put("installed");
  put("standing", "ActiveState=failed\nResult=exit-code\nMainPID=0\nNRestarts=5\n");
  const failed = await run(["cluster", "start", "webster"]);
  assert.deepEqual([failed.code, /systemd says: exit-code/.test(failed.err)], [1, true]);
  put("refuse");
  const refused = await run(["cluster", "start", "webster"]);
  assert.equal(refused.code, 5);
  assert.match(refused.err, /Job failed/);
});

test("a stop that takes longer than --timeout is finished with SIGKILL", async (t) => {
  const { run, put, calls } = await newUnits(t);
  await run(["cluster", "init", "webster"]);
  put("installed");
  put("slow");
  const { code } = await run(["cluster", "stop", "webster", "--timeout", "300ms"]);
  assert.equal(code, 0);
  assert.deepEqual(calls(), [
    "--user stop openclaw-atomizer@webster.service",
    "--user kill --signal=SIGKILL openclaw-atomizer@webster.service",
    "--user stop openclaw-atomizer@webster.service",
  ]);
});

test("what a keeper runs stays with it until it is stopped, although systemd has the unit meanwhile", async (t) => {
  const { run, put, calls } = await newUnits(t);
  await run(["cluster", "init", "webster"]);
  await run(["cluster", "start", "webster"]);
  put("installed");
  const again = await run(["cluster", "start", "webster", "--json"]);
  assert.equal((JSON.parse(again.out) as { by: string }[])[0]?.by, "keeper");
  assert.deepEqual(calls(), []);
  assert.equal((await run(["cluster", "stop", "webster"])).out, "webster  stopped\n");
  put("standing", "ActiveState=failed\nResult=exit-code\n");
  await run(["cluster", "start", "webster"]);
  assert.deepEqual(calls(), ["--user start openclaw-atomizer@webster.service"]);
});
