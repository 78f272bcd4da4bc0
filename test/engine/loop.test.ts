import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { createLoop, type Outcome } from "../../src/engine/loop.ts";
import type { ClaimedEffect, Ledger } from "../../src/engine/ports/ledger.ts";

const effectOf = (id: string) =>
  ({ id, stream: "one", lane: "any", tries: 1, body: { type: "tell" } }) as unknown as ClaimedEffect;

/** A loop over a ledger that gives what is put into `due`, and keeps what it is told. */
function startLoop(t: TestContext, perform: (effect: ClaimedEffect) => Promise<Outcome>) {
  const due: ClaimedEffect[] = [];
  const postponed: unknown[][] = [];
  const settled: string[] = [];
  const broken: unknown[] = [];
  let failures = 0;
  const bells: (() => void)[] = [];
  const told = () => {
    for (const ring of bells.splice(0)) ring();
  };
  const ledger = {
    claim: async ({ lanes }: { lanes: readonly string[] }) => (lanes[0] === "any" ? due.splice(0) : []),
    wakes: async () => [],
    nextDue: async () => (due.length > 0 ? 0 : undefined),
    nextWake: async () => undefined,
    async postpone(...given: unknown[]) {
      postponed.push(given);
      told();
    },
    async settle(ends: readonly { id: string }[]) {
      if (failures-- > 0) throw new Error("the disk is full");
      settled.push(...ends.map(({ id }) => id));
      told();
    },
  } as unknown as Ledger;
  const loop = createLoop({
    ledger,
    holder: "h",
    epoch: () => 1,
    now: () => 1000,
    capacity: () => 1,
    perform,
    wake: async () => undefined,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    onBroken: (error) => broken.push(error),
  });
  loop.start();
  t.after(() => loop.stop(1000));
  return {
    stop: loop.stop,
    postponed,
    settled,
    broken,
    failSettling: (times: number) => {
      failures = times;
    },
    give(id: string) {
      due.push(effectOf(id));
      loop.ring();
    },
    async until(isSo: () => boolean) {
      while (!isSo()) await new Promise<void>((resolve) => bells.push(resolve));
    },
  };
}

test("an effect that failed stays begun, since what it did is unknown; one that is given back says what is left", async (t) => {
  const left = { type: "filing", moves: [], lines: [] } as const;
  const { give, until, postponed } = startLoop(t, async ({ id }) => {
    if (id === "bad") throw new Error("broke");
    return { kind: "again", dueAt: 5000, reason: "later", ...(id === "half" ? { left } : {}) };
  });
  give("bad");
  await until(() => postponed.length === 1);
  assert.deepEqual(postponed[0], ["bad", 3000, "Error: broke", { stillBegun: true }]);
  give("half");
  await until(() => postponed.length === 2);
  give("whole");
  await until(() => postponed.length === 3);
  assert.deepEqual(postponed.slice(1), [
    ["half", 5000, "later", { left }],
    ["whole", 5000, "later", {}],
  ]);
});

test("what is claimed again while it is still performed is not performed twice", async (t) => {
  const begun: string[] = [];
  const first = Promise.withResolvers<Outcome>();
  const { give, until, settled } = startLoop(t, async ({ id }) => {
    begun.push(id);
    return id === "long" ? first.promise : { kind: "done", outcome: "done" };
  });
  give("long");
  give("long");
  give("other");
  await until(() => settled.includes("other"));
  give("long");
  give("another");
  await until(() => settled.includes("another"));
  first.resolve({ kind: "done", outcome: "done" });
  await until(() => settled.includes("long"));
  assert.deepEqual(
    begun.filter((id) => id === "long"),
    ["long"],
  );
});

test("an end that the ledger did not take is noted again, and reported", async (t) => {
  const { give, until, settled, broken, failSettling } = startLoop(t, async () => ({
    kind: "done",
    outcome: "done",
  }));
  failSettling(1);
  give("one");
  await until(() => settled.length > 0);
  assert.deepEqual(settled, ["one"]);
  assert.match(String(broken[0]), /disk is full/);
});

test("stopping waits for what is under way, and its end is noted before it has stopped", async (t) => {
  const begun = Promise.withResolvers<void>();
  const flight = Promise.withResolvers<Outcome>();
  const { give, stop, settled } = startLoop(t, () => {
    begun.resolve();
    return flight.promise;
  });
  give("one");
  await begun.promise;
  const stopped = stop(60_000);
  setImmediate(() => flight.resolve({ kind: "done", outcome: "done" }));
  await stopped;
  assert.deepEqual(settled, ["one"]);
});
