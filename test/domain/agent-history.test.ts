import assert from "node:assert/strict";
import test from "node:test";
import { changeOf, spansFrom } from "../../src/domain/agent-history.ts";
import type { AgentEvent, SeenState } from "../../src/domain/agent-types.ts";

const agent = "webster";
const seen = (at: number, state: SeenState): AgentEvent => ({
  type: "agent.seen",
  at,
  agent,
  state,
  text: "",
  by: "look",
});
const drained = (at: number): AgentEvent => ({
  type: "agent.drained",
  at,
  agent,
  by: "@ada",
  text: "drained",
});
const resumed = (at: number): AgentEvent => ({ type: "agent.resumed", at, agent, by: "@ada", text: "back" });

test("an agent of which nothing is known is unknown all the time", () => {
  assert.deepEqual(spansFrom([], 100), [{ from: 100, state: "unknown" }]);
});

test("each change ends a span and begins the next one; the last one lasts", () => {
  assert.deepEqual(spansFrom([seen(10, "up"), seen(120, "down"), seen(150, "down"), seen(180, "up")], 100), [
    { from: 100, to: 120, state: "up" },
    { from: 120, to: 180, state: "down" },
    { from: 180, state: "up" },
  ]);
});

test("what was before the first look is unknown", () => {
  assert.deepEqual(spansFrom([seen(120, "up")], 100), [
    { from: 100, to: 120, state: "unknown" },
    { from: 120, state: "up" },
  ]);
});

test("several changes before the beginning leave only the last of them", () => {
  assert.deepEqual(spansFrom([seen(1, "up"), seen(2, "down"), seen(3, "up"), seen(4, "down")], 100), [
    { from: 100, state: "down" },
  ]);
});

test("who is drained is shown so while it is there, and as gone when it is gone", () => {
  const events = [seen(1, "up"), drained(110), seen(120, "down"), seen(130, "up"), resumed(140)];
  assert.deepEqual(spansFrom(events, 100), [
    { from: 100, to: 110, state: "up" },
    { from: 110, to: 120, state: "draining" },
    { from: 120, to: 130, state: "down" },
    { from: 130, to: 140, state: "draining" },
    { from: 140, state: "up" },
  ]);
});

test("a change says what, when, by whom and in which words", () => {
  assert.deepEqual(changeOf(drained(5)), { at: 5, what: "drained", by: "@ada", text: "drained" });
  assert.deepEqual(changeOf(seen(5, "down")), { at: 5, what: "seen", state: "down", text: "" });
  assert.deepEqual(changeOf({ type: "agent.steady", at: 5, agent }), { at: 5, what: "steady" });
});
