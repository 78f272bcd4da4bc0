import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { cardOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { startEdge } from "./discord-fixture.ts";

type Interaction = {
  readonly id: string;
  readonly state: string;
  readonly message?: { readonly id: string; readonly content: string; readonly flags: number };
};
const CARDS = [
  cardOf("webster", { capabilities: ["research"] }),
  cardOf("auditor", { capabilities: ["review"] }),
  cardOf("secretary"),
];

/** The real engine on SQLite behind the real edge; webster does not answer. */
async function stage(t: TestContext, more: { readonly isIdle?: boolean } = {}) {
  const folder = temporaryFolder();
  const core = await startCore(folder.path, {
    cards: CARDS,
    condition: (id) => (id === "webster" ? "down" : "up"),
  });
  t.after(async () => {
    await core.stop();
    folder.remove();
  });
  const edge = await startEdge(t, {
    ...more,
    verbs: { delegate: core.verbs.delegate, agents: core.verbs.agents },
  });
  const command = (options: object, as = "you") =>
    edge.act<Interaction>("commands", { as, channel: "technical", name: "delegate", options, wait: true });

  /** For the asker's eyes alone, and nothing came of it. */
  async function refusal(answer: Interaction): Promise<string> {
    assert.equal(answer.state, "replied");
    assert.ok((answer.message?.flags ?? 0) & 64, "ephemeral");
    assert.deepEqual(edge.guild.inspect.messages("technical"), []);
    assert.deepEqual((await core.verbs.delegations({})).items, []);
    const words = answer.message?.content ?? "";
    assert.match(words, /^⚠️ [^\n]+\n→ [^\n]+$/, "what is wrong, and what to do next");
    assert.doesNotMatch(words, /--[a-z]|`hq (?!acl|agents resume)/, "what a person can do here");
    return words;
  }
  return { ...edge, core, command, refusal };
}

test("an agent that is down: the options by which it waits, or another one does it", async (t) => {
  const { command, refusal } = await stage(t);
  const named = await refusal(await command({ agent: "webster", objective: "x" }));
  assert.match(
    named,
    /webster does not answer[^]*→ .*wait[^]*`\/delegate` with `wait-for-agent`[^]*`\/delegate` with `fallback`/,
  );
  const able = await refusal(await command({ capability: "research", objective: "x" }));
  assert.match(able, /webster is down[^]*→ .*`\/delegate` with `wait-for-agent`/);
});

test("an agent that is drained: the options by which it waits, or another one does it", async (t) => {
  const { command, refusal, core } = await stage(t);
  await core.verbs.drainAgent({ kind: "operator" }, "auditor", "new disk");
  const words = await refusal(await command({ agent: "auditor", objective: "x" }));
  assert.match(words, /auditor is drained[^]*`wait-for-agent`[^]*`fallback`/);
});
