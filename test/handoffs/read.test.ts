import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, linkSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { type FileLook, readHandoffFile, readPlainFile, statOf } from "../../src/handoffs/read.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { document } from "./inbox-fixture.ts";

const LIMITS = { maxBytes: 1000, isOwnLink: () => false };

/** Reads a path of which another file was seen a moment ago: `change` comes between the look and the opening. */
function readAfter(t: TestContext, change: (path: string, folder: string) => void): FileLook {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const path = join(folder.path, "orch-1.json");
  writeFileSync(path, "{");
  const seen = statOf(path);
  change(path, folder.path);
  return readHandoffFile(path, LIMITS, seen);
}

function pipeAt(path: string): void {
  assert.equal(spawnSync("mkfifo", [path]).status, 0);
}

/** Holds the inode of what was seen, so that what takes its place has another one. */
function putAside(path: string): void {
  renameSync(path, `${path}.seen`);
}

test("a link that takes a file's place just before it is opened is not followed", (t) => {
  const found = readAfter(t, (path, folder) => {
    putAside(path);
    writeFileSync(join(folder, "secret"), document("orch-1"));
    symlinkSync(join(folder, "secret"), path);
  });
  assert.ok(found.state === "refused", found.state);
});

test("a pipe that takes a file's place just before it is opened is refused, and nobody waits on it", {
  timeout: 10_000,
}, (t) => {
  const found = readAfter(t, (path) => {
    putAside(path);
    pipeAt(path);
  });
  assert.ok(found.state === "refused", found.state);
  assert.match(found.problems[0]?.message ?? "", /a named pipe/);
});

test("a second name of another file that takes a file's place just before it is opened is refused", (t) => {
  const found = readAfter(t, (path, folder) => {
    putAside(path);
    writeFileSync(join(folder, "secret"), document("orch-1"));
    linkSync(join(folder, "secret"), path);
  });
  assert.ok(found.state === "refused", found.state);
  assert.match(found.problems[0]?.message ?? "", /2 names/);
});

test("a file that grows beyond the cap after it was looked at is refused, and the reading ends", {
  timeout: 10_000,
}, (t) => {
  const found = readAfter(t, (path) => appendFileSync(path, "x".repeat(LIMITS.maxBytes)));
  assert.ok(found.state === "refused", found.state);
  assert.match(found.problems[0]?.message ?? "", /at most 1000 are read/);
});

test("a file that goes just before it is opened is gone; where nobody can tell, it is looked at again", (t) => {
  assert.equal(readAfter(t, (path) => rmSync(path)).state, "gone");
  const folder = temporaryFolder();
  t.after(folder.remove);
  const file = join(folder.path, "file");
  writeFileSync(file, "{}");
  const below = readHandoffFile(join(file, "orch-1.json"), LIMITS, statOf(file));
  assert.equal(below.state, "trouble", "the place is in trouble: that refuses nobody's handoff");
});

test("what is copied is a plain file: neither a link nor a pipe", { timeout: 10_000 }, (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const pipe = join(folder.path, "pipe");
  pipeAt(pipe);
  assert.throws(() => readPlainFile(pipe, 10), /not a plain file/);
  writeFileSync(join(folder.path, "file"), "text");
  symlinkSync(join(folder.path, "file"), join(folder.path, "link"));
  assert.throws(() => readPlainFile(join(folder.path, "link"), 10), /ELOOP/);
  assert.equal(readPlainFile(join(folder.path, "file"), 4).toString(), "text");
});
