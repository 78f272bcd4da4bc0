import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import * as fc from "fast-check";
import type { Effect, Lane } from "../../src/domain/effects.ts";
import { writeLines } from "../../src/domain/filing.ts";
import type { Ledger } from "../../src/engine/ports/ledger.ts";
import { openPostgresLedger } from "../../src/ledger/postgres/postgres.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { claimOf, commitOf } from "../contract/ledger-fixture.ts";
import { startPostgres } from "../support/postgres.ts";
import { createNaiveOutbox } from "./naive-outbox.ts";

const LANES: readonly Lane[] = ["any", "host"];
const capacity = (lane: string) => (lane === "agent:b" ? 2 : 1);

const effect = fc.record({
  after: fc.integer({ min: -5, max: 20 }),
  lane: fc.constantFrom(...LANES),
  agent: fc.constantFrom("a", "b", undefined),
  attempt: fc.constantFrom(1, 2),
});
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("commit" as const),
      stream: fc.constantFrom("s1", "s2", "s3"),
      status: fc.constantFrom("queued", "dispatched", "succeeded"),
      agent: fc.constantFrom("a", "b", undefined),
      stale: fc.nat({ max: 7 }),
      wakeAfter: fc.option(fc.integer({ min: -5, max: 20 }), { nil: undefined }),
      effects: fc.array(effect, { maxLength: 3 }),
      slot: fc.option(
        fc.record({ attempt: fc.constantFrom(1, 2), for: fc.constantFrom("free" as const, 3, 30) }),
        { nil: undefined },
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("claim" as const),
      lanes: fc.constantFrom<readonly Lane[]>(LANES, ["any"]),
      holdMs: fc.constantFrom(3, 50),
      epoch: fc.constantFrom(1, 2),
    }),
  },
  fc.record({ do: fc.constant("settle" as const), pick: fc.nat() }),
  fc.record({
    do: fc.constant("postpone" as const),
    pick: fc.nat(),
    after: fc.integer({ min: 0, max: 10 }),
    stillBegun: fc.boolean(),
  }),
  fc.record({ do: fc.constant("release" as const), epoch: fc.constantFrom(1, 2, 3) }),
  fc.record({
    do: fc.constant("put-off" as const),
    after: fc.option(fc.integer({ min: 0, max: 10 }), { nil: undefined }),
  }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.nat({ max: 15 }) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

type Clock = { at: number };
/** Compares the instant that the ledger names with the true one. */
type Compare = (told: number | undefined, truth: number | undefined, now: number, what: string) => void;

const isExact: Compare = (told, truth, _, what) => assert.equal(told, truth, what);

/** What is due is due at once; what is still to come may be told too early, never too late, and never as due now. */
const isNeverLate: Compare = (
  told = Number.POSITIVE_INFINITY,
  truth = Number.POSITIVE_INFINITY,
  now,
  what,
) => {
  if (truth <= now) assert.equal(told, truth, what);
  else assert.ok(told > now && told <= truth, `${what}: ${told} instead of ${truth}, at ${now}`);
};

/** Does the same to the ledger and to the naive books, and compares what both say. */
async function play(ledger: Ledger, steps: readonly Step[], clock: Clock, compare: Compare): Promise<void> {
  const naive = createNaiveOutbox();
  const streams = new Map<string, { version: number; status: string; agent: string | undefined }>();
  const wakes = new Map<string, number>();
  let now = clock.at;
  let quiet = 0;

  async function commit(part: Extract<Step, { do: "commit" }>): Promise<void> {
    const before = streams.get(part.stream);
    const version = before?.version ?? 0;
    const effects = part.effects.map(({ after, lane, agent, attempt }): Effect => {
      return {
        ...writeLines([{ file: "project", line: `${quiet++}` }], now + after),
        lane,
        ...(agent ? { slot: { lane: `agent:${agent}`, attempt } } : {}),
      };
    });
    const until = part.slot && (part.slot.for === "free" ? part.slot.for : now + part.slot.for);
    const committed = await ledger.commit(
      commitOf(part.stream, {
        ...(part.agent ? { agent: part.agent } : {}),
        status: part.status,
        open: part.status !== "succeeded",
        expectedVersion: part.stale === 0 ? version + 1 : version,
        effects,
        ...(part.wakeAfter === undefined ? {} : { wakeAt: now + part.wakeAfter }),
        ...(part.slot && until ? { slots: [{ attempt: part.slot.attempt, until }] } : {}),
      }),
    );
    assert.equal(committed.ok, part.stale !== 0);
    if (!committed.ok) return;
    if (part.wakeAfter === undefined) wakes.delete(part.stream);
    else wakes.set(part.stream, now + part.wakeAfter);
    streams.set(part.stream, { version: version + 1, status: part.status, agent: part.agent });
    if (part.slot && until) naive.hold(part.stream, part.slot.attempt, until);
    for (const [n, { lane, slot, dueAt }] of effects.entries()) {
      const id = `${part.stream}@${version + 1}#${n}`;
      naive.add({ id, stream: part.stream, lane, dueAt, ...(slot ? { slot } : {}) });
    }
  }

  async function claim(lanes: readonly Lane[], holdMs: number, epoch: number): Promise<number> {
    const request = { now, lanes, holdMs, epoch, capacity, limit: 1000 };
    const real = (await claimOf(ledger, request)).map(({ id, begunBefore }) => ({ id, begunBefore }));
    const expected = naive.claim(request);
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
    assert.deepEqual(real.sort(byId), expected.sort(byId));
    return real.length;
  }

  function naiveNextDue(): number | undefined {
    const instants = [...new Set(naive.instants())].sort((a, b) => a - b);
    return instants.find(
      (at) => naive.copy().claim({ now: at, lanes: LANES, holdMs: 1, epoch: 1, capacity }).length > 0,
    );
  }

  async function compareWakes(): Promise<void> {
    const due = (await ledger.wakes(now, 10)).map(({ stream }) => stream).sort();
    const expected = [...wakes].filter(([, at]) => at <= now).map(([stream]) => stream);
    assert.deepEqual(due, expected.sort(), "wakes");
    const first = wakes.size === 0 ? undefined : Math.min(...wakes.values());
    compare(await ledger.nextWake(), first, now, "nextWake");
  }

  for (const part of steps) {
    const ids = naive.ids();
    const picked = "pick" in part ? (ids[part.pick % Math.max(1, ids.length)] ?? "none@1#0") : "";
    if (part.do === "commit") await commit(part);
    if (part.do === "claim") await claim(part.lanes, part.holdMs, part.epoch);
    if (part.do === "wait") clock.at = now += part.ms;
    if (part.do === "put-off") {
      const [due] = await ledger.wakes(now, 1);
      if (!due) continue;
      const until = part.after === undefined ? undefined : now + part.after;
      await ledger.putOff(due, until);
      if (until === undefined) wakes.delete(due.stream);
      else wakes.set(due.stream, until);
    }
    if (part.do === "release") assert.equal(await ledger.release(part.epoch), naive.release(part.epoch));
    if (part.do === "settle") {
      await ledger.settle([{ id: picked, outcome: "done" }]);
      naive.settle(picked);
    }
    if (part.do === "postpone") {
      await ledger.postpone(picked, now + part.after, "later", { stillBegun: part.stillBegun });
      naive.postpone(picked, now + part.after, part.stillBegun);
    }
    compare(await ledger.nextDue(LANES, capacity), naiveNextDue(), now, "nextDue");
    await compareWakes();
  }
  await compareLists(ledger, streams);
}

async function compareLists(
  ledger: Ledger,
  streams: ReadonlyMap<string, { status: string; agent: string | undefined }>,
): Promise<void> {
  const names = [...streams].reverse();
  const openOf = async (agent: string) =>
    (await ledger.openByAgent("delegation", ["queued", "dispatched"])).filter((row) => row.agent === agent);
  for (const agent of ["a", "b"]) {
    for (const { status, count } of await openOf(agent)) {
      const expected = names.filter(([, stream]) => stream.agent === agent && stream.status === status);
      assert.equal(count, expected.length, `${status} of ${agent}`);
    }
    const isOpen = ({ status, agent: of }: { status: string; agent: string | undefined }) =>
      of === agent && (status === "queued" || status === "dispatched");
    const expected = names.filter(([, stream]) => isOpen(stream));
    assert.equal(
      (await openOf(agent)).reduce((sum, { count }) => sum + count, 0),
      expected.length,
    );
  }
  const counts = Object.fromEntries((await ledger.counts()).map(({ status, count }) => [status, count]));
  for (const status of ["queued", "dispatched", "succeeded"]) {
    const expected = names.filter(([, stream]) => stream.status === status);
    assert.equal(counts[status] ?? 0, expected.length, `count of ${status}`);
    for (const agent of ["a", "b", undefined]) {
      const { items } = await ledger.list({
        kind: "delegation",
        status: [status],
        limit: 10,
        ...(agent ? { agent } : {}),
      });
      const wanted = expected.filter(([, stream]) => agent === undefined || stream.agent === agent);
      assert.deepEqual(
        items.map(({ stream }) => stream),
        wanted.map(([name]) => name),
      );
    }
  }
}

/** Plays many games, each on a fresh ledger. */
async function playMany(
  numRuns: number,
  open: (round: number, now: () => number) => Promise<Ledger>,
  compare = isExact,
): Promise<void> {
  let round = 0;
  const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
    const clock = { at: 1000 };
    const ledger = await open(round++, () => clock.at);
    try {
      await play(ledger, steps, clock, compare);
    } finally {
      await ledger.close();
    }
  });
  await fc.assert(property, { numRuns });
}

function newDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "hq-model-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

test("claims, slots, next due instants, wakes, lists and counters agree with naive books, whatever happens", async (t) => {
  const dir = newDir(t);
  await playMany(120, (round) => openSqliteLedger({ path: join(dir, `${round}.db`), ballastBytes: 0 }));
});

test("a ledger that knows what is still to come misses nothing and is never asked in vain at once", async (t) => {
  const dir = newDir(t);
  const open = (round: number, now: () => number) =>
    openSqliteLedger({ path: join(dir, `${round}.db`), ballastBytes: 0, now });
  await playMany(240, open, isNeverLate);
});

test("the same on PostgreSQL", async (t) => {
  const postgres = await startPostgres();
  t.after(() => postgres.stop());
  await playMany(30, async () => openPostgresLedger({ url: await postgres.createDatabase() }));
});
