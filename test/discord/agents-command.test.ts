import assert from "node:assert/strict";
import test from "node:test";
import agents from "../../commands/agents.ts";
import type { Asked, CommandContext } from "../../src/discord/command.ts";
import { createRegistry } from "../../src/domain/agent-card.ts";
import type { AgentStatus } from "../../src/engine/verbs.ts";
import { cardOf } from "../support/core.ts";

const SINCE = 1_700_000_000_000;
const when = `<t:${SINCE / 1000}:R>`;

function statusOf(state: AgentStatus["state"], more: Partial<AgentStatus> = {}): AgentStatus {
  const seen = state === "down" || state === "unauthorized" ? state : "up";
  return {
    card: cardOf("webster", { letter: "H", capabilities: ["research"], sample: false }),
    health: { state: seen, text: "webster: fine", checkedAt: SINCE, since: SINCE },
    state,
    since: SINCE,
    queued: 0,
    running: 0,
    ...more,
  };
}

async function shown(status: AgentStatus): Promise<string> {
  const context = {
    registry: createRegistry([status.card]),
    verbs: { agent: async () => status },
  } as unknown as CommandContext;
  return (await agents.execute({} as Asked, context)).text;
}

test("each agent is shown with its state, since when, its queue, its last handoff and its model's note", async () => {
  const card = cardOf("webster", {
    letter: "H",
    capabilities: ["research"],
    model: "Gemini 2.5 Pro",
    note: "Changed from *Codex*",
    sample: false,
  });
  const text = await shown(statusOf("busy", { card, running: 1, queued: 3, lastHandoffAt: SINCE + 60_000 }));
  assert.deepEqual(text.split("\n"), [
    "**1 agent**, 1 answering",
    `🔵 **webster** (H) · busy since ${when} · 1 running, 3 waiting · last handoff <t:${SINCE / 1000 + 60}:R>`,
    "-# research · Gemini 2.5 Pro · Changed from \\*Codex\\*",
  ]);
});

test("an agent that is down, blocked by 401, drained or unsteady says what is the matter and what mends it", async () => {
  const health = { text: "webster at 127.0.0.1:9: connection refused", checkedAt: SINCE, since: SINCE };
  assert.match(
    await shown(statusOf("down", { health: { state: "down", ...health } })),
    /🔴 \*\*webster\*\* \(H\) · down since .* · idle\n-# ↳ webster at .*connection refused/,
  );
  const card = cardOf("webster", { tokenEnv: "WEBSTER_TOKEN" });
  assert.match(
    await shown(statusOf("unauthorized", { card })),
    /⛔ \*\*webster\*\* · blocked by 401 since .*\n-# ↳ .*set WEBSTER.*TOKEN to the hooks token of its gateway and restart, or save config\/agents\.yaml/,
  );
  const draining = { at: SINCE, by: "@ada", reason: "new disk" };
  assert.match(
    await shown(statusOf("draining", { draining, queued: 2 })),
    /⏸️ \*\*webster\*\* \(H\) · draining since .* · 2 waiting\n-# ↳ drained .* by @ada: new disk · `hq agents resume webster` on the command line gives it work again/,
  );
  assert.match(
    await shown(statusOf("down", { draining, unsteady: true })),
    /🔴 .* down since .*, unsteady · idle\n-# ↳ .*\n-# ↳ drained/,
  );
  assert.doesNotMatch(await shown(statusOf("unknown", { since: 0 })), /since/);
});
