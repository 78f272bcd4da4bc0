import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { checkHandoff } from "../../src/domain/handoff.ts";
import { parseHandoffText } from "../../src/domain/handoff-json.ts";
import type { HandoffRecord } from "../../src/engine/verbs.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/specs/handoff.md"), "utf8");
const examples = [...page.matchAll(/^```(json|text) (\w+)(?:: (.+))?\n([\s\S]*?)^```$/gm)].map((match) => ({
  language: match[1] ?? "",
  verdict: match[2] ?? "",
  paths: match[3]?.split(", ") ?? [],
  body: match[4] ?? "",
}));
const asked = { runId: "orch-1", agent: "webster" };

function problemsOf(body: string, mode: "strict" | "lenient"): readonly string[] {
  const parsed = parseHandoffText(body);
  if (parsed.state === "incomplete") return ["(incomplete)"];
  if (parsed.state === "refused") return parsed.problems.map(({ path }) => path);
  const checked = checkHandoff({ ...asked, document: parsed.document, mode, format: "json" });
  return checked.ok ? [] : checked.problems.map(({ path }) => path);
}

test("the page has an example of every verdict", () => {
  const verdicts = new Set(examples.map(({ language, verdict }) => `${language} ${verdict}`));
  assert.deepEqual(
    [...verdicts].sort(),
    [
      "json incomplete",
      "json lenient",
      "json refused",
      "json strict",
      "text accepted",
      "text refused",
    ].sort(),
  );
});

for (const { language, verdict, paths, body } of examples) {
  test(`the spec's ${language} example is ${verdict}: ${body.slice(0, 90).replaceAll(/\s+/g, " ").trim()}`, () => {
    if (language === "text") {
      const checked = checkHandoff({ ...asked, document: body, mode: "lenient", format: "text" });
      assert.equal(checked.ok, verdict === "accepted");
      return;
    }
    switch (verdict) {
      case "strict":
        assert.deepEqual(problemsOf(body, "strict"), []);
        break;
      case "lenient":
        assert.deepEqual(problemsOf(body, "lenient"), []);
        assert.notDeepEqual(problemsOf(body, "strict"), []);
        break;
      case "refused":
        assert.deepEqual([...problemsOf(body, "lenient")].sort(), [...paths].sort());
        break;
      default:
        assert.deepEqual(problemsOf(body, "lenient"), ["(incomplete)"]);
    }
  });
}

test("the page says what each verdict means", () => {
  const verdicts: Readonly<Record<HandoffRecord["verdict"], true>> = {
    accepted: true,
    rejected: true,
    superseded: true,
    duplicate: true,
    changed: true,
    late: true,
    unknown: true,
  };
  const table = page.split("| verdict |")[1]?.split("\n\n")[0] ?? "";
  const rows = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, verdict]) => verdict);
  assert.deepEqual(rows, Object.keys(verdicts));
});

test("of a text block a status and a result are needed, and strictly a confidence too", () => {
  const text = (mode: "strict" | "lenient", ...lines: string[]) =>
    checkHandoff({ ...asked, document: lines.join("\n"), mode, format: "text" });
  const [status, result, confidence] = ["STATUS: complete", "RESULT: 0 ppm/K", "CONFIDENCE: high"] as const;
  assert.equal(text("lenient", status, result).ok, true);
  assert.equal(text("lenient", status, confidence).ok, false);
  assert.equal(text("lenient", result, confidence).ok, false);
  assert.equal(text("strict", status, result).ok, false);
  assert.equal(text("strict", status, result, confidence).ok, true);
});
