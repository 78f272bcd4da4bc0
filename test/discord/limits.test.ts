import assert from "node:assert/strict";
import test from "node:test";
import { limitProblems } from "../../src/discord/limits.ts";
import { type Payload, text } from "../../src/discord/payload.ts";

const container = (...components: unknown[]) => ({ type: 17, components }) as never;
const payload = (...components: unknown[]): Payload => ({ components: components as never, files: [] });
const button = (id: string, label = "Go") => ({ type: 2, style: 1, label, custom_id: id });

test("an ordinary message breaks no limit", () => {
  assert.deepEqual(
    limitProblems(payload(container(text("hello"), { type: 1, components: [button("a")] }))),
    [],
  );
  assert.deepEqual(limitProblems({ content: "hello", files: [] }), []);
});

test("components are counted with those inside them, text in total", () => {
  const rows = Array.from({ length: 20 }, (_, n) => ({ type: 1, components: [button(`b${n}`)] }));
  assert.deepEqual(limitProblems(payload(container(...rows))), ["components: 41, at most 40"]);
  const texts = [text("x".repeat(2500)), text("y".repeat(1501))];
  assert.deepEqual(limitProblems(payload(container(...texts))), ["text: 4001, at most 4000"]);
  const labels = { type: 1, components: [button("a", "l".repeat(50)), button("b", "l".repeat(50))] };
  assert.deepEqual(limitProblems(payload(text("x".repeat(3901)), labels)), ["text: 4001, at most 4000"]);
  const section = { type: 9, components: [text("y")], accessory: button("a") };
  assert.deepEqual(limitProblems(payload(...Array.from({ length: 14 }, () => section))).slice(0, 2), [
    "components: 42, at most 40",
    "custom id a is used twice",
  ]);
});

test("every other limit is named with what is and what may be", () => {
  const cases: readonly [Payload, string][] = [
    [{ content: "x".repeat(2001), files: [] }, "content: 2001, at most 2000"],
    [
      payload({ type: 1, components: ["a", "b", "c", "d", "e", "f"].map((id) => button(id)) }),
      "row: 6, at most 5",
    ],
    [payload({ type: 1, components: [button("x".repeat(101))] }), "custom id: 101, at most 100"],
    [payload({ type: 1, components: [button("x", "l".repeat(81))] }), "label: 81, at most 80"],
    [payload({ type: 1, components: [button("x"), button("x")] }), "custom id x is used twice"],
    [payload(container(text(""))), "a text is empty"],
    [
      payload({
        type: 1,
        components: [{ type: 3, custom_id: "s", options: Array.from({ length: 26 }, () => 0) }],
      }),
      "options: 26, at most 25",
    ],
    [{ files: [] }, "the message is empty"],
    [
      {
        content: "x",
        files: Array.from({ length: 11 }, (_, n) => ({ name: `${n}`, bytes: new Uint8Array(1) })),
      },
      "files: 11, at most 10",
    ],
    [
      { content: "x", files: [{ name: "a", bytes: new Uint8Array(10 * 1024 * 1024 + 1) }] },
      "file bytes: 10485761, at most 10485760",
    ],
    [
      {
        content: "x",
        files: [1, 2, 3].map((n) => ({ name: `${n}`, bytes: new Uint8Array(9 * 1024 * 1024) })),
      },
      "request bytes: 28311552, at most 26214400",
    ],
  ];
  for (const [broken, problem] of cases) assert.deepEqual(limitProblems(broken), [problem]);
});
