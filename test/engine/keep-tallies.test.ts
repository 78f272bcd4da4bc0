import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { createKeepTallies } from "../../src/engine/keep-tallies.ts";
import type { StoredEvent } from "../../src/engine/ports/ledger.ts";

const SETTLED = { type: "delegation.settled" } as StoredEvent;
const QUEUED = { type: "delegation.queued" } as StoredEvent;
const turn = () => new Promise(setImmediate);

/** A keeper on a clock that the test moves; `pages` is what is left to count. */
async function keeper(t: TestContext, pages: { left: number }) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let at = 0;
  let tell: (events: readonly StoredEvent[]) => void = () => undefined;
  const counted: number[] = [];
  const broken: unknown[] = [];
  const trouble: { error?: Error } = {};
  const part = createKeepTallies({
    engine: {
      watch(listener) {
        tell = listener;
        return () => undefined;
      },
    },
    async countOn() {
      if (trouble.error) throw trouble.error;
      counted.push(at);
      if (pages.left > 0) pages.left--;
      return pages.left > 0;
    },
    now: () => at,
    onBroken: (error) => broken.push(error),
  });
  await part.start?.();
  t.after(part.stop);
  /** Lets time pass in small steps, with what happens in each. */
  async function pass(ms: number, each: () => void = () => undefined): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      each();
      at += 100;
      t.mock.timers.tick(100);
      for (let i = 0; i < 20; i++) await turn();
    }
  }
  return { counted, broken, trouble, pass, tell: (event: StoredEvent) => tell([event]) };
}

test("a history is counted at the start, all of it in a quiet moment", async (t) => {
  const { counted, pass } = await keeper(t, { left: 5 });
  await pass(500);
  assert.equal(counted.length, 5);
});

test("what ends is counted in the next quiet moment; what only begins wakes nobody", async (t) => {
  const { counted, pass, tell } = await keeper(t, { left: 0 });
  await pass(500);
  const before = counted.length;
  tell(QUEUED);
  await pass(2000);
  assert.equal(counted.length, before);
  tell(SETTLED);
  await pass(300);
  assert.equal(counted.length, before, "it is not quiet yet");
  await pass(300);
  assert.equal(counted.length, before + 1);
});

test("while somebody writes all the time, a page is counted about once a second", async (t) => {
  const pages = { left: 0 };
  const { counted, pass, tell } = await keeper(t, pages);
  await pass(500);
  const before = counted.length;
  pages.left = 1000;
  await pass(10_000, () => tell(SETTLED));
  const busy = counted.length - before;
  assert.ok(busy >= 5 && busy <= 12, `${busy} pages in 10 s`);
});

test("an error is told and tried again later", async (t) => {
  const pages = { left: 3 };
  const { counted, broken, trouble, pass } = await keeper(t, pages);
  trouble.error = new Error("the disk is full");
  await pass(500);
  assert.deepEqual([counted.length, broken.length], [0, 1]);
  delete trouble.error;
  await pass(11_000);
  assert.deepEqual([counted.length, broken.length], [3, 1]);
});
