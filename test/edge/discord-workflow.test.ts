import assert from "node:assert/strict";
import test from "node:test";
import { customId, gateSubject, runSubject } from "../../src/discord/custom-id.ts";
import { actorName } from "../../src/domain/actor.ts";
import type { Config } from "../../src/domain/config.ts";
import type { Delivery } from "../../src/domain/effects.ts";
import type { RunView } from "../../src/domain/run-view.ts";
import type { StoredEvent } from "../../src/engine/ports/ledger.ts";
import { ATOMIZER_HQ, P } from "../../src/local/seed.ts";
import { gateStep, inputWith, runWith, stepWith, taskStep, workflowWith } from "../discord/run-fixture.ts";
import { viewWith } from "../discord/view-fixture.ts";
import { approvalOf, stepOf } from "../support/workflow.ts";
import { cardEffect, logOf, postOf, resultOf } from "./discord-fixture.ts";
import { fieldsOf, type Interaction, said, startWithRuns } from "./discord-runs.ts";

const RUN = "wf-design-review-1";
const GATE = { step: "sign-off", generation: 1 };
const steps = (gate: RunView["steps"][number]) => [
  stepWith("technical", "succeeded", { agent: "tech-lead", confidence: "high", result: "Sound." }),
  stepWith("optimization", "succeeded", { agent: "optimizer", result: "Three problems." }),
  gate,
  stepWith("consolidate", "pending", { agent: "auditor", needs: ["sign-off"] }),
];
const waiting = (more: Parameters<typeof gateStep>[1] = {}, view: Partial<RunView> = {}) =>
  runWith("running", steps(gateStep("open", more)), { waiting: "gate", ...view });
const withApprovals =
  (approvals: string) =>
  (config: Config): Config => ({
    ...config,
    settings: {
      ...config.settings,
      channels: {
        ...config.settings.channels,
        roles: { ...config.settings.channels.roles, approvals },
      },
    },
  });
const idOf = (action: string, digest = "9f2c41ab77d0") =>
  customId(action, gateSubject({ run: RUN, ...GATE, digest }));

async function startAtGate(
  t: Parameters<typeof startWithRuns>[0],
  view: RunView = waiting(),
  options: Parameters<typeof startWithRuns>[2] = { config: withApprovals("task-board") },
) {
  const stage = await startWithRuns(t, [], options);
  const origin = { door: "discord", channel: stage.guild.inspect.channelId("technical") } as const;
  stage.show({ ...view, origin });
  await stage.showGate(view.id, GATE);
  return stage;
}

test("a run's card is one message that follows the run; with a new state its buttons change", async (t) => {
  const { show, edge, guild, texts } = await startWithRuns(t);
  const card = () => edge.perform.card(cardEffect(RUN));
  show(runWith("running", [stepWith("a", "running"), stepWith("b", "pending")]));
  assert.deepEqual(await card(), { kind: "recorded" });
  show(
    runWith("running", [stepWith("a", "failed"), stepWith("b", "pending")], {
      waiting: "answer",
      stopped: { failures: 1, at: 0 },
    }),
  );
  assert.deepEqual(await card(), { kind: "done", outcome: "edited" });
  assert.match(texts("technical")[0] ?? "", /stopped, waits for an answer/);
  show(runWith("failed", [stepWith("a", "failed"), stepWith("b", "skipped")]));
  await card();
  const messages = guild.inspect.messages("technical");
  assert.equal(messages.length, 1);
  assert.match(texts("technical")[0] ?? "", /design-review · failed after 4m 12s[\s\S]*⏭️ \*\*b\*\*/);
  assert.match(JSON.stringify(messages[0]?.components), /Retry failed[\s\S]*Show/);
});

test("a gate pings exactly its approvers, in the channel for approvals", async (t) => {
  const { guild, texts } = await startAtGate(t, waiting({ prompt: "Merge @everyone? <@&1> @Operators" }));
  const [message] = guild.inspect.messages("task-board");
  assert.deepEqual(message?.mentionRoles, [guild.inspect.roleId("Engineering")]);
  assert.deepEqual(message?.pinged, [guild.inspect.memberId("ada")]);
  assert.match(texts("task-board")[0] ?? "", /Approval needed · design-review \/ sign-off/);
  assert.deepEqual(texts("technical"), []);
});

test("without approvers those with the right to operate are asked; people are named by their id", async (t) => {
  const { guild, show, showGate } = await startAtGate(t, waiting({ approvers: [] }));
  assert.deepEqual(guild.inspect.messages("task-board")[0]?.pinged, [guild.inspect.memberId("you")]);
  const guest = guild.inspect.memberId("guest");
  show(waiting({ approvers: [`user:${guest}`, "role:Nobody"] }, { id: "wf-2" }));
  await showGate("wf-2", GATE);
  const second = guild.inspect.messages("task-board")[1];
  assert.deepEqual(second?.pinged, [guest]);
  assert.match(JSON.stringify(second?.components), /role Nobody \(not in this guild\)/);
});

test("a role that is to decide and that the guild lacks is told at the connection, with workflow and step", async (t) => {
  const approvers = ["role:Engineering", "role:Wizards"];
  const gate = approvalOf({ approvers, escalateTo: ["role:Kings"] });
  const workflow = { ...workflowWith("design-review", []), steps: [stepOf("sign-off", gate)] };
  const { logs } = await startWithRuns(t, [workflow]);
  const told = logs.filter(({ message }) => message.includes("role that is to decide a gate"));
  assert.deepEqual(
    told.map(({ fields }) => {
      const { workflow: name, step, role } = fields as Readonly<Record<string, string>>;
      return [name, step, role];
    }),
    [
      ["design-review", "sign-off", "Wizards"],
      ["design-review", "sign-off", "Kings"],
    ],
  );
});

test("a role that is to decide a gate and that the bot may not ping is told at the connection, unless it may ping all", async (t) => {
  const gate = approvalOf({ approvers: ["role:Engineering", "role:Quiet"] });
  const workflow = { ...workflowWith("design-review", []), steps: [stepOf("sign-off", gate)] };
  const roles = [...ATOMIZER_HQ.roles, { name: "Quiet" }];
  for (const [permissions, wanted] of [
    [P.ViewChannel, ["Quiet"]],
    [P.ViewChannel | P.MentionEveryone, []],
  ] as const) {
    const guild = { seed: { ...ATOMIZER_HQ, roles, bot: { ...ATOMIZER_HQ.bot, permissions } } };
    const { logs } = await startWithRuns(t, [workflow], { guild });
    const told = logs.filter(({ message }) => message.includes("may not ping"));
    assert.deepEqual(
      told.map(({ fields }) => (fields as { readonly role: string }).role),
      wanted,
    );
  }
});

test("a gate goes where it was asked when the guild has no channel for approvals, said once", async (t) => {
  const { guild, logs, show, showGate } = await startAtGate(t, waiting(), {});
  assert.equal(guild.inspect.messages("technical").length, 1);
  show(waiting({}, { id: "wf-2", origin: { door: "cli" } }));
  await showGate("wf-2", GATE);
  assert.equal(guild.inspect.messages("results").length, 1, "asked elsewhere: where results go");
  const said = logs.filter(({ message }) => message.includes("lacks a channel for approvals"));
  assert.equal(said.length, 1);
});

test("a gate goes where it was asked when its approvers cannot see the channel for approvals", async (t) => {
  const config = withApprovals("ceo-office");
  const { guild, logs, show, showGate } = await startAtGate(t, waiting(), { config });
  assert.deepEqual(guild.inspect.messages("technical")[0]?.pinged, [guild.inspect.memberId("ada")]);
  show(waiting({}, { id: "wf-2", origin: { door: "cli" } }));
  await showGate("wf-2", GATE);
  assert.equal(guild.inspect.messages("results").length, 1, "asked elsewhere: where results go");
  assert.deepEqual(guild.inspect.messages("ceo-office"), []);
  assert.ok(logs.some(({ message }) => message.includes("approvers cannot see")));
});

test("two people click at once: one decides, the other is told who; the message then says it, without buttons", async (t) => {
  const { guild, press, told, showGate, texts } = await startAtGate(t);
  const [message] = guild.inspect.messages("task-board");
  const click = (as: string) => press(message?.id ?? "", idOf("approve"), { as, channel: "task-board" });
  const answers = await Promise.all([click("ada"), click("you")]);
  const decided = answers.filter((answer) => /Approved \*\*design-review/.test(said(answer)));
  const late = answers.filter((answer) => /already approved by @(ada|you)/.test(said(answer)));
  assert.deepEqual([decided.length, late.length], [1, 1]);
  for (const answer of answers) assert.ok((answer.message?.flags ?? 0) & 64, "ephemeral");
  assert.deepEqual(
    told.map(({ what, more }) => [what, more]),
    [["approve", { run: RUN, step: "sign-off", decision: "approve", digest: "9f2c41ab77d0" }]],
  );
  await showGate(RUN, GATE);
  const after = guild.inspect.messages("task-board");
  assert.equal(after.length, 1);
  assert.match(texts("task-board")[0] ?? "", /### ✅ Approved[^\n]*\nBy @(ada|you)/);
  assert.doesNotMatch(JSON.stringify(after[0]?.components), /custom_id/);
});

test("whoever may not decide is refused with the reason, and nothing changes", async (t) => {
  const { guild, press, told, script } = await startAtGate(t);
  script.mayDecide = (actor) => actor.kind === "person" && actor.name === "ada";
  const [message] = guild.inspect.messages("task-board");
  const answer = await press(message?.id ?? "", idOf("approve"), { as: "guest", channel: "task-board" });
  assert.equal(said(answer), "⚠️ @guest may not decide.\n→ Ask an approver.");
  assert.deepEqual(told, []);
});

test("the verbs learn the roles of who decides, by id and name", async (t) => {
  const { guild, press, told } = await startAtGate(t);
  const [message] = guild.inspect.messages("task-board");
  await press(message?.id ?? "", idOf("approve"), { as: "ada", channel: "task-board" });
  const [only] = told;
  assert.ok(only?.actor.kind === "person");
  assert.deepEqual(only.actor.roles, [{ id: guild.inspect.roleId("Engineering"), name: "Engineering" }]);
});

test("Reject… asks for the reason; afterwards the message shows it", async (t) => {
  const { guild, press, submit, told, showGate, texts } = await startAtGate(t);
  const [message] = guild.inspect.messages("task-board");
  const click = () => press(message?.id ?? "", idOf("reject"), { as: "ada", channel: "task-board" });
  const form = await click();
  assert.equal(form.modal?.title, "Reject sign-off");
  const answer = await submit(form, { reason: "The numbers are\nfrom 2019" }, { as: "ada" });
  assert.match(said(answer), /Rejected \*\*design-review \/ sign-off\*\*/);
  assert.ok((answer.message?.flags ?? 0) & 64, "the gate's own message is not replaced");
  assert.deepEqual(told[0]?.more, {
    run: RUN,
    step: "sign-off",
    decision: "reject",
    digest: "9f2c41ab77d0",
    reason: "The numbers are\nfrom 2019",
  });
  assert.match(said(await click()), /sign-off is already rejected by @ada.*\n→ `\/workflow status` shows/);
  await showGate(RUN, GATE);
  assert.match(texts("task-board")[0] ?? "", /### ❌ Rejected[\s\S]*> The numbers are from 2019/);
});

test("a button of another round decides nothing: it is bound to what was shown", async (t) => {
  const { guild, press, told, runs } = await startAtGate(t);
  const [message] = guild.inspect.messages("task-board");
  runs.set(RUN, waiting({ digest: "ffffffffffff" }));
  const at = { as: "ada", channel: "task-board" };
  assert.match(said(await press(message?.id ?? "", idOf("approve"), at)), /not what you were shown/);
  assert.match(said(await press(message?.id ?? "", idOf("reject"), at)), /not what you were shown/);
  assert.deepEqual(told, []);
});

test("two approvals are needed: the first is kept, the second lets it go on", async (t) => {
  const { guild, press, showGate, texts } = await startAtGate(t, waiting({ min: 2 }));
  const [message] = guild.inspect.messages("task-board");
  const click = (as: string) => press(message?.id ?? "", idOf("approve"), { as, channel: "task-board" });
  assert.match(said(await click("ada")), /is kept: 1 of 2/);
  await showGate(RUN, GATE);
  assert.match(texts("task-board")[0] ?? "", /1 of 2 approvals \(@ada/);
  assert.match(said(await click("you")), /Approved/);
});

test("a gate whose ids are too long for a button is decided by its short form", async (t) => {
  const id = `wf-${"long-".repeat(14)}1`;
  const { guild, press, told } = await startAtGate(t, waiting({}, { id }));
  const [message] = guild.inspect.messages("task-board");
  const [custom] = /d1:approve:#[0-9a-f]{40}/.exec(JSON.stringify(message?.components)) ?? [];
  assert.ok(custom);
  const answer = await press(message?.id ?? "", custom, { as: "ada", channel: "task-board" });
  assert.match(said(answer), /Approved/);
  assert.equal(told[0]?.run, id);
});

test("a reminder pings again and leads to the gate's message; a decided gate is not reminded of", async (t) => {
  const { edge, guild, show, texts } = await startAtGate(t);
  const reminder: Delivery = {
    id: `${RUN}/reminder-sign-off~1-1`,
    kind: "reminder",
    to: { role: "approvals" },
    subject: RUN,
    gate: GATE,
  };
  assert.deepEqual(await edge.perform.post(postOf(reminder)), { kind: "recorded" });
  const [gate, reminded] = guild.inspect.messages("task-board");
  assert.deepEqual(reminded?.pinged, [guild.inspect.memberId("ada")]);
  assert.ok(texts("task-board")[1]?.includes(`/${gate?.channelId}/${gate?.id}`));
  show(runWith("running", steps(gateStep("approved"))));
  const later = { ...reminder, id: `${RUN}/reminder-sign-off~1-2` };
  assert.deepEqual(await edge.perform.post(postOf(later)), {
    kind: "done",
    outcome: "nothing to say any more",
  });
  assert.equal(guild.inspect.messages("task-board").length, 2);
});

const REMINDER: Delivery = {
  id: `${RUN}/reminder-sign-off~1-1`,
  kind: "reminder",
  to: { role: "approvals" },
  subject: RUN,
  gate: GATE,
};
const gateEffect = (more: Parameters<typeof cardEffect>[1] = {}) =>
  cardEffect(RUN, { body: { type: "card", run: RUN, to: { role: "approvals" }, gate: GATE }, ...more });

for (const [why, change] of [
  ["that changed", { escalated: true }],
  ["that did not change, as at a reminder", {}],
] as const) {
  test(`a gate ${why} and whose message a person deleted is posted anew, once, with its ping and buttons`, async (t) => {
    const { guild, show, showGate, press, told, texts, clock } = await startAtGate(t);
    const [first] = guild.inspect.messages("task-board");
    clock.pass(5000);
    await deleteMessage(guild.url, first?.id);
    show(waiting(change));
    assert.deepEqual(await showGate(RUN, GATE), { kind: "recorded" });
    const [anew, ...more] = guild.inspect.messages("task-board");
    assert.deepEqual(more, []);
    assert.deepEqual(anew?.pinged, [guild.inspect.memberId("ada")]);
    assert.match(
      texts("task-board")[0] ?? "",
      /Approval needed[\s\S]* · wf-design-review-1\/gate-sign-off~1 \(2\)$/,
    );
    assert.deepEqual(await showGate(RUN, GATE), { kind: "done", outcome: "unchanged" });
    const answer = await press(anew?.id ?? "", idOf("approve"), { as: "ada", channel: "task-board" });
    assert.match(said(answer), /Approved/);
    assert.equal(told.length, 1);
    assert.deepEqual(await showGate(RUN, GATE), { kind: "done", outcome: "edited" });
    assert.match(texts("task-board")[0] ?? "", /✅ Approved/);
    assert.equal(guild.inspect.messages("task-board").length, 1);
  });
}

test("a gate that is posted anew is there once, also after a crash between the post and its record, young and old", async (t) => {
  for (const passed of [5000, 600_000]) {
    const { guild, edge, ledger, clock } = await startAtGate(t);
    await deleteMessage(guild.url, guild.inspect.messages("task-board")[0]?.id);
    const createdAt = clock.now();
    assert.deepEqual(await edge.perform.card(gateEffect({ createdAt })), { kind: "recorded" });
    const lost = ledger.receipts.splice(
      ledger.receipts.findIndex(({ part }) => part === 1),
      1,
    );
    clock.pass(passed);
    const again = gateEffect({ createdAt, tries: 2, begunBefore: createdAt });
    assert.deepEqual(await edge.perform.card(again), { kind: "recorded" });
    assert.equal(guild.inspect.messages("task-board").length, 1);
    assert.equal(ledger.receipts.at(-1)?.message, lost[0]?.message);
  }
});

test("a reminder of a gate whose message was deleted does not lead there, and after that to the new one", async (t) => {
  const { edge, guild, showGate, texts } = await startAtGate(t);
  await deleteMessage(guild.url, guild.inspect.messages("task-board")[0]?.id);
  await edge.perform.post(postOf(REMINDER));
  assert.match(
    texts("task-board")[0] ?? "",
    /still waits for a decision: its message was deleted and is posted anew; or `\/workflow approve` with wf-design-review-1\n/,
  );
  await showGate(RUN, GATE);
  const anew = guild.inspect.messages("task-board")[1]?.id;
  await edge.perform.post(postOf({ ...REMINDER, id: `${RUN}/reminder-sign-off~1-2` }));
  assert.ok(anew && texts("task-board")[2]?.includes(`/${anew}`));
});

test("a gate that was decided stays deleted", async (t) => {
  const { guild, show, showGate } = await startAtGate(t);
  await deleteMessage(guild.url, guild.inspect.messages("task-board")[0]?.id);
  show(runWith("running", steps(gateStep("approved"))));
  for (let n = 0; n < 2; n++) {
    assert.deepEqual(await showGate(RUN, GATE), { kind: "done", outcome: "a person deleted the card" });
  }
  assert.deepEqual(guild.inspect.messages("task-board"), []);
});

async function deleteMessage(url: string, id: string | undefined): Promise<void> {
  const gone = await fetch(`${url}/local/messages/${id}`, { method: "DELETE" });
  assert.equal(gone.status, 204);
}

const STOPPED = runWith(
  "running",
  [
    stepWith("a", "failed", { reason: "timed out" }),
    stepWith("b", "failed", { reason: "no handoff" }),
    stepWith("c", "pending"),
  ],
  { waiting: "answer", resumes: 1, stopped: { failures: 2, at: 0 } },
);

test("too many failures are asked about with four ways on, and those who may choose are pinged once", async (t) => {
  const definition = {
    ...workflowWith("design-review", []),
    steps: [taskStep("a", "Do a"), taskStep("b", "Do b")],
  };
  const event = (body: object) => ({ body }) as StoredEvent;
  const history = async () => [
    event({ type: "run.started", order: { definition } }),
    event({ type: "run.resumed", reset: [{ step: "b", generation: 2, task: "Do b better" }] }),
  ];
  const { edge, show, guild, texts, press, submit, told } = await startWithRuns(t, [], {
    verbs: { history },
  });
  show(STOPPED);
  const ask: Delivery = { id: `${RUN}/ask-1`, kind: "ask", to: { channel: "technical" }, subject: RUN };
  await edge.perform.post(postOf(ask));
  const [message] = guild.inspect.messages("technical");
  assert.deepEqual(message?.pinged, [guild.inspect.memberId("you")]);
  assert.match(
    texts("technical")[0] ?? "",
    /stopped after 2 failures\n0 of 3 steps completed, 2 failed[\s\S]*- \*\*a\*\*: timed out\n- \*\*b\*\*: no handoff/,
  );
  const click = (action: string) => press(message?.id ?? "", customId(action, RUN));
  const shown = runSubject({ id: RUN, resumes: 1 });
  assert.match(
    said(await press(message?.id ?? "", customId("retry", shown))),
    /what failed is done once more/,
  );
  assert.match(said(await click("accept")), /ends with what there is/);
  const form = await click("adjust");
  assert.deepEqual(
    fieldsOf(form).map((field) => [field.custom_id, field.value]),
    [
      ["a", "Do a"],
      ["b", "Do b better"],
    ],
  );
  assert.match(said(await submit(form, { a: "Do a slowly" })), /once more, 1 with another task/);
  assert.deepEqual(
    told.map(({ what, more }) => [what, more]),
    [
      ["retry", { resumes: 1 }],
      ["accept", undefined],
      ["retry", { tasks: { a: "Do a slowly" }, resumes: 1 }],
    ],
  );
});

const OLD = "wf-design-review-0";
const FAILED = runWith("failed", [stepWith("a", "failed", { reason: "timed out" })], {
  id: OLD,
  inputs: { design: "M2 cell", budget: 3 },
  deliver: false,
});
const RESTART = customId("restart", OLD);

test("Restart run begins the same inputs as a new run, in the name of who clicks; a second click leads to that one", async (t) => {
  const { edge, show, guild, press, started, runs, clock } = await startWithRuns(t, [
    workflowWith("design-review", []),
  ]);
  const channel = guild.inspect.channelId("technical");
  show({ ...FAILED, origin: { door: "discord", channel } });
  await edge.perform.post(postOf(resultOf(OLD)));
  const [result] = guild.inspect.messages("results");
  assert.match(JSON.stringify(result?.components), /Retry failed[\s\S]*Restart run[\s\S]*Show/);
  const click = (as: string) => press(result?.id ?? "", RESTART, { as, channel: "results" });
  const answers = await Promise.all([click("ada"), click("ada")]);
  const [card] = guild.inspect.messages("technical");
  for (const answer of answers) {
    assert.match(
      said(answer),
      new RegExp(`Started \\*\\*design-review\\*\\*: .*/${card?.id}\n.*wf-design-review-1`),
    );
    assert.equal((answer.message?.flags ?? 0) & 64, 64, "only who clicked sees it");
  }
  assert.equal(started.length, 1);
  const [{ actor, request } = {}] = started;
  assert.equal(actor && actorName(actor), "@ada (as tech-lead)");
  const { workflow, inputs, deliver, card: at, origin } = request ?? {};
  assert.deepEqual([workflow, inputs, deliver], ["design-review", FAILED.inputs, false]);
  assert.deepEqual([at, origin], [{ channel }, { door: "discord", channel, guild: guild.guildId }]);
  const made = runs.get("wf-design-review-1");
  assert.ok(made);
  runs.set(made.id, { ...made, status: "failed", settledAt: clock.now() });
  await click("ada");
  assert.equal(started.length, 1, "the same click as far as anybody can tell");
  clock.pass(60_000);
  await click("ada");
  assert.equal(started.length, 2);
});

test("/workflow retry that an earlier life began is of the run as it was then", async (t) => {
  const at = 1_000_000;
  const resumed = (when: number) => ({ type: "run.resumed", at: when, body: {} }) as StoredEvent;
  const { show, guild, told, ledger, until } = await startWithRuns(t, [], {
    verbs: { history: async () => [resumed(at - 1), resumed(at)] },
  });
  show({ ...STOPPED, resumes: 2 });
  const work = {
    id: "1000000000000000001",
    kind: "command",
    name: "workflow retry",
    options: { run: RUN, step: "a" },
    user: { id: "1", name: "ada", roles: [] },
    channel: guild.inspect.channelId("technical"),
  };
  const actor = { kind: "person", id: "1", name: "ada", rights: ["delegate"] };
  const done = Promise.withResolvers<string>();
  Object.assign(ledger.verbs.interactions ?? {}, {
    unfinished: async () => [{ id: work.id, work, actor, at }],
    done: async (_: string, outcome: string) => done.resolve(outcome),
  });
  guild.faults.dropGateway();
  await until(false);
  assert.equal(await done.promise, `retried ${RUN}`);
  assert.deepEqual(told[0]?.more, { step: "a", resumes: 1 });
});

test("Restart run says why not: it runs again, it is a step of another run, or a pipeline", async (t) => {
  const definition = { ...workflowWith("design-review", []), pipeline: { stages: [], postHooks: [] } };
  const made = { body: { type: "run.started", order: { definition } } } as unknown as StoredEvent;
  const events: StoredEvent[] = [];
  const { edge, show, guild, press, started, script } = await startWithRuns(t, [], {
    verbs: { history: async () => events },
  });
  script.problems = () => [{ path: "inputs.design", message: "is not known any more" }];
  show(FAILED);
  await edge.perform.post(postOf(resultOf(OLD)));
  const [result] = guild.inspect.messages("results");
  const click = async () => said(await press(result?.id ?? "", RESTART, { channel: "results" }));
  show(runWith("running", [stepWith("a", "running")], { id: OLD }));
  assert.match(
    await click(),
    /has not ended.*\n→ `\/workflow status` shows how far it is, `\/workflow cancel` ends it/,
  );
  show({ ...FAILED, parent: { run: "wf-outer-1", step: "inner" } });
  assert.match(await click(), /the step inner of wf-outer-1\.\n→ `\/workflow retry` does it once more/);
  show(FAILED);
  assert.match(await click(), /^⚠️ cannot be started/);
  events.push(made);
  assert.match(await click(), /is a pipeline[\s\S]*→ `hq workflow pipeline .*` on the command line/);
  assert.equal(started.length, 0);
});

test("Show of a run has its whole log in the file, with secrets blacked out", async (t) => {
  const body = { type: "step.failed", step: "a", outcome: { status: "failed", reason: "no s3cret" } };
  const event = { at: 0, stream: OLD, type: "step.settled", actor: "system", body } as unknown as StoredEvent;
  const { edge, show, guild, press } = await startWithRuns(t, [], {
    verbs: { history: async () => [event] },
    redact: (text) => text.replaceAll("s3cret", "█"),
  });
  show(FAILED);
  await edge.perform.post(postOf(resultOf(OLD)));
  const [result] = guild.inspect.messages("results");
  const answer = await press(result?.id ?? "", customId("show", OLD), { channel: "results" });
  const file = await (await fetch(answer.message?.attachments[0]?.url ?? "")).text();
  assert.match(file, /### ❌ a · failed[\s\S]*### Log\n\n```text\n/);
  assert.match(
    file,
    /\n1970-01-01T00:00:00\.000Z  wf-design-review-0  step\.settled  step=a  status=failed  reason="no █"  by=system\n```\n$/,
  );
});

test("a run's result and log line are posted like those of delegations, once each", async (t) => {
  const { edge, show, guild, texts } = await startWithRuns(t);
  show(runWith("succeeded", [stepWith("a", "succeeded"), stepWith("b", "succeeded")], { result: "ULE." }));
  await edge.perform.post(postOf(resultOf(RUN)));
  await edge.perform.post(postOf(logOf(RUN)));
  assert.match(texts("results")[0] ?? "", /### design-review · done in 4m 12s\nULE\./);
  assert.equal(guild.inspect.messages("results")[0]?.attachments[0]?.filename, "design-review.md");
  assert.match(texts("agent-logs")[0] ?? "", /^✅ \*\*design-review · done in 4m 12s\*\* · 2 of 2 steps/);
});

test("many results of runs and delegations share one message", async (t) => {
  const { edge, ledger, guild, texts } = await startWithRuns(t);
  const posts = Array.from({ length: 10 }, (_, n) => {
    const id = `wf-${n}`;
    if (n % 2)
      ledger.runs.set(id, runWith("succeeded", [stepWith("a", "succeeded")], { id, result: `r${n}` }));
    else ledger.views.set(id, viewWith("succeeded", { id }));
    return edge.perform.post(postOf(resultOf(id)));
  });
  await Promise.all(posts);
  await Promise.all(ledger.batches);
  assert.equal(guild.inspect.messages("results").length, 1);
  assert.match(texts("results")[0] ?? "", /### 10 results · 10 done/);
});

test("/workflow show tells when a workflow starts by itself, and what holds then", async (t) => {
  const schedule = { cron: "0 7 * * mon-fri", timezone: "Europe/Berlin", overlap: "skip" } as const;
  const trade = {
    ...workflowWith("material-trade-study", [inputWith("materials")]),
    schedules: [{ ...schedule, catchupMs: 5_400_000, inputs: { materials: "*ULE*\nZerodur" } }],
  };
  const { command } = await startWithRuns(t, [trade]);
  assert.match(
    said(await command("workflow show", { name: "material-trade-study" })),
    /-# starts by itself: `0 7 \* \* mon-fri` Europe\/Berlin · overlap skip, catch-up 1h 30m, materials=\\\*ULE\\\* Zerodur/,
  );
});

test("/workflow list, show and status, /status and /cancel know workflows and runs", async (t) => {
  const trade = workflowWith("material-trade-study", [inputWith("materials")]);
  const { command, show, told } = await startWithRuns(t, [trade]);
  show(waiting());
  assert.match(
    said(await command("workflow list")),
    /1 workflow\*\*[\s\S]*\*\*material-trade-study\*\*[\s\S]*2 steps, 1 input/,
  );
  const shown = said(await command("workflow show", { name: "material-trade-study" }));
  assert.match(
    shown,
    /- `materials` string, required · the materials[\s\S]*- \*\*evaluate\*\* · webster after research/,
  );
  assert.match(
    said(await command("workflow status")),
    /1 open\*\*[\s\S]*design-review · waits for approval 2\/4/,
  );
  const details = await command("workflow status", { run: RUN });
  assert.match(said(details), /sign-off\*\* · waits for role Engineering until/);
  assert.match(said(await command("status", { id: RUN })), /design-review · waits for approval/);
  assert.match(said(await command("status")), /1 open[\s\S]*design-review/);
  assert.match(
    said(await command("cancel", { id: RUN, reason: "enough" })),
    /Canceled \*\*design-review\*\*/,
  );
  await command("workflow cancel", { run: RUN });
  await command("workflow retry", { run: RUN, step: "technical" });
  assert.deepEqual(
    told.map(({ what, more }) => [what, more]),
    [
      ["cancel", "enough"],
      ["cancel", undefined],
      ["retry", { step: "technical" }],
    ],
  );
  assert.match(said(await command("workflow status", { run: "wf-0" })), /There is no run wf-0/);
});

test("/workflow approve and reject decide what waits, without having to name it", async (t) => {
  const { command, show, told } = await startWithRuns(t);
  show(waiting());
  assert.match(
    said(await command("workflow approve", { run: RUN }, { as: "ada" })),
    /Approved \*\*design-review \/ sign-off/,
  );
  show(waiting());
  const given = { run: RUN, reason: "no", step: "sign-off" };
  assert.match(said(await command("workflow reject", given, { as: "ada" })), /Rejected/);
  assert.deepEqual(
    told.map(({ more }) => more),
    [
      { run: RUN, step: "sign-off", decision: "approve" },
      { run: RUN, step: "sign-off", decision: "reject", reason: "no" },
    ],
  );
});

test("names, runs and steps are suggested as far as they fit", async (t) => {
  const { suggest, show } = await startWithRuns(t, [
    workflowWith("material-trade-study", []),
    workflowWith("design-review", []),
  ]);
  show(waiting());
  show(runWith("failed", [stepWith("audit", "failed", { reason: "timed out" })], { id: "wf-old" }));
  const values = async (...given: Parameters<typeof suggest>) =>
    (await suggest(...given)).map(({ value }) => value);
  assert.deepEqual(await values("workflow run", "name", { name: "desi" }), ["design-review"]);
  assert.deepEqual(await values("workflow status", "run"), [RUN, "wf-old"]);
  assert.deepEqual(await values("workflow approve", "run"), [RUN]);
  assert.deepEqual(await values("workflow cancel", "run"), [RUN]);
  assert.deepEqual(await values("workflow retry", "run"), ["wf-old"]);
  assert.deepEqual(await values("workflow approve", "step", { run: RUN }), ["sign-off"]);
  assert.deepEqual(await values("workflow retry", "step", { run: "wf-old" }), ["audit"]);
  assert.deepEqual(await values("workflow approve", "step"), []);
  assert.deepEqual(await values("cancel", "id"), [RUN]);
});

test("secrets are blacked out on cards, gates and results", async (t) => {
  const redact = (text: string) => text.replaceAll("hunter2", "[redacted]");
  const config = withApprovals("task-board");
  const stage = await startAtGate(t, waiting({ prompt: "The password is hunter2" }), { config, redact });
  const { show, edge, texts, command } = stage;
  show(
    runWith("failed", [stepWith("a", "failed", { reason: "hunter2" })], { result: "hunter2", id: "wf-3" }),
  );
  await edge.perform.card(cardEffect("wf-3"));
  await edge.perform.post(postOf(resultOf("wf-3")));
  const details: Interaction = await command("workflow status", { run: "wf-3" });
  const [file] = details.message?.attachments ?? [];
  const attached = await (await fetch(file?.url ?? "")).text();
  const cards = [texts("task-board")[0], texts("technical")[0], texts("results")[0]];
  for (const text of [...cards, said(details), attached]) {
    assert.match(text ?? "", /redacted/);
    assert.doesNotMatch(text ?? "", /hunter2/);
  }
});

test("a gate that was decided keeps saying so when its step begins anew; one that was not loses its buttons", async (t) => {
  const { show, showGate, guild, texts } = await startAtGate(t);
  show(waiting({}, { id: "wf-2" }));
  await showGate("wf-2", GATE);
  show(runWith("running", steps(gateStep("approved"))));
  await showGate(RUN, GATE);
  for (const id of [RUN, "wf-2"]) {
    show(runWith("running", steps({ ...gateStep("open"), generation: 2 }), { id }));
    await showGate(id, GATE);
  }
  const [decided, open] = texts("task-board");
  assert.match(decided ?? "", /### ✅ Approved[^\n]*\nBy @ada/);
  assert.match(open ?? "", /The step began anew/);
  assert.doesNotMatch(JSON.stringify(guild.inspect.messages("task-board")), /custom_id/);
});
