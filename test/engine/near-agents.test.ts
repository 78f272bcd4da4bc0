import assert from "node:assert/strict";
import test from "node:test";
import { agentToday } from "../../src/domain/agent-types.ts";
import { createNearAgents } from "../../src/engine/near-agents.ts";
import type { AgentHealth, Agents } from "../../src/engine/ports/agents.ts";
import { cardOf } from "../support/core.ts";

const HEALTH: AgentHealth = { state: "up", text: "it answers", checkedAt: 1, since: 1 };

test("an agent of another machine is not asked from here: what a member there noted is told", async () => {
  const probed: string[] = [];
  const agents: Agents = {
    dispatch: () => Promise.reject(new Error("nothing is sent in this test")),
    probe: async ({ id }) => {
      probed.push(id);
      return HEALTH;
    },
    askAt: () => Promise.reject(new Error("nobody's former address is asked in this test")),
    health: () => HEALTH,
    forgive: () => undefined,
    close: async () => undefined,
  };
  const seen = {
    ...agentToday(undefined, "far"),
    seen: { state: "down", text: "refused", since: 5 } as const,
  };
  const engine = {
    read: (async (_: string, stream: string) => (stream === "agent-far" ? seen : undefined)) as never,
  };
  const near = createNearAgents({ engine, agents, host: "alpha", now: () => 9 });
  assert.deepEqual(await near.probe(cardOf("anywhere")), HEALTH);
  assert.deepEqual(await near.probe(cardOf("here", { host: "ALPHA" })), HEALTH);
  const far = await near.probe(cardOf("far", { host: "beta" }));
  assert.deepEqual(far, { state: "down", text: "refused (as seen on beta)", checkedAt: 9, since: 5 });
  assert.deepEqual(near.health("far"), far);
  assert.equal((await near.probe(cardOf("new", { host: "beta" }))).state, "unknown");
  const { state } = await near.askAt(cardOf("here"), "http://127.0.0.1:8");
  assert.equal(state, "unknown", "from here that may be another gateway");
  assert.deepEqual(probed, ["anywhere", "here"]);
});
