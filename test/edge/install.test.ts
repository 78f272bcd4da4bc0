import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import test, { type TestContext } from "node:test";
import { cleanEnv, ROOT } from "../support/supervisor.ts";
import { newRoot } from "./cli-process.ts";

const BEFORE = new Date("2026-01-01T00:00:00Z");
const AFTER = new Date("2026-01-02T00:00:00Z");
/** What a Node from before 24.12 says of itself, for a program that asks. */
const older = (version: string) =>
  `--import=data:text/javascript,${encodeURIComponent(
    `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } });`,
  )}`;
/** In place of the command line: tells how it was called, and does what its first argument says. */
const TOLD_MAIN = `
const [wish, what] = process.argv.slice(2);
if (wish === "exit") process.exitCode = Number(what);
if (wish === "wait") process.stdin.resume();
if (wish === "wait" && what) process.on(what, () => { console.log("got " + what); process.exit(7); });
console.log(JSON.stringify({ args: process.argv.slice(2), flags: process.execArgv }));
`;

/** An installation of its own: the real bin/ and npm scripts; its npm writes down what it was asked. */
function installation(t: TestContext, npm = "install") {
  const { root } = newRoot(t);
  const path = (...names: string[]) => join(root, ...names);
  cpSync(join(ROOT, "bin"), path("bin"), { recursive: true });
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  writeFileSync(path("package.json"), JSON.stringify({ name: "small", type: "module", private: true }));
  writeFileSync(path("package-lock.json"), "{}");
  utimesSync(path("package-lock.json"), AFTER, AFTER);
  mkdirSync(path("src", "cli"), { recursive: true });
  writeFileSync(path("src", "cli", "main.ts"), TOLD_MAIN);
  mkdirSync(path("path"));
  const program = `#!/bin/sh
install() { mkdir -p node_modules && touch node_modules/.package-lock.json; }
echo "$PWD npm $* (NODE_ENV: \${NODE_ENV-none})" >> "${path("asked")}"
echo "what npm prints"
${npm}
`;
  writeFileSync(path("path", "npm"), program, { mode: 0o755 });
  writeFileSync(path("asked"), "");
  async function run(
    command: string,
    args: readonly string[],
    cwd: string,
    more: Record<string, string> = {},
  ) {
    const env = cleanEnv({
      PATH: `${path("path")}:${dirname(process.execPath)}:${process.env.PATH}`,
      ...more,
    });
    const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    t.after(() => child.kill("SIGKILL"));
    const [out, err, [code, signal]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close") as Promise<[number | null, string | null]>,
    ]);
    return { out, err, code, signal };
  }
  return {
    root,
    path,
    scripts,
    run,
    asked: () => readFileSync(path("asked"), "utf8").split("\n").filter(Boolean),
    install(at: Date) {
      mkdirSync(path("node_modules"), { recursive: true });
      writeFileSync(path("node_modules", ".package-lock.json"), "{}");
      utimesSync(path("node_modules", ".package-lock.json"), at, at);
    },
    /** The Node that the project depends on, where npm puts it. */
    bringNode() {
      mkdirSync(path("node_modules", "node", "bin"), { recursive: true });
      symlinkSync(process.execPath, path("node_modules", "node", "bin", "node"));
    },
    hq: (args: readonly string[], flags: readonly string[] = []) =>
      run(process.execPath, [...flags, path("bin", "hq.js"), ...args], tmpdir()),
  };
}

for (const script of ["prestart", "pretest"]) {
  const command = script.slice("pre".length);
  test(`npm ${command} installs what the lock names when nothing is installed, and not again`, async (t) => {
    const { root, scripts, run, asked } = installation(t);
    const first = await run("sh", ["-c", scripts[script] ?? ""], root, { NODE_ENV: "production" });
    assert.deepEqual([first.code, first.out], [0, ""], first.err);
    assert.match(first.err, /^Installing what package-lock\.json names \(npm ci\) …\nwhat npm prints\n$/);
    const asking = [`${root} npm ci --no-audit --no-fund --loglevel=error (NODE_ENV: none)`];
    assert.deepEqual(asked(), asking);
    const second = await run("sh", ["-c", scripts[script] ?? ""], root);
    assert.deepEqual([second.code, second.out, second.err], [0, "", ""]);
    assert.deepEqual(asked(), asking);
  });
}

test("hq installs again when the lock is newer than what is installed, and only then", async (t) => {
  const { install, hq, asked } = installation(t);
  install(AFTER);
  const fresh = await hq(["status"]);
  assert.deepEqual([fresh.code, fresh.err, asked().length], [0, "", 0]);
  install(BEFORE);
  const stale = await hq(["status"]);
  assert.deepEqual([stale.code, asked().length], [0, 1], stale.err);
  assert.deepEqual(JSON.parse(stale.out).args, ["status"]);
});

test("npm ci that fails once is tried again; twice, and the command ends and names the folder", async (t) => {
  const unlucky = installation(t, '[ "$(wc -l < asked)" -gt 1 ] && install');
  const second = await unlucky.hq(["status"]);
  assert.deepEqual([second.code, unlucky.asked().length], [0, 2], second.err);
  assert.match(second.err, /npm ci ended with 1; once more\./);
  const broken = installation(t, "exit 3");
  const { code, out, err } = await broken.hq(["status"]);
  assert.deepEqual([code, out, broken.asked().length], [1, "", 2]);
  assert.ok(err.includes(`npm ci ended with 3: run it by hand in ${broken.root} to see why.\n`), err);
});

test("on an older Node hq runs the installed one with the same arguments, and ends with its code", async (t) => {
  const { install, bringNode, hq, root, run } = installation(t);
  install(AFTER);
  bringNode();
  const args = ["exit", "5", "two words", "--json", ""];
  for (const version of ["18.20.8", "24.11.1"]) {
    const { code, out, err } = await hq(args, [older(version)]);
    assert.equal(code, 5, err);
    assert.deepEqual(JSON.parse(out), { args, flags: [] }, version);
  }
  for (const version of ["24.12.0", "25.0.0"]) {
    const { code, out, err } = await hq(args, [older(version)]);
    assert.deepEqual([code, JSON.parse(out).flags], [5, [older(version)]], err);
  }
  symlinkSync(join(root, "bin", "hq.js"), join(root, "path", "hq"));
  const linked = await run(process.execPath, [older("20.0.0"), join(root, "path", "hq"), "exit", "6"], root);
  assert.equal(linked.code, 6, linked.err);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  test(`on an older Node hq passes ${signal} on, and ends as the installed one does`, async (t) => {
    const { install, bringNode, path } = installation(t);
    install(AFTER);
    bringNode();
    for (const [wish, end] of [
      [["wait", signal], { code: 7, signal: null, last: `got ${signal}\n` }],
      [["wait"], { code: null, signal, last: "" }],
    ] as const) {
      const child = spawn(process.execPath, [older("20.0.0"), path("bin", "hq.js"), ...wish], {
        env: cleanEnv({}),
        stdio: ["pipe", "pipe", "inherit"],
      });
      t.after(() => child.kill("SIGKILL"));
      // The installed one leaves with its stdin, also when the signal did not reach it.
      t.after(() => child.stdin.destroy());
      const out = text(child.stdout);
      await once(child.stdout, "data");
      child.kill(signal);
      const [code, by] = await once(child, "exit");
      child.stdin.destroy();
      const told = await out;
      const last = told.slice(told.indexOf("\n") + 1);
      assert.deepEqual({ code, signal: by, last }, end);
    }
  });
}

test("on an older Node without the installed one hq says what to run and where", async (t) => {
  const { install, hq, path, root } = installation(t);
  install(AFTER);
  const { code, out, err } = await hq(["status"], [older("22.22.0")]);
  assert.deepEqual([code, out], [1, ""]);
  const node = path("node_modules", "node", "bin", "node");
  assert.equal(err, `hq needs Node 24.12 or newer, and ${node} is missing: run "npm ci" in ${root}.\n`);
});
