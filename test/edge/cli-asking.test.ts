import assert from "node:assert/strict";
import test from "node:test";
import { createTerminalAsking } from "../../src/cli/asking.ts";
import { openTerminal } from "../support/terminal.ts";

function openAsking() {
  const terminal = openTerminal();
  return { ...terminal, asking: createTerminalAsking(terminal) };
}

const CHOICES = [
  { value: "no", label: "No" },
  { value: "yes", label: "Yes" },
];
const signal = new AbortController().signal;

test("a question is given up by Ctrl-C and by Ctrl-D, also behind letters, and the next one is asked", async () => {
  const { input, shows, asking } = openAsking();
  const first = asking.choose("Remove all?", CHOICES, signal);
  await shows("Remove all?");
  input.write("\u0003");
  assert.equal(await first, undefined);
  const second = asking.choose("Really?", CHOICES, signal);
  await shows("Really?");
  input.write("\u0004");
  assert.equal(await second, undefined);
  const third = asking.write("Why?", signal);
  await shows("Why?");
  input.write("because\u0004");
  assert.equal(await third, undefined);
  const fourth = asking.choose("And now?", CHOICES, signal);
  await shows("And now?");
  input.write("\u001b[B\r");
  assert.equal(await fourth, "yes");
  assert.equal(input.listenerCount("keypress"), 0);
});

test("where the input ends nobody answers: this question and those to come are given up", async () => {
  const { input, shows, asking } = openAsking();
  const open = asking.choose("Remove all?", CHOICES, signal);
  await shows("Remove all?");
  input.end();
  assert.equal(await open, undefined);
  assert.equal(await asking.write("Why?", signal), undefined);
});
