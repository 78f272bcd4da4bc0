import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { keptLine } from "../../src/app/kept-line.ts";
import { writeAtomically, writeFirst } from "../../src/config/atomic-file.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { needing } from "../support/tools.ts";

const isWhole = (line: string) => line.length >= 4;

test("a file is replaced as a whole, through a link, with its own rights, and nothing else is left", () => {
  using folder = temporaryFolder("hq-atomic-");
  const [file, link] = [join(folder.path, "file"), join(folder.path, "link")];
  writeAtomically(file, "first", 0o600);
  symlinkSync(file, link);
  writeAtomically(link, "second");
  assert.equal(readFileSync(file, "utf8"), "second");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder.path).sort(), ["file", "link"]);
});

test("a file that somebody made first stays as it is", () => {
  using folder = temporaryFolder("hq-atomic-");
  const file = join(folder.path, "file");
  assert.equal(writeFirst(file, "first", 0o600), true);
  assert.equal(writeFirst(file, "second", 0o600), false);
  assert.equal(readFileSync(file, "utf8"), "first");
  assert.deepEqual(readdirSync(folder.path), ["file"]);
  assert.throws(() => writeFirst(join(folder.path, "no", "file"), "", 0o600), { code: "ENOENT" });
});

test("a line is made once, for its owner alone, and is the same from then on", () => {
  using folder = temporaryFolder("hq-atomic-");
  const path = join(folder.path, "line");
  assert.equal(
    keptLine(path, isWhole, () => "made"),
    "made",
  );
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(
    keptLine(path, isWhole, () => assert.fail()),
    "made",
  );
});

test("of two programs that make a line at the same time both get the first one's", () => {
  using folder = temporaryFolder("hq-atomic-");
  const path = join(folder.path, "line");
  const ours = keptLine(path, isWhole, () => {
    keptLine(path, isWhole, () => "theirs");
    return "ours";
  });
  assert.deepEqual([ours, readFileSync(path, "utf8")], ["theirs", "theirs\n"]);
});

test("a line that a crash cut short is made anew", () => {
  using folder = temporaryFolder("hq-atomic-");
  const path = join(folder.path, "line");
  for (const cut of ["", "ma"]) {
    writeFileSync(path, cut);
    assert.equal(
      keptLine(path, isWhole, () => "made"),
      "made",
    );
    assert.equal(readFileSync(path, "utf8"), "made\n");
  }
});

test(
  "what was written survives a power loss: its bytes are on the disk before its name, and the name before the return",
  needing("strace", () => {
    using folder = temporaryFolder("hq-atomic-");
    const trace = join(folder.path, "trace");
    const there = join(folder.path, "there");
    writeFileSync(there, "old");
    const module = join(import.meta.dirname, "../../src/config/atomic-file.ts");
    const program = `const { writeAtomically, writeFirst } = await import(${JSON.stringify(module)});
      writeAtomically(${JSON.stringify(there)}, "new");
      writeFirst(${JSON.stringify(join(folder.path, "made"))}, "new", 0o600);`;
    const calls = "trace=fsync,fdatasync,rename,renameat,renameat2,link,linkat";
    const node = [process.execPath, "--input-type=module", "-e", program];
    const { status, stderr } = spawnSync("strace", ["-f", "-qq", "-y", "-e", calls, "-o", trace, ...node], {
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    assert.ok(existsSync(join(folder.path, "made")));
    const seen = readFileSync(trace, "utf8")
      .split("\n")
      .filter((line) => line.includes(folder.path))
      .map((line) => {
        const call = /(fsync|fdatasync|rename|link)/.exec(line)?.[0];
        return `${call} ${line.includes(".tmp") ? "the file" : "the folder"}`;
      });
    const whole = (name: string) => ["fsync the file", `${name} the file`, "fsync the folder"];
    assert.deepEqual(seen, [...whole("rename"), ...whole("link")]);
  }),
);
