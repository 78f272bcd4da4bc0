import assert from "node:assert/strict";
import test from "node:test";
import { textsOf } from "../../src/discord/payload.ts";
import { createLocalGuild, type LocalGuild } from "../../src/local/local-guild.ts";
import { configWithEndpoint, setEndpoint } from "../support/endpoint.ts";
import { type Interaction, person } from "../support/guild.ts";
import { startSupervisor, temporaryFolder } from "../support/supervisor.ts";

const TOKEN = `${"M".repeat(24)}.Gabcde.${"x".repeat(38)}`;
const QUESTION = "Find the CTE of Zerodur Class 0 between 20 and 40 °C";
const SOON_MS = 60_000;

/** A guild that lives on while its supervisor is killed; it sends its interactions to the supervisor's address. */
async function world(t: test.TestContext) {
  const guild = await createLocalGuild({ port: 0, rates: false });
  await guild.start();
  t.after(guild.stop);
  const home = temporaryFolder();
  t.after(home.remove);
  const overGateway: string[] = [];
  guild.inspect.on((event) => {
    if (event.kind === "interaction-create") overGateway.push(event.interaction.id);
  });
  const start = async (more: Record<string, string> = {}) => {
    const supervisor = await startSupervisor(home.path, {
      DISCORD_TOKEN: TOKEN,
      GUILD_ID: guild.guildId,
      DISCORD_API: guild.restApi,
      HQ_AGENTS: "sample",
      HQ_CONFIG: configWithEndpoint(home.path),
      ...more,
    });
    t.after(async () => {
      if (supervisor.child.exitCode === null && supervisor.child.signalCode === null) await supervisor.stop();
    });
    await setEndpoint(guild.restApi, supervisor.ready.api);
    return supervisor;
  };
  return { guild, start, overGateway, you: person(guild) };
}

const wordsOf = (message: object | undefined) => (message ? textsOf(message).join("\n") : "");

/** The first message of a channel that fits, now or later. */
async function shown(guild: LocalGuild, channel: string, text: RegExp) {
  const find = () => guild.inspect.messages(channel).find((message) => text.test(wordsOf(message)));
  return find() ?? (await guild.inspect.next(() => find(), SOON_MS));
}

const buttonOf = (message: object, action: string) =>
  new RegExp(`d1:${action}:[^"]+`).exec(JSON.stringify(message))?.[0] ?? "";

test("commands, suggestions, forms, buttons and message commands come by HTTP, end to end", async (t) => {
  const { guild, start, overGateway, you } = await world(t);
  await start();

  const asked = await you.command("technical", "delegate", { agent: "webster", objective: QUESTION });
  assert.match(asked.message?.content ?? "", /Asked \*\*webster\*\*: https:\/\/discord\.com\/channels\//);
  assert.equal(asked.ephemeral, true);
  const result = await shown(guild, "results", /Zerodur[\s\S]*0 ± 0\.02 ppm\/K/);

  const { choices } = await you.must<{ choices: { value: string }[] }>("POST", "/local/autocomplete", {
    channel: "technical",
    name: "delegate",
    focused: "agent",
    options: { agent: "webs", objective: "x" },
  });
  assert.deepEqual(choices[0]?.value, "webster");

  const details = await you.press(result.id, buttonOf(result, "details"));
  assert.match(details.message?.content ?? "", /attempt 1: sent[\s\S]*Handoff: complete/);

  const form = await you.command("technical", "workflow run", { name: "design-review" });
  assert.equal(form.state, "modal");
  assert.match((await you.submit(form.id, { design: "The M2 cell" })).message?.content ?? "", /Started/);
  const gate = await shown(guild, "technical", /Approval needed/);
  const refused = await you.press(gate.id, buttonOf(gate, "approve"));
  assert.match(refused.message?.content ?? "", /may not decide/);
  const approved = await person(guild, "ada").press(gate.id, buttonOf(gate, "approve"));
  assert.match(approved.message?.content ?? "", /Approved \*\*design-review/);
  await shown(guild, "results", /design-review · done in/);

  const canceled = await you.command("technical", "cancel", { id: "orch-nonsense" });
  assert.match(canceled.message?.content ?? "", /There is no/);

  const said = await you.say("technical", "What is the density of ULE?");
  const menu = await you.must<Interaction>("POST", "/local/commands", {
    channel: "technical",
    name: "Delegate this message",
    target: said.id,
    wait: true,
  });
  assert.equal(menu.state, "replied");
  assert.deepEqual(overGateway, []);
});

test("a running delegation is canceled by the command and by the button, by HTTP", async (t) => {
  const { guild, start, overGateway, you } = await world(t);
  const supervisor = await start();
  const ask = () =>
    you.command("technical", "delegate", { agent: "webster", objective: `[slow 10m] ${QUESTION}` });
  await ask();
  const card = await shown(guild, "technical", /webster · running/);
  const pressed = await you.press(card.id, buttonOf(card, "cancel"));
  assert.match(pressed.message?.content ?? "", /[Cc]ancel/);
  await shown(guild, "technical", /webster · canceled/);
  await ask();
  const { body } = await supervisor.call("GET", "/delegations?open=true");
  const id = (body as { items: { id: string }[] }).items[0]?.id ?? "";
  const answer = await you.command("technical", "cancel", { id });
  assert.match(answer.message?.content ?? "", /[Cc]ancel/);
  const after = await supervisor.call("GET", `/delegations/${id}`);
  assert.equal((after.body as { status: string }).status, "canceled");
  assert.deepEqual(overGateway, []);
});

test("killed between the record and the answer: the person is told that it failed, and the work is done all the same", async (t) => {
  const { guild, start, you } = await world(t);
  const first = await start({ HQ_CRASH_AT: "interaction:recorded" });
  const failed = await you.command("technical", "delegate", { agent: "webster", objective: QUESTION });
  assert.equal(failed.state, "failed");
  assert.deepEqual(await first.exited, [null, "SIGKILL"]);
  await start();
  await shown(guild, "technical", /\*\*you\*\* asked: Asked \*\*webster\*\*/);
  await shown(guild, "results", /Zerodur/);
  await shown(guild, "technical", /webster · done in/);
  assert.equal(guild.inspect.messages("results").length, 1);
  assert.equal(guild.inspect.messages("technical").length, 2, "the card and the answer, once each");
});

test("killed after the answer: the next life edits the real answer in, and the work is done once", async (t) => {
  const { guild, start, you } = await world(t);
  const first = await start({ HQ_CRASH_AT: "interaction:answered" });
  const waiting = you.command(
    "technical",
    "delegate",
    { agent: "webster", objective: QUESTION },
    { wait_ms: SOON_MS },
  );
  assert.deepEqual(await first.exited, [null, "SIGKILL"]);
  await start();
  const answer = await waiting;
  assert.equal(answer.state, "replied");
  assert.match(answer.message?.content ?? "", /Asked \*\*webster\*\*/);
  await shown(guild, "results", /Zerodur/);
  await shown(guild, "technical", /webster · done in/);
  assert.equal(guild.inspect.messages("results").length, 1);
  assert.equal(guild.inspect.messages("technical").length, 1, "the card alone");
});

test("a delegation and a task are run again once, however long Discord takes the answers nowhere", async (t) => {
  const { guild, start, you } = await world(t);
  const supervisor = await start();
  await you.say("task-queue", `${QUESTION} [agent:webster]`);
  const result = await shown(guild, "results", /Zerodur/);
  const unanswered = { kind: "status", status: 503, times: 1000 } as const;
  guild.faults.add({ ...unanswered, method: "PATCH", path: "/webhooks/" });
  for (const channel of ["results", "technical"].map(guild.inspect.channelId))
    guild.faults.add({ ...unanswered, method: "POST", path: `/channels/${channel}/messages` });
  const task = (await supervisor.call("GET", "/tasks")).body.items[0].id as string;
  const answers = [
    you.press(result.id, buttonOf(result, "again"), { wait_ms: SOON_MS }),
    you.command("technical", "queue run-again", { task }, { wait_ms: SOON_MS }),
  ];
  const all = async () =>
    (await supervisor.call("GET", "/delegations")).body.items as { settledAt?: number }[];
  for (let isLater = false; !isLater; ) {
    const told = guild.faults.hold({ method: "PATCH", path: "/webhooks/" });
    await told.arrived;
    const made = await all();
    isLater = made.length > 2 && made.every(({ settledAt = Date.now() }) => Date.now() > settledAt + 11_000);
    if (isLater) guild.faults.clear();
    told.release();
  }
  const [again, queued] = (await Promise.all(answers)).map(({ message }) => message?.content ?? "");
  assert.match(again ?? "", /Asked \*\*webster\*\*/);
  assert.match(queued ?? "", /It is done once more: time 2/);
  assert.equal((await all()).length, 3);
});

test("a request that comes twice is carried out once, and its answer is one", async (t) => {
  const { guild, start, you } = await world(t);
  const supervisor = await start();
  guild.faults.addEvent({ kind: "duplicate-event", event: "INTERACTION_CREATE" });
  const asked = await you.command("technical", "delegate", { agent: "webster", objective: QUESTION });
  assert.match(asked.message?.content ?? "", /Asked \*\*webster\*\*/);
  await shown(guild, "results", /Zerodur/);
  const { body } = await supervisor.call("GET", "/delegations");
  assert.equal((body as { items: object[] }).items.length, 1);
});

test("the endpoint is off by default, and Discord does not take the address of a supervisor where it is off", async (t) => {
  const { guild, start, overGateway, you } = await world(t);
  await assert.rejects(start({ HQ_CONFIG: "" }), /could not be verified/);
  const asked = await you.command("technical", "help");
  assert.match(asked.message?.content ?? "", /Which pattern/);
  assert.equal(overGateway.length, 1);
  assert.equal(guild.inspect.sessions().length, 1);
});
