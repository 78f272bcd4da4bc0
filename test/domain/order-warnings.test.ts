import assert from "node:assert/strict";
import test from "node:test";
import { isPostedByAgent, warningsFor } from "../../src/domain/order-warnings.ts";
import { cardOf } from "../support/core.ts";

const plain = cardOf("webster");
const mapped = cardOf("webster", { hooksPath: "/hooks/delegate" });
const agentPosts = { channel: "123456789012345678" };
const objective = "Find the CTE of ULE";

test("more than 500 words of task are warned of, 500 are not", () => {
  const warned = (words: number) => warningsFor({ objective: "word ".repeat(words) }, plain);
  assert.deepEqual(warned(500), []);
  assert.deepEqual(warned(501), [
    "The task has 501 words; agents work better on at most 500. Give the material beside it: --context.",
  ]);
  assert.equal(warningsFor({ objective: "a ".repeat(501) }, plain).length, 1, "the shortest words count too");
});

test("posts of the agent's own are warned of where a mapped hook answers, and nowhere else", () => {
  assert.deepEqual(warningsFor({ objective, agentPosts }, mapped), [
    "webster will not post itself: its hook /hooks/delegate is mapped, and a mapped hook ignores --agent-posts and --channel. Set its hooks_path to /hooks/agent in config/agents.yaml, or read the result in #results.",
  ]);
  assert.deepEqual(warningsFor({ objective, agentPosts }, plain), []);
  assert.deepEqual(warningsFor({ objective }, mapped), []);
  const moved = cardOf("webster", { hooksPath: "/in/agent" });
  assert.deepEqual(
    [mapped, plain, moved].map((card) => isPostedByAgent({ agentPosts }, card)),
    [false, true, true],
  );
  assert.equal(isPostedByAgent({}, plain), false);
});
