import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { tokensOfSession, tokensPrinted } from "../../src/agents/workers/usage.ts";

const read = (name: string) => readFileSync(join(import.meta.dirname, "../fixtures/sessions", name), "utf8");

test("the tokens of all turns of a session file are summed, with what came from the cache", () => {
  const session = read("several-turns.jsonl");
  assert.equal(session.match(/"role":"assistant"/g)?.length, 4);
  assert.deepEqual(tokensOfSession(session), {
    input: 1137 + 762 + 899 + 1036 + 3 * 512,
    output: 27 + 34 + 41 + 48,
  });
});

test("bug 16: a last line that was not written to its end costs that turn only", () => {
  assert.deepEqual(tokensOfSession(read("broken-last-line.jsonl")), {
    input: 1137 + 762 + 899 + 2 * 512,
    output: 27 + 34 + 41,
  });
});

test("zeros of a provider that does not count are unknown, not nothing", () => {
  assert.match(read("no-usage.jsonl"), /"usage":\{"input":0,"output":0/);
  assert.equal(tokensOfSession(read("no-usage.jsonl")), undefined);
  assert.equal(tokensOfSession(""), undefined);
  assert.equal(tokensOfSession('{}\nnull\n[1]\n{"type":"message","message":null}\n'), undefined);
});

test("only turns of the assistant count", () => {
  const line = (role: string) =>
    JSON.stringify({ type: "message", message: { role, usage: { input: 5, output: 1 } } });
  assert.deepEqual(tokensOfSession(`${line("user")}\n${line("assistant")}\n${line("toolResult")}\n`), {
    input: 5,
    output: 1,
  });
});

test("a version that keeps its sessions in a database tells the same sum when it ends", () => {
  assert.deepEqual(tokensPrinted(read("printed.txt")), tokensOfSession(read("several-turns.jsonl")));
  assert.equal(tokensPrinted('{\n  "meta": null\n}\n'), undefined);
  assert.equal(tokensPrinted("no JSON here\n{\n"), undefined);
});
