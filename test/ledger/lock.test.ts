import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { holdHome, isHomeHeld } from "../../src/ledger/lock.ts";
import { startChild } from "./processes.ts";

function newPath(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "hq-lock-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return join(dir, "supervisor.lock");
}

test("a second holder is refused and reads who holds it; SIGKILL frees the lock", async (t) => {
  const path = newPath(t);
  const first = startChild("hold", path);
  assert.deepEqual(JSON.parse((await first.line()) ?? ""), { ok: true });

  const refused = await holdHome({ path, describe: { pid: 1 } });
  assert.equal(refused.ok, false);
  const holder = refused.ok ? undefined : (refused.holder as { pid: number; urls: string[] });
  assert.deepEqual(holder?.urls, ["http://127.0.0.1:1"]);
  assert.notEqual(holder?.pid, 1);

  await first.kill();
  const taken = await holdHome({ path, describe: { pid: 2 } });
  assert.ok(taken.ok);
  const second = startChild("hold", path);
  assert.deepEqual(JSON.parse((await second.line()) ?? ""), { ok: false, holder: { pid: 2 } });
  await second.kill();

  await taken.release();
  await taken.release();
  assert.equal(existsSync(`${path}.json`), false);
  const third = startChild("hold", path);
  assert.deepEqual(JSON.parse((await third.line()) ?? ""), { ok: true });
  await third.kill();
});

test("whether somebody holds the lock is seen without touching it", async (t) => {
  const path = newPath(t);
  assert.equal(isHomeHeld(path), false);
  assert.equal(existsSync(path), false);
  const other = startChild("hold", path);
  await other.line();
  assert.equal(isHomeHeld(path), true);
  assert.equal(isHomeHeld(path), true, "asking frees nothing");
  await other.kill();
  assert.equal(isHomeHeld(path), false);
  assert.ok(existsSync(`${path}.json`), "what the last holder wrote stays");
});

test("of many that start at once, exactly one holds the lock", async (t) => {
  const path = newPath(t);
  const children = Array.from({ length: 5 }, () => startChild("hold", path));
  const answers = await Promise.all(children.map(async (child) => JSON.parse((await child.line()) ?? "")));
  await Promise.all(children.map((child) => child.kill()));
  assert.equal(answers.filter(({ ok }) => ok).length, 1);
});

test("the same process is refused too, and gets the lock after the release", async (t) => {
  const path = newPath(t);
  const first = await holdHome({ path, describe: { n: 1 } });
  assert.deepEqual(await holdHome({ path, describe: { n: 2 } }), { ok: false, holder: { n: 1 } });
  assert.ok(first.ok);
  await first.release();
  const second = await holdHome({ path, describe: { n: 2 } });
  assert.ok(second.ok);
  await first.release();
  assert.equal((await holdHome({ path, describe: { n: 3 } })).ok, false, "an old release frees no new lock");
  await second.release();
  assert.deepEqual(readdirSync(join(path, "..")), ["supervisor.lock"]);
});

test("a holder whose word is missing or half written holds all the same", async (t) => {
  const path = newPath(t);
  const note = `${path}.json`;
  const first = await holdHome({ path, describe: { n: 1 } });
  assert.ok(first.ok);
  assert.equal(statSync(note).mode & 0o777, 0o600);
  for (const change of [() => writeFileSync(note, '{"n":'), () => rmSync(note)]) {
    change();
    assert.deepEqual(await holdHome({ path, describe: { n: 2 } }), { ok: false, holder: undefined });
  }
  mkdirSync(note);
  await assert.rejects(holdHome({ path, describe: { n: 2 } }), { code: "EISDIR" });
  rmSync(note, { recursive: true });
  await first.release();
});

test("who cannot write its word holds nothing", async (t) => {
  const path = newPath(t);
  mkdirSync(`${path}.json.new`);
  await assert.rejects(holdHome({ path, describe: { n: 1 } }), { code: "EISDIR" });
  rmSync(`${path}.json.new`, { recursive: true });
  const next = await holdHome({ path, describe: { n: 2 } });
  assert.ok(next.ok);
  await next.release();
});

test("a folder that cannot be used is named", async (t) => {
  const path = join(newPath(t), "nowhere", "supervisor.lock");
  await assert.rejects(holdHome({ path, describe: {} }), (error: Error) => error.message.includes(path));
});
