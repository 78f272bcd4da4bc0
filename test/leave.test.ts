import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { cleanEnv, ROOT, temporaryFolder } from "./support/supervisor.ts";

const PRELOAD = join(ROOT, "test/support/leave.ts");

/** Runs a test file of the given text as `npm test` does. */
function runFile(text: string) {
  using folder = temporaryFolder();
  const file = join(folder.path, "made.test.mjs");
  writeFileSync(file, `import test from "node:test";\n${text}`);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", PRELOAD, "--test", "--test-reporter=spec", file],
    { env: cleanEnv({ HQ_TEST_LEAVES_WITHIN_MS: "300" }), encoding: "utf8", timeout: 60_000 },
  );
  return { status, said: stdout + stderr };
}

test("a test file that holds the run after its tests is named with what holds it, and fails", () => {
  const { status, said } = runFile('test("fine", () => void setInterval(() => undefined, 1000));');
  assert.equal(status, 1);
  assert.match(said, /✔ fine/);
  assert.match(said, /made\.test\.mjs: its tests ended 300 ms ago, it is held by [^\n]*Timeout/);
});

test("a test file leaves with what it found: all is well, or something failed", () => {
  const well = runFile('test("fine", () => undefined);');
  assert.deepEqual([well.status, /pass 1\b[^]*fail 0\b/.test(well.said)], [0, true]);
  const failed = runFile('test("fine", () => undefined);\ntest("wrong", () => { throw new Error("no") });');
  assert.deepEqual([failed.status, /pass 1\b[^]*fail 1\b/.test(failed.said)], [1, true]);
});
