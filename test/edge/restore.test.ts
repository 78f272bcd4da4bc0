import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { commitOf, dispatch, written } from "../contract/ledger-fixture.ts";
import { cleanEnv, temporaryFolder } from "../support/supervisor.ts";
import { needing } from "../support/tools.ts";
import { hq, INSTALLATION } from "./cli-harness.ts";
import { isAlive, runHq } from "./cli-process.ts";

const START = ["start", "--port", "0", "--guild-port", "0"];

/** A folder with an open dispatch, and a backup of it with little in it. */
async function backedUp(t: TestContext) {
  const { path: folder, remove } = temporaryFolder("hq-restore-");
  t.after(remove);
  const home = join(folder, "home");
  const config = join(folder, "config");
  for (const place of [join(home, "handoffs"), join(home, "guild"), config])
    mkdirSync(place, { recursive: true });
  writeFileSync(join(home, "handoffs", "orch-waits.json"), "as it was");
  writeFileSync(join(home, "guild", "guild.json"), "{}");
  writeFileSync(join(config, "hq.yaml"), "logs: { level: warn }\n");
  writeFileSync(join(config, "notes.txt"), "notes");
  const ledger = await openSqliteLedger({ path: join(home, "ledger.db"), ballastBytes: 0 });
  await written(ledger, commitOf("run-1", { effects: [dispatch("run-1", "webster")] }));
  await ledger.close();
  const backup = join(folder, "backup");
  const env = { HQ_HOME: home, HQ_CONFIG: config };
  const made = await hq(["backup", backup], { env });
  assert.equal(made.code, 0, made.err);
  return { folder, home, config, backup, env };
}

function inDoubt(home: string): unknown {
  const db = new DatabaseSync(join(home, "ledger.db"), { readOnly: true });
  try {
    return db.prepare("select count(*) as n from outbox where begun_at is not null").get()?.["n"];
  } finally {
    db.close();
  }
}

test(
  "nobody begins in a folder while a backup is put into it: neither a supervisor nor another restore",
  needing("strace", async (t) => {
    const { folder, home, backup, env } = await backedUp(t);
    for (const [place, ...force] of [[join(folder, "new")], [home, "--force"]] as const) {
      const of = { env: { ...env, HQ_HOME: place }, cwd: folder };
      // It stands still when it has begun.
      const stop = ["-f", "-e", "trace=fsync", "-e", "inject=fsync:signal=SIGSTOP:when=1"];
      const program = [process.execPath, join(INSTALLATION, "bin/hq.js"), "restore", backup, ...force];
      const restoring = spawn("strace", [...stop, ...program], {
        env: cleanEnv({ ...of.env, UV_THREADPOOL_SIZE: "1" }),
        stdio: ["ignore", "ignore", "pipe"],
      });
      const over = once(restoring, "close");
      let said = "";
      for await (const text of restoring.stderr.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
        said += String(text);
        if (said.includes("stopped by SIGSTOP")) break;
      }
      const { pid } = JSON.parse(readFileSync(join(place, "supervisor.lock.json"), "utf8"));
      t.after(() => {
        if (restoring.exitCode === null && isAlive(pid)) process.kill(pid, "SIGKILL");
      });
      const started = await runHq(t, START, of);
      assert.equal(
        `${started.code} ${started.err}`,
        `3 A restore (pid ${pid}) puts a backup into ${place}.\nStart again when it is done.\n`,
      );
      const second = await hq(["restore", backup, "--force"], { env: of.env });
      assert.match(`${second.code} ${second.err}`, /^3 hq: A supervisor works in .*, or another restore\.\n/);
      // Each thread has a first time.
      restoring.stderr.on("data", (text) => {
        if (String(text).includes("stopped by SIGSTOP") && isAlive(pid)) process.kill(pid, "SIGCONT");
      });
      process.kill(pid, "SIGCONT");
      assert.deepEqual(await over, [0, null]);
      assert.equal(inDoubt(place), 1);
    }
  }),
);

test(
  "a restore that is killed at any of its steps leaves the whole, or nothing that a start would go on with, and is begun again",
  { timeout: 300_000 },
  needing("strace", async (t) => {
    const { folder, backup } = await backedUp(t);
    const trees = ["config", "guild", "handoffs"].map((name) => join(backup, name));
    const whole = trees.map((path) => readdirSync(path).sort());
    const other = join(folder, "other");
    const env = { HQ_HOME: join(other, "home"), HQ_CONFIG: join(other, "config") };
    const places = [env.HQ_CONFIG, join(env.HQ_HOME, "guild"), join(env.HQ_HOME, "handoffs")];
    const restore = ["restore", backup, "--force"];
    const brokenOff = `A restore into ${env.HQ_HOME} was broken off.\nBegin it again with \`hq restore --force\`. To begin a new ledger here, take ${env.HQ_HOME}/ledger.db.half away.\n`;
    let steps = 0;
    for (const call of ["fsync", "rename"]) {
      for (let nth = 1; ; nth++) {
        rmSync(other, { recursive: true, force: true });
        const kill = `inject=${call}:signal=SIGKILL:when=${nth}`;
        const program = [process.execPath, join(INSTALLATION, "bin/hq.js"), ...restore];
        const args = ["-f", "-qq", "-o", "/dev/null", "-e", `trace=${call}`, "-e", kill, ...program];
        // One thread for files: calls are counted for each thread by itself.
        const once = cleanEnv({ ...env, UV_THREADPOOL_SIZE: "1" });
        const { status, signal, stderr } = spawnSync("strace", args, { encoding: "utf8", env: once });
        if (status === 0) break;
        assert.ok(signal === "SIGKILL" || status === 137, stderr);
        steps++;
        const step = `${call} ${nth}`;
        const left = readdirSync(env.HQ_HOME).filter((name) => !name.startsWith("supervisor.lock"));
        // Whoever had only its lock has touched nothing.
        if (left.length === 0) continue;
        if (!left.includes("ledger.db")) {
          const { code, err } = await runHq(t, START, { env, cwd: folder });
          assert.equal(code, 2, `${step}: ${err}`);
          assert.ok(err.endsWith(brokenOff), `${step}: ${err}`);
          const audit = await hq(["audit", "--prove"], { env });
          assert.match(`${audit.code} ${audit.err}`, /^2 .* was broken off\.\n/, step);
          const again = await hq(restore, { env });
          assert.equal(again.code, 0, `${step}: ${again.err}`);
        }
        assert.deepEqual(
          places.map((path) => readdirSync(path).sort()),
          whole,
          step,
        );
        assert.equal(inDoubt(env.HQ_HOME), 1, step);
      }
    }
    assert.ok(steps > 10, `${steps}`);
  }),
);

test(
  "a restore that is killed while it moves the old folder aside leaves that one, or nothing that a start would go on with",
  { timeout: 300_000 },
  needing("strace", async (t) => {
    const { folder, home, backup, env } = await backedUp(t);
    writeFileSync(join(home, "held"), "2026-02-17T12:00:00.000Z\n");
    const whole = join(folder, "whole");
    cpSync(home, whole, { recursive: true });
    const restore = ["restore", backup, "--force"];
    const kept = () => readdirSync(folder).filter((name) => name.startsWith("home.before-"));
    const left = new Set<string>();
    for (const call of ["mkdir", "rename", "fsync"]) {
      for (let nth = 1; ; nth++) {
        for (const name of ["home", "home.restoring", ...kept()])
          rmSync(join(folder, name), { recursive: true, force: true });
        cpSync(whole, home, { recursive: true });
        const kill = `inject=${call}:signal=SIGKILL:when=${nth}`;
        const program = [process.execPath, join(INSTALLATION, "bin/hq.js"), ...restore];
        const args = ["-f", "-qq", "-o", "/dev/null", "-e", `trace=${call}`, "-e", kill, ...program];
        const once = cleanEnv({ ...env, UV_THREADPOOL_SIZE: "1" });
        const { status, signal, stderr } = spawnSync("strace", args, { encoding: "utf8", env: once });
        if (status === 0) break;
        assert.ok(signal === "SIGKILL" || status === 137, stderr);
        const step = `${call} ${nth}`;
        if (existsSync(join(home, "ledger.db"))) {
          left.add("the old one");
          assert.deepEqual(kept(), [], step);
          assert.equal(inDoubt(home), 0, step);
          continue;
        }
        left.add(existsSync(home) ? "a new one" : "none");
        const [old] = kept();
        const { code, err } = await runHq(t, START, { env, cwd: folder });
        const told = `A restore into ${home} was broken off.\nBegin it again with \`hq restore --force\`. What was there is kept in ${join(folder, old ?? "")}. `;
        assert.equal(code, 2, `${step}: ${err}`);
        assert.ok(err.includes(told), `${step}: ${err}`);
        for (const command of [
          ["audit", "--prove"],
          ["backup", join(folder, "none")],
        ]) {
          const asked = await hq(command, { env });
          assert.match(`${asked.code} ${asked.err}`, /^2 .* was broken off\.\n/, step);
        }
        const again = await hq(restore, { env });
        assert.equal(again.code, 0, `${step}: ${again.err}`);
        assert.equal(inDoubt(home), 1, step);
        assert.ok(existsSync(join(home, "held")), `${step}: the emergency stop holds`);
        assert.ok(existsSync(join(folder, old ?? "", "ledger.db")), step);
        assert.ok(!existsSync(join(folder, "home.restoring")), step);
        // What comes after this is the same as in an empty folder.
        if (call === "fsync" && left.size === 3) break;
      }
    }
    assert.deepEqual([...left].sort(), ["a new one", "none", "the old one"]);
  }),
);

test(
  "a restore on a disk without room for it says so and leaves no ledger, however little is missing",
  needing("unshare", async (t) => {
    const { folder, backup, env } = await backedUp(t);
    const small = join(folder, "small");
    mkdirSync(small);
    const home = join(small, "home");
    const script = `mount -t tmpfs tmpfs "$1" && size=16 && until
        rm -rf "$1/home" && mount -o "remount,size=$size"k "$1" && "$2" "$3" restore "$4" --force --json
      do echo "exit $?" $(cd "$1/home" && ls ledger.db 2>&-); size=$((size + 32)); done && cp "$1/home/ledger.db" "$5"`;
    const program = [process.execPath, join(INSTALLATION, "bin/hq.js")];
    const copied = join(folder, "copied");
    mkdirSync(copied);
    const { stdout, stderr } = spawnSync(
      "unshare",
      ["-rm", "sh", "-c", script, "sh", small, ...program, backup, copied],
      { encoding: "utf8", env: cleanEnv({ ...env, HQ_HOME: home }) },
    );
    const end = stdout.indexOf("{");
    assert.equal(JSON.parse(stdout.slice(end)).doubtful, 1, stderr);
    const refused = stdout.slice(0, end).trim().split("\n");
    assert.ok(refused.length > 3, stdout);
    for (const line of refused) assert.equal(line, "exit 1");
    const told = stderr.trim().split("\n");
    assert.equal(told.length, refused.length, stderr);
    for (const line of told) assert.match(JSON.parse(line).message, /full|cannot be locked|some space|disk/);
    assert.equal(inDoubt(copied), 1);
  }),
);

test(
  "a backup whose place has no room for the ledger does not say that the ledger's disk is full, and leaves nothing",
  needing("unshare", async (t) => {
    const { folder, home, env } = await backedUp(t);
    const small = join(folder, "small");
    mkdirSync(small);
    const script = `mount -t tmpfs -o size=64k tmpfs "$1" && "$2" "$3" backup "$1/backup"; echo "exit $?"; ls -A "$1/backup"`;
    const args = ["-rm", "sh", "-c", script, "sh", small, process.execPath, join(INSTALLATION, "bin/hq.js")];
    const { stdout, stderr } = spawnSync("unshare", args, { encoding: "utf8", env: cleanEnv(env) });
    const ledger = join(home, "ledger.db");
    assert.ok(
      stderr.startsWith(`hq: There is no room for a copy of ${ledger} where the backup goes.\n`),
      stderr,
    );
    assert.equal(stdout, "exit 1\n");
  }),
);

test(
  "a folder that something is mounted on is not moved aside, which is said",
  needing("unshare", async (t) => {
    const { folder, backup, env } = await backedUp(t);
    const mounted = join(folder, "mounted");
    mkdirSync(mounted);
    const script =
      'mount -t tmpfs tmpfs "$1" && echo kept > "$1/ledger.db" && "$2" "$3" restore "$4" --force; echo "exit $?"; cat "$1/ledger.db"';
    const program = [process.execPath, join(INSTALLATION, "bin/hq.js")];
    const { stdout, stderr } = spawnSync(
      "unshare",
      ["-rm", "sh", "-c", script, "sh", mounted, ...program, backup],
      { encoding: "utf8", env: cleanEnv({ ...env, HQ_HOME: mounted }) },
    );
    assert.equal(stdout, "exit 2\nkept\n", stderr);
    assert.match(
      stderr,
      /^hq: .*mounted cannot be moved aside: something is mounted there\.\nSet HQ_HOME to a folder in it/,
    );
  }),
);

test(
  "a backup has its name on the disk before it is said to be made, as a folder and packed",
  needing("strace", async (t) => {
    const { folder, env } = await backedUp(t);
    const place = join(folder, "backups");
    mkdirSync(place);
    for (const name of ["folder", "hq.tar.gz"]) {
      const trace = join(folder, `${name}.trace`);
      const program = [process.execPath, join(INSTALLATION, "bin/hq.js"), "backup", join(place, name)];
      const args = ["-f", "-qq", "-y", "-e", "trace=fsync,rename,mkdir", "-o", trace, ...program];
      const { status, stderr } = spawnSync("strace", args, { encoding: "utf8", env: cleanEnv(env) });
      assert.equal(status, 0, stderr);
      const lines = readFileSync(trace, "utf8").split("\n");
      const named = lines.findIndex((line) => line.includes(`"${join(place, name)}"`));
      const synced = lines.findLastIndex((line) => line.includes(`fsync(`) && line.includes(`<${place}>`));
      assert.ok(named >= 0 && synced > named, lines.join("\n"));
    }
  }),
);

test("a backup is not made into what it copies, nor restored from a folder that would be moved aside", async (t) => {
  const { home, config, env, backup } = await backedUp(t);
  const places = [config, join(home, "handoffs", "deep"), join(home, "guild")];
  for (const within of places.map((place) => join(place, "backup"))) {
    const { code, err } = await hq(["backup", within], { env });
    assert.match(`${code} ${err}`, /^2 hq: A backup cannot go into .*, which is copied itself\.\nName a/);
    assert.ok(!existsSync(within));
  }
  const inside = join(home, "backups", "today");
  const made = await hq(["backup", inside], { env });
  assert.equal(made.code, 0, made.err);
  const { code, err } = await hq(["restore", inside, "--force"], { env });
  assert.match(`${code} ${err}`, /^2 hq: .*today lies in .*home, which would be moved aside\.\nMove the/);
  assert.ok(existsSync(join(home, "ledger.db")) && existsSync(join(inside, "backup.json")));
  const elsewhere = await hq(["restore", inside], { env: { ...env, HQ_HOME: join(backup, "new") } });
  assert.equal(elsewhere.code, 0, elsewhere.err);
  assert.equal(readFileSync(join(backup, "new", "handoffs", "orch-waits.json"), "utf8"), "as it was");
});

test("a backup that is not what it says of itself is refused, and nothing is moved aside for it", async (t) => {
  const { folder, home, backup, env } = await backedUp(t);
  const manifest = JSON.parse(readFileSync(join(backup, "backup.json"), "utf8"));
  const copy = join(folder, "copy");
  const refused = async (words: string, spoil: () => void) => {
    rmSync(copy, { recursive: true, force: true });
    cpSync(backup, copy, { recursive: true });
    spoil();
    const { code, err } = await hq(["restore", copy, "--force"], { env });
    assert.equal(`${code} ${err}`, `2 hq: ${words}\n`);
    assert.ok(existsSync(join(home, "ledger.db")));
  };
  const { at: _, ...timeless } = manifest;
  const others = [null, [], "words", {}, { format: 1 }, timeless, { ...manifest, at: "yesterday" }];
  for (const said of [...others, { ...manifest, format: "1" }, { ...manifest, ledger: null }]) {
    const why = `${copy}/backup.json is damaged: what \`hq backup\` wrote there is not all there.`;
    const write = () => writeFileSync(join(copy, "backup.json"), JSON.stringify(said));
    await refused(`${why}\nName another backup.`, write);
  }
  const newer = { format: 2, version: "7.0.0" };
  await refused(
    `The backup ${copy} was made by a newer program (7.0.0).\nRestore it with that program.`,
    () => writeFileSync(join(copy, "backup.json"), JSON.stringify(newer)),
  );
  const again = "Copy it again from where it was made, or name another one.";
  await refused(`${copy} is no whole backup: of 4 files beside its ledger 3 are there.\n${again}`, () =>
    rmSync(join(copy, "handoffs"), { recursive: true }),
  );
  await refused(
    `${copy}/ledger.db is not the ledger of this backup: it goes to position 2 with 1 stream, and backup.json says position 1 with 1 stream.\n${again}`,
    () => {
      const db = new DatabaseSync(join(copy, "ledger.db"));
      const columns = "version + 1, at, type, schema, body, cause, actor";
      db.exec(`insert into event select 2, stream, ${columns} from event`);
      db.close();
    },
  );
});

test("what is linked into a configuration is in its backup, and what other tools had claimed", async (t) => {
  const { folder, home, config, env } = await backedUp(t);
  const elsewhere = join(folder, "elsewhere");
  mkdirSync(join(elsewhere, "contracts"), { recursive: true });
  writeFileSync(join(elsewhere, "acl.yaml"), "# ours\n");
  writeFileSync(join(elsewhere, "contracts", "one.txt"), "one");
  symlinkSync("../elsewhere/acl.yaml", join(config, "acl.yaml"));
  symlinkSync("../elsewhere/contracts", join(config, "contracts"));
  // Two that link to each other are each there once on the way to the other.
  symlinkSync("../../beside", join(elsewhere, "contracts", "beside"));
  mkdirSync(join(folder, "beside"));
  writeFileSync(join(folder, "beside", "two.txt"), "two");
  symlinkSync("../elsewhere/contracts", join(folder, "beside", "back"));
  symlinkSync("../beside", join(config, "beside"));
  symlinkSync("nowhere", join(config, "gone"));
  symlinkSync("circle", join(config, "circle"));
  symlinkSync(".", join(config, "itself"));
  symlinkSync(folder, join(config, "all"));
  // The keys of a home are in no backup.
  symlinkSync("../home", join(config, "home"));
  writeFileSync(join(home, "secret.key"), "a secret\n");
  symlinkSync("../home/secret.key", join(config, "our.key"));
  writeFileSync(join(config, ".env"), "DISCORD_TOKEN=a secret\n");
  symlinkSync("/etc/hostname", join(home, "handoffs", "orch-linked.json"));
  writeFileSync(join(home, "handled-tasks.txt"), "1\n");
  writeFileSync(join(home, "api.port"), "8123\n");
  const backup = join(folder, "linked");
  const made = await hq(["backup", backup], { env });
  assert.equal(made.code, 0, made.err);
  const other = { HQ_HOME: join(folder, "other"), HQ_CONFIG: join(folder, "other-config") };
  const restored = await hq(["restore", backup], { env: other });
  assert.equal(restored.code, 0, restored.err);
  assert.deepEqual(readdirSync(other.HQ_CONFIG, { recursive: true }).sort(), [
    "acl.yaml",
    "beside",
    "beside/back",
    "beside/back/one.txt",
    "beside/two.txt",
    "contracts",
    "contracts/beside",
    "contracts/beside/two.txt",
    "contracts/one.txt",
    "hq.yaml",
    "notes.txt",
  ]);
  assert.equal(readFileSync(join(other.HQ_CONFIG, "acl.yaml"), "utf8"), "# ours\n");
  assert.deepEqual(readdirSync(join(other.HQ_HOME, "handoffs")), ["orch-waits.json"]);
  assert.equal(readFileSync(join(other.HQ_HOME, "handled-tasks.txt"), "utf8"), "1\n");
  assert.equal(readFileSync(join(other.HQ_HOME, "api.port"), "utf8"), "8123\n", "prompts name it");
});

test("of a home that lies in the configuration's folder no key and no second ledger is in a backup", async (t) => {
  const { folder, home, config } = await backedUp(t);
  const inside = join(config, "state");
  cpSync(home, inside, { recursive: true });
  writeFileSync(join(inside, "secret.key"), "a secret\n");
  const backup = join(folder, "of-inside");
  const made = await hq(["backup", backup], { env: { HQ_HOME: inside, HQ_CONFIG: config } });
  assert.equal(made.code, 0, made.err);
  assert.deepEqual(readdirSync(join(backup, "config")).sort(), ["hq.yaml", "notes.txt"]);
  assert.deepEqual(readdirSync(join(backup, "handoffs")), ["orch-waits.json"]);
});

test("of a home that is the configuration's folder itself a backup holds the configuration, and no token, log or second ledger", async (t) => {
  const { folder, home } = await backedUp(t);
  writeFileSync(join(home, "hq.yaml"), "logs: { level: warn }\n");
  mkdirSync(join(home, "skill_contracts"));
  mkdirSync(join(home, "sessions"));
  writeFileSync(join(home, "sessions", "one.token"), "a token\n");
  const link = join(folder, "link");
  symlinkSync("home", link);
  for (const [name, place] of Object.entries({ "of-same": home, "of-linked": link })) {
    const backup = join(folder, name);
    const made = await hq(["backup", backup], { env: { HQ_HOME: home, HQ_CONFIG: place } });
    assert.equal(made.code, 0, made.err);
    assert.deepEqual(readdirSync(join(backup, "config")).sort(), ["hq.yaml", "skill_contracts"]);
    assert.deepEqual(readdirSync(join(backup, "handoffs")), ["orch-waits.json"]);
  }
});

test("a folder behind a link is moved aside where it lies, and what is restored lies there, too", async (t) => {
  const { folder, home, backup, env } = await backedUp(t);
  const link = join(folder, "link");
  symlinkSync("home", link);
  const { code, out, err } = await hq(["restore", backup, "--force", "--json"], {
    env: { ...env, HQ_HOME: link },
  });
  assert.equal(code, 0, err);
  assert.equal(readlinkSync(link), "home");
  assert.equal(inDoubt(home), 1);
  const { before } = JSON.parse(out);
  assert.ok(before.startsWith(`${home}.before-`), before);
  assert.ok(existsSync(join(before, "ledger.db")));
});

test("where an emergency stop holds, it holds after a restore, too", async (t) => {
  const { home, backup, env } = await backedUp(t);
  for (const held of [false, true]) {
    if (held) writeFileSync(join(home, "held"), "2026-02-17T12:00:00.000Z\n");
    const { code, err } = await hq(["restore", backup, "--force"], { env });
    assert.equal(code, 0, err);
    assert.equal(existsSync(join(home, "held")), held);
  }
});

test("nothing is restored where a database is used: no start would look at it", async (t) => {
  const { folder, home, config, backup, env } = await backedUp(t);
  writeFileSync(join(config, "hq.yaml"), "database: postgres://hq@127.0.0.1:1/hq\n");
  for (const place of [home, join(folder, "new")]) {
    const { code, err } = await hq(["restore", backup, "--force"], { env: { ...env, HQ_HOME: place } });
    assert.match(`${code} ${err}`, /^2 hq: The ledger lies in PostgreSQL, which has programs for that\.\n/);
  }
  assert.ok(existsSync(join(home, "ledger.db")) && !existsSync(join(folder, "new")));
});
