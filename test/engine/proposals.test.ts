import assert from "node:assert/strict";
import {
  existsSync,
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
import { createRegistry } from "../../src/domain/agent-card.ts";
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
  /** The files of agents are taken in anew, and the workspace may be written no more. */
  const lock = () =>
    Object.assign(core.config, {
      registry: createRegistry(cards.map((card) => ({ ...card, writable: false }))),
    });
  return { ...core, folder, workspace, soul, propose, lock, read: () => readFileSync(soul, "utf8") };
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

test("a dry run names the agent that gets what is not written", async (t) => {
  const { verbs } = await start(t, ["always check the clock", "retries help"]);
  const told = await verbs.evolve.decide(ADA, "one", "accepted", { dry: true });
  assert.deepEqual([told.changes?.map(({ target }) => target), told.agent], [["SOUL.md"], "webster"]);
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

test("what could not be sent once it was accepted is sent when somebody accepts once more, and nothing else changes it", async (t) => {
  let leave: (() => void) | undefined;
  const core = await start(t, ["always check the clock", "retries help"], (point) => {
    if (point === "proposals:renamed") leave?.();
  });
  const { verbs, no, sent, settled, config } = core;
  const { registry } = config;
  leave = () => Object.assign(config, { registry: createRegistry([]) });
  assert.match(
    await no(verbs.evolve.decide(ADA, "one", "accepted")),
    /^unknown_agent[\s\S]*hq work handoff one --to/,
  );
  await settled();
  Object.assign(config, { registry });
  assert.match(await no(verbs.evolve.decide(ADA, "one", "accepted", { dry: true })), /^already_settled/);
  assert.match(await no(verbs.evolve.decide(ADA, "one", "dismissed")), /^already_settled: @ada accepted/);
  core.pass(3_600_000);
  await settled();
  assert.deepEqual([core.read(), sent], [LEARNED, []]);
  writeFileSync(core.soul, `${LEARNED}- one line more\n`);
  const { delegation } = await verbs.evolve.decide(BOB, "one", "accepted");
  await settled();
  assert.equal(sent.length, 1);
  assert.equal(core.read(), `${LEARNED}- one line more\n`, "what was written before is not looked at again");
  const asked = (await core.engine.read("delegation", delegation ?? ""))?.order.actor;
  assert.deepEqual(asked, ADA, "whoever accepted first asks");
  assert.match(await no(verbs.evolve.decide(ADA, "one", "accepted")), /^already_settled/);
});

test("a file that is changed while it is written stays as it is; nothing goes to the agent until it is proposed anew", async (t) => {
  const mine = `${SOUL}Mine.\n`;
  let change: (() => void) | undefined;
  const core = await start(t, ["always check the clock", "retries help"], (point) => {
    if (point === "proposals:half") change?.();
  });
  const { verbs, no, propose, soul, read, settled, sent } = core;
  change = () => writeFileSync(soul, mine);
  assert.match(
    await no(verbs.evolve.decide(ADA, "one", "accepted")),
    /^base_changed[\s\S]*SOUL\.md of webster was changed[\s\S]*hq evolve run one/,
  );
  await settled();
  assert.deepEqual([read(), sent], [mine, []]);
  assert.match(
    await no(verbs.evolve.decide(ADA, "one", "accepted")),
    /^base_changed[\s\S]*hq evolve run one/,
  );
  await settled();
  assert.deepEqual([read(), sent], [mine, []]);
  change = undefined;
  await propose();
  assert.deepEqual((await verbs.evolve.decide(ADA, "one", "accepted")).written, ["SOUL.md"]);
  await settled();
  assert.match(read(), /Mine\.\n\n## Learned from finished work\n\n- always check the clock\n$/);
  assert.equal(sent.length, 1);
});

test("what hinders the writing after a crash is noted, and nothing is written", async (t) => {
  const hindrances = {
    "SOUL.md of webster was changed": ({ soul }: { soul: string }) => writeFileSync(soul, "# Mine\n"),
    "the workspace of webster is not writable any more": ({ lock }: { lock: () => void }) => lock(),
    "is a symbolic link": ({ soul, folder }: { soul: string; folder: string }) => {
      rmSync(soul);
      symlinkSync(join(folder, "outside.md"), soul);
    },
  };
  for (const [problem, hinder] of Object.entries(hindrances)) {
    let die: (() => void) | undefined;
    const core = await start(t, ["always check the clock", "retries help"], (point) => {
      if (point !== "proposals:half" || !die) return;
      die();
      die = undefined;
      throw new Error("the process died");
    });
    die = () => hinder(core);
    await core.verbs.evolve.decide(ADA, "one", "accepted").catch(() => undefined);
    await core.until("work-one", "work.proposals_applied");
    await core.settled();
    const { decided } = (await core.engine.read("work", "work-one"))?.evolved ?? {};
    assert.ok(decided?.applied?.problem?.includes(problem), decided?.applied?.problem);
    assert.doesNotMatch(existsSync(core.soul) ? core.read() : "", /Learned/);
    assert.deepEqual(core.sent, []);
  }
});

test("a workspace that is writable no more takes nothing, and what is proposed anew goes to the agent", async (t) => {
  const { verbs, no, lock, propose, read, settled, sent } = await start(t, ["always check the clock"]);
  lock();
  assert.match(
    await no(verbs.evolve.decide(ADA, "one", "accepted")),
    /^base_changed[\s\S]*the workspace of webster is not writable any more/,
  );
  await propose();
  const done = await verbs.evolve.decide(ADA, "one", "accepted");
  await settled();
  assert.deepEqual([done.written, read(), sent.length], [undefined, SOUL, 1]);
});

test("what was accepted and not written yet is written when it is accepted once more", async (t) => {
  let isFull = true;
  const { verbs, read, settled } = await start(t, ["always check the clock"], (point) => {
    if (point === "proposals:half" && isFull) throw new Error("the disk is full");
  });
  await assert.rejects(verbs.evolve.decide(ADA, "one", "accepted"), /full/);
  await settled();
  assert.equal(read(), SOUL);
  isFull = false;
  assert.deepEqual((await verbs.evolve.decide(BOB, "one", "accepted")).written, ["SOUL.md"]);
  assert.equal(read(), LEARNED);
});

test("whoever the work was handed over to gets what it taught, and nobody's files are written", async (t) => {
  const { verbs, config, workspace, read } = await start(t, ["always check the clock"]);
  const webster = cardOf("webster", { skills: ["python-backend"], workspace, writable: true });
  Object.assign(config, { registry: createRegistry([webster, cardOf("auditor")]) });
  await verbs.work.handoff(OPERATOR, "one", "auditor");
  const { written, delegation } = await verbs.evolve.decide(ADA, "one", "accepted");
  assert.deepEqual([written, read()], [undefined, SOUL]);
  assert.equal((await verbs.delegation(delegation ?? "")).agent, "auditor");
});

test("an operator who speaks as an agent decides nothing, and whom a rule lets ask nobody decides nothing for an agent", async (t) => {
  const { verbs, no, config, engine } = await start(t, ["retries help"]);
  const claims: Actor = { kind: "operator", claims: "webster" };
  assert.match(await no(verbs.evolve.decide(claims, "one", "accepted")), /^not_allowed[\s\S]*for people/);
  Object.assign(config, { acl: { ...config.acl, verbs: { delegate: ["role:eng"] } } });
  assert.match(await no(verbs.evolve.decide(ADA, "one", "accepted")), /^not_allowed[\s\S]*verbs\.delegate/);
  const { evolved } = (await engine.read("work", "work-one")) ?? {};
  assert.deepEqual([evolved?.proposals, evolved?.decided], [1, undefined]);
});
