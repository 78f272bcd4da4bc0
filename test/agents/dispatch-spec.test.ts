import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { readAnswer } from "../../src/agents/answer.ts";
import type { Exchange } from "../../src/agents/exchange.ts";

const spec = readFileSync(join(import.meta.dirname, "../../docs/specs/dispatch.md"), "utf8");
const [, table] = /## The answer\n([\s\S]*?)\n## /.exec(spec) ?? [];

/** The rows that begin with statuses: what is said about them, and what their answer's body is. */
const rows = [...(table ?? "").matchAll(/^\| (\d[^|]*) \| (\w+) \|/gm)].flatMap(([, what = "", kind]) => {
  const body = what.includes("with JSON") ? `{"ok":false,"error":"no"}` : "<h1>no</h1>";
  const statuses = [...what.matchAll(/\b(\d\d\d|\dxx)\b/g)].map(([text]) => Number(text.replace("xx", "07")));
  return statuses.map((status) => ({ status, kind, body }));
});

test("the specification names every kind of status", () => {
  assert.deepEqual(
    rows.map(({ status }) => status),
    [
      200, 202, 207, 400, 403, 404, 405, 413, 415, 407, 307, 401, 408, 409, 500, 503, 507, 502, 504, 502, 504,
      429,
    ],
  );
});

for (const { status, kind, body } of rows) {
  test(`${status} with ${body} is ${kind}, as the specification says`, () => {
    const answered: Exchange = { kind: "answered", status, headers: {}, body };
    assert.equal(readAnswer(answered, 0).kind, kind);
  });
}

test("of several Retry-After the first one counts", () => {
  const headers = { "retry-after": ["7", "900"] };
  const answer = readAnswer({ kind: "answered", status: 429, headers, body: "" }, 0);
  assert.equal(answer.kind === "again" && answer.afterMs, 7000);
});

for (const [status, advice] of [
  [404, /are hooks enabled there/],
  [405, /does not lead to a hook/],
  [403, /something before the gateway/],
  [400, /^it answered 400: no$/],
] as const) {
  test(`what to look at after ${status} is said with it, and with no other`, () => {
    const answer = readAnswer({ kind: "answered", status, headers: {}, body: "no" }, 0);
    assert.match(answer.kind === "final" ? answer.text : "", advice);
  });
}
