import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { readArtifacts } from "../../src/handoffs/artifacts.ts";
import { temporaryFolder } from "../support/supervisor.ts";

test("only regular files inside the allowed folders are attached, whatever path an agent names", async () => {
  using folder = temporaryFolder();
  const home = join(folder.path, "home");
  const artifacts = join(home, "handoffs/artifacts");
  const workspace = join(folder.path, "workspace");
  for (const path of [artifacts, workspace, join(workspace, ".ssh")]) mkdirSync(path, { recursive: true });
  const put = (path: string, text = "x") => {
    writeFileSync(path, text);
    return path;
  };
  const good = put(join(artifacts, "table.csv"), "a,b");
  put(join(workspace, "plot.svg"), "<svg/>");
  const ledger = put(join(home, "ledger.db"));
  const key = put(join(workspace, ".ssh/id_rsa"));
  const secret = put(join(workspace, "notes.txt"), "the token is hush-hush-hush");
  const outside = put(join(folder.path, "outside.txt"));
  const link = join(artifacts, "link.txt");
  symlinkSync(outside, link);
  const hard = join(artifacts, "hard.txt");
  linkSync(outside, hard);
  const fifo = join(artifacts, "pipe");
  execFileSync("mkfifo", [fifo]);
  const large = put(join(artifacts, "large.bin"), "x".repeat(2000));
  const found = await readArtifacts({
    paths: [good, "plot.svg", ledger, key, secret, link, hard, fifo, "../../ledger.db"],
    roots: [artifacts, workspace],
    forbidden: [home],
    maxBytes: 1000,
    hasSecret: (text) => text.includes("hush-hush-hush"),
  });
  assert.deepEqual(
    found.map(({ name, bytes }) => [name, Buffer.from(bytes).toString()]),
    [
      ["table.csv", "a,b"],
      ["plot.svg", "<svg/>"],
    ],
  );
  const options = { roots: [artifacts], forbidden: [home], hasSecret: () => false };
  assert.deepEqual(
    await readArtifacts({ ...options, paths: [large, "missing.txt", "bad\u0000name"], maxBytes: 1000 }),
    [],
  );
  assert.equal((await readArtifacts({ ...options, paths: [large], maxBytes: 2000 })).length, 1);
});

/** What of `paths` is attached, by name. */
async function namesOf(
  paths: readonly string[],
  roots: readonly string[],
  more: { readonly forbidden?: readonly string[]; readonly maxBytes?: number } = {},
): Promise<readonly string[]> {
  const options = { forbidden: [], maxBytes: 1000, hasSecret: () => false };
  return (await readArtifacts({ ...options, ...more, paths, roots })).map(({ name }) => name);
}

test("what is a sentence and no path, a way through a file, a socket or a link to itself is left out, and the others are attached", async (t) => {
  using folder = temporaryFolder();
  const { path } = folder;
  const socket = createServer().listen(join(path, "socket"));
  await once(socket, "listening");
  t.after(() => socket.close());
  writeFileSync(join(path, "table.csv"), "a,b");
  symlinkSync(join(path, "loop"), join(path, "loop"));
  const sentence = "The table holds each glass with its coefficient of expansion. ".repeat(8);
  const paths = [sentence, `/${sentence}`, "table.csv/part", "socket", "loop", "table.csv"];
  assert.deepEqual(await namesOf(paths, [path]), ["table.csv"]);
});

test("nothing of the state folder is attached, wherever an agent's workspace lies", async () => {
  using folder = temporaryFolder();
  const home = join(folder.path, "home");
  const inside = join(home, "workspace");
  mkdirSync(inside, { recursive: true });
  const ledger = join(home, "ledger.db");
  writeFileSync(ledger, "x");
  writeFileSync(join(inside, "plot.svg"), "x");
  writeFileSync(join(folder.path, "notes.txt"), "x");
  const linked = join(folder.path, "linked");
  symlinkSync(home, linked);
  for (const forbidden of [[home], [linked]]) {
    const attached = (root: string, ...paths: readonly string[]) => namesOf(paths, [root], { forbidden });
    assert.deepEqual(await attached(folder.path, ledger, "home/ledger.db", "notes.txt"), ["notes.txt"]);
    assert.deepEqual(await attached(home, ledger, "ledger.db"), []);
    assert.deepEqual(await attached(inside, "plot.svg", "../ledger.db", ledger), ["plot.svg"]);
    assert.deepEqual(await attached(join(linked, "workspace"), "plot.svg"), ["plot.svg"], "by its real path");
  }
});

test("nine files at most are attached, and no more bytes together than fit", async () => {
  using folder = temporaryFolder();
  const names = Array.from({ length: 10 }, (_, index) => `${index}.txt`);
  for (const name of names) writeFileSync(join(folder.path, name), "x".repeat(100));
  assert.deepEqual(await namesOf(names, [folder.path]), names.slice(0, 9));
  assert.deepEqual(await namesOf(names, [folder.path], { maxBytes: 299 }), names.slice(0, 2));
});
