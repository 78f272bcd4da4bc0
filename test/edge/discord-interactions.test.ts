import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import type { Asked } from "../../src/discord/command.ts";
import type { Actor } from "../../src/domain/actor.ts";
import type { DelegationView } from "../../src/domain/view.ts";
import type { StoredEvent } from "../../src/engine/ports/ledger.ts";
import type { AgentStatus, DelegateRequest, Verbs } from "../../src/engine/verbs.ts";
import { Refusal } from "../../src/kernel/refusal.ts";
import { ATOMIZER_HQ, P } from "../../src/local/seed.ts";
import { viewWith } from "../discord/view-fixture.ts";
import { cardOf } from "../support/core.ts";
import {
  cardEffect,
  type EdgeOptions,
  type Logged,
  postOf,
  resultOf,
  startEdge,
  TOKEN,
} from "./discord-fixture.ts";

const TOLD_LATER = "an answer is told when Discord takes it";

type Interaction = {
  readonly id: string;
  readonly state: string;
  readonly ephemeral?: boolean;
  readonly message?: {
    readonly id: string;
    readonly content: string;
    readonly flags: number;
    readonly components: readonly { readonly components: readonly { readonly custom_id: string }[] }[];
  };
};

const agents: readonly AgentStatus[] = ["webster", "tech-lead"].map((id) => ({
  card: cardOf(id, { capabilities: id === "webster" ? ["research", "materials"] : ["design"] }),
  health: { state: id === "webster" ? "up" : "down", text: "connection refused", checkedAt: 0, since: 0 },
  state: id === "webster" ? "up" : "down",
  since: 60_000,
  queued: 0,
  running: id === "webster" ? 2 : 0,
}));

/** Verbs that remember what was asked of them; the card of a delegation is posted at once, as the loop would do it. */
function scripted() {
  const asked: { actor: Actor; request: DelegateRequest }[] = [];
  const canceled: { actor: Actor; id: string }[] = [];
  const views = new Map<string, DelegationView>();
  const keys = new Map<string, string>();
  const script: {
    onDelegate: (view: DelegationView) => void;
    warnings?: readonly string[];
  } = { onDelegate: () => undefined };
  const verbs: Partial<Verbs> = {
    async delegate(actor, request) {
      const key = `${request.key?.scope}:${request.key?.key}`;
      const before = views.get(keys.get(key) ?? "");
      if (before) return { delegation: before, repeated: true };
      asked.push({ actor, request });
      const id = `orch-${asked.length}`;
      const view = viewWith("queued", {
        id,
        agent: request.agent ?? "webster",
        objective: request.objective,
        ...(script.warnings ? { warnings: script.warnings } : {}),
      });
      views.set(id, view);
      keys.set(key, id);
      script.onDelegate(view);
      return { delegation: view, repeated: false };
    },
    async cancel(actor, id) {
      canceled.push({ actor, id });
      const view = views.get(id);
      if (!view) throw new Refusal("not_found", `There is no delegation ${id}.`, { hint: "See /status." });
      return view;
    },
    async delegation(id) {
      const view = views.get(id);
      if (!view) throw new Refusal("not_found", `There is no delegation ${id}.`);
      return view;
    },
    delegations: async () => ({ items: [...views.values()] }),
    agents: async () => agents,
    async agent(word) {
      const found = agents.find(({ card }) => card.id === word);
      if (!found) throw new Refusal("unknown_agent", `There is no agent "${word}".`);
      return found;
    },
    async history(id) {
      const { request } = asked[Number(id.split("-")[1]) - 1] ?? {};
      const { attachments = [], channelContext: of } = request ?? {};
      const channelContext = of && { channel: of.channel, messages: of.messages ?? 20, text: "as it was" };
      const order = { attachments, ...(channelContext ? { channelContext } : {}) };
      return [{ body: { type: "delegation.queued", order } } as unknown as StoredEvent];
    },
  };
  return { verbs, asked, canceled, views, script };
}

async function startWithVerbs(t: Parameters<typeof startEdge>[0], more: Partial<Verbs> = {}) {
  const stage = scripted();
  const edge = await startEdge(t, { verbs: { ...stage.verbs, ...more } });
  const { ledger } = edge;
  stage.script.onDelegate = (view) => {
    ledger.views.set(view.id, view);
    const body = { type: "card", run: view.id, to: { channel: "technical" } } as const;
    void edge.edge.perform.card(cardEffect(view.id, { body }));
  };
  const command = (name: string, options: object = {}, more: object = {}) =>
    edge.act<Interaction>("commands", {
      as: "you",
      channel: "technical",
      name,
      options,
      wait: true,
      ...more,
    });
  const press = (message: string, custom_id: string, more: object = {}) =>
    edge.act<Interaction>("components", {
      as: "you",
      channel: "technical",
      message,
      custom_id,
      wait: true,
      ...more,
    });
  return { ...edge, ...stage, command, press };
}

/** The notes of the ledger, once the interaction is done. */
async function notesWhenDone(
  ledger: { readonly notes: readonly string[] },
  count = 1,
): Promise<readonly string[]> {
  while (ledger.notes.filter((note) => note.startsWith("done")).length < count)
    await new Promise(setImmediate);
  return ledger.notes;
}

async function loggedTimes(logs: readonly Logged[], message: string, times: number): Promise<void> {
  while (logs.filter((one) => one.message === message).length < times) await new Promise(setImmediate);
}

const isAnswer = ({ content }: { readonly content: string }) => /^\*\*\w+\*\* asked: /.test(content);
const said = (interaction: Interaction) => interaction.message?.content ?? "";

test("/delegate is noted before it is acknowledged, and answers only the asker with the card's address", async (t) => {
  const { command, asked, ledger, guild } = await startWithVerbs(t);
  const answer = await command("delegate", {
    agent: "webster",
    objective: "Find CTE of Zerodur",
    "context-channel": "materials-data",
    "context-messages": 5,
    timeout: "2m",
    retries: 2,
    validate: true,
    deliver: false,
    "wait-for-agent": true,
  });
  assert.equal(answer.state, "replied");
  assert.ok((answer.message?.flags ?? 0) & 64, "ephemeral");
  const card = guild.inspect.messages("technical")[0];
  const channel = guild.inspect.channelId("technical");
  assert.match(
    said(answer),
    new RegExp(
      `Asked \\*\\*webster\\*\\*: https://discord.com/channels/${guild.guildId}/${channel}/${card?.id}`,
    ),
  );
  assert.deepEqual(
    (await notesWhenDone(ledger)).map((note) => note.split(" ")[0]),
    ["note", "begin", "done"],
  );
  const [only] = asked;
  assert.ok(only);
  assert.deepEqual(only.actor, {
    kind: "person",
    id: guild.inspect.memberId("you"),
    name: "you",
    rights: ["delegate", "any-agent", "operate"],
    roles: [{ id: guild.inspect.roleId("Operators"), name: "Operators" }],
  });
  assert.deepEqual(only.request, {
    agent: "webster",
    objective: "Find CTE of Zerodur",
    ifDown: "wait",
    channelContext: { channel: guild.inspect.channelId("materials-data"), messages: 5 },
    timeoutMs: 120_000,
    retries: 2,
    validate: true,
    deliver: false,
    key: { scope: "interaction", key: answer.id },
    card: { channel },
    origin: { door: "discord", channel, guild: guild.guildId },
  });
});

test("warnings of a delegation stand in the asker's answer and in its details, in words of Discord", async (t) => {
  const { command, press, script, guild } = await startWithVerbs(t);
  script.warnings = ["The task has 501 words. Give the material beside it: --context."];
  const answer = await command("delegate", { agent: "webster", objective: "x" });
  const warning =
    /\n⚠️ The task has 501 words\. Give the material beside it: `\/delegate` with `context-channel`\./;
  assert.match(said(answer), warning);
  assert.ok((answer.message?.flags ?? 0) & 64);
  const card = guild.inspect.messages("technical")[0]?.id ?? "";
  assert.match(said(await press(card, "d1:details:orch-1")), warning);
  script.warnings = [];
  assert.doesNotMatch(said(await command("delegate", { agent: "webster", objective: "x" })), /⚠️/);
});

test("people are told apart by their roles when they act", async (t) => {
  const { command, asked } = await startWithVerbs(t);
  const options = { agent: "webster", objective: "x" };
  await command("delegate", options, { as: "ada" });
  await command("delegate", options, { as: "guest" });
  assert.deepEqual(
    asked.map(({ actor }) => actor.kind === "person" && [actor.name, actor.as, actor.rights]),
    [
      ["ada", "tech-lead", ["delegate"]],
      ["guest", undefined, []],
    ],
  );
});

test("a refusal is for the asker's eyes, says what is wrong and what to do next", async (t) => {
  const { act, guild } = await startEdge(t, {
    verbs: {
      delegate: async () => {
        throw new Refusal("unknown_agent", 'There is no agent "webstr".', { hint: "Did you mean webster?" });
      },
    },
  });
  const answer = await act<Interaction>("commands", {
    channel: "technical",
    name: "delegate",
    options: { agent: "webstr", objective: "x" },
    wait: true,
  });
  assert.equal(said(answer), '⚠️ There is no agent "webstr".\n→ Did you mean webster?');
  assert.ok((answer.message?.flags ?? 0) & 64);
  assert.deepEqual(guild.inspect.messages("technical"), []);
});

test("an empty objective and a timeout that is none are refused before anything is asked", async (t) => {
  const { command, asked } = await startWithVerbs(t);
  assert.match(
    said(await command("delegate", { agent: "webster", objective: "   " })),
    /objective is empty.*\n→ /,
  );
  assert.match(
    said(await command("delegate", { agent: "webster", objective: "x", timeout: "soon" })),
    /"soon" is not a duration.*\n→ /,
  );
  assert.deepEqual(asked, []);
});

test("a bug is told to the person with a number, and the log has it", async (t) => {
  const { act, logs } = await startEdge(t, {
    verbs: { delegate: () => Promise.reject(new TypeError("x is not a function")) },
  });
  const body = {
    channel: "technical",
    name: "delegate",
    options: { agent: "webster", objective: "x" },
    wait: true,
  };
  const answer = await act<Interaction>("commands", body);
  assert.match(said(answer), new RegExp(`went wrong on our side.*${answer.id}`));
  assert.ok(
    logs.some(({ level, fields }) => level === "error" && JSON.stringify(fields).includes(answer.id)),
  );
});

test("agents are suggested by name, alias and capability, with their state", async (t) => {
  const { act } = await startWithVerbs(t);
  const suggest = async (agent: string) => {
    const body = { channel: "technical", name: "delegate", options: { agent }, focused: "agent" };
    return (await act<{ choices: { name: string; value: string }[] }>("autocomplete", body)).choices;
  };
  assert.deepEqual(await suggest(""), [
    { name: "🟢 webster · 2 running · research, materials", value: "webster" },
    { name: "🔴 tech-lead · idle · design", value: "tech-lead" },
  ]);
  assert.deepEqual(
    (await suggest("MATER")).map(({ value }) => value),
    ["webster"],
  );
  assert.deepEqual(
    (await suggest("technical")).map(({ value }) => value),
    ["tech-lead"],
  );
});

test("a message is delegated in two clicks: the menu, and the agent", async (t) => {
  const { act, command, press, asked, guild } = await startWithVerbs(t);
  const message = await act<{ id: string }>("messages", {
    as: "ada",
    channel: "technical",
    content: "What is the CTE of Zerodur?",
  });
  const menu = await command("Delegate this message", {}, { target: message.id });
  assert.match(said(menu), /Who shall do this\?\n> What is the CTE of Zerodur\?/);
  const select = menu.message?.components[0]?.components[0]?.custom_id ?? "";
  const answer = await press(menu.message?.id ?? "", select, { values: ["webster"] });
  assert.match(said(answer), /Asked \*\*webster\*\*/);
  assert.deepEqual(answer.message?.components, []);
  assert.deepEqual(
    asked.map(({ request }) => [request.agent, request.objective, request.origin]),
    [
      [
        "webster",
        "What is the CTE of Zerodur?",
        {
          door: "discord",
          channel: guild.inspect.channelId("technical"),
          guild: guild.guildId,
          message: message.id,
        },
      ],
    ],
  );
});

test("a result is delegated on: a form asks who and what for, and what was handed in goes along", async (t) => {
  const { edge, guild, act, ledger, views, asked } = await startWithVerbs(t);
  const channel = guild.inspect.channelId("technical");
  const before = viewWith("succeeded", { id: "orch-first", origin: { door: "discord", channel } });
  for (const known of [views, ledger.views]) known.set(before.id, before);
  await edge.perform.post(postOf(resultOf(before.id)));
  const [message] = guild.inspect.messages("results");
  const custom_id = "d1:on:orch-first";
  const form = await act<Interaction>("components", {
    as: "you",
    channel: "results",
    message: message?.id,
    custom_id,
    wait: true,
  });
  assert.equal(form.state, "modal");
  assert.deepEqual(ledger.notes, [], "nothing was asked yet");
  const answer = await act<Interaction>("modals", {
    as: "you",
    channel: "results",
    interaction: form.id,
    fields: { agent: "tech-lead", objective: "Is that enough for a mirror of 2 m?" },
    wait: true,
  });
  assert.match(said(answer), /Asked \*\*tech-lead\*\*/);
  assert.deepEqual(
    asked.map(({ request: { agent, objective, attachments, card } }) => [
      agent,
      objective,
      attachments,
      card,
    ]),
    [
      [
        "tech-lead",
        "Is that enough for a mirror of 2 m?",
        [{ name: "orch-first.md", text: before.handoff?.result }],
        { channel },
      ],
    ],
  );
  views.set(before.id, viewWith("failed", { id: before.id }));
  const late = await act<Interaction>("components", {
    as: "you",
    channel: "results",
    message: message?.id,
    custom_id,
    wait: true,
  });
  assert.match(said(late), /Nothing was handed in[^]*→ .*`\/delegate`/);
});

test("a menu holds 25 agents; how many more there are, and where to find them, is said", async (t) => {
  const team = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ ...(agents[0] as AgentStatus), card: cardOf(`agent-${n}`) }));
  let count = 25;
  const { act, command } = await startWithVerbs(t, { agents: async () => team(count) });
  const message = await act<{ id: string }>("messages", { channel: "technical", content: "hello" });
  const menu = async () => {
    const answer = await command("Delegate this message", {}, { target: message.id });
    const select = answer.message?.components[0]?.components[0] as { options?: unknown[] } | undefined;
    return [select?.options?.length, said(answer).split("\n").slice(2).join("\n")];
  };
  assert.deepEqual(await menu(), [25, ""]);
  count = 26;
  assert.deepEqual(await menu(), [25, "-# 1 more agent does not fit in here; `/delegate` finds them all."]);
  count = 40;
  assert.deepEqual(await menu(), [25, "-# 15 more agents do not fit in here; `/delegate` finds them all."]);
});

test("a message that was deleted in between is refused with words", async (t) => {
  const { act, command, press, asked, guild } = await startWithVerbs(t);
  const message = await act<{ id: string }>("messages", { channel: "technical", content: "hello" });
  const menu = await command("Delegate this message", {}, { target: message.id });
  await fetch(`${guild.url}/local/messages/${message.id}`, { method: "DELETE" });
  const select = menu.message?.components[0]?.components[0]?.custom_id ?? "";
  assert.match(
    said(await press(menu.message?.id ?? "", select, { values: ["webster"] })),
    /cannot be read any more/,
  );
  assert.deepEqual(asked, []);
});

test("the buttons of a card cancel and show details", async (t) => {
  const { command, press, canceled, guild } = await startWithVerbs(t);
  await command("delegate", { agent: "webster", objective: "Find CTE" });
  const card = guild.inspect.messages("technical")[0]?.id ?? "";
  assert.match(
    said(await press(card, "d1:details:orch-1")),
    /webster · queued[\s\S]*Find CTE[\s\S]*card: https:/,
  );
  assert.match(said(await press(card, "d1:cancel:orch-1")), /Canceled \*\*webster\*\*/);
  assert.deepEqual(
    canceled.map(({ id }) => id),
    ["orch-1"],
  );
});

test("Run again gives the same order once more; a second click, and a third while it runs, change nothing", async (t) => {
  const { press, asked, views, ledger, guild, edge, clock } = await startWithVerbs(t);
  const view = viewWith("succeeded", { id: "orch-9", objective: "Find CTE" });
  views.set("orch-9", view);
  ledger.views.set("orch-9", view);
  await edge.perform.post(postOf(resultOf("orch-9")));
  const result = guild.inspect.messages("results")[0]?.id ?? "";
  const click = () => press(result, "d1:again:orch-9", { channel: "results" });
  const clicks = await Promise.all([click(), click()]);
  for (const answer of clicks) assert.match(said(answer), /Asked \*\*webster\*\*/);
  assert.equal(asked.length, 1);
  await click();
  assert.equal(asked.length, 1);
  const rerun = views.get("orch-1");
  assert.ok(rerun);
  assert.deepEqual([rerun.objective, asked[0]?.request.timeoutMs], ["Find CTE", 300_000]);
  views.set("orch-1", { ...rerun, status: "succeeded", settledAt: clock.now() });
  await click();
  assert.equal(asked.length, 1, "the same click as far as anybody can tell");
  clock.pass(60_000);
  await click();
  assert.equal(asked.length, 2);
});

test("Run again gives what went along once more: attached texts, and the channel's messages of now", async (t) => {
  const { command, press, asked, edge, guild, ledger, views } = await startWithVerbs(t);
  await command("delegate", { agent: "webster", objective: "x", "context-channel": "materials-data" });
  const attachments = [{ name: "orch-0.md", text: "what was handed in" }];
  Object.assign(asked[0]?.request ?? {}, { attachments });
  const settled = viewWith("succeeded", { id: "orch-1", objective: "x" });
  for (const known of [views, ledger.views]) known.set("orch-1", settled);
  await edge.perform.post(postOf(resultOf("orch-1")));
  const [message] = guild.inspect.messages("results");
  await press(message?.id ?? "", "d1:again:orch-1", { channel: "results" });
  const again = asked[1]?.request;
  assert.deepEqual(again?.attachments, attachments);
  assert.deepEqual(again?.channelContext, {
    channel: guild.inspect.channelId("materials-data"),
    messages: 20,
  });
});

test("/agents, /status and /help answer without leaving a trace", async (t) => {
  const { command, views, ledger } = await startWithVerbs(t);
  views.set("orch-9", viewWith("dispatched", { id: "orch-9" }));
  assert.match(
    said(await command("agents")),
    /2 agents\*\*, 1 answering[\s\S]*🔴 \*\*tech-lead\*\* · down since <t:60:R> · idle\n-# ↳ connection refused/,
  );
  assert.match(said(await command("status")), /1 open[\s\S]*webster · running[\s\S]*orch-9/);
  assert.match(said(await command("status", { id: "orch-9" })), /attempt 1/);
  assert.match(said(await command("status", { id: "orch-0" })), /There is no delegation orch-0/);
  assert.match(said(await command("help")), /`\/delegate`/);
  assert.match(said(await command("help", {}, { as: "guest" })), /may look, but not delegate/);
  assert.deepEqual(ledger.notes, []);
});

test("an interaction that reaches us too late is not carried out: the person was told that it failed", async (t) => {
  const { act, guild, asked, ledger } = await startWithVerbs(t);
  guild.faults.addEvent({ kind: "stale-interaction", event: "INTERACTION_CREATE" });
  const body = { channel: "technical", name: "delegate", options: { agent: "webster", objective: "x" } };
  const { id } = await act<Interaction>("commands", body);
  assert.deepEqual(await notesWhenDone(ledger), [`note ${id}`, `begin ${id}`, `done ${id} unanswered`]);
  assert.deepEqual(asked, []);
});

test("an interaction whose acknowledgment Discord does not take is not carried out: whoever asks again has it once", async (t) => {
  const { act, guild, asked, ledger, command } = await startWithVerbs(t);
  const path = "/callback";
  const refusals = [
    { kind: "rate-limit", retryAfterMs: 600_000, path },
    { kind: "status", status: 429, body: "<html>error code: 1015</html>", path },
    { kind: "status", status: 403, body: "<html>error code: 1020</html>", path },
  ] as const;
  for (const [n, refusal] of refusals.entries()) {
    guild.faults.add(refusal);
    const body = { channel: "technical", name: "delegate", options: { agent: "webster", objective: "x" } };
    const { id } = await act<Interaction>("commands", body);
    const notes = await notesWhenDone(ledger, n + 1);
    assert.deepEqual(notes.slice(-3), [`note ${id}`, `begin ${id}`, `done ${id} unanswered`]);
  }
  assert.deepEqual(asked, []);
  await command("delegate", { agent: "webster", objective: "x" });
  assert.equal(asked.length, 1);
});

test("an event that Discord sends twice is carried out once", async (t) => {
  const { guild, command, asked, ledger } = await startWithVerbs(t);
  guild.faults.addEvent({ kind: "duplicate-event", event: "INTERACTION_CREATE" });
  await command("delegate", { agent: "webster", objective: "x" });
  assert.equal(asked.length, 1);
  assert.equal(ledger.notes.filter((note) => note.startsWith("begin")).length, 1);
});

test("an acknowledgment that Discord took and then dropped is not made twice, and the answer arrives", async (t) => {
  const { guild, command, asked } = await startWithVerbs(t);
  guild.faults.add({ kind: "drop", method: "POST", path: "/callback" });
  assert.match(
    said(await command("delegate", { agent: "webster", objective: "x" })),
    /Asked \*\*webster\*\*/,
  );
  assert.equal(asked.length, 1);
});

test("of two supervisors with one token and a ledger each, one begins what is new, and who knows it does the rest; it is told", async (t) => {
  const { edgeOf, guild, command, press, asked, canceled, logs, ledger } = await startWithVerbs(t);
  const other = scripted();
  const notes: string[] = [];
  let faster: "first" | "second" = "first";
  /** Whoever is slower acknowledges after the other one. */
  const beginAs = (who: typeof faster) => async (id: string) => {
    while (who !== faster && guild.inspect.interaction(id)?.state === "pending")
      await new Promise(setImmediate);
  };
  Object.assign(ledger.verbs.interactions ?? {}, { begin: beginAs("first") });
  const interactions: Verbs["interactions"] = {
    note: async () => true,
    noted: async () => undefined,
    begin: beginAs("second"),
    done: async (id, outcome) => void notes.push(`done ${id} ${outcome}`),
    unfinished: async () => [],
  };
  const second = edgeOf({ verbs: { ...other.verbs, interactions } });
  t.after(second.stop);
  await second.start();
  let count = 0;
  const bothDone = async () => {
    count++;
    await notesWhenDone(ledger, count);
    await notesWhenDone({ notes }, count);
  };
  const delegate = () => command("delegate", { agent: "webster", objective: "x" });

  assert.match(said(await delegate()), /Asked \*\*webster\*\*/);
  await bothDone();
  assert.deepEqual([asked.length, other.asked.length], [1, 0]);
  faster = "second";
  assert.match(said(await delegate()), /Asked \*\*webster\*\*/);
  await bothDone();
  assert.deepEqual([asked.length, other.asked.length], [1, 1]);
  const told = logs.filter(
    ({ level, message }) => level === "error" && message.startsWith("another supervisor"),
  );
  assert.equal(told.length, 2);

  const [card] = guild.inspect.messages("technical");
  await press(card?.id ?? "", "d1:cancel:orch-1");
  await bothDone();
  assert.equal(canceled.length, 1);
});

test("when the asker's own answer can no longer be reached, it is posted in the channel and pings nobody", async (t) => {
  const { guild, act, asked } = await startWithVerbs(t);
  const body = { code: 50027, message: "Invalid Webhook Token" };
  guild.faults.add({ kind: "status", status: 401, body, method: "PATCH", path: "/webhooks/" });
  const posted = guild.inspect.next((event) => {
    const text = JSON.stringify(event);
    return text.includes("**you** asked") ? text : undefined;
  });
  await act("commands", {
    channel: "technical",
    name: "delegate",
    options: { agent: "webster", objective: "x" },
  });
  await posted;
  assert.equal(asked.length, 1);
  const message = guild.inspect.messages("technical").find(({ content }) => content.includes("asked"));
  assert.deepEqual(message?.pinged, []);
});

test("what was acknowledged before a crash is carried out after the restart and answered by one new message", async (t) => {
  const work: Asked = {
    id: "1000000000000000001",
    kind: "command",
    name: "cancel",
    options: { id: "orch-9" },
    user: { id: "1", name: "ada", roles: [] },
    channel: "",
  };
  const actor: Actor = { kind: "person", id: "1", name: "ada", rights: ["delegate"] };
  const stage = scripted();
  stage.views.set("orch-9", viewWith("dispatched", { id: "orch-9" }));
  const { edge, guild, ledger, clock, until } = await startEdge(t, { verbs: stage.verbs, isIdle: true });
  const channel = guild.inspect.channelId("technical");
  const at = clock.now();
  // A second life that dies before it could note that it was done carries it out once more.
  const lives = [
    [{ id: work.id, work: { ...work, channel }, actor, at }],
    [{ id: work.id, work: { ...work, channel }, actor, at }],
  ];
  Object.assign(ledger.verbs.interactions ?? {}, { unfinished: async () => lives.shift() ?? [] });
  await edge.start();
  await notesWhenDone(ledger);
  clock.pass(10 * 60_000);
  guild.faults.dropGateway();
  await until(false);
  await until(true);
  await notesWhenDone(ledger, 2);
  assert.deepEqual(new Set(ledger.notes), new Set([`done ${work.id} canceled orch-9`]));
  assert.deepEqual(stage.canceled[0], { actor, id: "orch-9" });
  const answers = guild.inspect.messages("technical").map(({ content }) => content);
  assert.equal(answers.length, 1);
  assert.match(answers[0] ?? "", /^\*\*ada\*\* asked: Canceled \*\*webster\*\*/);
});

/** `/cancel` as an earlier life took it, which dies `times` times before it could note that it was done. */
async function startAfterCrashes(t: TestContext, times: number, options: Omit<EdgeOptions, "verbs"> = {}) {
  const stage = scripted();
  stage.views.set("orch-9", viewWith("dispatched", { id: "orch-9" }));
  const started = await startEdge(t, { ...options, verbs: stage.verbs, isIdle: true });
  const work: Asked = {
    id: "1000000000000000001",
    kind: "command",
    name: "cancel",
    options: { id: "orch-9" },
    user: { id: "1", name: "ada", roles: [] },
    channel: started.guild.inspect.channelId("technical"),
  };
  const actor: Actor = { kind: "person", id: "1", name: "ada", rights: ["delegate"] };
  const at = started.clock.now();
  const lives = Array.from({ length: times }, () => [{ id: work.id, work, actor, at }]);
  Object.assign(started.ledger.verbs.interactions ?? {}, { unfinished: async () => lives.shift() ?? [] });
  return { ...started, ...stage, work, actor, at };
}

test("an answer of before a crash reaches whoever asked behind any number of messages, and once", async (t) => {
  const { edge, guild, ledger, clock, act, until } = await startAfterCrashes(t, 2);
  for (let n = 0; n < 320; n++) {
    await Promise.all(
      Array.from({ length: 10 }, () => act("messages", { channel: "technical", content: "x" })),
    );
  }
  clock.pass(10 * 60_000);
  await edge.start();
  await notesWhenDone(ledger);
  const answers = () => guild.inspect.messages("technical").filter(({ content }) => /asked: /.test(content));
  assert.equal(answers().length, 1);
  guild.faults.dropGateway();
  await until(false);
  await until(true);
  await notesWhenDone(ledger, 2);
  assert.equal(answers().length, 1);
});

test("where the history may not be read, an answer of before a crash is said all the same", async (t) => {
  const deny = P.ReadMessageHistory;
  const categories = ATOMIZER_HQ.categories.map((category) => ({
    ...category,
    channels: category.channels.map((channel) =>
      channel.name === "technical" ? { ...channel, overwrites: [{ role: "bot", deny }] } : channel,
    ),
  }));
  const { edge, guild, ledger, clock } = await startAfterCrashes(t, 1, {
    guild: { seed: { ...ATOMIZER_HQ, categories } },
  });
  clock.pass(10 * 60_000);
  await edge.start();
  await notesWhenDone(ledger);
  assert.equal(guild.inspect.messages("technical").length, 1);
});

test("an answer that Discord takes nowhere is told when it does, once, and nothing is carried out again for it", async (t) => {
  const { edge, guild, act, canceled, views, ledger, logs, clock } = await startWithVerbs(t);
  views.set("orch-9", viewWith("dispatched", { id: "orch-9" }));
  const posts = `/channels/${guild.inspect.channelId("technical")}/messages`;
  const answers = () => guild.inspect.messages("technical").filter(isAnswer);
  guild.faults.add({ kind: "status", status: 503, method: "PATCH", path: "/webhooks/", times: 2 });
  // Of the second post it is not known that it arrived.
  guild.faults.add({ kind: "status", status: 503, method: "POST", path: posts, times: 3 });
  guild.faults.add({ kind: "status", status: 503, method: "POST", path: posts, after: true });
  const { id } = await act<Interaction>("commands", {
    channel: "technical",
    name: "cancel",
    options: { id: "orch-9" },
  });
  await loggedTimes(logs, TOLD_LATER, 1);
  edge.reconcile();
  await loggedTimes(logs, TOLD_LATER, 2);
  assert.deepEqual(ledger.notes, [`note ${id}`, `begin ${id}`]);
  clock.pass(10 * 60_000);
  edge.reconcile();
  assert.deepEqual((await notesWhenDone(ledger)).slice(2), [`done ${id} canceled orch-9`]);
  assert.equal(answers().length, 1);
  assert.equal(canceled.length, 1);
  edge.reconcile();
  await act("commands", { channel: "technical", name: "cancel", options: { id: "orch-9" }, wait: true });
  await notesWhenDone(ledger, 2);
  assert.equal(answers().length, 1);
});

test("an answer that was under way while another one was told at last is told once", async (t) => {
  const { edge, guild, act, views, ledger, logs } = await startWithVerbs(t);
  views.set("orch-9", viewWith("dispatched", { id: "orch-9" }));
  const posts = { method: "POST", path: `/channels/${guild.inspect.channelId("technical")}/messages` };
  const edits = { method: "PATCH", path: "/webhooks/" };
  const cancel = () =>
    act<Interaction>("commands", { channel: "technical", name: "cancel", options: { id: "orch-9" } });
  for (const to of [edits, posts]) guild.faults.add({ kind: "status", status: 503, times: 2, ...to });
  const first = await cancel();
  await loggedTimes(logs, TOLD_LATER, 1);
  const underWay = guild.faults.hold(edits);
  const second = await cancel();
  await underWay.arrived;
  const toldAtLast = guild.faults.hold(posts);
  edge.reconcile();
  await toldAtLast.arrived;
  underWay.release();
  const [, , , , done] = await notesWhenDone(ledger);
  assert.equal(done, `done ${second.id} canceled orch-9`);
  toldAtLast.release();
  await notesWhenDone(ledger, 2);
  // It waits for what it reads back.
  await edge.stop();
  const answers = guild.inspect.messages("technical").filter(isAnswer);
  assert.deepEqual(
    answers.map(({ content }) => content.includes(first.id)),
    [true],
  );
});

test("an answer of before a crash that Discord does not take is told later, and keeps no other one waiting", async (t) => {
  const { edge, guild, ledger, logs, canceled, work, actor, at } = await startAfterCrashes(t, 0);
  const other = { ...work, id: "1000000000000000002", channel: guild.inspect.channelId("announcements") };
  const isDone = ({ id }: Asked) => ledger.notes.some((note) => note.startsWith(`done ${id}`));
  Object.assign(ledger.verbs.interactions ?? {}, {
    unfinished: async () =>
      [work, other].filter((one) => !isDone(one)).map((one) => ({ id: one.id, work: one, actor, at })),
  });
  const answers = () =>
    [work, other].map(({ channel }) => guild.inspect.messages(channel).filter(isAnswer).length);
  const path = `/channels/${work.channel}/messages`;
  guild.faults.add({ kind: "status", status: 503, method: "POST", path, times: 2 });
  await edge.start();
  await notesWhenDone(ledger);
  await loggedTimes(logs, TOLD_LATER, 1);
  assert.deepEqual(answers(), [0, 1]);
  edge.reconcile();
  await notesWhenDone(ledger, 2);
  assert.deepEqual(answers(), [1, 1]);
  assert.equal(canceled.length, 2);
});

test("a stop waits for no answer that Discord leaves without a word, and begins no other one", {
  timeout: 60_000,
}, async (t) => {
  const { edge, guild, work, actor, at, ledger, canceled } = await startAfterCrashes(t, 0);
  const other = { ...work, id: "1000000000000000002" };
  Object.assign(ledger.verbs.interactions ?? {}, {
    unfinished: async () => [work, other].map((one) => ({ id: one.id, work: one, actor, at })),
  });
  const posts = { method: "POST", path: `/channels/${work.channel}/messages` };
  const hanging = guild.faults.hold(posts);
  await edge.start();
  await hanging.arrived;
  await edge.stop();
  guild.faults.add({ kind: "status", status: 503, ...posts });
  hanging.release();
  await notesWhenDone(ledger);
  assert.deepEqual([ledger.notes.length, canceled.length], [1, 1]);
});

test("no token of the bot or of an interaction is ever logged", async (t) => {
  const { guild, act, logs, ledger } = await startWithVerbs(t);
  guild.faults.add({ kind: "status", status: 400, body: { code: 50035, message: "no" }, path: "/webhooks/" });
  guild.faults.add({ kind: "status", status: 500, path: "/callback", times: 2 });
  const tokens: string[] = [];
  for (let n = 1; n <= 2; n++) {
    const body = { channel: "technical", name: "delegate", options: { agent: "webster", objective: "x" } };
    const { id } = await act<Interaction>("commands", body);
    tokens.push((guild.inspect.interaction(id) as unknown as { token: string }).token);
    await notesWhenDone(ledger, n);
  }
  assert.ok(tokens.every((token) => typeof token === "string" && token.length > 10));
  const everything = JSON.stringify([logs, ledger.notes, [...ledger.works.values()]]);
  for (const secret of [...tokens, TOKEN.slice(0, 20)]) assert.ok(!everything.includes(secret), secret);
  assert.ok(logs.some(({ level }) => level === "warn"));
});
