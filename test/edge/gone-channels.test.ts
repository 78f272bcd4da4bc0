import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { beginWithGuild } from "../faults/discord-world.ts";
import type { Supervisor } from "../support/supervisor.ts";
import { TOKEN } from "./discord-fixture.ts";
import { type Message, type personAt, shown } from "./discord-person.ts";
import { outlivingGuild } from "./outliving-guild.ts";
import { FAILING, PAIR } from "./own-workflows.ts";
import { propose } from "./propose.ts";

/** Its result is for a channel of its own, and somebody is asked before. */
const TOLD = `
name: told
description: Its result is for a channel of its own.
steps:
  sign-off:
    approval: { prompt: "Go on?", approvers: [role:Engineering], timeout: 1h }
  after:
    needs: [sign-off]
    agent: secretary
    task: "Take a note."
output: { step: after, channel: reports }
`;

/** Such a guild with roles that stay as they are given. */
async function startIn(t: TestContext, roles: Readonly<Record<string, string>>) {
  const { guild, home, start } = await outlivingGuild(t, PAIR, FAILING, TOLD);
  return { guild, home, start: (more: Record<string, string> = {}) => start(roles, more) };
}

const isGate = (message: Message) => /Approval needed/.test(shown(message));
const buttonIn = (message: Message | undefined, action: string) =>
  new RegExp(`d1:${action}:[^"]+`).exec(JSON.stringify(message?.components))?.[0] ?? "";

type Person = ReturnType<typeof personAt>;
async function gateIn(person: Person, channel: string): Promise<Message> {
  const [gate] = (await person.until(channel, (all) => all.some(isGate))).filter(isGate);
  assert.ok(gate);
  return gate;
}

/** What people see may not be in the ledger yet. */
async function recorded({ call }: Supervisor, gate: Message): Promise<void> {
  for (;;) {
    const { body } = await call("GET", `/runs/${runOf(gate)}/receipts`);
    if ((body.items as { message: string }[]).some(({ message }) => message === gate.id)) return;
  }
}

async function approved(person: Person, gate: Message, channel: string): Promise<void> {
  const custom_id = buttonIn(gate, "approve");
  await person.act("components", { as: "ada", message: gate.id, custom_id, wait: true });
  await person.until("results", (all) => all.some((one) => /pair · done in/.test(shown(one))));
  const gates = (await person.messages(channel)).filter((one) => /pair \/ sign-off/.test(shown(one)));
  assert.equal(gates.length, 1);
  assert.match(shown(gates[0]), /✅ Approved/);
}

test("a gate whose channel is deleted is asked again at once where people can see it, and decides the run", async (t) => {
  const { guild, start } = await startIn(t, {
    results: "results",
    agentLogs: "agent-logs",
    approvals: "technical",
  });
  const { person } = await start();
  await person.command("workflow run", { name: "pair" }, { channel: "task-queue" });
  await gateIn(person, "technical");
  guild.channels.remove("technical");
  const anew = await gateIn(person, "task-queue");
  assert.match(shown(anew).trimEnd(), /gate-sign-off~1 \(2\)$/);
  await approved(person, anew, "task-queue");
});

test("a channel that was deleted while nobody was connected, or before a kill, is noticed at the next connection", async (t) => {
  const { guild, start } = await startIn(t, {
    results: "results",
    agentLogs: "agent-logs",
    approvals: "technical",
  });
  const first = await start();
  await first.person.command("workflow run", { name: "pair" }, { channel: "task-queue" });
  await recorded(first.supervisor, await gateIn(first.person, "technical"));
  first.supervisor.child.kill("SIGKILL");
  await first.supervisor.exited;
  guild.channels.remove("technical");
  const second = await start({ HQ_CRASH_AT: "deletion:recorded" });
  assert.deepEqual(await second.supervisor.exited, [null, "SIGKILL"]);
  const { person } = await start();
  await approved(person, await gateIn(person, "task-queue"), "task-queue");
});

test("a gate whose channel was deleted after a kill that came before its receipt is asked where people can see it", async (t) => {
  const { guild, start } = await startIn(t, {
    results: "results",
    agentLogs: "agent-logs",
    approvals: "technical",
  });
  // The run's own card is the first.
  const first = await start({ HQ_CRASH_AT: "card:sent#2" });
  void first.person.command("workflow run", { name: "pair" }, { channel: "task-queue" }).catch(() => {});
  await gateIn(first.person, "technical");
  assert.deepEqual(await first.supervisor.exited, [null, "SIGKILL"]);
  guild.channels.remove("technical");
  const { person } = await start();
  await approved(person, await gateIn(person, "task-queue"), "task-queue");
});

for (const how of ["alone", "with its channel"]) {
  test(`a gate in a thread that is deleted ${how} is asked in #results, where nobody named a channel for approvals`, async (t) => {
    const { guild, start } = await startIn(t, { results: "results", agentLogs: "agent-logs" });
    const { person } = await start();
    const api = `${guild.restApi}/v10`;
    const headers = { authorization: `Bot ${TOKEN}`, "content-type": "application/json" };
    const begun = await fetch(`${api}/channels/${guild.inspect.channelId("technical")}/threads`, {
      method: "POST",
      headers,
      body: JSON.stringify({ name: "aside", type: 11 }),
    });
    const { id } = (await begun.json()) as { id: string };
    await person.command("workflow run", { name: "pair" }, { channel: id });
    await gateIn(person, id);
    if (how === "alone") {
      const gone = await fetch(`${api}/channels/${id}`, { method: "DELETE", headers });
      assert.equal(gone.status, 200);
    } else guild.channels.remove("technical");
    await approved(person, await gateIn(person, "results"), "results");
  });
}

test("a gate that can be shown nowhere is told in #agent-logs and by status, and asked as soon as there is a channel", async (t) => {
  const { guild, start } = await startIn(t, {
    results: "finished",
    agentLogs: "agent-logs",
    approvals: "sign-offs",
  });
  const { person, supervisor } = await start();
  await person.command("workflow run", { name: "pair" });
  await gateIn(person, "technical");
  guild.channels.remove("technical");
  const isTold = (one: Message) => /waits for people, and the guild has no channel/.test(one.content);
  const told = (await person.until("agent-logs", (all) => all.some(isTold))).filter(isTold);
  assert.match(told[0]?.content ?? "", /wf-pair-\w+ .*gate-sign-off.*`\/workflow approve`/);
  const { body: health } = await supervisor.call("GET", "/health/ready");
  const posts = (health.checks as { name: string; ok: boolean; text: string }[]).find(
    ({ name }) => name === "posts",
  );
  assert.match(posts?.text ?? "", /^1 question waits for people and can be shown nowhere: .*gate-sign-off~1/);
  guild.channels.add("sign-offs");
  const anew = await gateIn(person, "sign-offs");
  guild.channels.add("finished");
  const custom_id = buttonIn(anew, "approve");
  await person.act("components", {
    as: "ada",
    channel: "sign-offs",
    message: anew.id,
    custom_id,
    wait: true,
  });
  await person.until("sign-offs", (all) => all.some((one) => /✅ Approved/.test(shown(one))));
  const { body: after } = await supervisor.call("GET", "/health/ready");
  const stillUnasked = (after.checks as { text: string }[]).filter(({ text }) => /shown nowhere/.test(text));
  assert.deepEqual(stillUnasked, []);
  assert.equal((await person.messages("agent-logs")).filter(isTold).length, 1);
});

test("the question after too many failures follows to the channel for approvals, and its answer ends the run", async (t) => {
  const { guild, start } = await startIn(t, {
    results: "results",
    agentLogs: "agent-logs",
    approvals: "task-queue",
  });
  const { person } = await start();
  await person.command("workflow run", { name: "failing" });
  const isAsked = (one: Message) => /stopped after 2 failures/.test(shown(one));
  await person.until("technical", (all) => all.some(isAsked));
  guild.channels.remove("technical");
  const [anew] = (await person.until("task-queue", (all) => all.some(isAsked))).filter(isAsked);
  const custom_id = buttonIn(anew, "accept");
  const answer = await person.act("components", {
    channel: "task-queue",
    message: anew?.id,
    custom_id,
    wait: true,
  });
  assert.match(shown(answer.message), /ends with what there is/);
});

const resultIn = (run: string) => (one: Message) => shown(one).trimEnd().endsWith(`${run}/result`);

/** The run whose gate this is. */
const runOf = (gate: Message) => /(wf-\w+-\w+)\/gate-/.exec(shown(gate))?.[1] ?? "";

// The line of the step is the first post, the result of the run the next.
for (const point of [undefined, "post:claimed#2", "post:sent#2", "post:recorded#2"]) {
  const name = point === undefined ? "" : `, killed at ${point},`;
  test(`the result of a run whose own channel and card are deleted under way${name} is in #results once`, async (t) => {
    const { guild, start } = await startIn(t, { results: "results", approvals: "task-queue" });
    const first = await start();
    await first.person.command("workflow run", { name: "told" });
    const gate = await gateIn(first.person, "task-queue");
    const run = runOf(gate);
    guild.channels.remove("technical");
    guild.channels.remove("reports");
    if (point !== undefined) await first.supervisor.stop();
    const second = point === undefined ? first : await start({ HQ_CRASH_AT: point });
    const pressed = { as: "ada", channel: "task-queue", message: gate.id, wait: point === undefined };
    await second.person.act("components", { ...pressed, custom_id: buttonIn(gate, "approve") });
    if (point !== undefined) assert.deepEqual(await second.supervisor.exited, [null, "SIGKILL"]);
    const { person, supervisor } = point === undefined ? second : await start();
    await supervisor.call("GET", `/runs/${run}?wait=30s`);
    const results = await person.until("results", (all) => all.some(resultIn(run)));
    assert.equal(results.filter(resultIn(run)).length, 1);
    await person.until("agent-logs", (all) => all.some((one) => shown(one).includes(`${run}/log`)));
    const { body: health } = await supervisor.call("GET", "/health/ready");
    assert.ok(!(health.checks as { name: string }[]).some(({ name: check }) => check === "posts"));
  });
}

test("log lines whose channel is deleted are told by status at once, and posted once when there is one again", async (t) => {
  const { clock, app, guild, seenOnce } = await beginWithGuild(t);
  type Check = { readonly name: string; readonly text: string };
  const isTold = ({ name, text }: Check) =>
    name === "posts" &&
    text.startsWith("1 post waits: the guild has no channel for the logical channel agentLogs");
  guild.channels.remove("agent-logs");
  const id = await app.ask({ objective: "Find it." });
  await app.settled(id);
  await seenOnce("results", "result", [id]);
  await app.poll("/health/ready", ({ checks }) => checks.some(isTold));
  guild.channels.add("agent-logs");
  clock.pass(5 * 60_000);
  // Whatever is committed rings for what is due.
  await app.settled(await app.ask({ agent: "tech-lead", deliver: false }));
  await seenOnce("agent-logs", "log", [id]);
  await app.poll("/health/ready", ({ checks }) => checks.every(({ name }: Check) => name !== "posts"));
});

test("tasks of a queue's channel that is deleted are withdrawn, and the channel that takes its place is read", async (t) => {
  const { guild, start } = await startIn(t, { results: "results", taskQueue: "task-queue" });
  const { person, supervisor } = await start();
  const said = await person.act("messages", {
    channel: "task-queue",
    content: "[agent:nobody] takes this one",
  });
  await person.until("task-queue", (all) => all.some((one) => /nobody/.test(shown(one)) && one.author.bot));
  guild.channels.remove("task-queue");
  guild.channels.add("task-queue");
  const anew = await person.act("messages", {
    channel: "task-queue",
    content: "[agent:secretary] Take a note.",
  });
  await person.until("results", (all) => all.some((one) => shown(one).includes(`task-${anew.id}`)));
  const read = await supervisor.call("POST", "/tasks/trigger");
  assert.equal(read.status, 200, JSON.stringify(read.body));
  const { body: task } = await supervisor.call("GET", `/tasks/task-${said.id}`);
  assert.equal(task.status, "withdrawn");
});

test("proposals whose channel is deleted are there once where results go, also after a kill, and are decided there", async (t) => {
  const { guild, start } = await startIn(t, { results: "results", approvals: "technical" });
  const first = await start();
  await propose(first.supervisor);
  const isProposal = (one: Message) => /work-mend\/proposals-\d+/.test(shown(one));
  await first.person.until("technical", (all) => all.some(isProposal));
  await first.supervisor.stop();
  // Nothing but the deletion passes this point in this life.
  const second = await start({ HQ_CRASH_AT: "deletion:heard" });
  guild.channels.remove("technical");
  assert.deepEqual(await second.supervisor.exited, [null, "SIGKILL"]);
  const { person } = await start();
  const found = (await person.until("results", (all) => all.some(isProposal))).filter(isProposal);
  assert.equal(found.length, 1);
  const custom_id = buttonIn(found[0], "proposals-dismiss");
  await person.act("components", { channel: "results", message: found[0]?.id, custom_id, wait: true });
  const decided = await person.until("results", (all) =>
    all.some((one) => /Dismissed · mend/.test(shown(one))),
  );
  assert.equal(decided.filter(isProposal).length, 1);
});

for (const point of [undefined, "interaction:acknowledged"]) {
  const name = point === undefined ? "before it is answered" : "after a kill";
  test(`a /delegate whose channel is deleted ${name} is done once, and its result is in #results`, async (t) => {
    const { guild, start } = await startIn(t, { results: "results", agentLogs: "agent-logs" });
    const first = await start(point === undefined ? {} : { HQ_CRASH_AT: point });
    const hold = point === undefined ? guild.faults.hold({ method: "PATCH", path: "/webhooks/" }) : undefined;
    await first.person.command(
      "delegate",
      { agent: "secretary", objective: "Take a note." },
      { wait: false },
    );
    if (hold) await hold.arrived;
    else assert.deepEqual(await first.supervisor.exited, [null, "SIGKILL"]);
    guild.channels.remove("technical");
    hold?.release();
    const { person, supervisor } = hold ? first : await start();
    await person.until("results", (all) => all.some((one) => /secretary · done/.test(shown(one))));
    await person.until("agent-logs", (all) => all.some((one) => /secretary · done/.test(one.content)));
    const { body } = await supervisor.call("GET", "/delegations");
    assert.equal(body.items.length, 1);
    const results = await person.messages("results");
    assert.equal(results.filter((one) => resultIn(body.items[0].id)(one)).length, 1);
  });
}
