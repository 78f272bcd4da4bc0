import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { createLog } from "../../src/telemetry/log.ts";
import { openLogFile } from "../../src/telemetry/log-file.ts";
import { createRedact } from "../../src/telemetry/redact.ts";

const AT = Date.UTC(2026, 1, 15, 10);

function newPlace(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "hq-log-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "supervisor.log");
}

test("lines stand in order at the end of a file of mode 0600, all of them once it is closed", async (t) => {
  const path = newPlace(t);
  const lines = Array.from({ length: 2000 }, (_, i) => `line ${i} é\n`);
  for (const part of [lines.slice(0, 1000), lines.slice(1000)]) {
    const log = openLogFile(path, () => AT);
    for (const line of part) log.write(line);
    await log.close();
    await log.close();
    log.write("said after its end\n");
  }
  assert.equal(readFileSync(path, "utf8"), lines.join(""));
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test("what cannot be written ends nothing, also not the end; the next line that can tells how many are missing", async (t) => {
  const full = openLogFile("/dev/full", () => AT);
  full.write("nowhere to go\n");
  await full.close();
  // A pipe without a reader refuses each line, and takes them again when there is one.
  const path = newPlace(t);
  assert.equal(spawnSync("mkfifo", [path]).status, 0);
  const openReader = () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const read = (reader: number) => {
    const bytes = Buffer.alloc(4096);
    return bytes.toString("utf8", 0, readSync(reader, bytes));
  };
  let reader = openReader();
  const log = openLogFile(path, () => AT);
  log.write("one\n");
  await log.written();
  assert.equal(read(reader), "one\n");
  closeSync(reader);
  for (const line of ["two\n", "three\n"]) {
    log.write(line);
    await log.written();
  }
  reader = openReader();
  log.write("four\n");
  await log.written();
  const [gap, ...rest] = read(reader).split("\n");
  assert.deepEqual(JSON.parse(gap ?? ""), {
    level: 40,
    time: "2026-02-15T10:00:00.000Z",
    lines: 2,
    msg: "lines are missing here: the disk did not take them",
  });
  assert.deepEqual(rest, ["four", ""]);
  log.write("five\n");
  await log.close();
  assert.equal(read(reader), "five\n", "what is missing is told once");
  closeSync(reader);
});

test("what a process says last before it exits is written", (t) => {
  const path = newPlace(t);
  const source = JSON.stringify(new URL("../../src/telemetry/log-file.ts", import.meta.url).href);
  const script = `import { openLogFile } from ${source};
    const log = openLogFile(process.argv[1], Date.now);
    const full = openLogFile("/dev/full", Date.now);
    for (const line of ["one\\n", "two\\n", "three\\n"]) { full.write(line); log.write(line); }
    process.exit(7);`;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script, path], {
    encoding: "utf8",
  });
  assert.deepEqual([status, stderr], [7, ""]);
  assert.equal(readFileSync(path, "utf8"), "one\ntwo\nthree\n");
});

test("people are told of warnings and errors with the reason, by whatever name the line gives it, and the hint", () => {
  let told = "";
  const log = createLog({
    level: "info",
    redact: (text) => text.replaceAll("secret", "[secret]"),
    people: { write: (line) => void (told += line) },
  });
  log.info({ text: "nothing is wrong" }, "started");
  log.warn({ tries: 2, failure: "connect ECONNREFUSED" }, "Discord is tried again");
  log.warn({ run: "orch-1", agent: "webster", text: "600 words" }, "a delegation with a warning");
  log.warn({ dueAt: 1, reason: "503 of secret" }, "a card is tried again");
  log.error({ failure: "the token is wrong", hint: "Reset it." }, "Discord needs a person's help");
  log.error({ err: new Error("no such table"), failure: 7 }, "it broke");
  log.warn({ why: { not: "a text" } }, "bare");
  assert.deepEqual(told.trimEnd().split("\n"), [
    "warning: Discord is tried again: connect ECONNREFUSED",
    "warning: a delegation with a warning (orch-1 webster): 600 words",
    "warning: a card is tried again: 503 of [secret]",
    "error: Discord needs a person's help: the token is wrong (Reset it.)",
    "error: it broke: no such table",
    "warning: bare",
  ]);
});

test("keys in addresses and headers, and secrets that are known, stand in no line", () => {
  const redact = createRedact(() => [undefined, "short", "a-known-secret"]);
  const token = "aW50ZXJhY3Rpb246MTIz.x-y_z";
  const said = [
    `POST https://discord.com/api/v10/webhooks/123456/${token}/messages/@original`,
    `/interactions/123456/${token}/callback`,
    `authorization: Bearer ${token}==`,
    `Bot ${token}`,
    "the key a-known-secret, twice: a-known-secret; what is short is no secret",
  ];
  assert.deepEqual(said.map(redact), [
    "POST https://discord.com/api/v10/webhooks/123456/[secret]/messages/@original",
    "/interactions/123456/[secret]/callback",
    "authorization: Bearer [secret]",
    "Bot [secret]",
    "the key [secret], twice: [secret]; what is short is no secret",
  ]);
});
