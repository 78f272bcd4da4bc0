import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type { FileMove, LogLine } from "../../src/domain/effects.ts";
import { type ClaimedOf, createFiling } from "../../src/engine/perform.ts";
import { makeFolder } from "../../src/handoffs/make-folder.ts";
import { createJournal } from "../../src/telemetry/journal.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const NOW = 1_000_000_000_000;
const move: FileMove = { run: "orch-1", path: "/h/1.json", digest: "d", to: "accepted", problems: [] };
const attempt: LogLine = { file: "attempts", line: '{"at":"2001-09-09T01:46:40.000Z","event":"end"}' };
const project: LogLine = { file: "project", line: "[2001-09-09] webster: Completed" };

function filing(moves: readonly FileMove[], lines: readonly LogLine[]): ClaimedOf<"filing"> {
  return {
    id: "orch-1@3#0",
    stream: "orch-1",
    body: { type: "filing", moves, lines },
    lane: "host",
    dueAt: NOW,
    createdAt: NOW,
    tries: 1,
  };
}

/** Real logs in a folder; the handoff folder is an archive that says yes or no. */
function startFiling(home: string, archive: (move: FileMove) => Promise<string>) {
  const logs = { dir: join(home, "logs"), projectLog: join(home, "project.md") };
  const journal = createJournal(() => logs, makeFolder);
  const file = createFiling({ inbox: { archive }, journal, now: () => NOW, crash: () => undefined });
  const read = (name: string) => readFileSync(join(home, name), "utf8");
  return { file, read };
}

test("a log that cannot be written keeps neither the archive nor the other log, and is tried again alone", async () => {
  using home = temporaryFolder();
  const moved: FileMove[] = [];
  const { file, read } = startFiling(home.path, async (wanted) => {
    moved.push(wanted);
    return "there";
  });
  mkdirSync(join(home.path, "project.md"));
  const outcome = await file(filing([move], [attempt, project]));
  assert.ok(outcome.kind === "again" && outcome.left?.type === "filing");
  assert.deepEqual(outcome.left, { type: "filing", moves: [], lines: [project] });
  assert.match(outcome.reason, /EISDIR/);
  assert.equal(outcome.dueAt, NOW);

  await assert.rejects(
    file(filing([], outcome.left.lines)),
    /EISDIR/,
    "nothing of it can be done: wait and see",
  );
  rmdirSync(join(home.path, "project.md"));
  assert.equal((await file(filing([], outcome.left.lines))).kind, "done");
  assert.equal(read("logs/attempts-2001-09-09.jsonl"), `${attempt.line}\n`);
  assert.equal(read("project.md"), `${project.line}\n`);
  assert.deepEqual(moved, [move]);
});

test("a file that cannot be moved now keeps no line from being written, and is tried again alone", async () => {
  using home = temporaryFolder();
  const { file, read } = startFiling(home.path, () => Promise.reject(new Error("EIO")));
  const outcome = await file(filing([move], [attempt]));
  assert.ok(outcome.kind === "again");
  assert.deepEqual(outcome.left, { type: "filing", moves: [move], lines: [] });
  assert.equal(read("logs/attempts-2001-09-09.jsonl"), `${attempt.line}\n`);
});

test("a filing that a crash cut off is done again, and a line that was written is not written twice", async () => {
  using home = temporaryFolder();
  const { file, read } = startFiling(home.path, async () => "there");
  await file(filing([move], [attempt, project]));
  await file({ ...filing([move], [attempt, project]), begunBefore: NOW - 1 });
  assert.equal(read("logs/attempts-2001-09-09.jsonl"), `${attempt.line}\n`);
  assert.equal(read("project.md"), `${project.line}\n`);
});

test("a line that a full disk or a crash cut off in its middle spoils no other one, and the others are there once", async (t) => {
  using home = temporaryFolder();
  const { file, read } = startFiling(home.path, async () => "there");
  const line = (n: number): LogLine => ({ file: "project", line: `[2001-09-09] webster: Completed ${n}` });
  writeFileSync(join(home.path, "project.md"), "[2001-09-09] webs");
  await file(filing([], [line(0)]));
  assert.equal(read("project.md"), `[2001-09-09] webs\n${line(0).line}\n`, "cut off in an earlier life");

  const size = read("project.md").length;
  t.after(() => limitFiles("unlimited"));
  limitFiles(size + line(1).line.length + 1 + 20);
  const tried = await Promise.allSettled([file(filing([], [line(1)])), file(filing([], [line(2)]))]);
  assert.deepEqual(
    tried.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  limitFiles("unlimited");
  await Promise.all([1, 2, 3].map((n) => file(filing([], [line(n)]))));
  const lines = read("project.md").split("\n");
  for (const n of [0, 1, 2, 3])
    assert.equal(lines.filter((found) => found === line(n).line).length, 1, `${n}`);
  assert.equal(lines.at(-1), "");
});

/** As a disk that is full: a write that crosses it is done in part. */
function limitFiles(bytes: number | "unlimited"): void {
  execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${bytes}:`]);
}
