import { oneLine } from "../../../kernel/text.ts";
import type { Answer, Question } from "../answer.ts";
import { expansionText, type Material, materialsIn } from "../materials.ts";
import { attachedIn } from "../stated.ts";
import { parsed } from "./facts.ts";
import { issuesIn } from "./review.ts";

type Work = { readonly result: unknown; readonly why: string; readonly isPart?: true };
type Fill = (question: Question) => Work;

/** By the line under `## Role` of the templates' prompts; votes are cast elsewhere. */
const BY_ROLE: readonly (readonly [RegExp, Fill])[] = [
  [/^You are a senior engineer who reviews code/, review],
  [/^You are a researcher who separates/, lookUp],
  [/^You extract data exactly as it stands/, extract],
  [/^You write documentation for/, document],
  [/^You are a test engineer/, planTests],
  [/^You are an engineer who improves code/, refactor],
];

/** Asked by a template, any of the agents answers in its form; what it cannot do honestly it says in the form for that. */
export function fillTemplate(question: Question): Answer | undefined {
  const role = /^## Role\n(.+)$/m.exec(question.objective)?.[1] ?? "";
  const fill = BY_ROLE.find(([of]) => of.test(role))?.[1];
  if (!fill || question.schema === undefined) return undefined;
  const { result, why, isPart } = fill(question);
  return {
    status: isPart ? "partial" : "complete",
    result: `<result>\n${JSON.stringify(result, undefined, 2)}\n</result>`,
    confidence: isPart ? "low" : "medium",
    notes: `Sample agent ${question.agent}: ${why}`,
  };
}

const cannot = (reason: string): Work => ({
  result: { status: "error", reason },
  why: "nothing was made up.",
});

/** What was handed over in the task: its context, and results of others. Files are never opened. */
function handedOver({ objective, material }: Question): readonly string[] {
  const [, own = ""] = /^## Context\n([\s\S]*?)(?=\n## |$(?![\s\S]))/m.exec(objective) ?? [];
  const attached = attachedIn(material).map(({ text }) => text);
  return [own.replaceAll(/\[attached context: [^\]]*\]/g, ""), ...attached].filter(
    (text) => text.trim() !== "",
  );
}

function listUnder(title: string, objective: string): readonly string[] {
  const [, lines = ""] = new RegExp(`^${title}\\n((?:- .*(?:\\n|$))+)`, "m").exec(objective) ?? [];
  return lines.split("\n").flatMap((line) => (line.startsWith("- ") ? [line.slice(2)] : []));
}

function review(question: Question): Work {
  const texts = handedOver(question);
  if (texts.length === 0)
    return cannot("Sample agents open no files: hand the code over as `context` of the template.");
  const [file = ""] = listUnder("Files:", question.objective);
  const most = Number(/Report at most (\d+) issues/.exec(question.objective)?.[1] ?? 20);
  const levels = /^- Report only these severities: (.+)\.$/m.exec(question.objective)?.[1]?.split(", ") ?? [];
  const issues = texts
    .flatMap((text) => issuesIn(text, file))
    .filter(({ severity }) => levels.includes(severity));
  const sorted = issues.toSorted((a, b) => levels.indexOf(a.severity) - levels.indexOf(b.severity));
  return { result: sorted.slice(0, most), why: "a handful of patterns, nothing was understood." };
}

const PROPERTIES: readonly (readonly [string, (material: Material) => string])[] = [
  [
    "mean thermal expansion",
    ({ expansion }) => `${expansionText(expansion)} over ${expansion.fromC} to ${expansion.toC} °C`,
  ],
  ["density", ({ density }) => `${density} g/cm³`],
  ["Young's modulus", ({ modulus }) => `${modulus} GPa`],
  ["thermal conductivity", ({ conductivity }) => `${conductivity} W/(m·K)`],
];

function lookUp({ objective }: Question): Work {
  const topic = /^Research this topic: (.+)$/m.exec(objective)?.[1] ?? "";
  const known = materialsIn(objective);
  if (known.length === 0)
    return cannot(`The sample table of materials knows nothing of: ${oneLine(topic, 200)}`);
  const most = Number(/Use at most (\d+) sources/.exec(objective)?.[1] ?? 10);
  const sources = [...new Set(known.map(({ source }) => source))].slice(0, most);
  const findings = known
    .filter(({ source }) => sources.includes(source))
    .flatMap((material) =>
      PROPERTIES.map(([what, of]) => ({
        point: `${material.name}: ${what}`,
        evidence: of(material),
        source: material.source,
      })),
    );
  const summary = findings.map(({ point, evidence }) => `${point} ${evidence}.`).join("\n");
  return {
    result: { topic, summary, findings, sources, confidence: "medium" },
    why: "from a small built-in table.",
  };
}

/** Records that stand there as JSON or as CSV with a line of names; what a record lacks is null. */
function extract(question: Question): Work {
  const { objective, schema } = question;
  const rows = handedOver(question).flatMap(recordsIn);
  if (rows.length === 0)
    return cannot(
      "Sample agents open no files: hand the records over, as JSON or as CSV with a line of names.",
    );
  const own = /^Schema of one record:\n([\s\S]*?)\n\n?## /m.exec(objective)?.[1];
  const of = (own === undefined ? (schema as { items?: unknown }).items : parsed(own)) as {
    readonly properties?: object;
  };
  const names = Object.keys(of.properties ?? {});
  const records = rows.map((row) => Object.fromEntries(names.map((name) => [name, row[name] ?? null])));
  const why = "records by their names, nothing was guessed.";
  if (own === undefined) return { result: records, why };
  const table = [names, ...records.map((one) => names.map((name) => cellOf(one[name])))];
  const isTable = objective.includes("Markdown table");
  const lines = table.map((cells) => (isTable ? `| ${cells.join(" | ")} |` : cells.join(",")));
  const rule = `|${names.map(() => " --- |").join("")}`;
  const text = (isTable ? lines.toSpliced(1, 0, rule) : lines).join("\n");
  return { result: { rows: records.length, text }, why };
}

type Row = Readonly<Record<string, unknown>>;

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function recordsIn(text: string): readonly Row[] {
  const value = parsed(text.trim());
  if (typeof value === "object" && value !== null) return (Array.isArray(value) ? value : [value]) as Row[];
  const [head = "", ...lines] = text.trim().split("\n");
  const names = head.split(",").map((name) => name.trim());
  if (names.length < 2) return [];
  const isNumber = (cell: string) => cell !== "" && !Number.isNaN(Number(cell));
  return lines.map((line) => {
    const cells = line.split(",").map((cell) => cell.trim());
    const valueOf = (cell = "") => (isNumber(cell) ? Number(cell) : cell || null);
    return Object.fromEntries(names.map((name, index) => [name, valueOf(cells[index])]));
  });
}

const NOTHING_WRITTEN = "nothing was opened, written or run.";

function document(question: Question): Work {
  const [, what = ""] = /^Write (.+)\.$/m.exec(question.objective) ?? [];
  const headings = handedOver(question).flatMap((text) =>
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, of = ""]) => of),
  );
  const sections = headings.length > 0 ? headings : ["What it is", "How to use it", "When something fails"];
  const summary = `Sample outline of ${what}: ${sections.length} sections, no file was written.`;
  return { result: { files_written: [], summary, sections }, why: NOTHING_WRITTEN, isPart: true };
}

function planTests({ objective }: Question): Work {
  const [, framework = "", path = ""] = /^Write tests with (.+) for (.+)\.$/m.exec(objective) ?? [];
  const kinds = /^- Kinds of tests: (.+)\.$/m.exec(objective)?.[1]?.split(", ") ?? [];
  const result = {
    test_files: [],
    test_count: 0,
    coverage_areas: kinds,
    run_command: `${framework} ${path}`,
  };
  return { result, why: `a plan only: ${NOTHING_WRITTEN}`, isPart: true };
}

function refactor({ objective }: Question): Work {
  const [, path = ""] = /^Refactor (.+) for:$/m.exec(objective) ?? [];
  const summary = `A sample changes no code: ${path} is as it was.`;
  const result = { files_modified: [], changes: [], tests_passed: false, summary };
  return { result, why: NOTHING_WRITTEN, isPart: true };
}
