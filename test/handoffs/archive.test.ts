import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { agentCard, DAY, document, makeFolder, makeInbox, NOON, startInbox, until } from "./inbox-fixture.ts";

const now = () => NOON;

test("an accepted file moves to accepted/ under the day, and nothing lies beside it", async (t) => {
  const { dir, place, arrived, archiveOf, names, inbox, arrivals } = await startInbox(t, { now });
  place("orch-1.json", document("orch-1"));
  const [first] = await arrived(1);
  assert.ok(first);
  const target = await archiveOf(first);
  assert.equal(target, join(dir, "accepted", DAY, "orch-1.json"));
  assert.equal(readFileSync(target, "utf8"), document("orch-1"));
  assert.deepEqual(names(), []);
  assert.deepEqual(names(`accepted/${DAY}`), ["orch-1.json"]);
  await inbox.sweep();
  assert.equal(arrivals.length, 1, "what is archived is not handed over again");
});

test("what comes under the name of a file that was just archived is handed over at once, each time", async (t) => {
  // No scan helps: what an event tells must be looked at.
  const settings = { scanMs: 3_600_000, sweepMs: 3_600_000 };
  const { place, arrived, archiveOf, write } = await startInbox(t, { now, settings });
  for (let count = 1; count <= 8; count++) {
    const put = count % 2 ? place : write;
    put("orch-1.json", document("orch-1", { notes: `the ${count}th` }));
    const last = (await arrived(count)).at(-1);
    assert.ok(last);
    await archiveOf(last);
  }
});

test("a rejected file moves to rejected/ with its problems beside it", async (t) => {
  const { dir, write, arrived, archiveOf } = await startInbox(t, { now });
  const path = write("orch-1.json", "{");
  const [first] = await arrived(1);
  assert.ok(first && !first.ok);
  const target = await archiveOf(first, "rejected");
  assert.equal(target, join(dir, "rejected", DAY, "orch-1.json"));
  assert.deepEqual(JSON.parse(readFileSync(`${target}.problems.json`, "utf8")), {
    run: "orch-1",
    path,
    digest: first.source.digest,
    setAsideAt: "2026-02-17T12:00:00.000Z",
    problems: first.problems,
  });
  assert.equal(statSync(`${target}.problems.json`).mode & 0o777, 0o600);
});

test("archiving twice is once, also on another day and after a restart", async (t) => {
  let at = NOON;
  const fixture = await startInbox(t, { now: () => at });
  fixture.place("orch-1.json", document("orch-1"));
  const [first] = await fixture.arrived(1);
  assert.ok(first);
  const target = await fixture.archiveOf(first);
  at += 26 * 3_600_000;
  writeFileSync(join(fixture.dir, "accepted/README"), "no day");
  assert.equal(await fixture.archiveOf(first), target);
  const restarted = makeInbox(t, { dir: fixture.dir, now: () => at });
  assert.equal(await restarted.archiveOf(first), target);
  assert.deepEqual(fixture.names("accepted"), [DAY, "README"]);
});

test("a crash between the move and the note of the problems is mended by the second time", async (t) => {
  let isCrashing = true;
  const { write, arrived, archiveOf, names } = await startInbox(t, {
    now,
    crash: (point) => {
      if (isCrashing && point === "archive:moved") throw new Error("killed");
    },
  });
  write("orch-1.json", "{");
  const [first] = await arrived(1);
  assert.ok(first);
  await assert.rejects(archiveOf(first, "rejected"), /killed/);
  assert.deepEqual(names(`rejected/${DAY}`), ["orch-1.json"]);
  isCrashing = false;
  await archiveOf(first, "rejected");
  assert.deepEqual(names(`rejected/${DAY}`), ["orch-1.json", "orch-1.json.problems.json"]);
});

test("nothing is overwritten: a second file of the same name gets a number", async (t) => {
  const { place, arrived, archiveOf, names } = await startInbox(t, { now });
  for (const result of ["one", "two", "three"]) {
    place("orch-1.json", document("orch-1", { result }));
    const seen = await arrived(["one", "two", "three"].indexOf(result) + 1);
    const last = seen.at(-1);
    assert.ok(last);
    await archiveOf(last);
  }
  assert.deepEqual(names(`accepted/${DAY}`), ["orch-1.again-2.json", "orch-1.again-3.json", "orch-1.json"]);
});

test("a name as long as the file system takes leaves room for its number and its problems, and is done once", async (t) => {
  const { dir, write, arrived, archiveOf, names } = await startInbox(t, { now });
  const long = ["a".repeat(235), "b".repeat(255), `${"c".repeat(250)}.json`, "ö".repeat(127)];
  const targets: string[] = [];
  for (const [at, name] of [...long, ...long].entries()) {
    write(name, `${at}`);
    const last = (await arrived(at + 1)).at(-1);
    assert.ok(last);
    const target = await archiveOf(last, "rejected");
    assert.equal(await archiveOf(last, "rejected"), target);
    const { path } = JSON.parse(readFileSync(`${target}.problems.json`, "utf8"));
    assert.equal(path, join(dir, name));
    assert.equal(readFileSync(target, "utf8"), `${at}`);
    assert.ok(!target.includes("\uFFFD") && target.endsWith(".json") === name.endsWith(".json"));
    targets.push(target);
  }
  assert.equal(new Set(targets).size, 8);
  assert.equal(names(`rejected/${DAY}`).length, 16);
  assert.deepEqual(names(), []);
});

test("files of one name from two folders archived at once both arrive", async (t) => {
  const { dir, arrived, archiveOf, place, names } = await startInbox(t, { now });
  place("orch-1.json", document("orch-1"));
  writeFileSync(join(dir, "sub/orch-1.json"), document("orch-1", { result: "below" }));
  const both = await arrived(2);
  await Promise.all(both.map((one) => archiveOf(one)));
  assert.deepEqual(names(`accepted/${DAY}`), ["orch-1.again-2.json", "orch-1.json"]);
});

test("another file at the place is left alone and handed over", async (t) => {
  const { place, arrived, archiveOf, dir } = await startInbox(t, { now });
  place("orch-1.json", document("orch-1"));
  const [first] = await arrived(1);
  assert.ok(first);
  const path = place("orch-1.json", document("orch-1", { result: "replaced" }));
  assert.equal(await archiveOf(first), path);
  const [, second] = await arrived(2);
  assert.ok(second?.ok);
  assert.equal((second.document as { result: string }).result, "replaced");
  assert.ok(existsSync(path));
  assert.ok(!existsSync(join(dir, "accepted")));
});

test("content that changed after it was handed over is left alone and handed over again", async (t) => {
  const { write, place, arrived, archiveOf } = await startInbox(t, { now });
  place("orch-1.json", document("orch-1"));
  const [first] = await arrived(1);
  assert.ok(first);
  write("orch-1.json", document("orch-1", { result: "changed" }));
  await archiveOf(first);
  const [, second] = await arrived(2);
  assert.equal(second?.source.inode, first.source.inode);
  assert.notEqual(second?.source.digest, first.source.digest);
});

test("a line feed written after it was handed over does not keep a file from being archived", async (t) => {
  const { write, place, arrived, arrivals, archiveOf, names } = await startInbox(t, { now });
  place("orch-1.json", document("orch-1"));
  const [first] = await arrived(1);
  assert.ok(first);
  write("orch-1.json", `${document("orch-1")}\n`);
  await archiveOf(first);
  assert.deepEqual(names(`accepted/${DAY}`), ["orch-1.json"]);
  assert.equal(arrivals.length, 1);
});

test("a file that somebody took away is told and is no error", async (t) => {
  const { place, arrived, archiveOf, logged } = await startInbox(t, { now });
  const path = place("orch-1.json", document("orch-1"));
  const [first] = await arrived(1);
  assert.ok(first);
  rmSync(path);
  assert.equal(await archiveOf(first), path);
  assert.equal(logged.filter(({ message }) => message.includes("gone or changed")).length, 1);
});

test("an archive that cannot be made is an error, so that it is tried again", async (t) => {
  const { dir, place, arrived, archiveOf } = await startInbox(t, { now });
  writeFileSync(join(dir, ".x"), "");
  place("orch-1.json", document("orch-1"));
  const [first] = await arrived(1);
  assert.ok(first);
  renameSync(join(dir, ".x"), join(dir, "accepted"));
  await assert.rejects(archiveOf(first));
  rmSync(join(dir, "accepted"));
  assert.ok(await archiveOf(first));
});

test("with keepInPlace an accepted file keeps its old place, and is handed over no more", async (t) => {
  const { dir, place, arrived, arrivals, archiveOf, inbox, logged } = await startInbox(t, {
    now,
    settings: { keepInPlace: true },
  });
  const path = place("orch-1.json", document("orch-1"));
  const [first] = await arrived(1);
  assert.ok(first);
  const target = await archiveOf(first);
  assert.equal(target, join(dir, "accepted", DAY, "orch-1.json"));
  assert.equal(statSync(path).ino, statSync(target).ino);
  assert.equal(await archiveOf(first), target, "twice is once");
  await inbox.sweep();
  assert.equal(arrivals.length, 1);
  assert.deepEqual(logged, []);
});

test("a kept file is known again after a restart: same inode, same digest, no complaint of its two names", async (t) => {
  const settings = { keepInPlace: true };
  const before = await startInbox(t, { now, settings });
  before.place("orch-1.json", document("orch-1"));
  const [first] = await before.arrived(1);
  assert.ok(first);
  await before.archiveOf(first);
  await before.inbox.stop();
  const after = await startInbox(t, { now, settings, dir: before.dir });
  const [again] = await after.arrived(1);
  assert.deepEqual(again, first);
});

test("with keepInPlace rejected files still move", async (t) => {
  const { write, arrived, archiveOf, names } = await startInbox(t, { now, settings: { keepInPlace: true } });
  write("orch-1.json", "{");
  const [first] = await arrived(1);
  assert.ok(first);
  await archiveOf(first, "rejected");
  assert.deepEqual(names(), []);
});

/** A folder on another file system where the machine has one in memory, else an ordinary one: the outcome is the same. */
function farFolder(t: TestContext): string {
  if (!existsSync("/dev/shm")) return makeFolder(t);
  const path = mkdtempSync("/dev/shm/hq-inbox-");
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test("from an agent's folder on another file system the file is copied, then removed there", async (t) => {
  const own = farFolder(t);
  const { arrived, arrivals, archiveOf, dir, inbox } = await startInbox(t, {
    now,
    agents: [agentCard({ handoffDir: own })],
  });
  const path = join(own, "orch-1.json");
  writeFileSync(path, document("orch-1"));
  const [first] = await arrived(1);
  assert.ok(first);
  const target = await archiveOf(first);
  assert.equal(target, join(dir, "accepted", DAY, "orch-1.json"));
  assert.equal(readFileSync(target, "utf8"), document("orch-1"));
  assert.ok(!existsSync(path));
  assert.equal(await archiveOf(first), target, "twice is once, although the copy has another inode");
  await inbox.sweep();
  assert.equal(arrivals.length, 1);
});

test("what cannot be copied across file systems stays where it is, told once, and is no error", async (t) => {
  const own = farFolder(t);
  const { arrived, archiveOf, logged, dir } = await startInbox(t, {
    now,
    agents: [agentCard({ handoffDir: own })],
    settings: { maxBytes: 100 },
  });
  if (statSync(own).dev === statSync(dir).dev) return t.skip("there is one file system alone");
  const paths = ["orch-1.json", "orch-2.json", "orch-3.json"].map((name) => join(own, name));
  const [link = "", pipe = "", large = ""] = paths;
  symlinkSync("/etc/hostname", link);
  assert.equal(spawnSync("mkfifo", [pipe]).status, 0);
  writeFileSync(large, " ".repeat(101));
  for (const refused of await arrived(3))
    assert.equal(await archiveOf(refused, "rejected"), refused.source.path);
  for (const path of paths) assert.ok(lstatSync(path), "it was not taken away");
  const told = logged.filter(({ message }) => message.includes("it stays where it is"));
  assert.deepEqual(told.map(({ fields }) => (fields as { path: string }).path).sort(), paths);
});

test("where nobody can tell whether the file is there it is not said to be gone: it is tried again", async (t) => {
  const { inbox, dir } = makeInbox(t, { now });
  mkdirSync(dir);
  const loop = join(dir, "loop");
  symlinkSync(loop, loop);
  const wanted = { run: "orch-1", path: join(loop, "orch-1.json"), digest: "d", problems: [] };
  await assert.rejects(inbox.archive({ ...wanted, to: "accepted" }), /ELOOP/);
});

test("keepInPlace across file systems keeps the original and a copy", async (t) => {
  const own = farFolder(t);
  const { arrived, arrivals, archiveOf, inbox } = await startInbox(t, {
    now,
    agents: [agentCard({ handoffDir: own })],
    settings: { keepInPlace: true },
  });
  const path = join(own, "orch-1.json");
  writeFileSync(path, document("orch-1"));
  const [first] = await arrived(1);
  assert.ok(first);
  const target = await archiveOf(first);
  assert.equal(readFileSync(target, "utf8"), readFileSync(path, "utf8"));
  await inbox.sweep();
  assert.equal(arrivals.length, 1);
});

test("a folder with the name of a handoff moves aside whole", async (t) => {
  const { dir, arrived, archiveOf, names } = await startInbox(t, { now });
  mkdirSync(join(dir, "orch-1.json"));
  writeFileSync(join(dir, "orch-1.json", "inside.txt"), "kept");
  const [first] = await arrived(1);
  assert.ok(first);
  const target = await archiveOf(first, "rejected");
  assert.equal(readFileSync(join(target, "inside.txt"), "utf8"), "kept");
  await until(() => !existsSync(join(dir, "orch-1.json")), "the folder moved");
  assert.deepEqual(names(`rejected/${DAY}`), ["orch-1.json", "orch-1.json.problems.json"]);
});

test("the folders of the archive are ours alone to read, and so is what is copied into them", async (t) => {
  const own = farFolder(t);
  const agents = [agentCard({ handoffDir: own })];
  const { dir, arrived, archiveOf } = await startInbox(t, { now, agents });
  const path = join(own, "orch-1.json");
  writeFileSync(path, document("orch-1"), { mode: 0o644 });
  const moved = statSync(path).mode & 0o777;
  const [first] = await arrived(1);
  assert.ok(first);
  const target = await archiveOf(first);
  for (const folder of ["accepted", `accepted/${DAY}`])
    assert.equal(statSync(join(dir, folder)).mode & 0o777, 0o700, folder);
  const isOther = statSync(own).dev !== statSync(dir).dev;
  assert.equal(statSync(target).mode & 0o777, isOther ? 0o600 : moved);
});

test("another file with the very same bytes is not the one that was handed over", async (t) => {
  const { dir, place, arrived, archiveOf } = await startInbox(t, { now });
  place("orch-1.json", document("orch-1"));
  const [first] = await arrived(1);
  assert.ok(first);
  // So that its inode is not used again.
  linkSync(first.source.path, join(dir, ".first"));
  const path = place("orch-1.json", document("orch-1"));
  assert.equal(await archiveOf(first), path);
  assert.ok(existsSync(path) && !existsSync(join(dir, "accepted")));
});

test("what was replaced before it was archived is not said to lie where an older one with its bytes does", async (t) => {
  const { place, arrived, archiveOf } = await startInbox(t, { now });
  place("orch-1.json", document("orch-1"));
  const [first] = await arrived(1);
  assert.ok(first);
  await archiveOf(first);
  place("orch-1.json", document("orch-1"));
  const [, second] = await arrived(2);
  assert.ok(second);
  const path = place("orch-1.json", document("orch-1", { result: "replaced" }));
  assert.equal(await archiveOf(second), path);
});

test("only the archive's own second name is allowed: neither a third, nor that of another file beside one of its name", async (t) => {
  const settings = { keepInPlace: true };
  const before = await startInbox(t, { now, settings });
  const kept = before.place("orch-1.json", document("orch-1"));
  const other = before.place("orch-2.json", document("orch-2"));
  const both = await before.arrived(2);
  for (const one of both) await before.archiveOf(one);
  await before.inbox.stop();
  linkSync(kept, join(before.dir, ".third"));
  rmSync(other);
  writeFileSync(join(before.dir, ".secret"), document("orch-2"));
  linkSync(join(before.dir, ".secret"), other);
  const after = await startInbox(t, { now, settings, dir: before.dir });
  const again = await after.arrived(2);
  const problemOf = (run: string) => {
    const found = again.find(({ runId }) => runId === run);
    return found && !found.ok && found.problems[0]?.message.slice(0, 11);
  };
  assert.deepEqual([problemOf("orch-1"), problemOf("orch-2")], ["has 3 names", "has 2 names"]);
});
