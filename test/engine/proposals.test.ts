import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { Actor } from "../../src/domain/actor.ts";
import { cardOf } from "../support/core.ts";
import { OPERATOR, startWork } from "../support/work.ts";

const ADA: Actor = { kind: "person", id: "1", name: "ada", rights: ["operate", "delegate", "any-agent"] };
const BOB: Actor = { kind: "person", id: "2", name: "bob", rights: ["operate"] };
const GUEST: Actor = { kind: "person", id: "3", name: "guest", rights: ["delegate"] };
const SOUL = "# Who I am\n\nI am careful.\n";
const LEARNED = `${SOUL}\n## Learned from finished work\n\n- always check the clock\n`;

/** An agent whose workspace may be written, with finished work that taught something. */
async function start(t: TestContext, findings: readonly string[], crash?: (point: string) => void) {
  const folder = mkdtempSync(join(tmpdir(), "hq-space-"));
  const workspace = join(folder, "workspace");
  mkdirSync(workspace);
  const soul = join(workspace, "SOUL.md");
  writeFileSync(soul, SOUL);
  const cards = [cardOf("webster", { skills: ["python-backend"], workspace, writable: true })];
  const core = await startWork(t, { cards, ...(crash ? { crash } : {}) });
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { work, evolve } = core.verbs;
  await work.create(OPERATOR, { title: "one", slug: "one", skill: "python-backend" });
  await work.start(OPERATOR, "one");
  await work.note(OPERATOR, "one", [
    { type: "artifact", kind: "code", label: "a", path: "a.py" },
    ...findings.map((text) => ({ type: "finding", text }) as const),
  ]);
  core.pass(1000);
  await work.complete(OPERATOR, "one");
  const propose = async () => {
    core.pass(1000);
    await evolve.run(OPERATOR, { slug: "one", dry: false });
    return (await evolve.log(1))[0];
  };
  await propose();
  return { ...core, folder, workspace, soul, propose, read: () => readFileSync(soul, "utf8") };
}

test("in a writable workspace what is accepted is written, and the agent gets only the rest", async (t) => {
  const core = await start(t, ["always check the clock", "retries help"]);
  const done = await core.verbs.evolve.decide(ADA, "one", "accepted");
  assert.deepEqual(done.written, ["SOUL.md"]);
  assert.equal(core.read(), LEARNED);
  await core.settled();
  assert.equal(core.sent.length, 1);
  assert.match(core.sent[0]?.message ?? "", /- retries help/);
  assert.doesNotMatch(core.sent[0]?.message ?? "", /- always check the clock/);
  assert.deepEqual(readdirSync(core.workspace), ["SOUL.md"], "nothing half is left");
});

test("a dry run prints the difference and changes nothing", async (t) => {
  const { verbs, read, settled, sent } = await start(t, ["always check the clock", "the port is 1"]);
  const told = await verbs.evolve.decide(ADA, "one", "accepted", { dry: true });
  assert.deepEqual(told.changes, [
    {
      target: "SOUL.md",
      diff: "--- SOUL.md\n+++ SOUL.md\n@@ -1,3 +1,7 @@\n # Who I am\n \n I am careful.\n+\n+## Learned from finished work\n+\n+- always check the clock",
    },
    {
      target: "TOOLS.md",
      diff: "--- TOOLS.md\n+++ TOOLS.md\n@@ -0,0 +1,3 @@\n+## Learned from finished work\n+\n+- the port is 1",
    },
  ]);
  assert.deepEqual([told.dryRun, told.agent], [true, undefined]);
  await settled();
  assert.deepEqual([read(), sent], [SOUL, []]);
  await verbs.evolve.decide(ADA, "one", "accepted");
  assert.equal(read(), LEARNED);
});

test("of people who decide at the same moment one does, and the others read who it was", async (t) => {
  const { verbs, no, read } = await start(t, ["always check the clock"]);
  const { decide } = verbs.evolve;
  const words = await Promise.all([
    no(decide(ADA, "one", "accepted")),
    no(decide(BOB, "one", "accepted")),
    no(decide(OPERATOR, "one", "dismissed")),
    no(decide(ADA, "one", "accepted")),
  ]);
  assert.equal(words.filter((word) => word === "it was allowed").length, 1, words.join("\n"));
  assert.equal(
    words.filter((word) => /^already_settled: @?\w+ (accepted|dismissed) what/.test(word)).length,
    3,
  );
  const [line] = await verbs.evolve.log(1);
  assert.equal(line?.slug, "one");
  assert.ok([SOUL, LEARNED].includes(read()));
});

test("whoever may not override may not decide, and the buttons of earlier proposals decide nothing", async (t) => {
  const { verbs, no, propose, soul, read } = await start(t, ["always check the clock"]);
  assert.match(await no(verbs.evolve.decide(GUEST, "one", "accepted")), /^not_allowed[\s\S]*verbs\.override/);
  const first = (await verbs.evolve.log(1))[0]?.at ?? 0;
  writeFileSync(soul, "# Somebody else\n");
  const second = (await propose())?.at ?? 0;
  assert.notEqual(first, second);
  const late = await no(verbs.evolve.decide(ADA, "one", "accepted", { round: first }));
  assert.match(late, /^already_settled[\s\S]*not what you were shown/);
  await verbs.evolve.decide(ADA, "one", "accepted", { round: second });
  assert.match(read(), /^# Somebody else\n\n## Learned/);
});

test("a file that was changed since refuses, says how to propose anew, and then it is written", async (t) => {
  const { verbs, no, propose, soul, read } = await start(t, ["always check the clock"]);
  writeFileSync(soul, `${SOUL}More.\n`);
  const refused = await no(verbs.evolve.decide(ADA, "one", "accepted"));
  assert.match(refused, /^base_changed[\s\S]*SOUL\.md of webster was changed[\s\S]*hq evolve run one/);
  assert.equal(read(), `${SOUL}More.\n`);
  await propose();
  await verbs.evolve.decide(ADA, "one", "accepted");
  assert.match(read(), /More\.\n\n## Learned from finished work\n\n- always check the clock\n$/);
});

test("a link that takes the place of the file is never written through", async (t) => {
  const { verbs, no, soul, folder } = await start(t, ["always check the clock"]);
  const outside = join(folder, "outside.md");
  writeFileSync(outside, SOUL);
  rmSync(soul);
  symlinkSync(outside, soul);
  assert.match(await no(verbs.evolve.decide(ADA, "one", "accepted")), /^not_allowed[\s\S]*symbolic link/);
  assert.equal(readFileSync(outside, "utf8"), SOUL);
});

test("where the file is a link from the beginning the agent gets the proposals", async (t) => {
  const core = await start(t, ["retries help"]);
  rmSync(core.soul);
  symlinkSync(join(core.folder, "outside.md"), core.soul);
  const { work, evolve } = core.verbs;
  await work.create(OPERATOR, { title: "two", slug: "two", skill: "python-backend" });
  await work.start(OPERATOR, "two");
  await work.note(OPERATOR, "two", [{ type: "finding", text: "always check the clock" }]);
  core.pass(1000);
  await work.complete(OPERATOR, "two");
  await evolve.run(OPERATOR, { slug: "two", dry: false });
  const done = await evolve.decide(ADA, "two", "accepted");
  assert.deepEqual([done.written, typeof done.delegation], [undefined, "string"]);
});

test("who may not ask the agent decides nothing that would go to it", async (t) => {
  const { verbs, no, read } = await start(t, ["always check the clock", "retries help"]);
  assert.match(await no(verbs.evolve.decide(BOB, "one", "accepted")), /^not_allowed: @bob may not delegate/);
  assert.equal(read(), SOUL);
  assert.deepEqual((await verbs.evolve.decide(ADA, "one", "accepted")).written, ["SOUL.md"]);
});

for (const point of ["proposals:half", "proposals:renamed"]) {
  test(`what broke off at ${point} is carried out by itself, once`, async (t) => {
    let left = 1;
    const core = await start(t, ["always check the clock"], (passed) => {
      if (passed === point && left-- > 0) throw new Error("the process died");
    });
    const { verbs, engine, read, workspace } = core;
    await verbs.evolve.decide(ADA, "one", "accepted").catch(() => undefined);
    await core.until("work-one", "work.proposals_applied");
    assert.equal(read(), LEARNED);
    assert.deepEqual((await engine.read("work", "work-one"))?.evolved?.decided?.applied, {});
    assert.deepEqual(readdirSync(workspace), ["SOUL.md"]);
  });
}
