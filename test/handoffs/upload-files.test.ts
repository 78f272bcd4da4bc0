import assert from "node:assert/strict";
import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { hasRoomFor, uploadNameFault } from "../../src/domain/uploads.ts";
import { createLeftovers } from "../../src/handoffs/leftovers.ts";
import { createUploadFiles, UPLOADS_MARK } from "../../src/handoffs/upload-files.ts";
import { digestOf } from "../../src/kernel/id.ts";
import { settingsOf } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const PLACE = { run: "orch-1", attempt: 2, name: "table.csv" };

function filesIn(t: TestContext) {
  const home = temporaryFolder();
  t.after(home.remove);
  const dir = join(home.path, "handoffs");
  const folder = join(dir, "artifacts", "orch-1", "2");
  return { home: home.path, dir, folder, files: createUploadFiles(() => dir) };
}

async function* parts(...texts: readonly (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    if (text instanceof Error) throw text;
    yield Buffer.from(text);
  }
}

test("a file is at its place only when it is kept, whole and for its owner alone", async (t) => {
  const { files, folder } = filesIn(t);
  const taken = await files.take(PLACE, parts("glass,", "cte\n"), 100);
  assert.deepEqual([taken.bytes, taken.digest], [10, digestOf("glass,cte\n")]);
  assert.equal(await files.has(PLACE, taken.digest), false);
  assert.equal(Buffer.from(await taken.read()).toString(), "glass,cte\n");
  await taken.keep();
  await taken.drop();
  assert.deepEqual(readdirSync(folder), ["table.csv"]);
  assert.equal(readFileSync(join(folder, "table.csv"), "utf8"), "glass,cte\n");
  assert.equal(statSync(join(folder, "table.csv")).mode & 0o777, 0o600);
  assert.deepEqual(
    [await files.has(PLACE, taken.digest), await files.has(PLACE, digestOf("other"))],
    [true, false],
  );
});

test("two files for one place at once are hidden until one is kept, and do not mix", async (t) => {
  const { files, folder, dir } = filesIn(t);
  const [one, other] = await Promise.all([
    files.take(PLACE, parts("one"), 100),
    files.take(PLACE, parts("other"), 100),
  ]);
  const halves = readdirSync(folder);
  assert.deepEqual([halves.length, halves.every((name) => name.startsWith("."))], [2, true]);
  assert.equal(statSync(join(dir, "artifacts", "orch-1", UPLOADS_MARK)).mode & 0o777, 0o600);
  await one.keep();
  await other.drop();
  assert.deepEqual(readdirSync(folder), ["table.csv"]);
  assert.equal(readFileSync(join(folder, "table.csv"), "utf8"), "one");
});

test("a name has at most 200 characters, an attempt at most a hundred files", () => {
  assert.equal(uploadNameFault("x".repeat(200)), undefined);
  assert.match(uploadNameFault("x".repeat(201))?.message ?? "", /longer than 200/);
  const those = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      ...PLACE,
      name: `${index}`,
      digest: "d",
      bytes: 1,
      at: 1,
    }));
  const next = { attempt: 2, bytes: 1 };
  assert.deepEqual([hasRoomFor(those(99), next, 100), hasRoomFor(those(100), next, 1000)], [true, false]);
  assert.equal(hasRoomFor(those(99), { ...next, bytes: 2 }, 100), false);
});

test("of a file that breaks off, is too large or is not wanted nothing stays", async (t) => {
  const { files, folder } = filesIn(t);
  await assert.rejects(files.take(PLACE, parts("half", new Error("gone")), 100), /gone/);
  await assert.rejects(files.take(PLACE, parts("12345", "6"), 5), /at most 5 bytes/);
  const taken = await files.take(PLACE, parts("12345"), 5);
  await taken.drop();
  assert.deepEqual(readdirSync(folder), []);
});

test("what was handed in goes with its run; what agents put beside it is theirs", async (t) => {
  const { files, home, dir } = filesIn(t);
  await (await files.take(PLACE, parts("x"), 5)).keep();
  mkdirSync(join(dir, "artifacts", "reports", "2026"), { recursive: true });
  writeFileSync(join(dir, "artifacts", "reports", "2026", "a.csv"), "theirs");
  mkdirSync(join(dir, "workflows"));
  writeFileSync(join(dir, "workflows", "notes.txt"), "somebody's");
  assert.ok(readdirSync(join(dir, "artifacts", "orch-1")).includes(UPLOADS_MARK));
  const leftovers = createLeftovers({ settings: () => settingsOf(home).handoffs, agents: () => [] });
  const found: string[] = [];
  for await (const batch of leftovers.all())
    found.push(...batch.map(({ where, stream }) => `${where} ${stream}`));
  assert.deepEqual(found, ["run orch-1"]);
});

test("of files that keep their place only one with a second name is in the archive too", async (t) => {
  const { home, dir } = filesIn(t);
  mkdirSync(join(dir, "accepted", "2026-02-17"), { recursive: true });
  for (const run of ["orch-1", "orch-2"]) writeFileSync(join(dir, `${run}.json`), "{}");
  linkSync(join(dir, "orch-2.json"), join(dir, "accepted", "2026-02-17", "orch-2.json"));
  const kept = async (keepInPlace: boolean) => {
    const settings = () => ({ ...settingsOf(home).handoffs, keepInPlace });
    const found: string[] = [];
    for await (const batch of createLeftovers({ settings, agents: () => [] }).all())
      found.push(...batch.map(({ where, stream, isKept }) => `${where} ${stream}${isKept ? " kept" : ""}`));
    return found.sort();
  };
  assert.deepEqual(await kept(true), ["accepted orch-2", "inbox orch-1", "inbox orch-2 kept"]);
  assert.deepEqual(await kept(false), ["accepted orch-2", "inbox orch-1", "inbox orch-2"]);
});
