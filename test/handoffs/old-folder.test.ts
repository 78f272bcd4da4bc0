import assert from "node:assert/strict";
import { mkdirSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { readOldFolder, readOldLogs } from "../../src/handoffs/old-folder.ts";
import { temporaryFolder } from "../support/supervisor.ts";

test("a folder of handoffs is read with those below it; links, other files and what was rejected are not", () => {
  using folder = temporaryFolder();
  const put = (path: string, text: string) => {
    mkdirSync(join(folder.path, path, ".."), { recursive: true });
    writeFileSync(join(folder.path, path), text);
  };
  put("orch-1.json", "{}");
  put("sub/orch-2.json", "{}");
  put("workflows/wf-a/summary.json", "{}");
  put("rejected/orch-3.json", "{}");
  put("artifacts/data.json", "{}");
  put("orch-4.json.tmp", "{}");
  put("notes.md", "#");
  symlinkSync("/etc/hostname", join(folder.path, "link.json"));
  const { files, unread } = readOldFolder(folder.path);
  const all = [...files];
  assert.deepEqual(
    all.map(({ path, text }) => [path, text]),
    [
      ["link.json", undefined],
      ["orch-1.json", "{}"],
      ["sub/orch-2.json", "{}"],
      ["workflows/wf-a/summary.json", "{}"],
    ],
  );
  assert.ok(all[0]?.why, "a link is named, not followed");
  assert.deepEqual(unread, []);
});

test("a folder that is not there is an error, logs that are not there are none", () => {
  using folder = temporaryFolder();
  assert.throws(() => [...readOldFolder(join(folder.path, "nothing")).files], /ENOENT/);
  assert.deepEqual([...readOldLogs(join(folder.path, "nothing"))], []);
  writeFileSync(join(folder.path, "attempts.jsonl"), "a\nb\n");
  writeFileSync(join(folder.path, "readme.txt"), "c\n");
  assert.deepEqual([...readOldLogs(folder.path)], ["a", "b", ""]);
  assert.throws(() => [...readOldLogs(join(folder.path, "readme.txt"))], /ENOTDIR/);
});

test("a folder that cannot be read is named, and the others are read", () => {
  using folder = temporaryFolder();
  for (const path of ["a/1.json", "b/2.json", "c/3.json"]) {
    mkdirSync(join(folder.path, path, ".."));
    writeFileSync(join(folder.path, path), "{}");
  }
  const { files, unread } = readOldFolder(folder.path);
  const read: string[] = [];
  for (const { path } of files) {
    read.push(path);
    // It was listed, and is gone when its turn comes.
    rmSync(join(folder.path, "b"), { recursive: true, force: true });
  }
  assert.deepEqual(read, ["a/1.json", "c/3.json"]);
  assert.deepEqual(
    unread.map(({ path, why }) => [path, why.includes("ENOENT")]),
    [["b/", true]],
  );
});

test("a log may be much larger than a handoff, but not larger than 256 MiB", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "attempts.jsonl");
  writeFileSync(path, "x".repeat((4 << 20) + 1));
  assert.deepEqual(
    [...readOldLogs(folder.path)].map(({ length }) => length),
    [(4 << 20) + 1],
  );
  truncateSync(path, (256 << 20) + 1);
  assert.throws(() => [...readOldLogs(folder.path)], /at most|plain file/);
});

test("six folders deep are read and none below, four megabytes of a file and no more, with its own time", () => {
  using temporary = temporaryFolder();
  const folder = temporary.path;
  const deep = join(folder, "1/2/3/4/5/6");
  mkdirSync(join(deep, "7"), { recursive: true });
  writeFileSync(join(deep, "a.json"), "{}");
  writeFileSync(join(deep, "7/b.json"), "{}");
  writeFileSync(join(folder, "large.json"), "x".repeat(4 << 20));
  writeFileSync(join(folder, "too-large.json"), "x".repeat((4 << 20) + 1));
  // Parts of a millisecond are none of an instant here.
  utimesSync(join(deep, "a.json"), 1_700_000_000.0004, 1_700_000_000.0004);
  const files = [...readOldFolder(folder).files];
  assert.deepEqual(
    files.map((file) => [file.path, file.text?.length ?? file.why?.includes("plain file")]),
    [
      ["1/2/3/4/5/6/a.json", 2],
      ["large.json", 4 << 20],
      ["too-large.json", true],
    ],
  );
  assert.equal(files[0]?.modifiedAt, 1_700_000_000_000);
});

test("old logs of each ending are read in the order of their names, other files are not", () => {
  using temporary = temporaryFolder();
  const folder = temporary.path;
  for (const name of ["2.ndjson", "3.log", "1.jsonl", "4.txt", "1.jsonl.gz"])
    writeFileSync(join(folder, name), name);
  assert.deepEqual([...readOldLogs(folder)], ["1.jsonl", "2.ndjson", "3.log"]);
});
