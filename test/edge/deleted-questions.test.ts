import assert from "node:assert/strict";
import test from "node:test";
import { PERMISSIONS } from "../../src/discord/client.ts";
import type { Delivery } from "../../src/domain/effects.ts";
import type { RunView } from "../../src/domain/run-view.ts";
import { ATOMIZER_HQ, P } from "../../src/local/seed.ts";
import { gateStep, runWith, stepWith } from "../discord/run-fixture.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { hq } from "./cli-harness.ts";
import { createBell, postOf } from "./discord-fixture.ts";
import { type Message, personAt, shown, startFor } from "./discord-person.ts";
import { startWithRuns } from "./discord-runs.ts";
import { FAILING, PAIR, withWorkflows } from "./own-workflows.ts";

type Person = ReturnType<typeof personAt>;

const isGate = (message: Message) => /Approval needed/.test(shown(message));
const buttonIn = (message: Message | undefined, action: string) =>
  new RegExp(`d1:${action}:[^"]+`).exec(JSON.stringify(message?.components))?.[0] ?? "";

async function gateIn(person: Person, part: number): Promise<Message> {
  const mark = part === 0 ? /gate-sign-off~1$/ : new RegExp(`gate-sign-off~1 \\(${part + 1}\\)$`);
  const fits = (message: Message) => isGate(message) && mark.test(shown(message).trimEnd());
  const found = (await person.until("technical", (all) => all.some(fits))).filter(isGate);
  assert.equal(found.length, 1, found.map(shown).join("\n---\n"));
  return found[0] as Message;
}

/** What Discord's page does when a person with Manage Messages chooses Delete message. */
async function remove(guild: string, message: string, as = "you"): Promise<void> {
  const gone = await fetch(`${guild}/local/messages/${message}?as=${as}`, { method: "DELETE" });
  assert.equal(gone.status, 204);
}

test("a waiting gate that somebody deletes is there again at once, with its ping, and decides the run", async (t) => {
  using home = temporaryFolder();
  const supervisor = await startFor(t, home.path, { HQ_CONFIG: withWorkflows(home.path, PAIR, FAILING) });
  const person = personAt(supervisor);
  await person.command("workflow run", { name: "pair" });
  const first = await gateIn(person, 0);
  await remove(supervisor.ready.guild ?? "", first.id);
  const anew = await gateIn(person, 1);
  await person.act("components", {
    as: "ada",
    message: anew.id,
    custom_id: buttonIn(anew, "approve"),
    wait: true,
  });
  await person.until("results", (all) => all.some((one) => /pair · done in/.test(shown(one))));
  const gates = (await person.messages("technical")).filter((one) => /· pair \/ sign-off/.test(shown(one)));
  assert.equal(gates.length, 1);
  assert.match(shown(gates[0]), /✅ Approved/);
});

for (const point of ["deletion:heard", "deletion:recorded", "card:claimed", "card:sent", "card:recorded"]) {
  test(`a waiting gate that was deleted, killed at ${point}, is there again once`, async (t) => {
    using home = temporaryFolder();
    const HQ_CONFIG = withWorkflows(home.path, PAIR, FAILING);
    const first = await startFor(t, home.path, { HQ_CONFIG });
    await personAt(first).command("workflow run", { name: "pair" });
    await gateIn(personAt(first), 0);
    await first.stop();
    // Nothing but the deletion passes these points in this life.
    const second = await startFor(t, home.path, { HQ_CONFIG, HQ_CRASH_AT: point });
    const gate = await gateIn(personAt(second), 0);
    await remove(second.ready.guild ?? "", gate.id).catch(() => undefined);
    assert.deepEqual(await second.exited, [null, "SIGKILL"]);
    const person = personAt(await startFor(t, home.path, { HQ_CONFIG }));
    await gateIn(person, 1);
  });
}

test("whoever keeps deleting a waiting gate sees it again three times; then #agent-logs says so, once", async (t) => {
  using home = temporaryFolder();
  const supervisor = await startFor(t, home.path, { HQ_CONFIG: withWorkflows(home.path, PAIR, FAILING) });
  const person = personAt(supervisor);
  const guild = supervisor.ready.guild ?? "";
  await person.command("workflow run", { name: "pair" });
  for (let part = 0; part <= 3; part++) await remove(guild, (await gateIn(person, part)).id);
  const isTold = (one: Message) => /deleted 4 times/.test(shown(one));
  const lines = (await person.until("agent-logs", (all) => all.some(isTold))).filter(isTold);
  assert.equal(lines.length, 1);
  const run = /wf-pair-\w+/.exec(shown(lines[0]))?.[0] ?? "";
  assert.match(shown(lines[0]), /pair[\s\S]*sign-off[\s\S]*`\/workflow approve`/);
  assert.deepEqual((await person.messages("technical")).filter(isGate), []);
  const answer = await person.command("workflow approve", { run }, { as: "ada" });
  assert.match(shown(answer.message), /Approved \*\*pair/);
  await person.until("results", (all) => all.some((one) => /pair · done in/.test(shown(one))));
});

test("the question after too many failures that somebody deletes is asked again, and the audit misses nothing", async (t) => {
  using home = temporaryFolder();
  const supervisor = await startFor(t, home.path, { HQ_CONFIG: withWorkflows(home.path, PAIR, FAILING) });
  const person = personAt(supervisor);
  await person.command("workflow run", { name: "failing" });
  const asksAs = (mark: RegExp) => async () => {
    const isIt = (one: Message) => /stopped after 2 failures/.test(shown(one)) && mark.test(shown(one));
    const found = (await person.until("technical", (all) => all.some(isIt))).filter(isIt);
    assert.equal(found.length, 1);
    return found[0] as Message;
  };
  const first = await asksAs(/\/ask-1$/)();
  await remove(supervisor.ready.guild ?? "", first.id);
  const anew = await asksAs(/\/ask-1~2$/)();
  const { out, code } = await hq(["audit", "--prove", "--json"], { env: { HQ_HOME: home.path } });
  assert.equal(code, 0, out);
  const custom_id = buttonIn(anew, "accept");
  const answer = await person.act("components", { as: "you", message: anew.id, custom_id, wait: true });
  assert.match(shown(answer.message), /ends with what there is/);
});

const RUN = "wf-design-review-1";
const GATE = { step: "sign-off", generation: 1 };
const waiting = (more: Partial<RunView> = {}) =>
  runWith("running", [gateStep("open")], { waiting: "gate", ...more });
const STOPPED = runWith("running", [stepWith("a", "failed")], {
  waiting: "answer",
  stopped: { failures: 3, at: 0 },
});

/** The edge with a question of a run in #technical; `gone` is what it noted as deleted. */
async function startAsking(t: Parameters<typeof startWithRuns>[0], view: RunView) {
  const bell = createBell();
  const bot = { permissions: BigInt(PERMISSIONS) | P.ManageMessages };
  const stage = await startWithRuns(t, [], { guild: { seed: { ...ATOMIZER_HQ, bot } } });
  const { ledger, guild } = stage;
  ledger.onRecord = () => bell.ring();
  const origin = { door: "discord", channel: guild.inspect.channelId("technical") } as const;
  const show = (shown: RunView) => stage.show({ ...shown, origin });
  show(view);
  const latest = () => guild.inspect.messages("technical").at(-1)?.id ?? "";
  const gone = () => ledger.inputs.filter((input) => input.type === "gone");
  const gate = async (run = RUN) => {
    await stage.showGate(run, GATE);
    return latest();
  };
  return { ...stage, show, bell, gone, gate, latest };
}

test("what was deleted while nobody was connected is found at the next connection", async (t) => {
  const { edge, guild, gone, bell, gate } = await startAsking(t, waiting());
  const message = await gate();
  await edge.leave();
  await remove(guild.url, message);
  await edge.start();
  await bell.until(() => gone().length > 0);
  assert.deepEqual(
    gone().map(({ delivery, question }) => [delivery.id, question]),
    [[`${RUN}/gate-sign-off~1`, { type: "card", run: RUN, to: { role: "approvals" }, gate: GATE }]],
  );
});

test("a look that Discord does not answer takes nothing for deleted, and is made again", async (t) => {
  const { edge, guild, gone, bell, gate, logs, ledger } = await startAsking(t, waiting());
  const message = await gate();
  await edge.leave();
  await remove(guild.url, message);
  guild.faults.add({ kind: "status", status: 500, method: "GET", path: `/messages/${message}`, times: 99 });
  await edge.start();
  ledger.onLog = () => bell.ring();
  await bell.until(() => logs.some(({ message: said }) => /not all questions .* looked for/.test(said)));
  assert.deepEqual(gone(), []);
  guild.faults.clear();
  edge.reconcile();
  await bell.until(() => gone().length > 0);
});

test("a bulk deletion is heard too; of a gate that was decided, and of other messages, nothing follows", async (t) => {
  const { guild, gone, bell, gate, show, act, showGate, latest } = await startAsking(t, waiting());
  const message = await gate();
  const other = await act<{ id: string }>("messages", { as: "you", channel: "technical", content: "hello" });
  const channel = guild.inspect.channelId("technical");
  const bulk = await fetch(`${guild.restApi}/v10/channels/${channel}/messages/bulk-delete`, {
    method: "POST",
    headers: { authorization: "Bot x", "content-type": "application/json" },
    body: JSON.stringify({ messages: [message, other.id] }),
  });
  assert.equal(bulk.status, 204);
  await bell.until(() => gone().length > 0);
  await showGate(RUN, GATE);
  const second = latest();
  show({ ...waiting(), steps: [gateStep("approved")] });
  await remove(guild.url, second);
  show(waiting({ id: "wf-2" }));
  await remove(guild.url, await gate("wf-2"));
  await bell.until(() => gone().length > 1);
  assert.deepEqual(
    gone().map(({ message: deleted, question }) => [
      deleted === message,
      question.type === "card" && question.run,
    ]),
    [
      [true, RUN],
      [false, "wf-2"],
    ],
  );
});

test("a message that a bot deletes before its receipt is kept is missed all the same", async (t) => {
  const { guild, gone, bell, gate, ledger } = await startAsking(t, waiting());
  let isHeard = false;
  ledger.onAsked = () => {
    isHeard = true;
    bell.ring();
  };
  ledger.beforeRecord = async (input) => {
    if (input.type !== "part-posted") return;
    await remove(guild.url, input.receipt.message);
    await bell.until(() => isHeard);
  };
  await gate();
  await bell.until(() => gone().length > 0);
  assert.equal(gone().length, 1);
});

test("the question after too many failures is missed as long as it waits, and only the latest one", async (t) => {
  const { edge, guild, gone, bell, latest } = await startAsking(t, STOPPED);
  const ask = (count: number): Delivery => ({
    id: `${RUN}/ask-${count}`,
    kind: "ask",
    to: { channel: "technical" },
    subject: RUN,
  });
  const messages: string[] = [];
  for (const count of [1, 2]) {
    await edge.perform.post(postOf(ask(count)));
    messages.push(latest());
  }
  const [first = "", second = ""] = messages;
  await remove(guild.url, first);
  await remove(guild.url, second);
  await bell.until(() => gone().length > 0);
  assert.deepEqual(
    gone().map(({ message, question }) => [message, question]),
    [
      [
        second,
        { type: "post", delivery: { ...ask(2), to: { channel: guild.inspect.channelId("technical") } } },
      ],
    ],
  );
  // Also when nobody heard it.
  await edge.perform.post(postOf(ask(3)));
  const third = latest();
  await edge.leave();
  await remove(guild.url, third);
  await edge.start();
  await bell.until(() => gone().length > 1);
  assert.equal(gone().at(-1)?.message, third);
});
