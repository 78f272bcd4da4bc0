import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import {
  checkHandoff,
  type HandoffCheck,
  lastResultBlock,
  parseTextHandoff,
} from "../../src/domain/handoff.ts";
import { MAX_ARTIFACTS, MAX_NOTES } from "../../src/domain/handoff-fields.ts";
import { handoffDigest, MAX_DEPTH, parseHandoffText } from "../../src/domain/handoff-json.ts";

const whole = {
  schemaVersion: "1.0",
  runId: "orch-1",
  agent: "tech-lead",
  status: "complete",
  result: "Done.",
  artifacts: ["a.csv"],
  confidence: "high",
  notes: "",
  timestamp: "2026-02-17T12:00:00Z",
};
const asked = { runId: "orch-1", agent: "tech-lead", aliases: ["technical-lead"] };

function check(document: unknown, more: Partial<HandoffCheck> = {}) {
  return checkHandoff({ ...asked, mode: "lenient", format: "json", document, ...more });
}
function handoffOf(document: unknown, more: Partial<HandoffCheck> = {}) {
  const checked = check(document, more);
  assert.ok(checked.ok, JSON.stringify(checked));
  return checked.handoff;
}
function problemPaths(document: unknown, more: Partial<HandoffCheck> = {}): readonly string[] {
  const checked = check(document, more);
  assert.equal(checked.ok, false, "it was accepted");
  return checked.ok ? [] : checked.problems.map(({ path }) => path);
}
const strict = { mode: "strict" } as const;
const without = (field: string) =>
  Object.fromEntries(Object.entries(whole).filter(([key]) => key !== field)) as Record<string, unknown>;

test("a whole document is accepted in both modes, without a remark", () => {
  assert.deepEqual(handoffOf(whole, strict), { ...whole, remarks: [] });
  assert.deepEqual(handoffOf(whole), { ...whole, remarks: [] });
});

for (const field of Object.keys(whole)) {
  test(`strict: a missing ${field} is a problem at its path, and null counts as missing`, () => {
    assert.deepEqual(problemPaths(without(field), strict), [field]);
    assert.deepEqual(problemPaths({ ...whole, [field]: null }, strict), [field]);
  });
}

for (const field of ["runId", "agent", "status", "result"]) {
  test(`lenient: ${field} is never optional`, () => {
    assert.deepEqual(problemPaths(without(field)), [field]);
  });
}

for (const field of ["schemaVersion", "artifacts", "confidence", "notes", "timestamp"]) {
  test(`lenient: a missing ${field} is filled in and remarked`, () => {
    const handoff = handoffOf(without(field));
    assert.equal(handoff.remarks.length, 1);
    assert.match(handoff.remarks[0] ?? "", new RegExp(`^${field} is missing`));
  });
}

test("every problem is told at once", () => {
  const document = {
    runId: "orch-2",
    agent: 7,
    status: "done",
    result: "",
    artifacts: [1, "ok", ""],
    notes: 4,
  };
  assert.deepEqual(problemPaths(document, strict), [
    "schemaVersion",
    "runId",
    "agent",
    "status",
    "artifacts.0",
    "artifacts.2",
    "confidence",
    "notes",
    "timestamp",
  ]);
});

test("a problem shows what stands there: a text between quotes, a list or an object by its kind", () => {
  const isOf = (status: unknown) => {
    const checked = check({ ...whole, status });
    return checked.ok ? undefined : checked.problems[0]?.message.replace(/^.*, is /, "");
  };
  assert.deepEqual(["finished", 4, true, ["x"], {}].map(isOf), [
    '"finished"',
    "4",
    "true",
    "a list",
    "an object",
  ]);
});

test("another run's id is refused, however it is dressed up, and shown on one line", () => {
  for (const runId of [
    "orch-2",
    "../orch-1",
    "orch-1\u0000",
    " orch-1",
    "ORCH-1",
    1,
    {},
    "x\n".repeat(500),
  ]) {
    const checked = check({ ...whole, runId });
    assert.ok(!checked.ok);
    assert.deepEqual(
      checked.problems.map(({ path }) => path),
      ["runId"],
    );
    const message = checked.problems[0]?.message ?? "";
    assert.ok(message.length < 200 && !/[\u0000-\u001f]/.test(message), message);
  }
});

test("the agent may sign with an alias in any case, and is recorded under its id", () => {
  for (const agent of ["tech-lead", "Technical-Lead", "TECH-LEAD"]) {
    assert.equal(handoffOf({ ...whole, agent }, strict).agent, "tech-lead");
  }
  assert.deepEqual(problemPaths({ ...whole, agent: "webster" }), ["agent"]);
});

test("all four statuses are accepted, words of other tools are not", () => {
  for (const status of ["complete", "partial", "blocked", "failed"]) {
    assert.equal(handoffOf({ ...whole, status }, strict).status, status);
  }
  for (const status of ["completed", "done", "success", "", true]) {
    assert.deepEqual(problemPaths({ ...whole, status }), ["status"]);
  }
});

test("case and spaces of status and confidence are forgiven when lenient, with a remark", () => {
  const document = { ...whole, status: " Complete ", confidence: "HIGH" };
  const handoff = handoffOf(document);
  assert.equal(handoff.status, "complete");
  assert.equal(handoff.confidence, "high");
  assert.equal(handoff.remarks.length, 2);
  assert.deepEqual(problemPaths(document, strict), ["status", "confidence"]);
});

test("an unknown major version is a problem when strict and a remark otherwise; minors are read", () => {
  assert.equal(handoffOf({ ...whole, schemaVersion: "1.7" }, strict).schemaVersion, "1.7");
  assert.deepEqual(problemPaths({ ...whole, schemaVersion: "2.0" }, strict), ["schemaVersion"]);
  assert.equal(handoffOf({ ...whole, schemaVersion: "2.0" }).remarks.length, 1);
  assert.deepEqual(problemPaths({ ...whole, schemaVersion: 1 }, strict), ["schemaVersion"]);
  assert.equal(handoffOf({ ...whole, schemaVersion: 1 }).schemaVersion, "1");
});

test("a result that is no text is written out as JSON with a remark", () => {
  const handoff = handoffOf({ ...whole, result: { cte: 0.02, list: [1] } }, strict);
  assert.deepEqual(JSON.parse(handoff.result), { cte: 0.02, list: [1] });
  assert.equal(handoff.remarks.length, 1);
  assert.equal(handoffOf({ ...whole, result: 0 }).result, "0");
  assert.equal(handoffOf({ ...whole, result: false }).result, "false");
  assert.deepEqual(problemPaths({ ...whole, result: { a: 1 } }, { ...strict, format: "text" }), ["result"]);
});

test("an empty result is a problem only when the status is complete", () => {
  for (const result of ["", " \n", {}, []]) {
    assert.deepEqual(problemPaths({ ...whole, result }), ["result"]);
    assert.ok(check({ ...whole, result, status: "failed" }).ok);
  }
});

test("what stores and terminals choke on is replaced in texts", () => {
  const handoff = handoffOf({ ...whole, result: "a\u0000b", notes: "\ud800" });
  assert.equal(handoff.result, "a\ufffdb");
  assert.ok(handoff.notes.isWellFormed());
});

test("artifacts and notes have caps", () => {
  const many = Array.from({ length: MAX_ARTIFACTS + 5 }, (_, i) => `f${i}`);
  assert.deepEqual(problemPaths({ ...whole, artifacts: many }, strict), ["artifacts"]);
  assert.equal(handoffOf({ ...whole, artifacts: many }).artifacts.length, MAX_ARTIFACTS);
  const long = { ...whole, artifacts: ["x".repeat(3000), "a\u0000b", "kept"] };
  assert.deepEqual(problemPaths(long, strict), ["artifacts.0", "artifacts.1"]);
  assert.deepEqual(handoffOf(long).artifacts, ["kept"]);
  const notes = "n".repeat(MAX_NOTES + 1);
  assert.deepEqual(problemPaths({ ...whole, notes }, strict), ["notes"]);
  assert.equal(handoffOf({ ...whole, notes }).notes.length, MAX_NOTES);
});

test("one artifact as text and notes as lines are understood when lenient", () => {
  const handoff = handoffOf({ ...whole, artifacts: "only.csv", notes: ["one", "two"] });
  assert.deepEqual(handoff.artifacts, ["only.csv"]);
  assert.equal(handoff.notes, "one\ntwo");
  const { notes } = handoffOf({ ...whole, notes: ["one", { part: 2 }] });
  assert.deepEqual(JSON.parse(notes), ["one", { part: 2 }], "what is no line is not lost");
});

test("times are ISO 8601, with or without a zone", () => {
  for (const timestamp of ["2026-02-17", "2026-02-17T12:00:00", "2026-02-17T12:00:00.123456+01:00"]) {
    assert.equal(handoffOf({ ...whole, timestamp }, strict).timestamp, timestamp);
  }
  for (const timestamp of ["yesterday", 1771329600, "2026-13-40T00:00:00Z"]) {
    assert.deepEqual(problemPaths({ ...whole, timestamp }, strict), ["timestamp"]);
    assert.equal(handoffOf({ ...whole, timestamp }).timestamp, undefined);
  }
});

test("usage: unknown is absent and never 0, bad amounts are dropped with a remark even when strict", () => {
  assert.deepEqual(handoffOf({ ...whole, usage: { inputTokens: 12, usd: 0 } }, strict).usage, {
    inputTokens: 12,
    usd: 0,
  });
  const odd = handoffOf(
    { ...whole, usage: { inputTokens: -1, outputTokens: "7", usd: 1.5, source: "x" } },
    strict,
  );
  assert.deepEqual(odd.usage, { usd: 1.5, source: "x" });
  assert.equal(odd.remarks.length, 2);
  for (const usage of [
    {},
    { usd: "7" },
    { usd: Number.POSITIVE_INFINITY },
    { inputTokens: null },
    { source: "x" },
  ]) {
    assert.equal(handoffOf({ ...whole, usage }, strict).usage, undefined);
  }
  assert.equal(handoffOf({ ...whole, usage: 5 }, strict).remarks.length, 1);
});

test("fields that are not part of the format are named in a remark", () => {
  assert.match(handoffOf({ ...whole, mood: "good" }, strict).remarks.join(), /mood/);
});

test("keys that reach into prototypes are refused at any depth, and reach nothing", () => {
  for (const key of ["__proto__", "constructor", "prototype"]) {
    const top = JSON.parse(JSON.stringify(whole).replace("{", `{"${key}":{"polluted":1},`)) as unknown;
    assert.deepEqual(problemPaths(top), [key]);
    const deep = JSON.parse(`{"result":{"a":[{"${key}":1}]}}`) as object;
    assert.deepEqual(problemPaths({ ...whole, ...deep }), [`result.a.0.${key}`]);
  }
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test("nesting is counted without recursion: 64 levels pass, deeper ones are refused", () => {
  const nested = (levels: number) => JSON.parse(`${"[".repeat(levels)}${"]".repeat(levels)}`) as unknown;
  assert.ok(check({ ...whole, result: nested(MAX_DEPTH - 1) }).ok);
  for (const levels of [MAX_DEPTH, 200_000]) {
    const checked = check({ ...whole, runId: "orch-2", result: nested(levels) });
    assert.ok(!checked.ok);
    assert.match(checked.problems[0]?.message ?? "", /deeper than 64/);
    assert.ok(
      checked.problems.some(({ path }) => path === "runId"),
      "the other problems are told too",
    );
  }
});

test("only an object is a handoff", () => {
  for (const document of [undefined, null, 1, "text", [], true])
    assert.deepEqual(problemPaths(document), [""]);
});

test("a key that is written twice is a problem with its path, also in disguise and deep inside", () => {
  const pathsOf = (text: string) => {
    const parsed = parseHandoffText(text);
    assert.equal(parsed.state, "refused", text);
    return parsed.state === "refused" ? parsed.problems.map(({ path }) => path) : [];
  };
  assert.deepEqual(pathsOf('{"a":1,"a":2}'), ["a"]);
  assert.deepEqual(pathsOf('{"a":1,"\\u0061":2}'), ["a"]);
  assert.deepEqual(pathsOf('{"x":[{"b":{}},{"b":1,"c":"}","b":[]}]}'), ["x.1.b"]);
  assert.deepEqual(pathsOf(String.raw`{"a":"\\\\","b":1,"b":2}`), ["b"], "a backslash at the end of a text");
  assert.deepEqual(
    pathsOf(String.raw`{"a\"":1,"b":"\\\"}","a\"":2}`),
    ['a"'],
    "quotes inside of keys and texts",
  );
  for (const fine of ['{"a":{"a":1},"b":[{"a":1},{"a":1}]}', '{"a":"\\"a\\":1,","b":"a"}', '{"":0}']) {
    assert.equal(parseHandoffText(fine).state, "whole", fine);
  }
});

test("what is not finished or no JSON says which of it", () => {
  const said = ["", "[1]", '{"a": 1', "{a: 1}"].map((text) => {
    const parsed = parseHandoffText(text);
    return parsed.state === "incomplete" ? parsed.problem.message : parsed.state;
  });
  assert.deepEqual(said.slice(0, 3), [
    "the file is empty",
    "must be one JSON object and begin with {",
    "is not whole: the closing brace is missing",
  ]);
  assert.match(said[3] ?? "", /^is not JSON: Expected property name/);
});

test("whatever JSON.stringify writes is whole, and no proper prefix of it is", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), (value, at) => {
      const text = JSON.stringify(value);
      assert.equal(parseHandoffText(text).state, "whole");
      assert.equal(parseHandoffText(text.slice(0, at % text.length)).state, "incomplete");
    }),
    { numRuns: 300 },
  );
});

test("duplicates are found in time linear in the text", () => {
  const text = `{${Array.from({ length: 60_000 }, (_, i) => `"key${i}":[{"k":1,"k":2}]`).join(",")}}`;
  const begun = performance.now();
  const parsed = parseHandoffText(text);
  assert.equal(parsed.state, "refused");
  assert.ok(performance.now() - begun < 1000, "1.5 MB took longer than a second");
});

test("white space around a document does not change its digest", () => {
  assert.equal(handoffDigest('{"a":1}\n'), handoffDigest('{"a":1}'));
  assert.notEqual(handoffDigest('{"a":1}'), handoffDigest('{"a": 1}'));
});

test("the text block is read, the last one when there are several", () => {
  const echo = "TASK: x\nSTATUS: complete\nRESULT: an example\nCONFIDENCE: low\nNOTES: none\n";
  const answer =
    "**STATUS:** Partial\n**RESULT:** two lines\nof result\nCONFIDENCE: medium\nNOTES: a note\nmore";
  const checked = parseTextHandoff(`${echo}\nNow my answer.\n${answer}`, asked);
  assert.ok(checked.ok);
  assert.equal(checked.handoff.status, "partial");
  assert.equal(checked.handoff.result, "two lines\nof result");
  assert.equal(checked.handoff.confidence, "medium");
  assert.equal(checked.handoff.notes, "a note\nmore");
  assert.equal(checked.handoff.timestamp, undefined);
});

test("a text block without a proper status or with an empty result has problems", () => {
  for (const [text, path] of [
    ["STATUS: finished\nRESULT: x", "status"],
    ["STATUS: complete\nRESULT:", "result"],
    ["STATUS: complete", ""],
  ] as const) {
    const checked = parseTextHandoff(text, asked);
    assert.ok(!checked.ok);
    assert.equal(checked.problems[0]?.path, path);
  }
});

test("a result block: missing, two, nested, an echo of the prompt, an error", () => {
  assert.equal(lastResultBlock("nothing"), undefined);
  assert.equal(lastResultBlock("</result> <result>"), undefined);
  assert.equal(lastResultBlock("<result>a</result> and <result>\nb\n</result> bye"), "b");
  assert.equal(lastResultBlock("<result>a <result>b</result> c</result>"), "a <result>b</result> c");
  assert.equal(lastResultBlock("wrap it in <result> tags\n<result>real</result>"), "real");
  assert.equal(lastResultBlock("<result></result>"), "");
  const failed = parseTextHandoff('<result>{"status":"error","reason":"no access"}</result>', asked);
  assert.ok(failed.ok);
  assert.equal(failed.handoff.status, "failed");
  assert.equal(failed.handoff.notes, "no access");
});

test("text is only taken where text was asked for", () => {
  assert.ok(check("STATUS: complete\nRESULT: x", { format: "text" }).ok);
  assert.deepEqual(problemPaths("STATUS: complete\nRESULT: x"), [""]);
});

test("no JSON value whatever makes the check throw", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.boolean(), (value, isStrict) => {
      // oxlint-disable-next-line typescript/no-misused-spread -- any JSON is worth a try
      const document = typeof value === "object" && value !== null ? { ...whole, ...value } : value;
      const checked = check(document, { mode: isStrict ? "strict" : "lenient" });
      assert.equal(typeof checked.ok, "boolean");
    }),
    { numRuns: 300 },
  );
});
