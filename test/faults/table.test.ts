import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { ROOT } from "../support/supervisor.ts";
import { outcomeOf, PAGE, readLastRun, renderPage } from "./page.ts";
import { fitsTitle, readSections, shownBy } from "./rows.ts";

const sections = readSections();
const rows = sections.flatMap((section) => section.rows);
const lastRun = readLastRun();
const AGAIN = "run `npm run test:faults`, or for some tests `npm run test:faults -- test/…`";

const MUST = [
  /crash between claim and dispatch/,
  /crash between the request and its record/,
  /crash between commit and archive/,
  /crash between a post and its record/,
  /duplicate and changed handoff/,
  /unknown run/,
  /late handoff/,
  /truncated, written in parts/,
  /1 GB file/,
  /symbolic link, hard link, FIFO/,
  /`\.\.\/x`, NUL, `__proto__`, deep nesting/,
  /duplicate keys/,
  /^401/m,
  /500, 429 with Retry-After/,
  /hang, slow-loris, reset after receipt/,
  /endless body/,
  /^restart/m,
  /disk full/,
  /read-only folder/,
  /fsync EIO/,
  /clock jumps/,
  /^429/m,
  /^5xx/m,
  /^commit then drop/m,
  /gateway drop, invalid session/,
  /duplicate events/,
  /two supervisors/,
  /YAML bombs, cycles/,
  /bad hot reload/,
  /SIGTERM in the middle of a run/,
  /inotify overflow/,
  /directory replaced/,
  /power loss/,
  /a program that a fault needs is missing/,
  /hours of mixed faults/,
];

/** The names of a file's tests as they are written in it. */
function titlesOf(file: string): readonly string[] {
  const source = readFileSync(join(ROOT, file), "utf8");
  return [...source.matchAll(/\b(?:test|check)\(\s*(["`])(.+?)\1,/g)].map(([, , title = ""]) => title);
}

test("every fault is shown by tests that are in the tree", () => {
  assert.ok(rows.length > 60);
  for (const row of rows) {
    for (const { file, title } of shownBy(row))
      assert.ok(titlesOf(file).includes(title), `${row.fault}: ${file} has no test "${title}"`);
  }
  const faults = sections.flatMap(({ title, rows: own }) => own.map(({ fault }) => `${title}: ${fault}`));
  assert.equal(new Set(faults).size, rows.length, "no fault is listed twice");
});

test("every test of this folder shows a fault", () => {
  const named = new Set(rows.flatMap((row) => shownBy(row).map(({ file, title }) => `${file} ${title}`)));
  const files = readdirSync(join(ROOT, "test/faults"))
    .filter((name) => name.endsWith(".test.ts") && name !== "table.test.ts")
    .map((name) => `test/faults/${name}`);
  const all = files.flatMap((file) => titlesOf(file).map((title) => `${file} ${title}`));
  assert.ok(all.length > 20);
  assert.deepEqual(
    all.filter((one) => !named.has(one)),
    [],
  );
});

test("every fault that must be injected is in a row", () => {
  const text = rows.map(({ fault, injected }) => `${fault} ${injected}`).join("\n");
  for (const fault of MUST) assert.match(text, fault);
});

test("docs/reliability.md is what the rows and the last run say, and all of that run passed", () => {
  assert.equal(readFileSync(PAGE, "utf8"), renderPage(lastRun, sections), AGAIN);
  for (const row of rows) assert.equal(outcomeOf(row, lastRun).outcome, "passed", `${row.fault}: ${AGAIN}`);
  for (const { what, lost, doubled, unseen } of lastRun.counts)
    assert.deepEqual([lost, doubled, unseen], [0, 0, 0], what);
});

test("a page of other rows, or of a run that went wrong, is another page", () => {
  const [section] = sections;
  const [row] = section?.rows ?? [];
  assert.ok(section && row);
  const [first] = shownBy(row);
  assert.ok(first);
  const key = `${first.file} › ${first.title}`;
  const failed = { ...lastRun, tests: { ...lastRun.tests, [key]: { ran: 2, passed: 1 } } };
  assert.equal(outcomeOf(row, failed).outcome, "failed");
  assert.notEqual(renderPage(failed, sections), renderPage(lastRun, sections));
  const { [key]: _, ...others } = lastRun.tests;
  assert.equal(outcomeOf(row, { ...lastRun, tests: others }).outcome, "not run");
  const changed = [{ ...section, rows: [{ ...row, seen: "something else" }] }, ...sections.slice(1)];
  assert.notEqual(renderPage(lastRun, changed), renderPage(lastRun, sections));
});

test("a run with fewer kills or power losses than a whole one says so", () => {
  const whole = [
    { what: "`kill -9`: queue", injected: 1000, asked: "", lost: 0, doubled: 0, unseen: 0 },
    { what: "power losses", injected: 200, asked: "", lost: 0, doubled: 0, unseen: 0 },
  ];
  assert.doesNotMatch(renderPage({ ...lastRun, counts: whole }, sections), /broken off/);
  for (const left of whole)
    assert.match(renderPage({ ...lastRun, counts: [left] }, sections), /This run was broken off/);
});

test("a title with a part for each value of a loop fits each of their names, and no other", () => {
  const fits = fitsTitle("with ${what}, each result (all of it) is there");
  assert.ok(fits("with 429, each result (all of it) is there"));
  assert.ok(!fits("with 429, each result is there"));
  assert.ok(!fitsTitle("a.b")("axb"));
});
