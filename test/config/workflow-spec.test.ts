import assert from "node:assert/strict";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { z } from "zod";
import { gateSchema, scheduleSchema, workflowSchema } from "../../src/config/workflow-schema.ts";
import { FIXTURES, linesOf, loadFolder, planText, ROOT } from "./workflow-fixtures.ts";

const spec = readFileSync(join(ROOT, "docs/specs/workflow.md"), "utf8");
const FOLDERS = [
  { dir: join(FIXTURES, "valid"), expected: "valid" },
  { dir: join(FIXTURES, "invalid"), expected: "invalid" },
  // The examples by which the format was asked for, line by line as they were written.
  { dir: join(FIXTURES, "specified"), expected: "specified" },
  { dir: join(ROOT, "workflows"), expected: "shipped" },
] as const;

for (const { dir, expected } of FOLDERS) {
  const loaded = loadFolder(dir);
  const names = readdirSync(dir).filter((name) => name.endsWith(".yaml"));

  test(`every ${expected} workflow is read: ${names.length} files`, () => {
    assert.deepEqual(
      loaded.entries.map(({ name }) => `${name}.yaml`),
      names.toSorted(),
    );
  });

  for (const { name, definition, problems } of loaded.entries) {
    const file = join(dir, `${name}.yaml`);
    const kind = definition ? "plan" : "errors";
    test(`${expected}/${name}.yaml gives the ${kind} beside it`, () => {
      const said = linesOf(loaded.problems, file);
      const doubts = linesOf(loaded.warnings, file).split("\n").filter(Boolean);
      const text = definition ? planText(definition) : `${said}\n`;
      const beside = readFileSync(join(FIXTURES, expected, `${name}.${kind}.txt`), "utf8");
      assert.equal(`${text}${doubts.map((line) => `warning ${line}\n`).join("")}`, beside);
      assert.equal(problems.length, definition ? 0 : said.split("\n").length);
    });
  }
}

test("the shipped workflows and the valid fixtures have neither problems nor doubts", () => {
  for (const { dir, expected } of FOLDERS) {
    if (expected === "invalid" || expected === "specified") continue;
    const { problems, warnings } = loadFolder(dir);
    assert.deepEqual([problems, warnings], [[], []]);
  }
});

test("a file with another ending is said not to be read", () => {
  const dir = join(FIXTURES, "invalid");
  assert.equal(
    linesOf(loadFolder(dir).warnings, join(dir, "ignored.yml")),
    "is not read (name it ignored.yaml)",
  );
});

test("each shipped workflow names the schema for editors", () => {
  for (const name of readdirSync(join(ROOT, "workflows")).filter((one) => one.endsWith(".yaml"))) {
    const [first] = readFileSync(join(ROOT, "workflows", name), "utf8").split("\n");
    assert.equal(first, "# yaml-language-server: $schema=../config/schema/workflow.json", name);
  }
});

test("the specification has numbered sections and names every fixture, and no other", () => {
  const sections = [...spec.matchAll(/^## (\d+)\. /gm)].map(([, number]) => Number(number));
  assert.deepEqual(
    sections,
    sections.map((_, index) => index + 1),
  );
  const named = new Set(
    [...spec.matchAll(/\b(?:valid|invalid|specified|shipped)\/[a-z0-9-]+\.yaml/g)].map(([path]) => path),
  );
  const there = globSync(["valid/*.yaml", "invalid/*.yaml", "specified/*.yaml"], { cwd: FIXTURES });
  const shipped = readdirSync(join(ROOT, "workflows")).filter((name) => name.endsWith(".yaml"));
  assert.deepEqual([...named].toSorted(), [...there, ...shipped.map((name) => `shipped/${name}`)].toSorted());
});

test("the specification names every key", () => {
  const json = z.toJSONSchema(
    z.strictObject({ workflow: workflowSchema, gate: gateSchema, schedule: scheduleSchema }),
    {
      io: "input",
    },
  );
  const missing = new Set<string>();
  const walk = (part: unknown): void => {
    if (typeof part !== "object" || part === null) return;
    const { properties, ...rest } = part as { properties?: Readonly<Record<string, unknown>> };
    for (const [key, inner] of Object.entries(properties ?? {})) {
      if (!spec.includes(`\`${key}\``)) missing.add(key);
      walk(inner);
    }
    for (const inner of Object.values(rest)) walk(inner);
  };
  for (const part of Object.values(json.properties ?? {})) walk(part);
  assert.deepEqual([...missing], []);
});
