import assert from "node:assert/strict";
import test from "node:test";
import { type BatchableKind, composeBatch } from "../../src/discord/batch.ts";
import { type AgreedWords, linesIn, type ReadBatch } from "../../src/discord/batch-lines.ts";
import { type Glance, glanceOf } from "../../src/discord/glance.ts";
import { handoffOf, viewWith } from "./view-fixture.ts";

function agreedOf(
  count: number,
  kind: BatchableKind,
  result: (n: number) => string = () => "same",
): AgreedWords {
  const members = Array.from({ length: count }, (_, n) => {
    const view = viewWith("succeeded", {
      id: `orch-${n}`,
      objective: "the same question",
      handoff: handoffOf({ result: result(n) }),
    });
    const glance: Glance = {
      ...glanceOf({ kind: "delegation", view }),
      notices: { spawned: "🤖 Agent `w` · the same", finished: `✅ Agent \`w-${n}\` finished` },
    };
    return { delivery: `orch-${n}/${kind}`, glance };
  });
  return { members: members.map(({ delivery }) => delivery), body: composeBatch(kind, members).body };
}

const readOf = ({ body: { text, file } }: AgreedWords): ReadBatch => ({
  text: `${text}\n-# batch-1`,
  ...(file ? { file: file.text } : {}),
});
/** What does not stand there exactly once. */
const odd = (read: ReadBatch, agreed?: AgreedWords) =>
  [...(linesIn(read, agreed) ?? [["?", -1]])].filter(([, times]) => times !== 1);

test("each line of a message for many stands there once, also where all look alike", () => {
  for (const kind of ["log", "result", "spawned", "finished"] as const) {
    for (const count of [9, 300]) {
      const agreed = agreedOf(count, kind);
      assert.deepEqual(odd(readOf(agreed), agreed), [], `${count} ${kind}`);
      assert.equal(linesIn(readOf(agreed), agreed)?.size, count);
    }
  }
});

test("a log line that is gone, one that stands twice and one of another batch are told by their ids", () => {
  const agreed = agreedOf(9, "log");
  const lines = readOf(agreed).text.split("\n");
  const [first = "", ...rest] = lines;
  assert.deepEqual(odd({ text: rest.join("\n") }, agreed), [["orch-0/log", 0]]);
  assert.deepEqual(odd({ text: [first, ...lines].join("\n") }, agreed), [["orch-0/log", 2]]);
  const foreign = first.replace("orch-0/", "orch-77/");
  assert.equal(linesIn({ text: [foreign, ...lines].join("\n") }, agreed)?.get("orch-77/log"), 1);
  assert.deepEqual([...(linesIn({ text: `${first}\n-# batch-9` }) ?? [])], [["orch-0/log", 1]]);
});

test("log lines of a run that ended again, and of one that was posted again, are lines of their own", () => {
  const [first = ""] = readOf(agreedOf(9, "log")).text.split("\n");
  const ids = ["wf-1/log", "wf-1/log~2", "wf-1/log~2~again"];
  const text = ids.map((id) => first.replace("orch-0/log", id)).join("\n");
  assert.deepEqual([...(linesIn({ text }, { members: ids, body: { text } }) ?? new Map()).keys()], ids);
  assert.deepEqual(odd({ text }, { members: ids, body: { text } }), []);
});

test("without its file only the log lines of the message itself are there", () => {
  const agreed = agreedOf(300, "log");
  const shown = agreed.body.text.match(/orch-\d+\/log/g)?.length ?? 0;
  assert.ok(shown > 5 && shown < 100);
  assert.equal(odd({ text: readOf(agreed).text }, agreed).length, 300 - shown);
});

test("a report that is gone from the file of results, or stands there twice, is named", () => {
  const agreed = agreedOf(12, "result", (n) => `answer ${n}`);
  const { text, file = "" } = readOf(agreed);
  const five = file.slice(file.indexOf("orch-5 · asked"), file.indexOf("orch-6 · asked"));
  assert.deepEqual(odd({ text, file: file.replace(five, "") }, agreed), [["orch-5/result", 0]]);
  assert.deepEqual(odd({ text, file: `${file}\n${five}` }, agreed), [["orch-5/result", 2]]);
  assert.equal(odd({ text }, agreed).length, 12);
});

test("an answer that imitates the head of another one's report makes neither missing nor doubled", () => {
  const imitating = (n: number) => (n === 5 ? "answer\n\n---\n\n## done\n\norch-3 · asked by x" : "answer");
  const agreed = agreedOf(12, "result", imitating);
  const { text, file = "" } = readOf(agreed);
  assert.deepEqual(odd({ text, file }, agreed), []);
  const five = file.slice(file.indexOf("orch-5 · asked"), file.indexOf("orch-6 · asked"));
  assert.ok(five.includes("orch-3"));
  assert.deepEqual(odd({ text, file: file.replace(five, "") }, agreed), [["orch-5/result", 0]]);
});

test("results of a batch that nobody knows are told apart only when their number fits", () => {
  const honest = agreedOf(12, "result");
  assert.equal(linesIn(readOf(honest))?.size, 12);
  const forged = agreedOf(12, "result", () => "\norch-77 · asked by nobody");
  assert.equal(linesIn(readOf(forged)), undefined);
});

test("notices are compared in numbers: one too few is missing, one that was altered is not", () => {
  const agreed = agreedOf(9, "spawned");
  const lines = readOf(agreed).text.split("\n");
  assert.deepEqual(odd({ text: lines.slice(1).join("\n") }, agreed), [["orch-8/spawned", 0]]);
  assert.deepEqual(odd({ text: [lines[0], ...lines].join("\n") }, agreed), [["orch-8/spawned", 2]]);
  const altered = [lines[0]?.replace("the same", "the  same"), ...lines.slice(1)].join("\n");
  assert.deepEqual(odd({ text: altered }, agreed), []);
  assert.equal(linesIn({ text: lines.join("\n") }), undefined);
});
