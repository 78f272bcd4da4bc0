import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import test from "node:test";
import { ROOT, temporaryFolder } from "../support/supervisor.ts";

const NEEDS = /\btest\(\s*"([^"]+)",\s*needing\("(\w+)"/g;
const PACKAGE = { unshare: "util-linux mount", strace: "strace", chattr: "e2fsprogs" } as Readonly<
  Record<string, string>
>;
/** Nothing else may start these: a test that does without `needing` fails for reasons that nobody understands. */
const STARTS = /["'](strace|unshare|chattr)["']/;
const HOME_OF_STARTS = new Set([
  "test/support/tools.ts",
  "test/faults/power-loss.ts",
  // Looks for all that it needs before it makes anything, and names each: test/members/hosts-made.test.ts.
  "test/support/hosts.ts",
  "test/faults/tools.test.ts",
]);

const found = globSync("test/**/*.ts", { cwd: ROOT }).flatMap((file) => {
  const source = readFileSync(join(ROOT, file), "utf8");
  return [...source.matchAll(NEEDS)].map(([, title = "", tool = ""]) => ({ file, title, tool }));
});

/** Every program of the path but one. */
function pathWithout(tool: string, folder: string): string {
  const dir = join(folder, `without-${tool}`);
  mkdirSync(dir);
  const names = new Set([tool]);
  for (const from of (process.env.PATH ?? "").split(delimiter)) {
    let here: readonly string[] = [];
    try {
      here = readdirSync(from);
    } catch (error) {
      if (!["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
    for (const name of here) {
      if (names.has(name)) continue;
      names.add(name);
      symlinkSync(join(from, name), join(dir, name));
    }
  }
  return dir;
}

test("where a program is missing, each test that needs it fails, names it and says what installs it", async () => {
  using folder = temporaryFolder("hq-tools-");
  assert.deepEqual([...new Set(found.map(({ tool }) => tool))].toSorted(), Object.keys(PACKAGE).toSorted());
  const paths = new Map(Object.keys(PACKAGE).map((tool) => [tool, pathWithout(tool, folder.path)]));
  for (const { file, title, tool } of found) {
    const exact = `^${title.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`;
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const child = spawn(
      process.execPath,
      ["--test", "--test-reporter=tap", `--test-name-pattern=${exact}`, join(ROOT, file)],
      { env: { ...env, PATH: paths.get(tool) }, stdio: ["ignore", "pipe", "inherit"] },
    );
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    const [code] = (await once(child, "close")) as [number];
    assert.equal(code, 1, `${file} without ${tool}:\n${text}`);
    assert.match(text, new RegExp(`needs ${tool}, which cannot be used here`));
    assert.ok(text.includes(`apt-get install -y ${PACKAGE[tool]}`), text);
    assert.match(text, /^# fail 1$/m);
    assert.match(text, /^# skipped 0$/m);
  }
});

test("no test starts such a program in another way", () => {
  for (const file of globSync("test/**/*.ts", { cwd: ROOT })) {
    if (HOME_OF_STARTS.has(file)) continue;
    const source = readFileSync(join(ROOT, file), "utf8").replaceAll(/needing\("\w+"/g, "");
    if (!STARTS.test(source)) continue;
    const tests = found.filter((one) => one.file === file);
    const [, started = ""] = STARTS.exec(source) ?? [];
    assert.ok(
      tests.some(({ tool }) => tool === started),
      `${file} starts ${started} without needing("${started}")`,
    );
  }
});
