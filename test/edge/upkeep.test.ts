import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { watch } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { csvCell } from "../../src/domain/export.ts";
import { holdHome } from "../../src/ledger/lock.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { commitOf, dispatch, line, written } from "../contract/ledger-fixture.ts";
import { cleanEnv, type Supervisor, temporaryFolder } from "../support/supervisor.ts";
import { needing } from "../support/tools.ts";
import { hq, INSTALLATION } from "./cli-harness.ts";
import { runHq, startHq } from "./cli-process.ts";
import { startFor } from "./discord-person.ts";

const OLD = new Date(Date.now() - 100 * 86_400_000);

async function delegated({ call }: Supervisor, objective: string, more: object = {}): Promise<string> {
  const { body, status } = await call("POST", "/delegations", { agent: "webster", objective, ...more });
  assert.equal(status, 201, JSON.stringify(body));
  return body.id;
}

async function done(supervisor: Supervisor, id: string): Promise<void> {
  const { body } = await supervisor.call("GET", `/delegations/${id}?wait=60s`);
  assert.ok(body.settledAt, JSON.stringify(body));
}

function folderFor(t: TestContext): string {
  const folder = temporaryFolder("hq-upkeep-");
  t.after(folder.remove);
  return folder.path;
}

test("a backup made under load is whole; restored elsewhere it proves clean, and the work goes on", async (t) => {
  const folder = folderFor(t);
  const home = join(folder, "home");
  const env = { HQ_HOME: home };
  const supervisor = await startFor(t, home);
  const first = await delegated(supervisor, "Find the CTE of Zerodur");
  await done(supervisor, first);
  await supervisor.call("POST", "/agents/webster/drain", {});
  const open = await delegated(supervisor, "Find the CTE of BK7");
  await supervisor.call("POST", "/agents/webster/resume", {});
  let isOver = false;
  const load = (async () => {
    while (!isOver)
      await delegated(supervisor, "Find the CTE of ULE", { agent: "secretary", deliver: false });
  })();
  const target = join(folder, "backup");
  const made = await hq(["backup", target, "--json"], { env });
  isOver = true;
  await load;
  assert.equal(made.code, 0, made.err);
  assert.deepEqual(readdirSync(target).sort(), [
    "api.port",
    "backup.json",
    "config",
    "guild",
    "handoff-folders.txt",
    "handoffs",
    "ledger.db",
  ]);
  const keys = readdirSync(target, { recursive: true }).filter((name) => String(name).endsWith(".key"));
  assert.deepEqual(keys, []);
  const twice = await hq(["backup", target], { env });
  assert.match(
    `${twice.code} ${twice.err}`,
    /^2 .*not empty\. .*\nName a folder that is empty or not there; what a/,
  );

  const busy = await hq(["restore", target], { env });
  assert.match(`${busy.code} ${busy.err}`, /^3 .*supervisor/);
  const elsewhere = { HQ_HOME: join(folder, "elsewhere"), HQ_CONFIG: join(folder, "restored-config") };
  const restored = await hq(["restore", target, "--json"], { env: elsewhere });
  assert.equal(restored.code, 0, restored.err);
  assert.ok(existsSync(join(elsewhere.HQ_CONFIG, "agents.yaml")));
  for (const place of [target, elsewhere.HQ_HOME])
    assert.equal(statSync(join(place, "ledger.db")).mode & 0o777, 0o600, place);
  const clean = await hq(["audit", "--prove"], { env: elsewhere });
  assert.equal(clean.code, 0, clean.out);
  const full = await hq(["restore", target], { env: elsewhere });
  assert.match(`${full.code} ${full.err}`, /^2 .*not empty/);
  await supervisor.stop();

  const next = await startFor(t, elsewhere.HQ_HOME, { HQ_CONFIG: elsewhere.HQ_CONFIG });
  const { body } = await next.call("GET", `/delegations/${first}`);
  assert.equal(body.status, "succeeded");
  await done(next, await delegated(next, "Review the mirror", { agent: "tech-lead" }));
  const { body: still } = await next.call("GET", `/delegations/${open}`);
  assert.ok(["queued", "dispatched", "succeeded"].includes(still.status), still.status);
  await next.stop();
  const again = await hq(["restore", target, "--force", "--json"], { env: elsewhere });
  assert.equal(again.code, 0, again.err);
  const { before } = JSON.parse(again.out) as { before: string };
  assert.ok(existsSync(join(before, "ledger.db")), "what was there is kept aside");
});

test("a packed backup is one file, and what is no backup is refused", async (t) => {
  const folder = folderFor(t);
  const home = join(folder, "home");
  const supervisor = await startFor(t, home);
  const id = await delegated(supervisor, "Find the CTE of Zerodur");
  await done(supervisor, id);
  await supervisor.stop();
  const file = join(folder, "of", "today", "hq.tar.gz");
  const made = await hq(["backup", file], { env: { HQ_HOME: home } });
  assert.equal(made.code, 0, made.err);
  assert.equal(statSync(file).mode & 0o777, 0o600, "what was asked and answered is for nobody else");
  assert.deepEqual(readdirSync(dirname(file)), ["hq.tar.gz"]);
  const again = await hq(["backup", file], { env: { HQ_HOME: home } });
  assert.match(`${again.code} ${again.err}`, /^2 .*is there already/);
  const env = { HQ_HOME: join(folder, "other"), HQ_CONFIG: join(folder, "config") };
  const restored = await hq(["restore", file], { env });
  assert.equal(restored.code, 0, restored.err);
  assert.match(restored.err, /^What came after it is not known here: .*are done once more\./m);
  const { out } = await hq(["export", "delegations"], { env });
  assert.equal(JSON.parse(out).id, id);
  const wrong = await hq(["restore", home], { env: { HQ_HOME: join(folder, "third") } });
  assert.match(`${wrong.code} ${wrong.err}`, /^2 .*is no backup/);

  // What is wrong in it is told of the archive: where it was unpacked is gone by then.
  const damaged = join(folder, "damaged.tar.gz");
  const whole = join(folder, "backup");
  const third = { HQ_HOME: join(folder, "third") };
  const refused = async (words: RegExp) => {
    spawnSync("tar", ["-czf", damaged, "-C", folder, "backup"]);
    const { code, err } = await hq(["restore", damaged], { env: third });
    assert.match(`${code} ${err.replaceAll(damaged, "<archive>")}`, words);
  };
  spawnSync("tar", ["-xzf", file, "-C", folder]);
  writeFileSync(
    join(whole, "ledger.db"),
    "no ledger at all, but long enough to be looked at as if it were one\n",
  );
  await refused(/^1 hq: The ledger <archive>\/ledger\.db is damaged/);
  writeFileSync(join(whole, "backup.json"), "{");
  await refused(/^2 hq: <archive>\/backup\.json is damaged/);
  rmSync(join(whole, "backup.json"));
  await refused(/^2 hq: <archive> is no backup: it has no backup\.json/);
});

test("a packed backup is unpacked where the ledger will be, wherever it lies; what a killed restore left is taken away", async (t) => {
  const { path: folder, remove } = temporaryFolder("hq-upkeep-");
  const closed = join(folder, "closed");
  t.after(() => {
    if (existsSync(closed)) chmodSync(closed, 0o755);
    remove();
  });
  const supervisor = await startFor(t, join(folder, "home"));
  await done(supervisor, await delegated(supervisor, "Find the CTE of Zerodur"));
  await supervisor.stop();
  const file = join(closed, "hq.tar.gz");
  assert.equal((await hq(["backup", file], { env: { HQ_HOME: join(folder, "home") } })).code, 0);
  chmodSync(closed, 0o555);
  // Notes where it unpacks, which tells even where root may write anywhere; then unpacks, and perhaps kills who asked.
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const script = `#!/bin/sh\nprintf '%s\\n' "$4" >> ${folder}/asked\n/usr/bin/env -i PATH=/usr/bin:/bin tar "$@"\n[ -e ${folder}/deadly ] && kill -9 $PPID\n[ -e ${folder}/rival ] && echo theirs > ${folder}/made/third.tar.gz\nexit 0\n`;
  writeFileSync(join(bin, "tar"), script, { mode: 0o755 });
  const home = join(folder, "new", "place");
  const env = { HQ_HOME: home, HQ_CONFIG: join(folder, "config"), PATH: `${bin}:${process.env["PATH"]}` };
  const restore = (...more: string[]) => runHq(t, ["restore", file, ...more], { env, cwd: folder });
  const lastPlace = () =>
    dirname(readFileSync(join(folder, "asked"), "utf8").trim().split("\n").at(-1) ?? "");
  const unpackedIn = (place: string) => readdirSync(place).filter((name) => name.startsWith(".hq-restore-"));

  writeFileSync(join(folder, "deadly"), "");
  await restore();
  assert.equal(lastPlace(), home);
  assert.equal(unpackedIn(home).length, 1, "it was killed in between");
  rmSync(join(folder, "deadly"));
  const restored = await restore();
  assert.equal(restored.code, 0, restored.err);
  assert.deepEqual([unpackedIn(home), existsSync(join(home, "ledger.db"))], [[], true]);

  const again = await restore("--force");
  assert.equal(again.code, 0, again.err);
  assert.equal(lastPlace(), dirname(home), "what is in the way is moved aside first");
  assert.deepEqual([unpackedIn(home), unpackedIn(dirname(home))], [[], []]);

  // The same with one that is made; what another machine, or another user, is just making stays.
  const made = join(folder, "made");
  const others = [".hq-backup-another-999999999-x", `.hq-backup-${hostname()}-999999998-999999999-x`];
  for (const name of others) mkdirSync(join(made, name), { recursive: true });
  if (process.geteuid?.() === 0) {
    const foreign = `.hq-backup-${hostname()}-999999999-x`;
    mkdirSync(join(made, foreign));
    chownSync(join(made, foreign), 12345, 12345);
    others.push(foreign);
  }
  const backUp = (name: string) =>
    runHq(t, ["backup", join(made, name)], { env: { ...env, HQ_HOME: join(folder, "home") }, cwd: folder });
  writeFileSync(join(folder, "deadly"), "");
  await backUp("first.tar.gz");
  assert.equal(readdirSync(made).length, others.length + 1, "it was killed in between");
  rmSync(join(folder, "deadly"));
  const second = await backUp("second.tar.gz");
  assert.equal(second.code, 0, second.err);
  assert.deepEqual(readdirSync(made).sort(), [...others, "second.tar.gz"].sort());

  // Somebody else makes a file of that name meanwhile.
  writeFileSync(join(folder, "rival"), "");
  const rival = await backUp("third.tar.gz");
  assert.match(`${rival.code} ${rival.err}`, /^2 .*third\.tar\.gz is there already/);
  assert.equal(readFileSync(join(made, "third.tar.gz"), "utf8"), "theirs\n");
  assert.equal(readdirSync(made).length, others.length + 2);

  writeFileSync(join(folder, "no.tar.gz"), "no archive");
  const third = join(folder, "third");
  const wrong = await hq(["restore", join(folder, "no.tar.gz")], { env: { HQ_HOME: third } });
  assert.match(
    `${wrong.code} ${wrong.err}`,
    /^2 .*tar could not do it.*\nOne that is cut or damaged is no backup/,
  );
  assert.ok(!existsSync(third), "nothing is left of what was not restored");
});

test("what the disk or a damaged backup refuses is told with what to do, and nothing half is left", async (t) => {
  const folder = folderFor(t);
  const home = join(folder, "home");
  const supervisor = await startFor(t, home);
  await supervisor.call("POST", "/agents/webster/drain", {});
  await delegated(supervisor, "Find the CTE of BK7");
  await supervisor.stop();
  const file = join(folder, "file");
  writeFileSync(file, "");
  const env = { HQ_HOME: home };
  for (const target of [file, join(file, "x"), join(file, "x.tar.gz")]) {
    const { code, err } = await hq(["backup", target], { env });
    assert.match(`${code} ${err}`, /^1 hq: .*file.* cannot be used: .*\n(Name another|Run hq)/, target);
  }
  const backup = join(folder, "backup");
  assert.equal((await hq(["backup", backup], { env })).code, 0);

  // The last of its files has no place, when everything else of it lies there.
  const config = join(folder, "config");
  cpSync(join(INSTALLATION, "config"), config, { recursive: true });
  writeFileSync(join(config, "hq.yaml"), `handoffs:\n  dir: ${JSON.stringify(join(file, "handoffs"))}\n`);
  const other = { HQ_HOME: join(folder, "other"), HQ_CONFIG: config };
  const broken = await hq(["restore", backup], { env: other });
  assert.match(`${broken.code} ${broken.err}`, /^1 hq: .* cannot be used: .*\nName another/);
  assert.ok(!existsSync(join(other.HQ_HOME, "ledger.db")), "no ledger that does not know that it is old");

  const third = { HQ_HOME: join(folder, "third") };
  const refused = async (words: RegExp) => {
    const { code, err } = await hq(["restore", backup], { env: third });
    assert.match(`${code} ${err}`, words);
    assert.ok(!existsSync(third.HQ_HOME));
    assert.equal((await hq(["restore", backup, "--force"], { env })).err, err);
    assert.ok(existsSync(join(home, "ledger.db")), "nothing is moved aside for what cannot take its place");
  };
  const ledger = join(backup, "ledger.db");
  const newer = new DatabaseSync(ledger);
  newer.exec("pragma user_version = 99");
  newer.close();
  await refused(/^1 .*ledger\.db has version 99, .*: a newer program wrote it\.\nStart that program again/);
  rmSync(ledger);
  await refused(/^2 .*has no ledger\.db\.\nName another/);
  assert.ok(!existsSync(ledger), "and none is made by looking");
  writeFileSync(ledger, "");
  await refused(/^1 .*ledger\.db is damaged: it is empty\nUse another backup/);
  writeFileSync(join(backup, "backup.json"), "{");
  await refused(/^2 .*backup\.json is damaged: .*\nName another/);
});

test("a place that takes no new folders is refused with a sentence, whatever is to be put there", {
  timeout: 60_000,
}, async (t) => {
  // A file system that says of every new folder that the one above it is not there.
  const nowhere = "/proc/hq-of-a-test";
  const folder = folderFor(t);
  const home = join(folder, "home");
  const supervisor = await startFor(t, home);
  await supervisor.stop();
  const backup = join(folder, "backup");
  assert.equal((await hq(["backup", backup], { env: { HQ_HOME: home } })).code, 0);
  const here = { HQ_HOME: home };
  const there = { HQ_HOME: nowhere, HQ_CONFIG: join(folder, "config") };
  for (const [argv, env] of [
    [["backup", nowhere], here],
    [["backup", join(nowhere, "x.tar.gz")], here],
    [["restore", backup], there],
    [["start"], there],
    [["stop", "--now"], there],
  ] as const) {
    const { code, err } = await runHq(t, argv, { env, cwd: folder });
    const words = `${nowhere} cannot be made: /proc takes no new folders.\nName another place.\n`;
    assert.equal(`${code} ${err.replace(/^hq: /, "")}`, `2 ${words}`, argv.join(" "));
  }
  const config = join(folder, "config");
  mkdirSync(config, { recursive: true });
  writeFileSync(join(config, "hq.yaml"), `handoffs: { dir: ${nowhere} }\n`);
  const env = { HQ_HOME: join(folder, "fourth"), HQ_CONFIG: config };
  const { code, err } = await runHq(t, ["start"], { env, cwd: folder });
  assert.match(`${code} ${err}`, /^2 [^]*^\/proc\/hq-of-a-test cannot be made: \/proc takes no new folders/m);
});

test(
  "a backup that finds the disk full says so and takes away what it had begun, so that the same command works later",
  needing("unshare", async (t) => {
    const folder = folderFor(t);
    const home = join(folder, "home");
    const supervisor = await startFor(t, home);
    await supervisor.stop();
    const small = join(folder, "small");
    mkdirSync(small);
    const script = `mount -t tmpfs -o size=100k tmpfs "$1" && "$2" "$3" backup "$1/backup"; echo "exit $?"; ls -A "$1/backup"`;
    const args = ["-rm", "sh", "-c", script, "sh", small, process.execPath, join(INSTALLATION, "bin/hq.js")];
    const { stdout, stderr } = spawnSync("unshare", args, {
      encoding: "utf8",
      env: cleanEnv({ HQ_HOME: home }),
    });
    assert.match(
      stderr,
      /^hq: .*small\/backup.* cannot be used: the disk is full \(ENOSPC, \w+\)\.\nFree some space/,
    );
    assert.equal(stdout, "exit 1\n", "nothing is left of it");
  }),
);

test("a restore that is killed while it copies the ledger leaves none, and is begun again with --force", async (t) => {
  const folder = folderFor(t);
  const home = join(folder, "home");
  const supervisor = await startFor(t, home);
  await done(supervisor, await delegated(supervisor, "Find the CTE of Zerodur"));
  await supervisor.stop();
  const backup = join(folder, "backup");
  assert.equal((await hq(["backup", backup], { env: { HQ_HOME: home } })).code, 0);
  // Large enough to be met while it is copied.
  const large = new DatabaseSync(join(backup, "ledger.db"));
  large.exec("create table filling (bytes); insert into filling values (zeroblob(100000000))");
  large.close();
  const other = join(folder, "other");
  mkdirSync(other);
  const env = { HQ_HOME: other, HQ_CONFIG: join(folder, "config") };
  const restoring = startHq(t, ["restore", backup], { env, cwd: folder });
  // It lies there from the first step, empty.
  const half = join(other, "ledger.db.half");
  for await (const _ of watch(other)) if ((statSync(half, { throwIfNoEntry: false })?.size ?? 0) > 0) break;
  restoring.child.kill("SIGKILL");
  assert.equal((await restoring.done).signal, "SIGKILL", "it was met in the middle");
  assert.ok(!existsSync(join(other, "ledger.db")), readdirSync(other).join(" "));

  const again = await hq(["restore", backup], { env });
  assert.match(`${again.code} ${again.err}`, /^2 .*is not empty/);
  assert.equal((await hq(["restore", backup, "--force"], { env })).code, 0);
  const audit = await hq(["audit", "--prove"], { env });
  assert.equal(audit.code, 0, audit.out + audit.err);
  assert.ok(!readdirSync(other).some((name) => name.includes("half")), "nothing half is left");
});

test(
  "a restored ledger, and what lies beside it, is on the disk before it has its name, and its name before the restore is done",
  needing("strace", async (t) => {
    const folder = folderFor(t);
    const home = join(folder, "home");
    const supervisor = await startFor(t, home);
    await supervisor.stop();
    writeFileSync(join(home, "handoffs", "orch-waits.json"), "as it was");
    const backup = join(folder, "backup");
    assert.equal((await hq(["backup", backup], { env: { HQ_HOME: home } })).code, 0);
    const other = join(folder, "other");
    const trace = join(folder, "trace");
    const calls = "trace=fsync,rename,renameat,renameat2";
    const program = [process.execPath, join(INSTALLATION, "bin/hq.js"), "restore", backup];
    const { status, stderr } = spawnSync(
      "strace",
      ["-f", "-qq", "-y", "-e", calls, "-o", trace, ...program],
      {
        encoding: "utf8",
        env: cleanEnv({ HQ_HOME: other, HQ_CONFIG: join(folder, "config") }),
      },
    );
    assert.equal(status, 0, stderr);
    const lines = readFileSync(trace, "utf8").split("\n");
    const named = lines.findIndex((line) => /rename.*ledger\.db\.half/.test(line));
    const begun = lines.findIndex((line) => line.includes("fsync(") && line.includes(`<${other}>`));
    const first = lines.findIndex((line) => line.includes(join(other, "guild")));
    assert.ok(begun >= 0 && begun < first, "that it has begun is known before anything is there");
    const synced = (path: string) => lines.findLastIndex((line) => line.includes(`<${path}>`));
    const data = lines.findLastIndex((line) => /fsync\(.*ledger\.db\.half>/.test(line));
    assert.ok(data >= 0 && data < named, lines.join("\n"));
    assert.ok(synced(other) > named, lines.join("\n"));
    for (const path of ["handoffs/.hq-restore-orch-waits.json", "handoffs", "guild"]) {
      const at = synced(join(other, path));
      assert.ok(at >= 0 && at < named, `${path} is not on the disk\n${lines.join("\n")}`);
    }
  }),
);

test("handoffs go back to where the configuration looks for them, and what is there stays", async (t) => {
  const folder = folderFor(t);
  const shared = join(folder, "shared");
  const config = join(folder, "config");
  cpSync(join(INSTALLATION, "config"), config, { recursive: true });
  writeFileSync(join(config, "hq.yaml"), `handoffs:\n  dir: ${JSON.stringify(shared)}\n`);
  const env = { HQ_HOME: join(folder, "home"), HQ_CONFIG: config };
  const supervisor = await startFor(t, env.HQ_HOME, { HQ_CONFIG: config });
  await done(supervisor, await delegated(supervisor, "Find the CTE of Zerodur"));
  await supervisor.stop();
  writeFileSync(join(shared, "orch-waits.json"), "as it was");
  // Only the inbox has archives of this name.
  mkdirSync(join(shared, "artifacts", "accepted"), { recursive: true });
  writeFileSync(join(shared, "artifacts", "accepted", "table.csv"), "1");
  const backup = join(folder, "backup");
  const made = await hq(["backup", backup], { env });
  assert.equal(made.code, 0, made.err);
  assert.match(made.err, /Not in it: .*workflow files, folders of agents\./);
  assert.ok(existsSync(join(shared, "accepted")) && !existsSync(join(backup, "handoffs", "accepted")));
  assert.ok(existsSync(join(backup, "handoffs", "artifacts", "accepted", "table.csv")));

  const bringBack = async (home: string) => {
    const restored = await hq(["restore", backup, "--json"], {
      env: { ...env, HQ_HOME: join(folder, home) },
    });
    assert.equal(restored.code, 0, restored.err);
    assert.equal(JSON.parse(restored.out).handoffs, shared);
    assert.ok(!existsSync(join(folder, home, "handoffs")), "nobody would read them there");
    return readFileSync(join(shared, "orch-waits.json"), "utf8");
  };
  rmSync(shared, { recursive: true });
  assert.equal(await bringBack("second"), "as it was");
  writeFileSync(join(shared, "orch-waits.json"), "written since");
  assert.equal(await bringBack("third"), "written since");
});

test("a folder that cannot be looked at is named by an audit", async (t) => {
  const folder = folderFor(t);
  const home = join(folder, "home");
  mkdirSync(home);
  await (await openSqliteLedger({ path: join(home, "ledger.db"), ballastBytes: 0 })).close();
  writeFileSync(join(home, "handoffs"), "");
  const { code, err } = await hq(["audit", "--prove"], { env: { HQ_HOME: home } });
  assert.equal(
    `${code} ${err}`,
    `1 hq: ${home}/handoffs cannot be used: what stands there is no folder (ENOTDIR, opendir).\nName another folder, or take away what stands there.\n`,
  );
});

test("a page of the ledger that is damaged is told with what to do, by a start and by each reading that meets it", async (t) => {
  const folder = folderFor(t);
  const home = await leftHome(folder);
  const path = join(home, "ledger.db");
  const whole = readFileSync(path);
  const damage = (table: string) => {
    writeFileSync(path, whole);
    const db = new DatabaseSync(path, { readOnly: true });
    const size = Number(db.prepare("pragma page_size").get()?.["page_size"]);
    const root = db.prepare("select rootpage from sqlite_schema where name = ?").get(table);
    db.close();
    const page = Number(root?.["rootpage"]);
    writeFileSync(path, Buffer.from(whole).fill(0xab, (page - 1) * size, page * size));
  };
  const words =
    /ledger\.db is damaged or is no ledger\. Stop the supervisor, .* restore a backup\. \(SQLite: /;
  damage("event");
  const start = ["start", "--port", "0", "--guild-port", "0"];
  const { code, err } = await runHq(t, start, { env: { HQ_HOME: home }, cwd: folder });
  assert.equal(code, 1, err);
  assert.match(err, words);
  assert.doesNotMatch(err, / at .*\.ts:/);
  damage("counter");
  const ledger = await openSqliteLedger({ path, ballastBytes: 0 });
  await assert.rejects(ledger.counts(), { code: "ledger_trouble", message: words });
  await ledger.close();
});

/** A folder with a ledger in which two dispatches and a line are open, and what else a backup takes. */
async function leftHome(folder: string): Promise<string> {
  const home = join(folder, "home");
  for (const name of ["handoffs", "guild"]) mkdirSync(join(home, name), { recursive: true });
  writeFileSync(join(home, "handoffs", "orch-waits.json"), "as it was");
  writeFileSync(join(home, "guild", "guild.json"), "{}");
  const ledger = await openSqliteLedger({ path: join(home, "ledger.db"), ballastBytes: 0 });
  const effects = [dispatch("run-1", "webster"), dispatch("run-1", "webster", 1, 2), line("a line", 1)];
  await written(ledger, commitOf("run-1", { effects }));
  await ledger.close();
  return home;
}

test("what was open is in doubt since the instant before anything was copied, and a restored ledger is for its owner alone", async (t) => {
  const folder = folderFor(t);
  const home = await leftHome(folder);
  const backup = join(folder, "backup");
  const begun = Date.parse("2026-02-17T12:00:00.000Z");
  // A second later with each thing that is copied.
  const now = () => begun + (existsSync(backup) ? readdirSync(backup).length * 1000 : 0);
  assert.equal((await hq(["backup", backup], { env: { HQ_HOME: home }, now })).code, 0);
  chmodSync(join(backup, "ledger.db"), 0o644);
  const other = join(folder, "other");
  const env = { HQ_HOME: other, HQ_CONFIG: join(folder, "config") };
  const restored = await hq(["restore", backup, "--json"], { env });
  assert.equal(JSON.parse(restored.out).doubtful, 2, restored.err);
  assert.equal(statSync(join(other, "ledger.db")).mode & 0o777, 0o600);
  const db = new DatabaseSync(join(other, "ledger.db"), { readOnly: true });
  t.after(() => db.close());
  assert.deepEqual(
    db
      .prepare("select type, begun_at from outbox order by id")
      .all()
      .map((row) => [row["type"], row["begun_at"]]),
    [
      ["dispatch", begun],
      ["dispatch", begun],
      ["filing", null],
    ],
  );
});

test("the configuration of a backup goes where none is, and never among the files of one that is in use", async (t) => {
  const folder = folderFor(t);
  const home = await leftHome(folder);
  const used = join(folder, "used");
  cpSync(join(INSTALLATION, "config"), used, { recursive: true });
  writeFileSync(join(used, "notes.txt"), "of the backup");
  const backup = join(folder, "backup");
  const made = await hq(["backup", backup], { env: { HQ_HOME: home, HQ_CONFIG: used } });
  assert.equal(made.code, 0, made.err);
  rmSync(join(used, "notes.txt"));

  const second = join(folder, "second");
  const beside = await hq(["restore", backup], { env: { HQ_HOME: second, HQ_CONFIG: used } });
  assert.equal(beside.code, 0, beside.err);
  assert.ok(!existsSync(join(used, "notes.txt")), "what was taken away since does not come back");
  assert.equal(readFileSync(join(second, "config-of-backup", "notes.txt"), "utf8"), "of the backup");
  assert.match(beside.err, /config-of-backup and differs perhaps from the one in use, which stays/);

  const empty = join(folder, "empty");
  mkdirSync(empty);
  const third = join(folder, "third");
  const taken = await hq(["restore", backup], { env: { HQ_HOME: third, HQ_CONFIG: empty } });
  assert.match(taken.err, /empty and is in use/);
  assert.ok(existsSync(join(empty, "notes.txt")) && !existsSync(join(third, "config-of-backup")));
});

test("a restore that is killed among the configuration or the handoffs puts all of them there when it is begun again", async (t) => {
  const folder = folderFor(t);
  const home = await leftHome(folder);
  const [config, shared, backup] = ["config", "shared", "backup"].map((name) => join(folder, name));
  assert.ok(config && shared && backup);
  assert.equal((await hq(["backup", backup], { env: { HQ_HOME: home } })).code, 0);
  writeFileSync(join(backup, "config", "hq.yaml"), `handoffs:\n  dir: ${JSON.stringify(shared)}\n`);
  const env = { HQ_HOME: join(folder, "other"), HQ_CONFIG: config };
  // Large enough to be met while it is copied.
  const large = Buffer.alloc(100_000_000, "x");
  for (const [of, place] of [
    ["config", config],
    ["handoffs", shared],
  ] as const) {
    writeFileSync(join(backup, of, "large"), large);
    mkdirSync(place, { recursive: true });
    const restoring = startHq(t, ["restore", backup, "--force"], { env, cwd: folder });
    const isOver = new AbortController();
    void restoring.done.then(() => isOver.abort());
    for await (const { filename } of watch(place, { signal: isOver.signal }))
      if (filename?.includes("large")) break;
    restoring.child.kill("SIGKILL");
    assert.equal((await restoring.done).signal, "SIGKILL", "it was met in the middle");
    const again = await hq(["restore", backup, "--force"], { env });
    assert.equal(again.code, 0, again.err);
    assert.match(again.err, of === "config" ? /config and is in use/ : /the one in use, which stays/);
    assert.deepEqual(readdirSync(place).sort(), readdirSync(join(backup, of)).sort());
    assert.ok(readFileSync(join(place, "large")).equals(large), "no half of a file stands for the whole");
    rmSync(join(backup, of, "large"));
    rmSync(join(place, "large"));
  }
});

test("nothing is restored over a supervisor that has only just begun, nor are the files of another restore taken away", async (t) => {
  const folder = folderFor(t);
  const home = await leftHome(folder);
  const env = { HQ_HOME: home, HQ_CONFIG: join(folder, "config") };
  const file = join(folder, "hq.tar.gz");
  assert.equal((await hq(["backup", file], { env: { HQ_HOME: home } })).code, 0);
  // It has its lock before it can be found by run.json.
  const hold = await holdHome({ path: join(home, "supervisor.lock"), describe: {} });
  assert.ok(hold.ok);
  const locked = await hq(["restore", file, "--force"], { env });
  await hold.release();
  assert.match(`${locked.code} ${locked.err}`, /^3 .*A supervisor works in/);
  assert.ok(existsSync(join(home, "ledger.db")));

  const [alive, dead] = [process.pid, spawnSync("true").pid].map((pid) =>
    join(folder, `.hq-restore-home-${pid}-x`),
  );
  assert.ok(alive && dead);
  for (const place of [alive, dead]) mkdirSync(place);
  const restored = await hq(["restore", file, "--force"], { env });
  assert.equal(restored.code, 0, restored.err);
  assert.deepEqual([existsSync(alive), existsSync(dead)], [true, false]);
});

test(
  "a backup reads handoffs before the ledger and the guild after it, and says that it is whole when all of it is on the disk",
  needing("strace", async (t) => {
    const folder = folderFor(t);
    const home = await leftHome(folder);
    const backup = join(folder, "backup");
    const trace = join(folder, "trace");
    const program = [process.execPath, join(INSTALLATION, "bin/hq.js"), "backup", backup];
    const args = ["-f", "-qq", "-y", "-e", "trace=openat,fsync,fdatasync", "-o", trace, ...program];
    const { status, stderr } = spawnSync("strace", args, {
      encoding: "utf8",
      env: cleanEnv({ HQ_HOME: home }),
    });
    assert.equal(status, 0, stderr);
    const lines = readFileSync(trace, "utf8").split("\n");
    const opened = (path: string) =>
      lines.findIndex((line) => line.includes("openat(") && line.includes(`"${path}"`));
    const synced = (path: string) =>
      lines.findLastIndex((line) => line.includes("sync(") && line.includes(`<${path}>`));
    const order = [
      opened(join(home, "handoffs/orch-waits.json")),
      opened(join(backup, "ledger.db")),
      opened(join(home, "guild/guild.json")),
      opened(join(backup, "backup.json")),
    ];
    assert.ok(!order.includes(-1), JSON.stringify(order));
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
    const said = order.at(-1) ?? 0;
    for (const path of [
      "handoffs/.hq-restore-orch-waits.json",
      "handoffs",
      "ledger.db",
      "guild/.hq-restore-guild.json",
      "guild",
    ]) {
      const at = synced(join(backup, path));
      assert.ok(at >= 0 && at < said, `${path} is not on the disk`);
    }
    assert.ok(synced(backup) > said && synced(join(backup, "backup.json")) > said);
  }),
);

test("export prints every event and delegation with the cursor from which one goes on, also while it runs", async (t) => {
  const home = join(folderFor(t), "home");
  const env = { HQ_HOME: home };
  const supervisor = await startFor(t, home);
  const ids = [];
  for (const objective of ["=1+1 is the CTE of Zerodur", "Find the CTE of ULE"])
    ids.push(await delegated(supervisor, objective));
  for (const id of ids) await done(supervisor, id);
  const events = (await hq(["export"], { env })).out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const positions = events.map(({ position }) => position);
  assert.deepEqual(
    positions,
    [...positions].sort((a, b) => a - b),
  );
  assert.ok(
    ids.every((id) => events.some(({ stream, type }) => stream === id && type === "delegation.settled")),
  );
  const later = (await hq(["export", "--after", String(positions[2])], { env })).out.trim().split("\n");
  assert.equal(JSON.parse(later[0] ?? "").position, positions[3]);
  const csv = (await hq(["export", "delegations", "--format", "csv"], { env })).out.split("\r\n");
  assert.match(csv[0] ?? "", /^cursor,id,status/);
  assert.ok(
    csv.some((line) => line.includes(`"'=1+1 is the CTE of Zerodur"`)),
    csv.join("\n"),
  );
  const json = (await hq(["export", "delegations", "--json", "--format", "csv"], { env })).out.trim();
  assert.deepEqual(
    json.split("\n").map((line) => JSON.parse(line).id),
    csv.slice(1, -1).map((line) => line.split(",")[1]),
  );
  const none = await hq(["export", "--since", "2100-01-01"], { env });
  assert.deepEqual([none.code, none.out], [0, ""]);
  await supervisor.stop();
  const offline = await hq(["export", "delegations"], { env });
  assert.equal(offline.out.trim().split("\n").length, ids.length);
});

test("cells of a table hold no formulas and keep their lines", () => {
  for (const text of ["=1", "+1", "-1", "@a"]) assert.equal(csvCell(text), `"'${text}"`);
  assert.equal(csvCell('a "b", c'), '"a ""b"", c"');
  assert.equal(csvCell(-5), "-5");
  assert.equal(csvCell(undefined), "");
});

test("prune takes out what ended long ago with its files, and nothing that is open or young", async (t) => {
  const home = join(folderFor(t), "home");
  const env = { HQ_HOME: home };
  const first = await startFor(t, home);
  const old = await delegated(first, "Find the CTE of Zerodur");
  const young = await delegated(first, "Find the CTE of ULE");
  for (const id of [old, young]) await done(first, id);
  await first.call("POST", "/agents/webster/drain", {});
  const open = await delegated(first, "Find the CTE of BK7");
  await first.stop();
  const db = new DatabaseSync(join(home, "ledger.db"), { timeout: 5000 });
  for (const id of [old, open])
    db.prepare("update event set at = ? where stream = ? or stream like ? || '/%'").run(
      OLD.getTime(),
      id,
      id,
    );
  db.close();
  const filed = readdirSync(join(home, "handoffs", "accepted"), { recursive: true })
    .map((name) => join(home, "handoffs", "accepted", String(name)))
    .filter((path) => statSync(path).isFile());
  for (const path of filed) utimesSync(path, OLD, OLD);
  const logs = join(home, "logs", "orchestration");
  mkdirSync(logs, { recursive: true });
  const log = join(logs, `attempts-${OLD.toISOString().slice(0, 10)}.jsonl`);
  writeFileSync(log, "{}\n");
  const aside = join(home, "handoffs", "rejected", OLD.toISOString().slice(0, 10));
  mkdirSync(aside, { recursive: true });
  for (const [name, text] of [
    [`${old}.json`, ""],
    [`${old}.json.problems.json`, "{}"],
  ] as const) {
    writeFileSync(join(aside, name), text);
    utimesSync(join(aside, name), OLD, OLD);
  }

  const supervisor = await startFor(t, home);
  const dry = await hq(["prune", "--older-than", "90d", "--dry-run", "--json"], { env });
  assert.equal(dry.code, 0, dry.err);
  const told = JSON.parse(dry.out);
  assert.ok(told.dry && told.streams >= 1 && told.files.count === 4, dry.out);
  assert.equal((await supervisor.call("GET", `/delegations/${old}`)).status, 200);
  const pruned = await hq(["prune", "--older-than", "90d"], { env });
  assert.match(pruned.out, /Took out 1 stream that .*\nRemoved 4 files/);
  assert.equal(existsSync(log), false);
  assert.equal(existsSync(aside), false, "an empty file goes too, and the folder with it");
  assert.deepEqual(
    filed.map((path) => existsSync(path)),
    filed.map((path) => !path.includes(old)),
  );
  const kept = new DatabaseSync(join(home, "ledger.db"), { readOnly: true });
  const rows = (id: string) =>
    ["event", "outbox"].map((table) =>
      Number(kept.prepare(`select count(*) as n from ${table} where stream = ?`).get(id)?.["n"]),
    );
  assert.deepEqual(rows(old), [0, 0]);
  assert.ok(rows(open)[0] && rows(young)[0]);
  kept.close();
  const { body } = await supervisor.call("GET", "/delegations?limit=50");
  assert.deepEqual(body.items.map(({ id }: { id: string }) => id).sort(), [young, open].sort());
  const clean = await hq(["audit", "--prove"], { env });
  assert.equal(clean.code, 0, clean.out);
  const soon = await hq(["prune", "--older-than", "2h"], { env });
  assert.match(`${soon.code} ${soon.err}`, /^2 .*at least a day/);
  assert.equal((await hq(["prune"], { env })).code, 2);
  assert.equal(readFileSync(join(home, "run.json"), "utf8").includes(String(supervisor.ready.pid)), true);
});

test("odd files in rejected/ are pruned by their age like the rest; no link is followed, and nothing beside the folder goes", async (t) => {
  const folder = folderFor(t);
  const home = join(folder, "home");
  const env = { HQ_HOME: home };
  const supervisor = await startFor(t, home);
  const known = await delegated(supervisor, "Find the CTE of Zerodur");
  await done(supervisor, known);
  const rejected = join(home, "handoffs", "rejected");
  const outside = join(folder, "outside");
  const put = (path: string, isOld = true) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "{}");
    if (isOld) utimesSync(path, OLD, OLD);
    return path;
  };
  const day = OLD.toISOString().slice(0, 10);
  const gone = [
    "orch-without-day.json",
    "notes.txt",
    `${day}/report.pdf`,
    `${day}/report.pdf.problems.json`,
    `${day}/.orch-1.json.partial`,
    `${day}/orch-2.json.problems.json`,
    `${day}/a name with spaces.json.again-2`,
    "elsewhere/deep/x.bin",
  ].map((name) => put(join(rejected, name)));
  const kept = [
    put(join(rejected, "new.txt"), false),
    put(join(rejected, `${known}.json`)),
    put(join(outside, "old.txt")),
    put(join(outside, day, "orch-9.json")),
    put(join(home, "handoffs", "other.txt")),
  ];
  for (const name of ["folder", "2020-01-01"]) symlinkSync(outside, join(rejected, name));
  const link = join(rejected, "link.json");
  symlinkSync(kept[2] ?? "", link);
  lutimesSync(link, OLD, OLD);

  const dry = await hq(["prune", "--older-than", "90d", "--dry-run", "--json"], { env });
  assert.equal(JSON.parse(dry.out).files.count, gone.length + 1, dry.out);
  const pruned = await hq(["prune", "--older-than", "90d"], { env });
  assert.match(pruned.out, new RegExp(`Removed ${gone.length + 1} files`));
  const left = (paths: readonly string[]) =>
    paths.filter((path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined);
  assert.deepEqual(left([...gone, link]), []);
  assert.deepEqual(left(kept), kept);
  assert.ok(!existsSync(join(rejected, day)), "its folder goes when nothing is left in it");
});
