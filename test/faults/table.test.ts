import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { ROOT } from "../support/supervisor.ts";

type Row = { readonly fault: string; readonly cells: readonly string[]; readonly shown: readonly Shown[] };
type Shown = { readonly file: string; readonly title: string };

const rows: readonly Row[] = readFileSync(join(ROOT, "docs/faults.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| fault "))
  .map((line) => {
    const cells = line.slice(2, -2).split(" | ");
    const shown = (cells[3] ?? "").split("<br>").map((text) => {
      const [, file = "", title = ""] = /^`([^`]+)` (.+)$/.exec(text) ?? [];
      return { file, title };
    });
    return { fault: cells[0] ?? "", cells, shown };
  });

/** The names of a file's tests as they are written in it. */
function titlesOf(file: string): readonly string[] {
  const source = readFileSync(join(ROOT, file), "utf8");
  return [...source.matchAll(/\b(?:test|check)\(\s*(["`])(.+?)\1,/g)].map(([, , title = ""]) => title);
}

test("every fault has what is injected, what is expected, and tests that are in the tree", () => {
  assert.ok(rows.length > 40);
  for (const { fault, cells, shown } of rows) {
    assert.equal(cells.length, 4, fault);
    for (const cell of cells) assert.notEqual(cell.trim(), "", fault);
    for (const { file, title } of shown)
      assert.ok(file && titlesOf(file).includes(title), `${fault}: ${file} has no test "${title}"`);
  }
});

test("every test of this folder is in the table", () => {
  const named = new Set(rows.flatMap(({ shown }) => shown.map(({ file, title }) => `${file} ${title}`)));
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
