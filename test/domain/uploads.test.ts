import assert from "node:assert/strict";
import test from "node:test";
import type { Handoff } from "../../src/domain/handoff-types.ts";
import {
  hasRoomFor,
  MOST_UPLOADS,
  readUploadPath,
  type Upload,
  uploadNameFault,
  uploadPath,
  withUploads,
} from "../../src/domain/uploads.ts";

const RUN = "orch-1";
const upload = (name: string, more: Partial<Upload> = {}): Upload => ({
  attempt: 1,
  name,
  digest: "d",
  bytes: 10,
  at: 5,
  ...more,
});
const handoff = (artifacts: readonly string[]) => ({ artifacts }) as unknown as Handoff;
const listed = (artifacts: readonly string[], uploads: readonly Upload[], attempt = 1) =>
  withUploads(handoff(artifacts), RUN, attempt, uploads).artifacts;

test("a name is one plain file name, in any language", () => {
  for (const name of ["a", "Zerodur (2).csv", "größe_β.tar.gz", "結果.md", "a@b+c-d.e"])
    assert.equal(uploadNameFault(name), undefined, name);
  const bad = ["", ".", "..", ".env", "a/b", "a\\b", "../a", "a\n", "a\u0000", "a:b", "-rf", "a*", "a'b"];
  for (const name of [...bad, "a ", "a.", "x".repeat(201), "a\u202egnp.exe"])
    assert.equal(uploadNameFault(name)?.path, "name", JSON.stringify(name));
});

test("a path of a file that was sent says whose it is, and other paths say nothing", () => {
  const path = uploadPath("a.b.2", upload("table.csv", { attempt: 3 }));
  assert.equal(path, "a.b.2/3/table.csv");
  assert.deepEqual(readUploadPath(path), { run: "a.b.2", attempt: 3, name: "table.csv" });
  for (const other of ["table.csv", "/a/1/b", "a/0/b", "a/1/.b", "a/1/../b", "a/b/c", "a/1/b/c"])
    assert.equal(readUploadPath(other), undefined, other);
});

test("the handoff lists what was sent with its attempt, named or not, and leaves other artifacts as they are", () => {
  const uploads = [upload("a.csv"), upload("b c.md"), upload("old.csv", { attempt: 2 })];
  assert.deepEqual(listed([], uploads), ["orch-1/1/a.csv", "orch-1/1/b c.md"]);
  const named = ["https://x.example/a.csv", "/home/webster/a.csv", "out\\b c.md", "/srv/other.txt"];
  assert.deepEqual(listed(named, uploads), [
    "https://x.example/a.csv",
    "orch-1/1/a.csv",
    "orch-1/1/b c.md",
    "/srv/other.txt",
  ]);
  const address = "https://hq.example/api/v1/handoffs/orch-1/artifacts";
  assert.deepEqual(listed([`${address}/b%20c.md`, `${address}/none.md`], uploads), [
    "orch-1/1/b c.md",
    `${address}/none.md`,
    "orch-1/1/a.csv",
  ]);
  assert.deepEqual(listed(["a.csv"], uploads, 2), ["a.csv", "orch-1/2/old.csv"]);
  assert.deepEqual(listed(["a.csv"], [], 1), ["a.csv"]);
});

test("an attempt has room for so many bytes and files, whatever the others sent", () => {
  const uploads = [upload("a", { bytes: 60 }), upload("b", { attempt: 2, bytes: 90 })];
  assert.ok(hasRoomFor(uploads, { attempt: 1, bytes: 40 }, 100));
  assert.ok(!hasRoomFor(uploads, { attempt: 1, bytes: 41 }, 100));
  const many = Array.from({ length: MOST_UPLOADS }, (_, n) => upload(`f${n}`, { bytes: 0 }));
  assert.ok(!hasRoomFor(many, { attempt: 1, bytes: 0 }, 100));
  assert.ok(hasRoomFor(many, { attempt: 2, bytes: 0 }, 100));
});
