import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
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
