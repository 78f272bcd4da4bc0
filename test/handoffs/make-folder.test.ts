import assert from "node:assert/strict";
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { makeFolder } from "../../src/handoffs/make-folder.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

test("a folder and those above it are made for their owner alone, or as is said; what is there stays as it is", () => {
  using folder = temporaryFolder();
  const there = join(folder.path, "there");
  mkdirSync(there);
  chmodSync(there, 0o755);
  const path = join(there, "a", "b");
  makeFolder(path);
  makeFolder(path);
  assert.deepEqual([path, dirname(path), there].map(modeOf), ["700", "700", "755"]);
  makeFolder(join(there, "c", "d"), 0o750);
  assert.deepEqual([join(there, "c", "d"), join(there, "c")].map(modeOf), ["750", "750"]);
});

test("where a file lies no folder is made, and it is said", () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "file");
  writeFileSync(file, "");
  assert.throws(() => makeFolder(file), { code: "EEXIST" });
  assert.throws(() => makeFolder(join(file, "x")), { code: "ENOTDIR" });
});
