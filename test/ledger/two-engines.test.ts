import assert from "node:assert/strict";
import test, { after, type TestContext } from "node:test";
import { createGoneHomes } from "../../src/app/gone-homes.ts";
import { hostLanes } from "../../src/app/host-lanes.ts";
import { sharedSecret } from "../../src/app/shared-secret.ts";
import { createTurn } from "../../src/app/turn.ts";
import { DEFAULT_ACL } from "../../src/domain/acl.ts";
import { createRegistry } from "../../src/domain/agent-card.ts";
import { agentStream } from "../../src/domain/agent-state.ts";
import { createEngine } from "../../src/engine/accept.ts";
import { createDrain } from "../../src/engine/drain.ts";
import { createHold } from "../../src/engine/hold.ts";
import type { StoredEvent } from "../../src/engine/ports/ledger.ts";
import { openPostgresLedger } from "../../src/ledger/postgres/postgres.ts";
import { AT, claimOf, commitOf, line, streams, written } from "../contract/ledger-fixture.ts";
import { cardOf } from "../support/core.ts";
import { startPostgres } from "../support/postgres.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

const OPERATOR = { kind: "operator" } as const;
const AGENT = "webster";
const STREAM = agentStream(AGENT);
const drain = { type: "drain", at: AT, agent: AGENT, by: "operator" } as const;
const resume = { type: "resume", at: AT, agent: AGENT, by: "operator" } as const;
const asked = (input: typeof drain | typeof resume) =>
  ({ kind: "agent", stream: STREAM, input, cause: input.type }) as const;

/** Two engines, each as in a supervisor of its own, on one database. */
async function two(t: TestContext) {
  const url = await postgres.createDatabase();
  const open = async () => {
    const ledger = await openPostgresLedger({ url });
    const broken: unknown[] = [];
    const engine = createEngine({
      ledger,
      now: () => AT,
      crash: () => undefined,
      onCommit: () => undefined,
      onBroken: (error) => void broken.push(error),
    });
    await engine.follower.start();
    const heard: StoredEvent[] = [];
    engine.watch((events) => void heard.push(...events));
    t.after(async () => {
      await engine.follower.stop();
      await ledger.close();
      assert.deepEqual(broken, []);
    });
    return { ledger, engine, heard };
  };
  return { url, a: await open(), b: await open() };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a batch of what another one has taken over meanwhile is not written: it would be said twice", async (t) => {
  const { a, b } = await two(t);
  await written(a.ledger, commitOf("run-1", { effects: [line("one", AT), line("two", AT)] }));
  const stood = await claimOf(a.ledger, { holder: "a", holdMs: 1 });
  const [taken] = await claimOf(b.ledger, { holder: "b", now: AT + 1, limit: 1 });
  assert.ok(taken);
  const batch = (engine: typeof a.engine, heldBy: string, ids: readonly string[]) => {
    const delivery = {
      id: `batch-${heldBy}`,
      kind: "batch",
      to: { role: "agentLogs" },
      members: ids,
    } as const;
    const input = { type: "batch", at: AT, delivery, body: "{}" } as const;
    const settles = ids.map((id) => ({ id, outcome: "batch" }));
    return engine.accept({ kind: "delivery", stream: delivery.id, input, cause: "batch", settles, heldBy });
  };
  const all = stood.map(({ id }) => id);
  await assert.rejects(batch(a.engine, "a", all), /another one holds what batch-a was to end/);
  assert.equal(await b.engine.read("delivery", "batch-a"), undefined);
  assert.equal((await batch(b.engine, "b", [taken.id])).events.length, 1);
});

test("what one remembers of a stream is never what it decides by when another one wrote to it since", async (t) => {
  const { a, b } = await two(t);
  await a.engine.accept(asked(drain));
  assert.ok((await b.engine.read("agent", STREAM))?.draining, "read for the first time");
  await b.engine.accept(asked(resume));
  assert.equal((await a.engine.read("agent", STREAM))?.draining, undefined, "not what it wrote itself");
  // To what it remembers a second drain would mean nothing.
  await a.engine.accept(asked(drain));
  await b.engine.accept(asked(resume));
  const { events } = await a.engine.accept(asked(drain));
  assert.deepEqual(
    events.map(({ type }) => type),
    ["agent.drained"],
  );
  assert.equal(await b.engine.read("agent", agentStream("auditor")), undefined);
  await a.engine.accept({ ...asked(drain), stream: agentStream("auditor") });
  assert.ok(
    (await b.engine.read("agent", agentStream("auditor")))?.draining,
    "nothing is remembered as not there",
  );
});

test("both write to the same streams at once: every decision stands on the newest state, and both hear all of it once, in order", async (t) => {
  const { a, b } = await two(t);
  const inputs = Array.from({ length: 120 }, (_, n) => asked(n % 3 === 0 ? resume : drain));
  await Promise.all(inputs.map((input, n) => (n % 2 ? a : b).engine.accept(input)));
  const all = await a.ledger.events({ after: 0, limit: 1000 });
  const types = all.map(({ type }) => type);
  assert.ok(
    types.every((type, n) => type === (n % 2 === 0 ? "agent.drained" : "agent.resumed")),
    types.join(),
  );
  for (const { heard } of [a, b]) {
    while (heard.length < all.length) await turn();
    assert.deepEqual(
      heard.map(({ position, type }) => [position, type]),
      all.map(({ position, type }) => [position, type]),
    );
  }
  assert.equal(await a.engine.behind(), 0);
});

test("a listener to one stream hears what another one writes to it", async (t) => {
  const { a, b } = await two(t);
  const heard = Promise.withResolvers<readonly StoredEvent[]>();
  b.engine.watch(heard.resolve, STREAM);
  await a.engine.accept(asked(drain));
  assert.deepEqual(
    (await heard.promise).map(({ type, stream }) => [type, stream]),
    [["agent.drained", STREAM]],
  );
});

test("a drain and a stop of everything hold at every member", async (t) => {
  const { a, b } = await two(t);
  const of = ({ engine, ledger }: typeof a) => ({
    drain: createDrain({
      engine,
      ledger,
      registry: () => createRegistry([cardOf(AGENT)]),
      acl: () => DEFAULT_ACL,
      now: () => AT,
      ring: () => undefined,
      onBroken: assert.ifError,
    }),
    hold: createHold({ ledger, now: () => AT }),
  });
  const [one_, other] = [of(a), of(b)];
  assert.equal(await other.drain.isOn(AGENT), false);
  assert.equal(await other.hold.isOn(), false);
  await one_.drain.drain(OPERATOR, AGENT);
  const guarded = other.drain.guard(async () => ({ kind: "done", outcome: "sent" }));
  const body = { type: "dispatch", run: "r", agent: AGENT, attempt: 1, again: false } as const;
  const effect = { id: "r@1#0", stream: "r", body, lane: "any", dueAt: AT, createdAt: AT, tries: 1 } as const;
  assert.equal((await guarded(effect)).kind, "again", "not even before it heard of it");
  while (other.drain.capacity(AGENT, 4) > 0) await turn();
  await other.drain.resume(OPERATOR, AGENT);
  while (one_.drain.capacity(AGENT, 4) === 0) await turn();
  assert.equal((await guarded(effect)).kind, "done");

  await one_.hold.put(OPERATOR);
  assert.equal(await other.hold.isOn(), true);
  await other.hold.clear();
  assert.equal(await one_.hold.isOn(), false);
});

test("work on files belongs to the home that wrote its cause; others take it when that home is gone for long", async (t) => {
  const { a, b } = await two(t);
  let gone: readonly string[] = [];
  const ours = hostLanes(a.ledger, { home: "a", holder: "a-1", gone: () => [] });
  const theirs = hostLanes(b.ledger, { home: "b", holder: "b-1", gone: () => gone });
  await written(ours, commitOf("run-1", { effects: [line("x", AT, "host"), line("y", AT)] }));
  await written(theirs, commitOf("run-2", { effects: [line("z", AT, "host")] }));
  const body = { type: "kill-worker", worker: "run-3", home: "a" } as const;
  await written(theirs, commitOf("run-3", { effects: [{ body, lane: "host", dueAt: AT }] }));
  assert.deepEqual(await a.ledger.members?.homesWithWork(), ["a", "b"]);
  const lanes = ["host"] as const;
  const claimed = await claimOf(theirs, { lanes, holder: "b-1" });
  assert.deepEqual(
    claimed.map(({ stream, lane, goneHome }) => [stream, lane, goneHome]),
    [["run-2", "host", undefined]],
  );
  gone = ["a"];
  const taken = await claimOf(theirs, { lanes, holder: "b-1" });
  assert.deepEqual(taken.map(({ stream, goneHome }) => [stream, goneHome]).sort(), [
    ["run-1", "a"],
    ["run-3", "a"],
  ]);
  // The first home comes back: what it would give back is another one's by now.
  const [first] = taken;
  assert.ok(first);
  await ours.postpone(first.id, AT, "came back");
  assert.deepEqual(streams(await claimOf(ours, { lanes, holder: "a-1" })), []);
  await theirs.postpone(first.id, AT, "by whoever has it");
  assert.equal((await claimOf(theirs, { lanes, holder: "b-1" })).length, 1);
});

test("a home is gone when nobody was alive in it for the whole time", () => {
  let at = 0;
  const homes = createGoneHomes({ afterMs: () => 100, now: () => at });
  const look = (alive: readonly string[], withWork: readonly string[]) =>
    homes.look(new Set(alive), withWork);
  look(["a"], ["a", "b"]);
  assert.deepEqual(homes.list(), []);
  at = 100;
  assert.deepEqual(homes.list(), ["b"]);
  look(["a", "b"], ["a", "b"]);
  assert.deepEqual(homes.list(), []);
  look(["b"], ["a", "b"]);
  at = 199;
  assert.deepEqual(homes.list(), []);
  at = 200;
  assert.deepEqual(homes.list(), ["a"]);
  look(["b"], ["b"]);
  assert.deepEqual(homes.list(), [], "nothing of it is left to do");
});

test("whoever stood still, or was cut off, takes nobody for gone before it has looked again", () => {
  let at = 0;
  const homes = createGoneHomes({ afterMs: () => 20_000, now: () => at });
  const look = (alive: readonly string[]) => homes.look(new Set(alive), ["a", "b"]);
  for (; at <= 20_000; at += 2500) look([]);
  assert.deepEqual(homes.list(), ["a", "b"]);
  at = 60_000;
  assert.deepEqual(homes.list(), [], "a came back meanwhile, of which nobody has told us");
  look(["a"]);
  assert.deepEqual(homes.list(), ["b"]);
});

test("of several members one has the turn, also after the clock was set back", async (t) => {
  const { a, b } = await two(t);
  let at = AT;
  const turn = ({ ledger }: typeof a, holder: string) =>
    createTurn("telemetry", { ledger, holder, now: () => at });
  const [first, second] = [turn(a, "a-1"), turn(b, "b-1")];
  assert.deepEqual([await first(), await second()], [true, false]);
  await a.ledger.lease("telemetry", "a-1", 0);
  assert.deepEqual([await first(), await second()], [true, false], "nobody asks as often as it is wanted");
  at -= 3_600_000;
  assert.deepEqual([await second(), await first()], [true, false]);
});

test("of members that come at once all sign with the secret of one, unless the environment says another", async (t) => {
  const { a, b } = await two(t);
  const [first, second] = await Promise.all(
    [a, b].map(({ ledger }, n) =>
      sharedSecret({ ledger, holder: `h-${n}`, given: undefined, own: `own-${n}` }),
    ),
  );
  assert.equal(first, second);
  assert.match(first ?? "", /^own-[01]$/);
  const later = await sharedSecret({ ledger: b.ledger, holder: "h-3", given: undefined, own: "own-3" });
  assert.equal(later, first);
  assert.equal(await sharedSecret({ ledger: b.ledger, holder: "h-4", given: "env", own: "own-4" }), "env");
});
