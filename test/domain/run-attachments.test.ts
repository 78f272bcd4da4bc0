import assert from "node:assert/strict";
import test from "node:test";
import { canRead } from "../../src/domain/agent-card.ts";
import { fitting } from "../../src/domain/run-attachments.ts";
import { cardOf } from "../support/core.ts";

const fileOf = (step: string) => `/srv/handoffs/workflows/wf-1/${step}.json`;
const nowhere = () => undefined;
const LONG = `First, the answer: 0.007 ppm/K.\n\nThen the reasons.\n\n${"Long. ".repeat(4000)}`;
const one = (name: string, text: string, of = fileOf as (step: string) => string | undefined) =>
  fitting([{ name, text }], "wf-1", of);

test("a long result travels as its first paragraphs and the path of its file, where that can be read", () => {
  const { attachments, notes, files } = one("steps.look.result", LONG);
  assert.equal(
    attachments[0]?.text,
    `First, the answer: 0.007 ppm/K.\n\nThen the reasons.\n[… cut: ${LONG.length} characters in all]`,
  );
  assert.deepEqual(files, ["look"]);
  assert.deepEqual(notes, [
    "The attached context steps.look.result is only its beginning. Read the whole of it before you use it; it stands in the JSON of `/srv/handoffs/workflows/wf-1/look.json`.",
  ]);
});

test("whoever cannot read the file gets as much as goes into a prompt", () => {
  const long = "x".repeat(70_000);
  const { attachments, notes, files } = one("steps.look.result", long, nowhere);
  assert.ok((attachments[0]?.text.length ?? 0) > 65_000);
  assert.match(notes[0] ?? "", /is cut; the whole text stands in handoffs\/workflows\/wf-1\/look\.json/);
  assert.deepEqual(files, []);
  assert.deepEqual(one("steps.look.result", LONG, nowhere).attachments[0]?.text, LONG);
});

test("up to 16 KiB everything travels whole", () => {
  const most = "ü".repeat(8 * 1024);
  assert.equal(one("steps.look.result", most).attachments[0]?.text, most);
  assert.match(one("steps.look.result", `${most}ü`).attachments[0]?.text ?? "", /… cut: 8193 characters/);
});

test("one long paragraph is cut at two thousand characters, never inside of a pair", () => {
  const { attachments } = one("steps.look.result", `${"y".repeat(1999)}${"😀".repeat(9000)}`);
  assert.equal(attachments[0]?.text, `${"y".repeat(1999)}\n[… cut: 19999 characters in all]`);
});

test("what a run remembers of a longer result keeps the number of all its characters", () => {
  const { attachments } = one("steps.look.result", `${LONG}\n[… cut: 204800 characters in all]`);
  assert.match(attachments[0]?.text ?? "", /Then the reasons\.\n\[… cut: 204800 characters in all\]$/);
});

test("what is put together from several steps names each file; what also comes from elsewhere has none", () => {
  const both = one("format('{0}{1}', steps.a.result, steps.b.result)", LONG);
  assert.deepEqual(both.files, ["a", "b"]);
  assert.match(both.notes[0] ?? "", /a\.json` and `\/srv\/.*b\.json`/);
  const mixed = ["inputs.text", "item"].map((other) => `format('{0}{1}', steps.a.result, ${other})`);
  for (const name of ["inputs.text", "item", ...mixed]) assert.deepEqual(one(name, LONG).files, [], name);
});

test("an agent can read its workspace and the folders that its card names, and nothing beside them", () => {
  const card = cardOf("tech-lead", { workspace: "/srv/lead", reads: ["/srv/handoffs/", "/data"] });
  const can = (file: string) => canRead(card, file);
  assert.deepEqual(
    ["/srv/lead/a", "/srv/handoffs/workflows/wf-1/a.json", "/data/x", "/data2/x", "/srv/leader/a"].map(can),
    [true, true, true, false, false],
  );
  assert.equal(canRead(cardOf("webster"), "/srv/handoffs/a"), false);
});
