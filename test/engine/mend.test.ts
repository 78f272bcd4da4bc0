import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import type { Finding, MendAct } from "../../src/domain/audit-types.ts";
import type { Engine } from "../../src/engine/accept.ts";
import { createMend } from "../../src/engine/mend.ts";
import { cardOf, handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const OPERATOR = { kind: "operator", via: "page" } as const;
const SEEN = { dry: false, hasLookedAtDiscord: true };
const AT = 7;

/** What is done about findings, in order. `digests`: of the files that are there. */
function hands(digests: Readonly<Record<string, string>> = {}, isFull = false) {
  const steps: unknown[] = [];
  const mend = createMend({
    engine: {
      accept: async (acceptance: object) => {
        if (isFull) throw new Error("the disk is full");
        steps.push(acceptance);
        return { state: undefined, events: [{}] };
      },
    } as unknown as Engine,
    ledger: {
      postpone: async (...given) => void steps.push(["postpone", ...given]),
      putOff: async (...given) => void steps.push(["put off", ...given]),
    },
    inbox: {
      archive: async (move) => {
        steps.push(move);
        return `${move.to}/1970-01-01/${move.run}.json`;
      },
    },
    digestOf: async (path) => digests[path],
    ring: () => void steps.push("ring"),
    now: () => AT,
  });
  return { steps, mend };
}

const findingOf = (act?: MendAct): Finding => ({
  fault: "stuck",
  id: "orch-1@2#0",
  of: "orch-1",
  reason: "nobody takes it",
  mend: "hq cancel orch-1",
  ...(act ? { act } : {}),
});

/** The event of a mend; its own id is new each time. */
function noted(step: unknown) {
  const { stream, input, ...rest } = step as { stream: string; input: { id: string } };
  const { id, ...said } = input;
  assert.match(stream, /^mend-/);
  assert.equal(stream, id);
  return { ...rest, input: said };
}
function noteOf(done: string, { effect, ...more }: { receipts?: object[]; effect?: object } = {}) {
  const { fault, id, of, reason } = findingOf();
  return {
    kind: "mend",
    input: {
      type: "mend",
      at: AT,
      by: "operator (page)",
      finding: { fault, id, of, reason },
      done,
      ...(effect ? { effect } : {}),
    },
    cause: `audit of ${id}`,
    isNew: true,
    actor: OPERATOR,
    ...more,
  };
}

test("a missing message is not posted again as long as nobody could look whether it is there", async () => {
  const { mend, steps } = hands();
  const effect = { body: { type: "post", delivery: { id: "orch-1/result" } }, lane: "any", dueAt: 1 };
  const finding = findingOf({ type: "effect", effect } as unknown as MendAct);
  const [blind] = await mend(OPERATOR, [finding], { ...SEEN, hasLookedAtDiscord: false });
  assert.deepEqual([blind?.isMended, steps], [false, []]);
  assert.match(blind?.done ?? "", /not posted: Discord was not looked at/);
  const [dry] = await mend(OPERATOR, [finding], { dry: true, hasLookedAtDiscord: false });
  assert.match(dry?.done ?? "", /not posted: Discord was not looked at/);
  const [seen] = await mend(OPERATOR, [finding], SEEN);
  assert.deepEqual(seen, { finding, done: "posted again", isMended: true });
  assert.deepEqual(steps.map(noted), [noteOf("post follows", { effect: { ...effect, dueAt: AT } })]);
});

test("missing news follows also where Discord was not looked at", async () => {
  const { mend, steps } = hands();
  const body = { type: "tell", run: "wf-1", child: "orch-1", kind: "delegation" } as const;
  const act = { type: "effect", effect: { body, lane: "any", dueAt: 1 } } as const;
  const [told] = await mend(OPERATOR, [findingOf(act)], { ...SEEN, hasLookedAtDiscord: false });
  assert.deepEqual([told?.done, told?.isMended], ["tell follows", true]);
  const effect = { ...act.effect, dueAt: AT };
  assert.deepEqual(steps.map(noted), [noteOf("tell follows", { effect })]);
});

test("what rests is taken up again or woken at once, and then it is noted who had that done", async () => {
  const { mend, steps } = hands();
  const acts = [
    { type: "take-up", effect: "orch-1@2#0" },
    { type: "wake", stream: "orch-1", wakeAt: 3 },
  ] as const;
  const mended = await mend(OPERATOR, acts.map(findingOf), SEEN);
  assert.deepEqual(
    mended.map(({ done, isMended }) => [done, isMended]),
    [
      ["taken up again", true],
      ["woken", true],
    ],
  );
  const [taken, ring, first, put, again, second] = steps;
  assert.deepEqual(taken, ["postpone", "orch-1@2#0", AT, "taken up again by an audit", { stillBegun: true }]);
  assert.deepEqual(put, ["put off", { stream: "orch-1", kind: "delegation", wakeAt: 3 }, AT]);
  assert.deepEqual([ring, again], ["ring", "ring"]);
  assert.deepEqual([noted(first), noted(second)], [noteOf("taken up again"), noteOf("woken")]);
  assert.equal(steps.length, 6);
});

test("a receipt is put in at its delivery and as a row of its own", async () => {
  const { mend, steps } = hands();
  const delivery = { id: "orch-1/log" } as never;
  const receipt = { delivery: "orch-1/log", part: 0, message: "12" } as never;
  const act = { type: "receipt", delivery, receipt, of: 2 } as const;
  const [mended] = await mend(OPERATOR, [findingOf(act)], SEEN);
  assert.deepEqual([mended?.done, mended?.isMended], ["its receipt was put in", true]);
  const [told, note] = steps;
  assert.deepEqual(told, {
    kind: "delivery",
    stream: "orch-1/log",
    input: { type: "part-posted", delivery, receipt, of: 2 },
    cause: "audit of orch-1/log",
    actor: OPERATOR,
  });
  assert.deepEqual(noted(note), noteOf("its receipt was put in", { receipts: [receipt] }));
});

test("a handoff of nobody goes to rejected with the reason beside it; one that is gone by now is left alone", async () => {
  const { mend, steps } = hands({ "/handoffs/orch-1.json": "d1" });
  const act = { type: "file", path: "/handoffs/orch-1.json", run: "orch-1" } as const;
  const gone = { ...act, path: "/handoffs/orch-2.json" };
  const mended = await mend(OPERATOR, [findingOf(act), findingOf(gone)], SEEN);
  const done = "put away as rejected/1970-01-01/orch-1.json";
  assert.deepEqual(
    mended.map(({ done, isMended }) => [done, isMended]),
    [
      [done, true],
      ["nothing to mend any more", false],
    ],
  );
  const [move, note] = steps;
  const problems = [{ path: "", message: "put away by an audit: nobody takes it" }];
  assert.deepEqual(move, { run: "orch-1", path: act.path, digest: "d1", to: "rejected", problems });
  assert.deepEqual(noted(note), noteOf(done));
  assert.equal(steps.length, 2);
});

test("what the ledger does not take is an error to whoever mends, and nothing after it is begun", async () => {
  const { mend, steps } = hands({}, true);
  const act = { type: "wake", stream: "orch-1", wakeAt: 3 } as const;
  await assert.rejects(mend(OPERATOR, [findingOf(act), findingOf(act)], SEEN), /disk is full/);
  assert.equal(steps.length, 2);
});

test("a dry run says what would be done and does nothing; what no audit mends says what does", async () => {
  const { mend, steps } = hands();
  const body = { type: "tell", run: "wf-1", child: "orch-1", kind: "delegation" } as const;
  const acts: readonly (MendAct | undefined)[] = [
    undefined,
    { type: "effect", effect: { body, lane: "any", dueAt: 1 } },
    { type: "wake", stream: "orch-1", wakeAt: 3 },
  ];
  const mended = await mend(OPERATOR, acts.map(findingOf), { ...SEEN, dry: true });
  assert.deepEqual(
    mended.map(({ done, isMended }) => [done, isMended]),
    [
      ["not by itself: hq cancel orch-1", false],
      ["would be mended (tell)", false],
      ["would be mended (wake)", false],
    ],
  );
  const { done, isMended } = (await mend(OPERATOR, [findingOf()], SEEN))[0] ?? {};
  assert.deepEqual([done, isMended], ["not by itself: hq cancel orch-1", false]);
  assert.deepEqual(steps, []);
});

test("what is put back is compared with all that the look saw of it", async () => {
  const { steps, mend } = hands();
  const act = { type: "put-back", run: "orch-1", attempt: 1, deferrals: 2, reroutes: 3 } as const;
  await mend(OPERATOR, [findingOf(act)], SEEN);
  const [{ input }] = steps as [{ input: { seen: object } }];
  assert.deepEqual(input.seen, { deferrals: 2, reroutes: 3 });
});

test("an attempt that nothing would send is put back and sent once, also when two audits mend at once", async () => {
  using folder = temporaryFolder();
  await using core = await startCore(folder.path);
  await core.verbs.drainAgent(OPERATOR, "webster");
  const asked = { agent: "webster", objective: "Find the CTE", origin: { door: "cli" } } as const;
  const { id } = (await core.verbs.delegate(OPERATOR, asked)).delegation;
  const db = new DatabaseSync(join(folder.path, "ledger.db"), { timeout: 5000 });
  db.prepare("delete from outbox where stream = ? and type = 'dispatch'").run(id);
  db.close();
  await core.verbs.resumeAgent(OPERATOR, "webster");
  const { findings } = await core.ledger.upkeep.audit({ now: core.now(), isRunning: true, limit: 100 });
  assert.deepEqual(
    findings.map(({ fault, id }) => `${fault} ${id}`),
    [`lost ${id}`],
  );
  const mend = createMend({
    ...core,
    digestOf: async () => undefined,
    ring: core.loop.ring,
    now: core.now,
  });
  const both = await Promise.all([mend(OPERATOR, findings, SEEN), mend(OPERATOR, findings, SEEN)]);
  assert.deepEqual(
    both
      .flat()
      .map(({ done }) => done)
      .sort(),
    ["nothing to mend any more", "put back into its queue"],
  );
  await core.until(id, "attempt.dispatched");
  await core.settled();
  assert.equal(core.sent.length, 1);
  const events = await core.ledger.events({ after: -1, limit: 100 });
  const [back, made] = ["attempt.deferred", "mend.made"].map((type) =>
    events.filter((event) => event.type === type).map(({ body, actor, cause }) => ({ body, actor, cause })),
  );
  const body = {
    type: "attempt.deferred",
    attempt: 1,
    at: core.now(),
    untilAt: core.now(),
    reason: "uncertain",
    text: "its sending was missing; put back by an audit",
    again: false,
  };
  assert.deepEqual(back, [{ body, actor: "operator (page)", cause: `audit of ${id}` }]);
  assert.equal(made?.length, 1);
});

test("an attempt that was put back and went to another agent is not put back again by an older look", async () => {
  using folder = temporaryFolder();
  const held = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  let isDown = false;
  await using core = await startCore(folder.path, {
    async answer({ agent }) {
      if (agent.id === "webster")
        return isDown ? { kind: "again", reason: "agent_down", text: "refused" } : { kind: "accepted" };
      reached.resolve();
      await held.promise;
      return { kind: "accepted" };
    },
    cards: [cardOf("webster"), cardOf("manager", { concurrency: 2 })],
  });
  const origin = { door: "cli" } as const;
  const asked = { agent: "webster", objective: "Find the CTE", fallback: ["manager"], origin } as const;
  const first = (await core.verbs.delegate(OPERATOR, asked)).delegation;
  await core.until(first.id, "attempt.dispatched");
  // It waits for its turn behind the first one.
  const { id } = (await core.verbs.delegate(OPERATOR, { ...asked, objective: "Find it too" })).delegation;
  const db = new DatabaseSync(join(folder.path, "ledger.db"), { timeout: 5000 });
  db.prepare("delete from outbox where stream = ? and type = 'dispatch'").run(id);
  db.close();
  isDown = true;
  await core.hand(first.id, handoffOf(first.id));
  const page = await core.ledger.upkeep.audit({ now: core.now(), isRunning: true, limit: 100 });
  const findings = page.findings.filter((finding) => finding.act?.type === "put-back");
  const mend = createMend({ ...core, digestOf: async () => undefined, ring: core.loop.ring, now: core.now });
  const mended = async () => (await mend(OPERATOR, findings, SEEN)).map(({ done }) => done);
  assert.deepEqual(await mended(), ["put back into its queue"]);
  await reached.promise;
  assert.deepEqual(await mended(), ["nothing to mend any more"]);
  held.resolve();
  await core.until(id, "attempt.dispatched");
  await core.settled();
  assert.deepEqual(
    core.sent.map(({ agent }) => agent.id),
    ["webster", "webster", "manager"],
  );
});
