import assert from "node:assert/strict";
import test from "node:test";
import { composeBatch } from "../../src/discord/batch.ts";
import { glanceOf } from "../../src/discord/glance.ts";
import { limitProblems } from "../../src/discord/limits.ts";
import { bodyOf, textsOf } from "../../src/discord/payload.ts";
import { renderBatch } from "../../src/discord/render-lines.ts";
import type { DelegationView } from "../../src/domain/view.ts";
import { handoffOf, viewWith } from "./view-fixture.ts";

function membersOf(count: number, kind: string, more: (n: number) => Partial<DelegationView> = () => ({})) {
  return Array.from({ length: count }, (_, n) => ({
    delivery: `orch-${n}/${kind}`,
    glance: glanceOf({
      kind: "delegation",
      view: viewWith(n % 10 === 9 ? "failed" : "succeeded", {
        id: `orch-${n}`,
        objective: `question ${n}`,
        handoff: handoffOf({ result: `answer ${n}` }),
        ...more(n),
      }),
    }),
  }));
}

test("a thousand results are one message: counts, the first ten, and every answer in the file", () => {
  const { members, body } = composeBatch("result", membersOf(1000, "result"));
  assert.equal(members.length, 1000);
  const message = renderBatch("batch-1", body);
  assert.deepEqual(limitProblems(message), []);
  const shown = textsOf(bodyOf(message) as never).join("\n");
  assert.match(shown, /### 1000 results · 900 done · 100 failed/);
  assert.equal(shown.match(/question \d+/g)?.length, 10);
  assert.match(shown, /and 990 more/);
  assert.ok(shown.endsWith("-# batch-1"));
  const file = Buffer.from(message.files[0]?.bytes ?? []).toString();
  for (let n = 0; n < 1000; n++) assert.ok(file.includes(`answer ${n}\n`), `answer ${n}`);
});

test("log lines of a batch stand as they are while they fit, then the rest is in a file", () => {
  const few = renderBatch("batch-1", composeBatch("log", membersOf(10, "log")).body);
  assert.equal(few.files.length, 0);
  assert.equal(few.content?.match(/orch-\d+\/log/g)?.length, 10);
  const many = renderBatch("batch-2", composeBatch("log", membersOf(300, "log")).body);
  assert.deepEqual(limitProblems(many), []);
  assert.equal(
    Buffer.from(many.files[0]?.bytes ?? [])
      .toString()
      .match(/orch-\d+\/log/g)?.length,
    300,
  );
});

test("a batch takes only what one file may hold; the rest waits for the next one", () => {
  const big = membersOf(20, "result", () => ({ handoff: handoffOf({ result: "x".repeat(1_000_000) }) }));
  const { members, body } = composeBatch("result", big);
  assert.ok(members.length >= 1 && members.length < 20);
  assert.ok(Buffer.byteLength(body.file?.text ?? "") < 8 * 1024 * 1024);
});

test("a result that is longer than a file may hold is a batch of its own", () => {
  const long = membersOf(3, "result", () => ({ handoff: handoffOf({ result: "x".repeat(2_000_000) }) }));
  assert.deepEqual(
    composeBatch("result", long).members.map(({ delivery }) => delivery),
    ["orch-0/result"],
  );
});
