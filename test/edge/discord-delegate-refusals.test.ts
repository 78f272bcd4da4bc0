import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { cardOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { cardEffect, startEdge } from "./discord-fixture.ts";

type Interaction = {
  readonly id: string;
  readonly state: string;
  readonly message?: { readonly id: string; readonly content: string; readonly flags: number };
};
type Payload = {
  readonly id: string;
  readonly token: string;
  readonly data: { readonly options: { name: string; value: unknown }[] };
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
  const edge: Awaited<ReturnType<typeof startEdge>> = await startEdge(t, {
    ...more,
    verbs: {
      async delegate(actor, request) {
        const answer = await core.verbs.delegate(actor, request);
        edge.ledger.views.set(answer.delegation.id, answer.delegation);
        void edge.edge.perform.card(cardEffect(answer.delegation.id));
        return answer;
      },
      agents: core.verbs.agents,
    },
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

test("an agent that there is not: the nearest one, and all there are", async (t) => {
  const { command, refusal } = await stage(t);
  const words = await refusal(await command({ agent: "webstr", objective: "x" }));
  assert.match(
    words,
    /no agent "webstr"[^]*→ Did you mean webster\? The agents are webster, auditor, secretary/,
  );
});

test("an agent that the asker may not ask: whom to ask instead, or who can change it", async (t) => {
  const { command, refusal } = await stage(t);
  const asLead = await refusal(await command({ agent: "auditor", objective: "x" }, "ada"));
  assert.match(
    asLead,
    /tech-lead may not delegate to auditor[^]*Ask manager to delegate it\.\n→ .*tech-lead → webster/,
  );
  const nobody = await refusal(await command({ agent: "secretary", objective: "x" }, "guest"));
  assert.match(
    nobody,
    /@guest may not delegate[^]*Ask the operator to add you under people\.\n→ .*config\/acl\.yaml/,
  );
});

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
  assert.match(words, /auditor is drained[^]*`hq agents resume auditor` on the command line ends that;/);
  assert.match(words, /`wait-for-agent`[^]*`fallback`/);
});

test("an empty objective: what to write", async (t) => {
  const { command, refusal } = await stage(t);
  const words = await refusal(await command({ agent: "auditor", objective: " \n " }));
  assert.match(words, /objective is empty\.\n→ Say in a sentence or two/);
});

test("7,000 characters: Discord's own form stops them, and past it the bot does", async (t) => {
  const { command, refusal, guild, edge, edgeOf, ledger } = await stage(t, { isIdle: true });
  const registering = edgeOf();
  await registering.start();
  await registering.stop();
  await assert.rejects(
    command({ agent: "auditor", objective: "x".repeat(7000) }),
    /At most 6000 characters; this has 7000/,
  );
  assert.deepEqual(ledger.notes, []);
  // A client that keeps no limits: what it sends comes to the bot by the other door.
  let length = 7000;
  guild.inspect.on((event) => {
    if (event.kind !== "interaction-create") return;
    const payload = structuredClone(event.payload) as Payload;
    for (const option of payload.data.options)
      if (option.name === "objective") option.value = "x".repeat(length);
    void edge.http.answer(payload, Promise.resolve()).then((body) =>
      fetch(`${guild.restApi}/v10/interactions/${payload.id}/${payload.token}/callback`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    );
  });
  for (length of [7000, 6001]) {
    const words = await refusal(await command({ agent: "auditor", objective: "short" }));
    assert.match(
      words,
      new RegExp(`has ${length.toLocaleString("en-US")} characters; Discord takes 6,000\\.\\n→ `),
    );
    assert.match(words, /Shorten it, [^]*`context-channel`/);
    assert.doesNotMatch(words, /`\/delegate`/, "which is what was just refused");
  }
  length = 6000;
  const taken = await command({ agent: "auditor", objective: "short" });
  assert.match(taken.message?.content ?? "", /Asked \*\*auditor\*\*/);
});
