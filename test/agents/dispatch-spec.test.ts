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

function readFor(status: number, body = "", headers: Readonly<Record<string, string>> = {}, at = 0) {
  return readAnswer({ kind: "answered", status, headers, body }, at);
}

for (const [said, afterMs] of [
  ["3600", 3_600_000],
  ["3601", 3_600_000],
  ["1.5", 1500],
  ["Tue, 17 Feb 2026 10:00:00 GMT", 0],
] as const) {
  test(`Retry-After ${said} is a wait of ${afterMs} ms, also for a conflict`, () => {
    const at = Date.parse("2026-02-17T10:05:00Z");
    for (const status of [409, 429, 503]) {
      const answer = readFor(status, "", { "retry-after": said }, at);
      assert.equal(answer.kind === "again" && answer.afterMs, afterMs);
    }
  });
}

test("an answer without words is told by its status alone, one with words by both", () => {
  const textOf = (status: number, body = "") => {
    const answer = readFor(status, body);
    return answer.kind === "accepted" ? answer.kind : answer.text;
  };
  const refused = (why: string) =>
    `it refused our token (401)${why}; nothing more is sent until the token is corrected`;
  assert.equal(textOf(500), "it answered 500");
  assert.deepEqual([textOf(401), textOf(401, "Unauthorized")], [refused(""), refused(": Unauthorized")]);
  assert.equal(textOf(300), "it answered 300 (a redirect, which is not followed: correct its url)");
  assert.equal(
    textOf(502, "<h1>Bad Gateway</h1>"),
    "it answered 502: Bad Gateway (a proxy's answer: the gateway may have it)",
  );
  const cause = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  const broken = readAnswer({ kind: "broken", cause }, 0);
  assert.match(
    broken.kind === "ambiguous" ? broken.text : "",
    /^the request was sent, then the connection was reset/,
  );
});

test("only a gateway that says that it is stopping counts as down", () => {
  const reasonOf = (error: unknown) => {
    const answer = readFor(503, JSON.stringify({ error }));
    return answer.kind === "again" && answer.reason;
  };
  const busy = [{ code: "too_many_runs" }, {}, null, "gateway_unavailable"];
  assert.deepEqual(
    busy.map(reasonOf),
    busy.map(() => "agent_busy"),
  );
  assert.equal(reasonOf({ code: "gateway_unavailable" }), "agent_down");
});

test("a run id that is no text is left out", () => {
  assert.deepEqual(readFor(200, '{"ok":true,"runId":7}'), { kind: "accepted" });
});
