import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { commandDigest, diffCommands } from "../../src/discord/deploy-commands.ts";
import { commandSet, loadCommands } from "../../src/discord/load-commands.ts";

const FOLDER = join(import.meta.dirname, "../../commands");

test("every file in commands/ is a command, and every button has one owner", async () => {
  const { commands, presses, submits } = await loadCommands(FOLDER);
  assert.deepEqual(commands.map(({ data }) => data.name).sort(), [
    "Delegate this message",
    "agents",
    "cancel",
    "delegate",
    "help",
    "metrics",
    "queue",
    "status",
    "workflow",
  ]);
  assert.deepEqual([...presses.keys()].sort(), [
    "accept",
    "adjust",
    "again",
    "approve",
    "cancel",
    "details",
    "fill",
    "on",
    "proposals-accept",
    "proposals-dismiss",
    "queue-again",
    "queue-cancel",
    "queue-show",
    "reject",
    "restart",
    "retry",
    "show",
    "to",
  ]);
  assert.deepEqual([...submits.keys()].sort(), ["adjusted", "inputs", "on", "reject"]);
});

test("commands keep Discord's limits for names, descriptions, options and length", async () => {
  const { commands } = await loadCommands(FOLDER);
  for (const { data } of commands) {
    const isSlash = (data.type ?? 1) === 1;
    assert.match(data.name, isSlash ? /^[-_a-z0-9]{1,32}$/ : /^.{1,32}$/);
    const options = "options" in data ? (data.options ?? []) : [];
    const described = [...(isSlash ? [data as { description: string }] : []), ...options];
    for (const { description } of described) assert.ok(description.length > 0 && description.length <= 100);
    assert.ok(options.length <= 25);
    for (const option of options) assert.match(option.name, /^[-_a-z0-9]{1,32}$/);
    const required = options.map((option) => option.required === true);
    assert.deepEqual(
      required,
      required.toSorted((a, b) => Number(b) - Number(a)),
      "required options come first",
    );
    const letters = [
      data.name,
      ...described.map(({ description }) => description),
      ...options.map(({ name }) => name),
    ];
    assert.ok(letters.join("").length <= 8000);
  }
});

test("a file that is no command stops the start and is named", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "hq-commands-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "broken.ts"), `export default { data: {} };\n`);
  await assert.rejects(loadCommands(folder), /commands\/broken\.ts is not a command/);
});

test("two commands of one name, or two buttons of one action, are an error", () => {
  const execute = () => Promise.resolve({ text: "", outcome: "" });
  const command = { data: { name: "x", description: "x" }, execute };
  assert.throws(() => commandSet([command, command]), /same name/);
  const presses = { go: { execute } };
  const other = { data: { name: "y", description: "y" }, execute, presses };
  assert.throws(() => commandSet([{ ...command, presses }, other]), /same action/);
});

test("what Discord adds to a command does not make it another one", async () => {
  const { commands } = await loadCommands(FOLDER);
  for (const { data } of commands) {
    const fromDiscord = {
      ...structuredClone(data),
      id: "1",
      application_id: "2",
      version: "3",
      nsfw: false,
      dm_permission: true,
      contexts: null,
      integration_types: [0],
      name_localizations: null,
      default_member_permissions: null,
      type: data.type ?? 1,
      options: ("options" in data ? (data.options ?? []) : []).map((option) => ({
        required: false,
        name_localizations: null,
        ...option,
      })),
    };
    assert.equal(commandDigest(fromDiscord), commandDigest(data));
  }
});

test("the difference names what is new, changed and gone", () => {
  const a = { name: "a", description: "one" };
  const b = { name: "b", description: "one" };
  assert.deepEqual(diffCommands([a, b], [a, b]), { added: [], changed: [], removed: [] });
  assert.deepEqual(diffCommands([a, { ...b, description: "two" }], [b, { name: "c" }]), {
    added: ["a"],
    changed: ["b"],
    removed: ["c"],
  });
  assert.deepEqual(diffCommands([{ name: "a", type: 3 }], [{ name: "a", type: 1 }]), {
    added: ["a"],
    changed: [],
    removed: ["a"],
  });
});
