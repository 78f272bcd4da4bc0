import assert from "node:assert/strict";
import test from "node:test";
import type { Effect, FileMove } from "../../src/domain/effects.ts";
import { joinFilings, moveFile, writeLines } from "../../src/domain/filing.ts";

const move: FileMove = { run: "orch-1", path: "/h/1.json", digest: "d", to: "accepted", problems: [] };
const line = (text: string) => ({ file: "project", line: text }) as const;
const card: Effect = {
  body: { type: "card", run: "orch-1", to: { channel: "1" } },
  lane: "discord",
  dueAt: 1,
};

test("filings of one commit are one effect, in their order, where the first one stood", () => {
  const effects = [
    card,
    moveFile(move, 5),
    card,
    writeLines([line("a"), line("b")], 5),
    writeLines([line("c")], 5),
  ];
  assert.deepEqual(joinFilings(effects), [
    card,
    {
      body: { type: "filing", moves: [move], lines: [line("a"), line("b"), line("c")] },
      lane: "host",
      dueAt: 5,
    },
    card,
  ]);
});

test("what needs no joining is left as it is", () => {
  for (const effects of [[], [card], [card, moveFile(move, 5)]]) assert.equal(joinFilings(effects), effects);
});
