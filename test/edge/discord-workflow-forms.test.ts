import assert from "node:assert/strict";
import test from "node:test";
import type { Asked } from "../../src/discord/command.ts";
import { checkInputs } from "../../src/domain/workflow-check.ts";
import { Refusal } from "../../src/kernel/refusal.ts";
import { inputWith, workflowWith } from "../discord/run-fixture.ts";
import { buttonsOf, fieldsOf, type Interaction, said, startWithRuns } from "./discord-runs.ts";

const letters = (count: number) => Array.from({ length: count }, (_, n) => inputWith(`input-${n + 1}`));
const WORKFLOWS = [
  workflowWith("none", []),
  workflowWith("one", [inputWith("materials", { maxLength: 100 })]),
  workflowWith("five", [
    inputWith("short", { maxLength: 200, minLength: 2 }),
    inputWith("long", { maxLength: 201 }),
    inputWith("depth", {
      type: "choice",
      options: ["quick", "normal", "deep"],
      default: "normal",
      required: false,
    }),
    inputWith("strict", { type: "boolean", required: false }),
    inputWith("count", { type: "number", min: 1, max: 10, default: 3 }),
  ]),
  workflowWith("six", letters(6)),
  workflowWith("twelve", letters(12)),
];
const start = (t: Parameters<typeof startWithRuns>[0], options: Parameters<typeof startWithRuns>[2] = {}) =>
  startWithRuns(t, WORKFLOWS, options);

test("a workflow without inputs starts at once, and the answer leads to its card", async (t) => {
  const { command, started, ledger, guild, texts } = await start(t);
  const answer = await command("workflow run", { name: "none" });
  const channel = guild.inspect.channelId("technical");
  const [card] = guild.inspect.messages("technical");
  assert.match(
    said(answer),
    new RegExp(`Started \\*\\*none\\*\\*: https://discord.com/channels/\\d+/${channel}/${card?.id}`),
  );
  assert.match(texts("technical")[0] ?? "", /### none · running 0\/1/);
  assert.deepEqual(started[0]?.request, {
    workflow: "none",
    inputs: {},
    key: { scope: "interaction", key: answer.id },
    card: { channel },
    origin: { door: "discord", channel, guild: guild.guildId },
  });
  assert.deepEqual(
    ledger.notes.slice(0, 2).map((note) => note.split(" ")[0]),
    ["note", "begin"],
  );
});

test("what the bot filled in is handed in unless the person says something else", async (t) => {
  const { command, submit, started } = await start(t);
  await submit(await command("workflow run", { name: "five" }), { short: "ab", long: "x" });
  const inputs = { short: "ab", long: "x", depth: "normal", count: "3" };
  assert.deepEqual(started[0]?.request.inputs, inputs);
});

test("a default that no form takes is left out of it and holds as a whole when nothing is written", async (t) => {
  const [whole, most] = ["w".repeat(4001), "m".repeat(4000)];
  const definition = workflowWith("long", [
    inputWith("whole", { default: whole, minLength: 10 }),
    inputWith("most", { default: most }),
  ]);
  const { command, submit, press, started, script } = await startWithRuns(t, [definition]);
  const form = await command("workflow run", { name: "long" });
  const [left, filled] = fieldsOf(form);
  assert.deepEqual(
    [left?.value, left?.required, left?.placeholder],
    [undefined, false, "Leave it empty for the default of 4001 characters"],
  );
  assert.deepEqual([filled?.value, filled?.required], [most, true]);
  script.problems = ({ inputs }) =>
    inputs["most"] === "no" ? [{ path: "inputs.most", message: "must be better" }] : [];
  const answer = await submit(form, { most: "no" });
  const again = await press(answer.message?.id ?? "", buttonsOf(answer)[0]?.custom_id ?? "");
  assert.deepEqual(
    fieldsOf(again).map(({ value, required }) => [value, required]),
    [
      [undefined, false],
      ["no", true],
    ],
  );
  await submit(again, { most: "yes" });
  const [{ request }] = started as [(typeof started)[number]];
  assert.deepEqual(checkInputs(definition, request.inputs), { ok: true, inputs: { whole, most: "yes" } });
  await submit(await command("workflow run", { name: "long" }), { whole: "another one" });
  assert.deepEqual(started[1]?.request.inputs, { whole: "another one", most });
});

test("what was written is shown again as a whole, also when less is allowed by now", async (t) => {
  const wide = workflowWith("one", [inputWith("materials", { maxLength: 100 })]);
  const workflows = [wide];
  const { command, submit, press, script } = await startWithRuns(t, workflows);
  script.problems = () => [
    { path: "inputs.materials", message: "has 60 characters; at most 50 are allowed" },
  ];
  const written = "x".repeat(60);
  const answer = await submit(await command("workflow run", { name: "one" }), { materials: written });
  workflows[0] = workflowWith("one", [inputWith("materials", { maxLength: 50 })]);
  const again = await press(answer.message?.id ?? "", buttonsOf(answer)[0]?.custom_id ?? "");
  assert.deepEqual([fieldsOf(again)[0]?.value, fieldsOf(again)[0]?.max_length], [written, 60]);
});

test("one input is asked for in a form; asking keeps nothing, handing it in starts the run once", async (t) => {
  const { command, submit, started, ledger } = await start(t);
  const form = await command("workflow run", { name: "one" });
  assert.equal(form.state, "modal");
  assert.equal(form.modal?.title, "one");
  assert.deepEqual(ledger.notes, []);
  const answer = await submit(form, { materials: "Zerodur, ULE" });
  assert.match(said(answer), /Started \*\*one\*\*/);
  assert.ok((answer.message?.flags ?? 0) & 64, "ephemeral");
  assert.deepEqual(
    started.map(({ actor, request }) => [actor.kind === "person" && actor.name, request.inputs]),
    [["you", { materials: "Zerodur, ULE" }]],
  );
  assert.equal(started[0]?.request.key?.key, answer.id);
});

test("five inputs are one form: text short and long, selects for choices and truth values, defaults filled in", async (t) => {
  const { command, submit, started } = await start(t);
  const form = await command("workflow run", { name: "five" });
  assert.deepEqual(
    form.modal?.components.map(({ label, description }) => [label, description]),
    [
      ["short", "the short"],
      ["long", "the long"],
      ["depth", "the depth"],
      ["strict", "the strict"],
      ["count", "the count · a number from 1 to 10"],
    ],
  );
  const [short, long, depth, strict, count] = fieldsOf(form);
  assert.deepEqual([short?.type, short?.style, short?.max_length], [4, 1, 200]);
  assert.deepEqual([long?.type, long?.style, long?.max_length], [4, 2, 201]);
  assert.deepEqual(
    depth?.options?.map(({ value, default: isDefault }) => [value, isDefault ?? false]),
    [
      ["quick", false],
      ["normal", true],
      ["deep", false],
    ],
  );
  assert.deepEqual([strict?.type, strict?.required], [3, false]);
  assert.deepEqual([count?.type, count?.value], [4, "3"]);
  const given = { short: "ab", long: "two\nlines", depth: ["deep"], strict: [], count: "7" };
  await submit(form, given);
  assert.deepEqual(started[0]?.request.inputs, {
    short: "ab",
    long: "two\nlines",
    depth: "deep",
    count: "7",
  });
});

async function through(
  stage: Awaited<ReturnType<typeof start>>,
  name: string,
  forms: number,
): Promise<readonly Interaction[]> {
  const answers: Interaction[] = [];
  let form = await stage.command("workflow run", { name });
  for (let n = 1; ; n++) {
    const fields = fieldsOf(form).map(({ custom_id: id }) => [id, `value of ${id}`]);
    const answer = await stage.submit(form, Object.fromEntries(fields));
    answers.push(answer);
    if (n === forms) return answers;
    const [next] = buttonsOf(answer);
    assert.ok(next, said(answer));
    form = await stage.press(answer.message?.id ?? "", next.custom_id);
    assert.equal(form.state, "modal");
  }
}

for (const [name, count, buttons] of [
  ["six", 6, ["Continue (6 of 6)"]],
  ["twelve", 12, ["Continue (6–10 of 12)", "Continue (11–12 of 12)"]],
] as const) {
  test(`${count} inputs continue in further forms, and nothing starts before the last one`, async (t) => {
    const stage = await start(t);
    const answers = await through(stage, name, buttons.length + 1);
    assert.deepEqual(
      answers.flatMap((answer) => buttonsOf(answer).map(({ label }) => label)),
      buttons,
    );
    assert.match(said(answers.at(-1) as Interaction), new RegExp(`Started \\*\\*${name}\\*\\*`));
    assert.deepEqual(
      stage.started.map(({ request }) => request.inputs),
      [Object.fromEntries(letters(count).map((input) => [input.name, `value of ${input.name}`]))],
    );
    const ids = new Set(answers.map(({ message }) => message?.id));
    assert.equal(ids.size, 1, "each answer takes the place of the one before");
  });
}

test("what was written into the first form survives a restart of the supervisor", async (t) => {
  const { command, submit, press, edge, edgeOf, started, script } = await start(t);
  const first = await command("workflow run", { name: "six" });
  const fields = Object.fromEntries(fieldsOf(first).map(({ custom_id: id }) => [id, `early ${id}`]));
  const answer = await submit(first, fields);
  await edge.stop();
  const later = edgeOf();
  t.after(later.stop);
  await later.start();
  script.onStart = () => undefined;
  const second = await press(answer.message?.id ?? "", buttonsOf(answer)[0]?.custom_id ?? "");
  assert.deepEqual(
    fieldsOf(second).map(({ custom_id: id }) => id),
    ["input-6"],
  );
  await submit(second, { "input-6": "late" });
  assert.deepEqual(
    started.map(({ request }) => request.inputs),
    [{ ...fields, "input-6": "late" }],
  );
});

test("values that do not fit are told all at once, and Mend opens the form with what was written", async (t) => {
  const { command, submit, press, started, script } = await start(t);
  script.problems = ({ inputs }) => [
    ...(Number(inputs["count"]) > 10 ? [{ path: "inputs.count", message: "must be at most 10" }] : []),
    ...(inputs["short"] === "no" ? [{ path: "short", message: "must be *better*" }] : []),
  ];
  const form = await command("workflow run", { name: "five" });
  const given = { short: "no", long: "kept", depth: ["deep"], strict: ["true"], count: "11" };
  const answer = await submit(form, given);
  assert.match(said(answer), /was not started: 2 things do not fit/);
  assert.match(said(answer), /- `count`: must be at most 10\n- `short`: must be \\\*better\\\*/);
  assert.deepEqual(
    buttonsOf(answer).map(({ label }) => label),
    ["Mend"],
  );
  assert.equal(started.length, 0);
  const again = await press(answer.message?.id ?? "", buttonsOf(answer)[0]?.custom_id ?? "");
  assert.deepEqual(
    fieldsOf(again).map((field) => field.value ?? field.options?.find((one) => one.default)?.value),
    ["no", "kept", "deep", "true", "11"],
  );
  const done = await submit(again, {
    short: "yes",
    long: "kept",
    depth: ["deep"],
    strict: ["true"],
    count: "9",
  });
  assert.match(said(done), /Started/);
  assert.equal(done.message?.id, answer.message?.id);
  assert.deepEqual(started[0]?.request.inputs, {
    short: "yes",
    long: "kept",
    depth: "deep",
    strict: "true",
    count: "9",
  });
});

test("a mistake in the first of several forms is told with the way on, and again at the end", async (t) => {
  const { command, submit, press, started, script } = await start(t);
  script.problems = ({ inputs }) => [
    ...(inputs["input-1"] === "bad" ? [{ path: "inputs.input-1", message: "is bad" }] : []),
    ...(inputs["input-6"] === undefined ? [{ path: "inputs.input-6", message: "is missing" }] : []),
  ];
  const form = await command("workflow run", { name: "six" });
  const fields = Object.fromEntries(fieldsOf(form).map(({ custom_id: id }) => [id, "good"]));
  const answer = await submit(form, { ...fields, "input-1": "bad" });
  assert.match(said(answer), /one thing does not fit so far[\s\S]*`input-1`: is bad/);
  assert.doesNotMatch(said(answer), /input-6/);
  const labels = buttonsOf(answer).map(({ label }) => label);
  assert.deepEqual(labels, ["Continue (6 of 6)", "Mend"]);
  const id = (n: number) => buttonsOf(answer)[n]?.custom_id ?? "";
  const last = await press(answer.message?.id ?? "", id(0));
  const refused = await submit(last, { "input-6": "six" });
  assert.match(said(refused), /was not started: one thing does not fit[\s\S]*`input-1`: is bad/);
  const mended = await press(refused.message?.id ?? "", buttonsOf(refused)[0]?.custom_id ?? "");
  await submit(mended, { ...fields, "input-1": "fine" });
  assert.deepEqual(
    started.map(({ request }) => request.inputs),
    [{ ...fields, "input-1": "fine", "input-6": "six" }],
  );
});

test("an unknown workflow, and a refusal that no value can mend, are told in words", async (t) => {
  const { command, submit, act } = await start(t, {
    verbs: {},
  });
  const unknown = await command("workflow run", { name: "nothing" });
  assert.equal(unknown.state, "replied");
  assert.equal(said(unknown), '⚠️ There is no workflow "nothing".\n→ Did you mean one?');
  assert.ok((unknown.message?.flags ?? 0) & 64, "ephemeral");
  const form = await command("workflow run", { name: "one" });
  await assert.rejects(submit(form, { materials: "" }), /This field is required/);
  await assert.rejects(
    act("modals", { as: "ada", interaction: form.id, fields: { materials: "x" } }),
    /not open/,
  );
});

test("a person who may not is refused with the reason after the form, without Mend", async (t) => {
  const stage = await start(t);
  const { command, submit, verbs } = stage;
  const forbidden = new Refusal("not_allowed", "@guest may not ask webster.", { hint: "Ask the operator." });
  Object.assign(verbs, { startRun: () => Promise.reject(forbidden) });
  const form = await command("workflow run", { name: "one" }, { as: "guest" });
  const answer = await submit(form, { materials: "x" }, { as: "guest" });
  assert.equal(said(answer), "⚠️ @guest may not ask webster.\n→ Ask the operator.");
  assert.deepEqual(buttonsOf(answer), []);
});

test("nobody goes on with the form of somebody else", async (t) => {
  const { command, submit, press, guild, ledger, edge } = await start(t);
  const form = await command("workflow run", { name: "six" });
  const fields = Object.fromEntries(fieldsOf(form).map(({ custom_id: id }) => [id, "secret"]));
  const answer = await submit(form, fields);
  const button = buttonsOf(answer)[0]?.custom_id ?? "";
  // The same button on a message that everybody sees, as after a restart in between.
  const { rest } = { rest: `${guild.restApi}/v10/channels/${guild.inspect.channelId("technical")}/messages` };
  const posted = await fetch(rest, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bot x" },
    body: JSON.stringify({
      content: "x",
      components: [{ type: 1, components: [{ type: 2, style: 1, label: "Continue", custom_id: button }] }],
    }),
  });
  const { id } = (await posted.json()) as { id: string };
  const refused = await press(id, button, { as: "ada" });
  assert.match(said(refused), /begun by somebody else/);
  assert.equal((await press(id, button)).state, "modal");
  assert.ok(edge.isConnected() && ledger.works.size === 1);
});

test("a form that was acknowledged and not carried out is finished after the restart, with its buttons", async (t) => {
  const { edge, edgeOf, guild, ledger, started } = await start(t);
  await edge.stop();
  const user = { id: guild.inspect.memberId("you"), name: "you", roles: [] };
  const asked: Asked = {
    id: "1500000000000000001",
    kind: "modal",
    name: "inputs",
    options: {},
    subject: "new/six",
    fields: { "input-1": "typed" },
    user,
    guild: guild.guildId,
    channel: guild.inspect.channelId("technical"),
  };
  const actor = { kind: "person", id: user.id, name: "you", rights: ["delegate"] } as const;
  const { interactions } = ledger.verbs;
  assert.ok(interactions);
  await interactions.note(asked.id, asked, actor);
  const done: string[] = [];
  const later = edgeOf({
    verbs: {
      interactions: {
        ...interactions,
        unfinished: async () =>
          done.length > 0 ? [] : [{ id: asked.id, work: asked, actor, at: Date.now() }],
        done: async (id, outcome) => {
          done.push(`${id} ${outcome}`);
        },
      },
    },
  });
  t.after(later.stop);
  const posted = guild.inspect.next((event) => (event.kind === "message-create" ? event.message : undefined));
  await later.start();
  const message = await posted;
  assert.match(message.content, /\*\*you\*\* asked: \*\*six\*\*: 1 of 2 forms/);
  assert.match(JSON.stringify(message.components), /Continue \(6 of 6\)/);
  assert.doesNotMatch(message.content, /typed/);
  while (done.length === 0) await new Promise(setImmediate);
  assert.deepEqual(done, [`${asked.id} form 1 of 2 of six`]);
  assert.deepEqual(started, []);
});
