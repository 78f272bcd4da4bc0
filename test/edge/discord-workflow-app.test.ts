import assert from "node:assert/strict";
import test from "node:test";
import { temporaryFolder } from "../support/supervisor.ts";
import { type Interaction, type Message, personAt, shown, startFor } from "./discord-person.ts";
import { PAIR, withWorkflows } from "./own-workflows.ts";

type Person = ReturnType<typeof personAt>;

const buttonIn = (message: Message | undefined, action: string) =>
  new RegExp(`d1:${action}:[^"]+`).exec(JSON.stringify(message?.components))?.[0] ?? "";
const isGate = (message: Message) => /Approval needed/.test(shown(message));

/** Starts design-review and waits until its gate is shown in the channel. */
async function toTheGate(person: Person): Promise<Message> {
  const form = await person.command("workflow run", { name: "design-review" });
  assert.equal(form.state, "modal");
  await handIn(person, form, { design: "The M2 cell" });
  const gate = (await person.until("technical", (messages) => messages.some(isGate))).find(isGate);
  assert.ok(gate);
  return gate;
}

function handIn(person: Person, form: Interaction, fields: object): Promise<Interaction> {
  return person.act("modals", { interaction: form.id, fields, wait: true });
}

function click(person: Person, message: Message, action: string, as: string): Promise<Interaction> {
  const body = { as, message: message.id, custom_id: buttonIn(message, action), wait: true };
  return person.act("components", body);
}

async function once(person: Person, channel: string, text: RegExp): Promise<Message> {
  const fits = (messages: readonly Message[]) => messages.some((one) => text.test(shown(one)));
  const found = (await person.until(channel, fits)).filter((one) => text.test(shown(one)));
  assert.equal(found.length, 1, `${channel}: ${found.map(shown).join("\n---\n")}`);
  return found[0] as Message;
}

test("two approvers click twice each at once: one decision, one result, and the message says who", async (t) => {
  using home = temporaryFolder();
  const config = withWorkflows(home.path, PAIR);
  const person = personAt(await startFor(t, home.path, { HQ_CONFIG: config }));
  const started = await person.command("workflow run", { name: "pair" });
  assert.match(shown(started.message), /Started \*\*pair\*\*/);
  const gate = (await person.until("technical", (messages) => messages.some(isGate))).find(isGate);
  assert.ok(gate);
  const answers = await Promise.all(
    ["ada", "you", "ada", "you"].map((as) => click(person, gate, "approve", as)),
  );
  const texts = answers.map(({ message }) => shown(message));
  assert.equal(texts.filter((text) => /Approved \*\*pair/.test(text)).length, 1, texts.join("\n"));
  assert.equal(
    texts.filter((text) => /already approved by @(ada|you)/.test(text)).length,
    3,
    texts.join("\n"),
  );
  await once(person, "results", /pair · done in/);
  await once(person, "technical", /✅ Approved · pair[\s\S]*By @(ada|you)/);
});

test("a run that was begun in Discord is decided in Discord and over REST at once: one decision, and the run goes on", async (t) => {
  using home = temporaryFolder();
  const supervisor = await startFor(t, home.path, { HQ_CONFIG: withWorkflows(home.path, PAIR) });
  const person = personAt(supervisor);
  const started = await person.command("workflow run", { name: "pair" });
  const run = /wf-pair-\w+/.exec(JSON.stringify(started.message))?.[0] ?? "";
  const gate = (await person.until("technical", (messages) => messages.some(isGate))).find(isGate);
  assert.ok(gate);
  const overRest = () => supervisor.call("POST", `/runs/${run}/steps/sign-off/approve`, {});
  const [clicked, ...asked] = await Promise.all([
    click(person, gate, "approve", "ada"),
    overRest(),
    overRest(),
  ]);
  await once(person, "results", /pair · done in/);
  const { body } = await supervisor.call("GET", `/runs/${run}/history`);
  const decided = body.items.filter(({ type }: { type: string }) => type === "gate.decided");
  assert.equal(decided.length, 1);
  const by = decided[0].actor as string;
  assert.match(by, /^(operator|@ada)$/);
  if (by === "operator") assert.match(shown(clicked.message), /already approved by operator/);
  else
    for (const { status, body: told } of asked)
      assert.deepEqual([status, /@ada/.test(JSON.stringify(told))], [409, true]);
  await once(person, "technical", new RegExp(`✅ Approved · pair[\\s\\S]*By ${by}`));
  const children = body.items.filter(({ type }: { type: string }) => type === "child.started");
  assert.equal(children.length, 1);
});

test("killed between the decision and its answer, the run goes on once and the message says who decided", async (t) => {
  using home = temporaryFolder();
  const first = await startFor(t, home.path, { HQ_CRASH_AT: "interaction:acknowledged#2" });
  const gate = await toTheGate(personAt(first));
  // The first acknowledgment was the form's; this one is Ada's click.
  await click(personAt(first), gate, "approve", "ada").catch(() => undefined);
  assert.deepEqual(await first.exited, [null, "SIGKILL"]);
  const person = personAt(await startFor(t, home.path));
  await once(person, "technical", /✅ Approved · design-review[\s\S]*By @ada/);
  await once(person, "technical", /\*\*ada\*\* asked: Approved \*\*design-review/);
  await once(person, "results", /design-review · done in/);
  await once(person, "technical", /design-review · done in/);
});

for (const point of ["card:recorded#2", "card:sent#3"]) {
  test(`killed at ${point}, while card and gate are posted, each is there once and the gate can be decided`, async (t) => {
    using home = temporaryFolder();
    const first = await startFor(t, home.path, { HQ_CRASH_AT: point });
    const early = personAt(first);
    const form = await early.command("workflow run", { name: "design-review" });
    await handIn(early, form, { design: "The M2 cell" }).catch(() => undefined);
    assert.deepEqual(await first.exited, [null, "SIGKILL"]);
    const person = personAt(await startFor(t, home.path));
    const gate = await once(person, "technical", /Approval needed/);
    const run = /wf-design-review-\w+/.exec(shown(gate))?.[0];
    const answer = await person.command("workflow reject", { run, reason: "Too early" }, { as: "ada" });
    assert.match(shown(answer.message), /Rejected \*\*design-review \/ sign-off/);
    await once(person, "technical", /❌ Rejected[\s\S]*Too early/);
    await once(person, "results", /design-review · failed/);
    await once(person, "technical", /### design-review · /);
  });
}

for (const point of ["interaction:acknowledged#3", "card:recorded#3"]) {
  test(`Restart run, killed at ${point}: the new run is there once, and who clicked is told`, async (t) => {
    using home = temporaryFolder();
    const HQ_CONFIG = withWorkflows(home.path, PAIR);
    const first = await startFor(t, home.path, { HQ_CONFIG, HQ_CRASH_AT: point });
    const early = personAt(first);
    const started = await early.command("workflow run", { name: "pair" });
    const run = /wf-pair-\w+/.exec(JSON.stringify(started.message))?.[0];
    await once(early, "technical", /Approval needed/);
    await early.command("workflow reject", { run, reason: "Too early" }, { as: "ada" });
    const card = await once(early, "technical", /^### pair · failed/);
    await click(early, card, "restart", "ada").catch(() => undefined);
    assert.deepEqual(await first.exited, [null, "SIGKILL"]);
    const { port } = new URL(first.ready.guild ?? "");
    const person = personAt(await startFor(t, home.path, { HQ_CONFIG, HQ_GUILD_PORT: port }));
    const told = await once(person, "technical", /\*\*ada\*\* asked: Started \*\*pair\*\*/);
    const again = /wf-pair-\w+/.exec(shown(told))?.[0] ?? "";
    assert.notEqual(again, run);
    const gate = await once(person, "technical", /Approval needed[\s\S]*asked by @ada/);
    assert.match(shown(gate), new RegExp(again));
    const twice = await Promise.all([
      click(person, card, "restart", "ada"),
      click(person, card, "restart", "ada"),
    ]);
    for (const answer of twice) assert.ok(shown(answer.message).includes(again), "it still runs");
    await click(person, gate, "approve", "you");
    assert.match(shown(await once(person, "results", /pair · done in/)), new RegExp(again));
  });
}

/** A step fails, and people are asked while others are to come. */
const STOPPING = `
name: stopping
description: One fails, and people are asked what shall be done.
limits: { max_failures: 1 }
steps:
  one: { agent: webster, task: "[fail]", retry: { max_attempts: 1 } }
  two: { agent: secretary, task: "[slow 10m]" }
  three: { needs: [two], agent: secretary, task: "Sum up." }
`;

test("what somebody else had retried since is not retried once more, by the button or by the form, and who has other words is told so", async (t) => {
  using home = temporaryFolder();
  const supervisor = await startFor(t, home.path, { HQ_CONFIG: withWorkflows(home.path, STOPPING) });
  const person = personAt(supervisor);
  await person.command("workflow run", { name: "stopping" }, { as: "ada" });
  const asks = (messages: readonly Message[]) => messages.filter((one) => /stopped after 1/.test(shown(one)));
  const asked = async (times: number) => {
    const last = asks(await person.until("technical", (all) => asks(all).length === times)).at(-1);
    assert.ok(last);
    return last;
  };
  const first = await asked(1);
  const run = /wf-stopping-\w+/.exec(JSON.stringify(first.components))?.[0] ?? "";
  const resumed = async () => {
    const { body } = await supervisor.call("GET", `/runs/${run}/history`);
    return body.items.filter(({ type }: { type: string }) => type === "run.resumed").length;
  };
  const once = /what failed is done once more/;
  const form = await click(person, first, "adjust", "you");
  assert.match(shown((await click(person, first, "retry", "ada")).message), once);
  const second = await asked(2);
  assert.match(shown((await click(person, first, "retry", "you")).message), once);
  assert.equal(await resumed(), 1, "it failed again, and nobody asked for more");
  const words = { one: "[fail] slowly" };
  const meanwhile = /not as you saw it: meanwhile @ada .*asked for a retry/;
  assert.match(shown((await handIn(person, form, words)).message), meanwhile);
  assert.equal(await resumed(), 1);

  const forms = [await click(person, second, "adjust", "you"), await click(person, second, "adjust", "you")];
  for (const one of forms) {
    assert.match(shown((await handIn(person, one, words)).message), /once more, 1 with another task/);
    await asked(3);
  }
  assert.equal(await resumed(), 2, "the same words once");
});

const SIX = `
name: six
description: Six inputs.
inputs:
${["a", "b", "c", "d", "e", "f"].map((name) => `  ${name}: { type: string, required: true, max_length: 50 }`).join("\n")}
steps:
  note:
    agent: secretary
    task: "Note: \${{ inputs.a }} and \${{ inputs.f }}."
`;

test("what was written into the first form is there after kill -9, and the second form starts the run", async (t) => {
  using home = temporaryFolder();
  const HQ_CONFIG = withWorkflows(home.path, SIX);
  const first = await startFor(t, home.path, { HQ_CONFIG });
  const early = personAt(first);
  const form = await early.command("workflow run", { name: "six" });
  const fields = { a: "alpha", b: "b", c: "c", d: "d", e: "e" };
  const answer = await handIn(early, form, fields);
  assert.match(shown(answer.message), /1 of 2 forms/);
  first.child.kill("SIGKILL");
  await first.exited;
  const { port } = new URL(first.ready.guild ?? "");
  const person = personAt(await startFor(t, home.path, { HQ_CONFIG, HQ_GUILD_PORT: port }));
  assert.ok(answer.message);
  const second = await click(person, answer.message, "fill", "you");
  assert.equal(second.state, "modal");
  const started = await handIn(person, second, { f: "omega" });
  assert.match(shown(started.message), /Started \*\*six\*\*/);
  const result = await once(person, "results", /six · done in/);
  assert.match(JSON.stringify(result), /alpha|omega|six/);
  const status = await person.command("workflow status", {
    run: /wf-six-\w+/.exec(shown(started.message))?.[0],
  });
  assert.match(shown(status.message), /`a` alpha\n`b` b[\s\S]*`f` omega/);
});
