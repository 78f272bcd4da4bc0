import assert from "node:assert/strict";
import test from "node:test";
import type { ClaimedOf } from "../../src/engine/perform.ts";
import type { DelegateRequest, Verbs } from "../../src/engine/verbs.ts";
import { GUILD_ID, type LocalGuild } from "../../src/local/local-guild.ts";
import { viewWith } from "../discord/view-fixture.ts";
import { type EdgeOptions, startEdge } from "./discord-fixture.ts";

type Payload = Readonly<Record<string, unknown>> & { readonly id: string; readonly token: string };
type Interaction = { readonly id: string; readonly state: string; readonly message?: { content: string } };

const REPLY = { applicationId: "1", token: "t" };
const WORK = { agent: "webster", objective: "Find the CTE of ULE" };

/** As the guild takes what is answered to its request. */
function callBack(guild: LocalGuild, { id, token }: Payload, body: object): Promise<Response> {
  return fetch(`${guild.restApi}/v10/interactions/${id}/${token}/callback`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** An edge that answers by HTTP what the guild sends, as the guild would hear it from a supervisor. */
async function stage(
  t: test.TestContext,
  { connected, ...options }: { readonly connected: boolean } & EdgeOptions,
) {
  const asked: { actor: string; request: DelegateRequest }[] = [];
  const verbs: Partial<Verbs> = {
    async delegate(actor, request) {
      const isNew = !asked.some((one) => one.request.key?.key === request.key?.key);
      const delegation = viewWith("queued", { id: "orch-1", agent: "webster", objective: request.objective });
      if (isNew)
        asked.push({ actor: "name" in actor ? `${actor.name} ${actor.rights.join(",")}` : "", request });
      return { delegation, repeated: !isNew };
    },
    ...options.verbs,
  };
  const base = await startEdge(t, { ...options, verbs, isIdle: !connected });
  if (connected) await base.until(true);
  const { guild, edge, act } = base;

  /** Sends every interaction to the edge by HTTP, too; the body of the answer goes back as the guild takes it. */
  function byHttp(answered: () => Promise<void> = async () => undefined) {
    const bodies: object[] = [];
    guild.inspect.on((event) => {
      if (event.kind !== "interaction-create") return;
      const payload = structuredClone(event.payload) as Payload;
      const gone = Promise.withResolvers<void>();
      void edge.http.answer(payload, gone.promise).then(async (body) => {
        bodies.push(body);
        await callBack(guild, payload, body);
        await answered();
        gone.resolve();
      });
    });
    return bodies;
  }
  const command = (name: string, given: object = {}, more: object = {}) =>
    act<Interaction>("commands", {
      as: "you",
      channel: "technical",
      name,
      options: given,
      wait: true,
      ...more,
    });
  /** The bot's commands, which only a connected edge registers. */
  const register = async () => {
    const other = base.edgeOf();
    await other.start();
    await other.stop();
  };
  return { ...base, asked, byHttp, command, register };
}

test("a supervisor without a connection to the gateway answers, and knows the roles of whoever asks", async (t) => {
  const { asked, byHttp, command, register, edge, ledger, guild } = await stage(t, { connected: false });
  await register();
  byHttp();
  const answer = await command("delegate", WORK);
  assert.match(answer.message?.content ?? "", /Asked \*\*webster\*\*/);
  assert.equal(edge.isConnected(), false);
  assert.equal(guild.inspect.sessions().filter(({ isConnected }) => isConnected).length, 0);
  assert.match(asked[0]?.actor ?? "", /^you .*operate/);
  assert.equal(ledger.notes.filter((note) => note.startsWith("note ")).length, 1);
  while (ledger.notes.at(-1) !== `done ${answer.id} delegated orch-1`) await new Promise(setImmediate);
});

test("the public key is the application's", async (t) => {
  const { edge, guild } = await stage(t, { connected: false });
  const answer = await fetch(`${guild.restApi}/v10/applications/@me`, {
    headers: { authorization: "Bot x" },
  });
  assert.equal(await edge.http.publicKey(), ((await answer.json()) as { verify_key: string }).verify_key);
});

test("both doors at once: one of them carries it out, the person gets one answer", async (t) => {
  const { asked, byHttp, command, ledger } = await stage(t, { connected: true });
  const bodies = byHttp();
  const answer = await command("delegate", WORK);
  assert.match(answer.message?.content ?? "", /Asked \*\*webster\*\*/);
  assert.equal(asked.length, 1);
  assert.equal(bodies.length, 1);
  assert.equal(ledger.notes.filter((note) => note === `note ${answer.id}`).length, 1);
});

test("nothing is carried out before the answer has left", async (t) => {
  const { asked, byHttp, command, register } = await stage(t, { connected: false });
  await register();
  let before = -1;
  byHttp(async () => {
    before = asked.length;
  });
  await command("delegate", WORK);
  assert.deepEqual([before, asked.length], [0, 1]);
});

test("suggestions that take longer to find out than Discord waits are left out in time", async (t) => {
  let isSlow = false;
  const never = new Promise(() => undefined);
  const runs = { workflows: () => [], runs: () => (isSlow ? never : Promise.resolve({ items: [] })) };
  const verbs = { runs: runs as unknown as Verbs["runs"] };
  const { byHttp, register, act } = await stage(t, { connected: false, verbs });
  await register();
  isSlow = true;
  byHttp();
  const asked = {
    as: "you",
    channel: "technical",
    name: "workflow status",
    focused: "run",
    options: { run: "" },
  };
  const { choices } = await act<{ choices: unknown[] }>("autocomplete", asked);
  assert.deepEqual(choices, []);
});

test("an answer that overtakes its own acknowledgment is tried again instead of going to the channel", async (t) => {
  const { edge, command, register, guild } = await stage(t, { connected: false });
  await register();
  const tooEarly = guild.faults.hold({ method: "PATCH", path: "/webhooks/", after: true });
  guild.inspect.on((event) => {
    if (event.kind !== "interaction-create") return;
    const payload = event.payload as Payload;
    void edge.http.answer(payload, Promise.resolve()).then(async (body) => {
      await tooEarly.arrived;
      await callBack(guild, payload, body);
      tooEarly.release();
    });
  });
  const answer = await command("help");
  assert.match(answer.message?.content ?? "", /Which pattern/);
  assert.equal(guild.inspect.messages("technical").length, 0);
});

test("a supervisor that has just started and does not reach Discord refuses and keeps nothing: nobody's rights are known", async (t) => {
  const { edge, asked, ledger, guild } = await stage(t, { connected: false });
  const options = [
    { type: 3, name: "agent", value: "webster" },
    { type: 3, name: "objective", value: "Find the CTE of ULE" },
  ];
  const command = {
    id: "1",
    application_id: "1",
    token: "t",
    guild_id: GUILD_ID,
    channel_id: "7",
    type: 2,
    data: { type: 1, name: "delegate", options },
    member: { user: { id: "5", username: "ada" }, roles: [] },
  };
  guild.faults.outage(true);
  await assert.rejects(edge.http.answer(command, Promise.resolve()), { code: "no_discord" });
  assert.deepEqual([asked, ledger.notes], [[], []]);
  guild.faults.outage(false);
  const left = Promise.withResolvers<void>();
  t.after(() => left.resolve());
  const { type } = (await edge.http.answer(command, left.promise)) as { type: number };
  assert.deepEqual([type, ledger.notes], [5, ["note 1"]], "asked again it is taken");
});

test("what another server's people do, and what is not ours, changes nothing", async (t) => {
  const { edge, asked, ledger } = await stage(t, { connected: false });
  const from = (guild_id: string, more: object) =>
    edge.http.answer({ id: "1", application_id: "1", token: "t", guild_id, ...more }, Promise.resolve());
  const command = { type: 2, data: { type: 1, name: "delegate" }, member: { user: { id: "5" }, roles: [] } };
  assert.match(JSON.stringify(await from("1", command)), /another server/);
  const press = { type: 3, data: { custom_id: "theirs:1", component_type: 2 } };
  await assert.rejects(from(GUILD_ID, press), /none of this bot's/);
  assert.deepEqual([asked, ledger.notes], [[], []]);
});

/** Of `/delegate`, as it comes back to be carried out for whoever asked at an instant. */
const OLD = {
  id: "int-77@2#0",
  stream: "int-77",
  body: { type: "interaction", interaction: "77" },
  lane: "any",
  dueAt: 0,
  createdAt: 0,
  tries: 1,
} as ClaimedOf<"interaction">;

test("an answer that may be there is looked for behind any number of messages, turn by turn, and said once", async (t) => {
  const user = { id: "9", name: "ada", roles: [] };
  const work = { id: "77", kind: "command", name: "delegate", options: WORK, user, channel: "" };
  const actor = { kind: "person", id: "9", name: "ada", rights: ["delegate", "any-agent"] } as const;
  const done: string[] = [];
  let noted = { work, actor, at: Date.now(), owedTo: REPLY };
  const interactions: Partial<Verbs["interactions"]> = {
    noted: async () => noted,
    done: async (id, outcome) => void done.push(`${id} ${outcome}`),
  };
  const verbs = { interactions: interactions as Verbs["interactions"] };
  const { edge, guild, act, clock } = await stage(t, { connected: false, verbs });
  noted = { ...noted, at: clock.now(), work: { ...work, channel: guild.inspect.channelId("technical") } };
  for (let n = 0; n < 320; n++) {
    await Promise.all(
      Array.from({ length: 10 }, () => act("messages", { channel: "technical", content: "x" })),
    );
  }
  clock.pass(10 * 60_000);
  for (let times = 0; times < 2; times++) {
    await assert.rejects(edge.perform.interaction(OLD), /looked for among many messages/);
    assert.equal(done.length, times, "the loop gives it another turn");
    assert.equal((await edge.perform.interaction(OLD)).kind, "done");
    const answers = guild.inspect.messages("technical").filter(({ content }) => /asked: /.test(content));
    assert.equal(answers.length, 1);
  }
});

test("what another supervisor left is carried out, answered where it was asked, and never twice", async (t) => {
  const work = {
    id: "77",
    kind: "command",
    name: "delegate",
    options: WORK,
    user: { id: "9", name: "ada", roles: [] },
    channel: "",
  };
  const actor = { kind: "person", id: "9", name: "ada", rights: ["delegate", "any-agent"] } as const;
  const done: string[] = [];
  const interactions: Partial<Verbs["interactions"]> = {
    noted: async () => ({
      work: { ...work, channel: technical },
      actor,
      at: Date.now(),
      ...(done.length === 0 ? { owedTo: REPLY } : {}),
    }),
    done: async (id, outcome) => void done.push(`${id} ${outcome}`),
  };
  let technical = "";
  const verbs = { interactions: interactions as Verbs["interactions"] };
  const { edge, asked, guild } = await stage(t, { connected: false, verbs });
  technical = guild.inspect.channelId("technical");
  assert.deepEqual(await edge.perform.interaction(OLD), { kind: "done", outcome: "delegated orch-1" });
  assert.deepEqual(await edge.perform.interaction(OLD), { kind: "done", outcome: "answered" });
  assert.equal(asked.length, 1);
  assert.deepEqual(done, ["77 delegated orch-1"]);
  // The guild does not know this interaction, so the answer is in the channel.
  const [answer, ...more] = guild.inspect.messages("technical");
  assert.match(answer?.content ?? "", /\*\*ada\*\* asked: Asked \*\*webster\*\*/);
  assert.equal(more.length, 0);
});
