import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import test, { after, type TestContext } from "node:test";
import { writeMoved } from "../../src/ledger/moved.ts";
import { MOVED } from "../../src/ledger/postgres/move-tables.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { claimOf, commitOf, dispatch, line, written } from "../contract/ledger-fixture.ts";
import { query } from "../ledger/postgres-query.ts";
import { PASSWORD, startPostgres } from "../support/postgres.ts";
import { beginWork, supervisedFolder, workDone } from "../support/supervised-folder.ts";
import { ROOT } from "../support/supervisor.ts";
import { needing } from "../support/tools.ts";
import { hq } from "./cli-harness.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

function newHome(t: TestContext) {
  const { path: home, start } = supervisedFolder(t, "hq-move-");
  return { home, start: (env: Record<string, string> = {}) => start(env) };
}

/** A small ledger with history, keys, held work, slots and texts of all kinds. */
async function filled(home: string, streams = 40): Promise<void> {
  const ledger = await openSqliteLedger({ path: join(home, "ledger.db"), ballastBytes: 0 });
  for (let n = 0; n < streams; n++) {
    const stream = `run-${n}`;
    const key = { scope: "test", key: stream, digest: "d" };
    const effects = [line(stream, 1), dispatch(stream, `agent-${n % 3}`, 1)];
    const blobs = [{ digest: `blob-${n}`, body: `naïve \u0000 ${"x".repeat(n)}` }];
    // A kind of which the audit knows no rules: what is written here tells no story.
    await written(ledger, commitOf(stream, { kind: "interaction", key, effects, blobs }));
  }
  const claimed = await claimOf(ledger, { limit: 6 });
  await ledger.postpone(claimed[0]?.id ?? "", 5, "a reason with \u0000 in it");
  await ledger.lease("coordinator", "somebody", 1);
  await ledger.remember("search position", "7");
  await ledger.remember("figures", "told");
  await ledger.close();
}

async function inDatabase(url: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { name } of MOVED)
    counts[name] = Number((await query(url, `select count(*)::integer as n from hq.${name}`))[0]?.["n"]);
  return counts;
}

const isThere = async (url: string) =>
  (await query(url, "select to_regclass('hq.event') is not null as there"))[0]?.["there"] === true;

test("a ledger of real work goes into a database with all its history, and its work goes on there", async (t) => {
  const { home, start } = newHome(t);
  const url = await postgres.createDatabase();
  const first = await start();
  const delegation = { agent: "webster", objective: "Find the CTE of Zerodur" };
  await workDone(first, await beginWork(first, "/delegations", delegation));
  await workDone(
    first,
    await beginWork(first, "/runs", { workflow: "quick-research", inputs: { query: "CTE of ULE" } }),
  );
  await workDone(first, await beginWork(first, "/tasks", { text: "Summarise what is known about ULE" }));
  await first.call("POST", "/agents/webster/drain", {});
  const open = await beginWork(first, "/delegations", { ...delegation, objective: "Find the CTE of Invar" });
  const env = { HQ_HOME: home };
  const busy = await hq(["store", "migrate", "--to", url], { env });
  assert.match(`${busy.code} ${busy.err}`, /^3 .*A supervisor works in .*\n.*hq stop/);
  await first.stop();
  const events = (await hq(["export", "events"], { env })).out;

  const dry = await hq(["store", "migrate", "--to", url, "--dry-run", "--json"], { env });
  assert.equal(dry.code, 0, dry.err);
  assert.equal(await isThere(url), false, "nothing was made");
  const moved = await hq(["store", "migrate", "--to", url, "--json"], { env });
  assert.equal(moved.code, 0, moved.err);
  const report = JSON.parse(moved.out);
  assert.deepEqual(report.after, report.before);
  assert.deepEqual(report.tables, JSON.parse(dry.out).tables);
  assert.ok(!moved.out.includes(PASSWORD));
  assert.ok(existsSync(join(home, "ledger.db.moved")) && !existsSync(join(home, "ledger.db")));

  const there = { ...env, DATABASE_URL: url };
  assert.equal((await hq(["export", "events"], { env: there })).out, events);
  assert.equal((await hq(["audit", "--prove"], { env: there })).code, 0);
  const gone = await hq(["export", "events"], { env });
  assert.match(`${gone.code} ${gone.err}`, /^2 .*was moved to .* at .*\n.*DATABASE_URL/);
  const kept = await hq(["backup", join(home, "..", "kept")], { env });
  assert.match(`${kept.code} ${kept.err}`, /^2 .*was moved to .* at .*\n.*DATABASE_URL/);
  // Starting again does not help, so a service does not try it.
  await assert.rejects(start(), (error: { stderr?: string; exit?: unknown }) => {
    assert.deepEqual(error.exit, [2, null]);
    return /was moved to/.test(error.stderr ?? "");
  });
  const doctor = await hq(["doctor", "--json"], { env: { ...env, HQ_AGENTS: "sample" } });
  const database = JSON.parse(doctor.out).findings.find(({ id }: { id: string }) => id === "database");
  assert.deepEqual([doctor.code, database?.status], [1, "fail"]);
  assert.match(`${database.text} ${database.mend}`, /was moved to .* Set DATABASE_URL/);

  const second = await start({ DATABASE_URL: url });
  await second.call("POST", "/agents/webster/resume", {});
  await workDone(second, open);
  const again = await beginWork(second, "/delegations", delegation);
  const { body } = await second.call("GET", again);
  assert.equal(body.status, "succeeded", "the key is known");
  await workDone(
    second,
    await beginWork(second, "/delegations", { ...delegation, objective: "Find the CTE of BK7" }),
  );
  for (const command of [
    ["metrics", "json"],
    ["trace", open.slice("/delegations/".length)],
    ["prune", "--older-than", "1d"],
  ]) {
    const told = await hq(command, { env: there });
    assert.equal(told.code, 0, `${command[0]}: ${told.err}`);
  }
  const found = async () => JSON.stringify((await second.call("GET", "/search?q=zerodur")).body);
  while (!(await found()).includes("Zerodur"));
});

test("what is moved is row by row what the file held, and nobody holds what was begun", async (t) => {
  const { home } = newHome(t);
  const url = await postgres.createDatabase();
  await filled(home);
  const moved = await hq(["store", "migrate", "--to", url], { env: { HQ_HOME: home } });
  assert.equal(moved.code, 0, moved.err);
  const db = new DatabaseSync(join(home, "ledger.db.moved"), { readOnly: true });
  t.after(() => db.close());
  for (const { name, columns, from } of MOVED) {
    if (name === "memo") continue;
    const list = columns.map(([column, type]) =>
      type === "bytea"
        ? `convert_from(${column}, 'UTF8') as ${column}`
        : type === "bigint"
          ? `${column}::float8`
          : column,
    );
    const order = /order by (.*)$/.exec(from)?.[1];
    const plain =
      name === "blob" ? columns.filter(([, type]) => type !== "bytea").map(([column]) => column) : list;
    const rows = await query(url, `select ${plain.join(", ")} from hq.${name} order by ${order}`);
    const held = db
      .prepare(from)
      .all()
      .map((row) => ({ ...row }));
    const expected = held.map((row) => {
      if (name === "blob") return { digest: row["digest"] };
      if (name !== "outbox" || row["settled_at"] !== null) return row;
      const reason = typeof row["reason"] === "string" ? row["reason"].replaceAll("\0", "\uFFFD") : null;
      const isHeld = row["holder"] !== null;
      return { ...row, reason, holder: null, ready_at: isHeld ? row["due_at"] : row["ready_at"] };
    });
    assert.deepEqual(rows, expected, name);
  }
  const [held] = await query(url, "select count(*)::integer as n from hq.outbox where holder is not null");
  assert.equal(held?.["n"], 0);
  const begun = await query(url, "select 1 from hq.outbox where begun_at is not null");
  assert.ok(begun.length > 0, "what was begun stays noted");
  const lives = Number(db.prepare("select max(epoch) as n from lease").get()?.["n"]);
  const [life] = await query(url, "select max(epoch)::integer as n from hq.lease");
  assert.ok(lives > 0 && Number(life?.["n"]) >= lives, "the next life has a higher number than any before");
  const [blob] = await query(url, "select encode(body, 'hex') as hex from hq.blob where digest = 'blob-2'");
  assert.equal(Buffer.from(String(blob?.["hex"]), "hex").toString(), "naïve \u0000 xx");
  const memos = await query(url, "select name from hq.memo order by name");
  assert.deepEqual(
    memos.map(({ name }) => name),
    ["figures", "moved from"],
  );
});

test("killed at any step it leaves nothing or all, and the same call again ends it", async (t) => {
  const { home } = newHome(t);
  const url = await postgres.createDatabase();
  await filled(home, 300);
  for (const stop of [
    /rows of the ledger/,
    /^event: [1-9]/,
    /^stream: [1-9]/,
    /^outbox: [1-9]/,
    /^pruned: /,
  ]) {
    const child = spawn(process.execPath, [join(ROOT, "test/ledger/move-child.ts"), home, url], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    for await (const said of createInterface({ input: child.stdout })) {
      assert.notEqual(said, "done");
      if (stop.test(said)) break;
    }
    child.kill("SIGKILL");
    await exited;
    // A kill between two words of the test may come after the end; then there is all.
    if (existsSync(join(home, "ledger.db"))) assert.equal(await isThere(url), false, String(stop));
  }
  const moved = await hq(["store", "migrate", "--to", url], { env: { HQ_HOME: home } });
  assert.equal(moved.code, 0, moved.err);
  assert.equal((await inDatabase(url))["stream"], 300);
});

test("cut off between the database's commit and the note, no supervisor starts on the file, and the same call ends it", async (t) => {
  const { home, start } = newHome(t);
  const url = await postgres.createDatabase();
  await filled(home);
  const { moveIntoPostgres, placeOf } = await import("../../src/ledger/postgres/move.ts");
  const note = { state: "moving", id: "move-1", to: placeOf(url), at: new Date().toISOString() } as const;
  // As if it had been killed before the commit: the database holds nothing of it.
  writeMoved(home, note);
  await assert.rejects(start(), (error: { stderr?: string }) =>
    /was cut off at its end/.test(error.stderr ?? ""),
  );
  await moveIntoPostgres(join(home, "ledger.db"), url, {
    id: "move-1",
    dry: false,
    onProgress: () => undefined,
    prove: async () => undefined,
    beforeCommit: () => writeMoved(home, note),
  });
  await assert.rejects(start(), (error: { stderr?: string }) =>
    /was cut off at its end/.test(error.stderr ?? ""),
  );
  const other = await hq(["store", "migrate", "--to", await postgres.createDatabase()], {
    env: { HQ_HOME: home },
  });
  assert.match(`${other.code} ${other.err}`, /^2 .*was to be moved, to/);
  const dry = await hq(["store", "migrate", "--to", url, "--dry-run", "--json"], { env: { HQ_HOME: home } });
  assert.equal(JSON.parse(dry.out).wasThere, true, dry.err);
  const noted = () => JSON.parse(readFileSync(join(home, "ledger.moved.json"), "utf8")).state;
  assert.deepEqual([existsSync(join(home, "ledger.db")), noted()], [true, "moving"], "only looked");
  const again = await hq(["store", "migrate", "--to", url, "--json"], { env: { HQ_HOME: home } });
  assert.equal(again.code, 0, again.err);
  assert.equal(JSON.parse(again.out).wasThere, true);
  assert.ok(existsSync(join(home, "ledger.db.moved")) && !existsSync(join(home, "ledger.db")));
  assert.equal(noted(), "moved");

  // What the database had taken since is not in the file.
  await query(url, "drop schema hq cascade");
  renameSync(join(home, "ledger.db.moved"), join(home, "ledger.db"));
  const lost = await hq(["store", "migrate", "--to", url], { env: { HQ_HOME: home } });
  assert.match(`${lost.code} ${lost.err}`, /^2 .*does not hold it now\.\nRestore that database/);
  assert.equal(await isThere(url), false);
});

test(
  "the note of a move is on the disk before the database may have it, and its end before the move is done",
  needing("strace", async (t) => {
    const { home } = newHome(t);
    const url = await postgres.createDatabase();
    await filled(home);
    const trace = join(home, "trace");
    const program = [process.execPath, join(ROOT, "test/ledger/move-child.ts"), home, url];
    const calls = "trace=fsync,rename,write,writev,sendto,sendmsg";
    const { status, stderr } = spawnSync(
      "strace",
      ["-f", "-qq", "-y", "-s", "64", "-e", calls, "-o", trace, ...program],
      { encoding: "utf8" },
    );
    assert.equal(status, 0, stderr);
    const steps = readFileSync(trace, "utf8")
      .split("\n")
      .flatMap((text) => {
        if (/"Q\\0\\0\\0\\vcommit\\0"/.test(text)) return ["commit"];
        if (/rename\(.*\/ledger\.db"/.test(text)) return ["put aside"];
        if (/rename\(.*\/ledger\.moved\.json"/.test(text)) return ["noted"];
        if (/fsync\(.*\/ledger\.moved\.json\.tmp>/.test(text)) return ["note on the disk"];
        if (/fsync\(/.test(text) && text.includes(`<${home}>`)) return ["folder on the disk"];
        return [];
      });
    const note = ["note on the disk", "noted", "folder on the disk"];
    assert.deepEqual(steps, [...note, "commit", "put aside", ...note]);
  }),
);

test("a copy that proves otherwise than the file is not taken, and the file stays as it was", async (t) => {
  const { home } = newHome(t);
  const url = await postgres.createDatabase();
  await filled(home);
  // A database that changes what it is given.
  await query(
    url,
    `create function spoil() returns trigger language plpgsql as $$ begin new.stream := 'orch-nobody'; return new; end $$;
     create function spoil_keys() returns event_trigger language plpgsql as $$ begin
       if to_regclass('hq.key') is not null then
         create or replace trigger spoil before insert on hq.key for each row execute function public.spoil();
       end if;
     end $$;
     create event trigger spoil_keys on ddl_command_end when tag in ('CREATE TABLE') execute function spoil_keys()`,
  );
  const moved = await hq(["store", "migrate", "--to", url], { env: { HQ_HOME: home } });
  assert.match(`${moved.code} ${moved.err}`, /^1 .*The copy proves otherwise than the file: .*"lost":40/);
  assert.deepEqual([await isThere(url), existsSync(join(home, "ledger.db"))], [false, true]);
  assert.ok(!existsSync(join(home, "ledger.moved.json")), "it goes on where it was");
});

test("a move is on the disk and takes as long as it takes, whatever the database has by default", async (t) => {
  const { home } = newHome(t);
  const url = await postgres.createDatabase();
  await filled(home, 2);
  const name = new URL(url).pathname.slice(1);
  await query(
    url,
    `alter database ${name} set synchronous_commit = off;
     alter database ${name} set statement_timeout = '1h';
     alter database ${name} set idle_in_transaction_session_timeout = '1h';
     create function look() returns event_trigger language plpgsql as $$ begin
       if current_setting('synchronous_commit') <> 'on' or current_setting('statement_timeout') <> '0'
         or current_setting('idle_in_transaction_session_timeout') <> '0' then
         raise 'not as it should be';
       end if;
     end $$;
     create event trigger look on ddl_command_end when tag in ('CREATE TABLE') execute function look()`,
  );
  const moved = await hq(["store", "migrate", "--to", url], { env: { HQ_HOME: home } });
  assert.equal(moved.code, 0, moved.err);
});

test("a copy in which rows are missing, or a text that the database cannot keep, is not taken", async (t) => {
  const { home } = newHome(t);
  const url = await postgres.createDatabase();
  await filled(home);
  // A database that keeps only some of what it is given, of which no proof tells.
  await query(
    url,
    `create function spoil() returns trigger language plpgsql as $$ begin
       if new.digest = 'blob-7' then return null; end if; return new; end $$;
     create function spoil_blobs() returns event_trigger language plpgsql as $$ begin
       if to_regclass('hq.blob') is not null then
         create or replace trigger spoil before insert on hq.blob for each row execute function public.spoil();
       end if;
     end $$;
     create event trigger spoil_blobs on ddl_command_end when tag in ('CREATE TABLE') execute function spoil_blobs()`,
  );
  const refused = async (to: string, words: RegExp) => {
    const { code, err } = await hq(["store", "migrate", "--to", to], { env: { HQ_HOME: home } });
    assert.match(`${code} ${err}`, words);
    assert.deepEqual([await isThere(to), existsSync(join(home, "ledger.db"))], [false, true]);
    assert.ok(!existsSync(join(home, "ledger.moved.json")));
  };
  await refused(url, /^1 .*The copy is not what the file holds: blob: 39 instead of 40\./);
  const ledger = await openSqliteLedger({ path: join(home, "ledger.db"), ballastBytes: 0 });
  const key = { scope: "test", key: "a\0b", digest: "d" };
  await written(ledger, commitOf("run-nul", { kind: "interaction", key }));
  await ledger.close();
  await refused(await postgres.createDatabase(), /^1 .*key of key test holds the character U\+0000/);
});

test("a database that somebody else uses is never taken for the one that a move had filled", async (t) => {
  const { home } = newHome(t);
  const other = newHome(t);
  const url = await postgres.createDatabase();
  for (const folder of [home, other.home]) await filled(folder, 2);
  assert.equal((await hq(["store", "migrate", "--to", url], { env: { HQ_HOME: home } })).code, 0);
  const { placeOf } = await import("../../src/ledger/postgres/move.ts");
  const at = new Date().toISOString();
  writeMoved(other.home, { state: "moving", id: "move-of-other", to: placeOf(url), at });
  const refused = async (to: string, words: RegExp) => {
    const { code, err } = await hq(["store", "migrate", "--to", to], { env: { HQ_HOME: other.home } });
    assert.match(`${code} ${err}`, words);
    assert.ok(existsSync(join(other.home, "ledger.db")), "what it holds is nowhere else");
  };
  await refused(url, /^2 .*holds a ledger already/);
  // A supervisor that has not been asked anything yet.
  await query(url, "truncate hq.event, hq.stream, hq.outbox, hq.key, hq.blob");
  await refused(url, /^2 .*was used by a supervisor already/);
});

test("a database that holds something, or a ledger whose counters are wrong, is refused and nothing is changed", async (t) => {
  const { home } = newHome(t);
  const other = newHome(t);
  const url = await postgres.createDatabase();
  await filled(home);
  await filled(other.home);
  assert.equal((await hq(["store", "migrate", "--to", url], { env: { HQ_HOME: home } })).code, 0);
  const full = await hq(["store", "migrate", "--to", url], { env: { HQ_HOME: other.home } });
  assert.match(`${full.code} ${full.err}`, /^2 .*holds a ledger already/);
  const db = new DatabaseSync(join(other.home, "ledger.db"), { timeout: 5000 });
  db.exec("update counter set count = count + 1");
  db.close();
  const empty = await postgres.createDatabase();
  const wrong = await hq(["store", "migrate", "--to", empty], { env: { HQ_HOME: other.home } });
  assert.match(`${wrong.code} ${wrong.err}`, /^1 .*the counter says 41, there are 40/);
  assert.equal(await isThere(empty), false);
  assert.ok(existsSync(join(other.home, "ledger.db")));
  const none = await hq(["store", "migrate", "--to", "postgres://nobody@127.0.0.1:1/none"], {
    env: { HQ_HOME: other.home },
  });
  assert.match(`${none.code} ${none.err}`, /^1 .*does not answer/);
});
