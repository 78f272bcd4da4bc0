import assert from "node:assert/strict";
import test from "node:test";
import { createRegistry } from "../../src/domain/agent-card.ts";
import { type KnownNames, parseTask } from "../../src/domain/task-tags.ts";
import { cardOf } from "../support/core.ts";
import { taskQueueOf } from "../support/task-queue.ts";

const known: KnownNames = {
  models: taskQueueOf("/nowhere"),
  workers: ["standard", "godot-tester"],
  agents: createRegistry([cardOf("webster"), cardOf("tech-lead")]),
  workflows: ["quick-research"],
};
const read = (text: string) => parseTask(text, known);

/** The messages of the original tools' own tests and of its bug reports, with what is made of them now. */
const VECTORS: readonly (readonly [text: string, objective: string, tags: object])[] = [
  [
    "**[Task: 1471234567890]** Review code [model:coder] [thinking:high]",
    "Review code",
    { model: "coder", thinking: "high" },
  ],
  [
    "[model:coder] Write code [thinking:high] [worker:godot-tester]",
    "Write code",
    { model: "coder", thinking: "high", worker: "godot-tester" },
  ],
  ["Simple task", "Simple task", {}],
  ["a | b pipes [model:cheap]", "a | b pipes", { model: "cheap" }],
  ["[MODEL:coder] upper", "upper", { model: "coder" }],
  ["[model: coder ] spaces", "spaces", { model: "coder" }],
  ["[ model :coder] spaces", "spaces", { model: "coder" }],
  ["[model:CODER] upper", "upper", { model: "coder" }],
  ["[model:cheap] two [model:coder] tags", "two tags", { model: "cheap" }],
  ["[thinking:off] off", "off", { thinking: "off" }],
  ["[Thinking:HIGH] loud", "loud", { thinking: "high" }],
  ["[model:kimi-k2.5] by its name", "by its name", { model: "primary" }],
  ["[model:openrouter/x/y-1] any", "any", { model: "openrouter/x/y-1" }],
  ["Find it [agent:webster] [timeout:90]", "Find it", { agent: "webster", timeoutMs: 90_000 }],
  ["Find it [timeout:5m]", "Find it", { timeoutMs: 300_000 }],
  ["Find it [workflow:Quick-Research]", "Find it", { workflow: "quick-research" }],
  ["one\ntwo [model:cheap]\n\nthree", "one\ntwo\n\nthree", { model: "cheap" }],
  [`say "it's" $(rm) \\n`, `say "it's" $(rm) \\n`, {}],
  ["use ```\na[model:cheap]**2\n``` here", "use ```\na[model:cheap]**2\n``` here", {}],
  ["use `2**3**4` and **bold `**` words**", "use `2**3**4` and bold `**` words", {}],
  ["an open ``` fence [model:cheap]", "an open ``` fence", { model: "cheap" }],
  ["2**10 is a number", "2**10 is a number", {}],
  ["[x](y) [note] [mode:l]", "[x](y) [note] [mode:l]", {}],
  ["[Task: 1] [task: 2] twice", "[task: 2] twice", {}],
  ["", "", {}],
  [" \n ", "", {}],
];

for (const [text, objective, tags] of VECTORS) {
  test(`the task ${JSON.stringify(text)}`, () => {
    assert.deepEqual(read(text), { objective, tags, problems: [] });
  });
}

test("tags after 500 characters count, and 4,000 characters stay whole", () => {
  const words = "x".repeat(3980);
  assert.deepEqual(read(`${words} [model:cheap]`), {
    objective: words,
    tags: { model: "cheap" },
    problems: [],
  });
});

test("only an attachment is a task that says so", () => {
  const files = [{ name: "spec.pdf" }, { name: "plot.png" }];
  assert.equal(parseTask("", known, files.slice(0, 1)).objective, "See the attached file: spec.pdf");
  assert.equal(
    parseTask("[agent:webster]", known, files).objective,
    "See the attached files: spec.pdf, plot.png",
  );
  assert.equal(parseTask("Read it", known, files).objective, "Read it");
});

test("a text with the mark that code is held out by stays whole", () => {
  assert.equal(read("a\u00000\u0000b `c`").objective, "a0b `c`");
});

/** Each problem names the right values. */
const PROBLEMS: readonly (readonly [text: string, ...problems: RegExp[]])[] = [
  ["x [model:chep]", /the model "chep" is not known here; did you mean cheap\? there are: cheap, primary/],
  ["x [model:anthropic/claude]", /the model "anthropic\/claude" is not known here/],
  ["x [thinking:extreme]", /the thinking level "extreme" .*there are: off, low, medium, high/],
  ["x [agent:wbster]", /the agent "wbster" .*did you mean webster\?/],
  ["x [worker:nobody]", /the worker "nobody" .*there are: standard, godot-tester/],
  ["x [workflow:nope]", /the workflow "nope" .*there are: quick-research/],
  ["x [timeout:soon]", /the time limit "soon" .*like 90 \(seconds\) or 5m, from 1s to 2d 0h/],
  ["x [timeout:0]", /the time limit "0"/],
  ["x [timeout:3d]", /the time limit "3d"/],
  ["x [model:]", /\[model:\] names nothing; there are: cheap/],
  ["[model:cheap]", /says nothing beside its tags/],
  ["x [model:a] [thinking:b]", /the model "a"/, /the thinking level "b"/],
  ["x [agent:webster] [worker:standard]", /only one of \[agent:\], \[worker:\] and \[workflow:\]/],
  [
    "x [workflow:quick-research] [model:cheap]",
    /a workflow says for each of its steps itself what \[model:\]/,
  ],
];

for (const [text, ...expected] of PROBLEMS) {
  test(`what is wrong with ${JSON.stringify(text)}`, () => {
    const { problems } = read(text);
    assert.equal(problems.length, expected.length);
    for (const [index, pattern] of expected.entries()) assert.match(problems[index]?.message ?? "", pattern);
  });
}

test("a long wrong value is not repeated in full, and where nothing is known that is said", () => {
  assert.ok((read(`x [model:${"y".repeat(3000)}]`).problems[0]?.message.length ?? 0) < 300);
  const [problem] = parseTask("x [worker:y]", { ...known, workers: [] }).problems;
  assert.match(problem?.message ?? "", /there are none here/);
});
