import assert from "node:assert/strict";
import test from "node:test";
import { parseResult } from "../../src/domain/step-result.ts";
import { parseTaggedResult, readResultBlock } from "../../src/domain/templates/tagged-result.ts";

const value = (answer: string) => {
  const parsed = parseTaggedResult(answer);
  assert.equal(parsed.kind, "result", JSON.stringify(parsed));
  return parsed.kind === "result" ? parsed.value : undefined;
};

test("what stands between the tags is the result, whatever stands around them", () => {
  assert.deepEqual(value('Here it is.\n<result>\n[{"a": 1}]\n</result>\nDone.'), [{ a: 1 }]);
  assert.deepEqual(value('<result>{"a":1}</result>'), { a: 1 });
  assert.deepEqual(value('<result>\n```json\n{"a":1}\n```\n</result>'), { a: 1 });
});

test("the last block counts: a draft or an echo of the prompt before it does not", () => {
  const answer = "<result>...</result>\n<result>[1]</result>\nNo, better:\n<result>[2]</result>";
  assert.deepEqual(value(answer), [2]);
});

test("tags inside of the text neither end the block nor begin it", () => {
  assert.deepEqual(value('<result>{"text":"it said </result> here"}</result>'), {
    text: "it said </result> here",
  });
  assert.deepEqual(value('<result>{"text":"it said <result> here"}</result>'), {
    text: "it said <result> here",
  });
  assert.deepEqual(value('<result>[1]</result> <result>{"text":"<result>[3]</result>"}</result>'), {
    text: "<result>[3]</result>",
  });
  assert.equal(readResultBlock("<result>a <result>b</result> c</result>"), "a <result>b</result> c");
});

test("the tags are read in small letters only", () => {
  assert.equal(parseTaggedResult("<RESULT>[1]</RESULT>").kind, "malformed");
});

test("an answer without the tags is malformed, and says so", () => {
  assert.deepEqual(parseTaggedResult('[{"a": 1}]'), {
    kind: "malformed",
    message: "there is no finished <result> block in the answer",
  });
  assert.equal(parseTaggedResult("</result> then <result>").kind, "malformed");
  assert.match(JSON.stringify(parseTaggedResult("<result>all fine</result>")), /is not JSON/);
});

test("a last block that was cut off is not replaced by the draft before it", () => {
  assert.equal(readResultBlock('<result>[1]</result>\n<result>\n[{"a": 1}, {"b'), undefined);
  assert.equal(readResultBlock("<result>[1]</result>\nI used the tag <result> as asked."), "[1]");
});

test("the error object means that the agent failed, and nothing else does", () => {
  assert.deepEqual(parseTaggedResult('<result>{"status":"error","reason":"no such file"}</result>'), {
    kind: "failed",
    reason: "no such file",
  });
  assert.deepEqual(value('<result>{"status":"error","reason":"x","rows":3}</result>'), {
    status: "error",
    reason: "x",
    rows: 3,
  });
  assert.deepEqual(value('<result>{"status":"ok","reason":"x"}</result>'), { status: "ok", reason: "x" });
});

test("an answer of nothing but tags is read in no time", () => {
  const answer = `${"<result>{".repeat(50_000)}</result>`;
  const begun = performance.now();
  assert.equal(parseTaggedResult(answer).kind, "malformed");
  assert.ok(performance.now() - begun < 2000);
});

test("a handed-in result is the bare JSON or wrapped in the tags", () => {
  const bare = '{"say":"<result>[1]</result>"}';
  assert.deepEqual(parseResult(bare), { ok: true, value: { say: "<result>[1]</result>" }, text: bare });
  const wrapped = parseResult('Done.\n<result>\n{"a":1}\n</result>');
  assert.deepEqual(wrapped, { ok: true, value: { a: 1 }, text: '{"a":1}' });
  assert.equal(parseResult("just words").ok, false);
});
