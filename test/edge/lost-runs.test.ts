import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { watchLostRuns } from "../../src/app/lost-runs.ts";
import type { Stage } from "../../src/app/stage.ts";

/** An engine whose events the test tells, and the looks that they led to. */
function watched(t: TestContext, look: () => Promise<void> = async () => undefined) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const listeners = new Set<(events: readonly object[]) => void>();
  const broken: unknown[] = [];
  let looks = 0;
  const part = watchLostRuns({
    engine: {
      watch: (listener: (events: readonly object[]) => void) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    lookForLostRuns: () => {
      looks++;
      return look();
    },
    onBroken: (error: unknown) => void broken.push(error),
  } as unknown as Stage);
  const tell = (...events: readonly object[]) => {
    for (const listener of listeners) listener(events);
  };
  const seen = (state: string, type = "agent.seen") => ({ type, body: { state } });
  return { part, tell, seen, broken, looks: () => looks };
}

test("an agent that is back is looked at at once, whatever else came with it", (t) => {
  const { tell, seen, looks } = watched(t);
  tell(seen("up", "agent.well"), seen("unauthorized"), { type: "attempt.dispatched", body: {} });
  t.mock.timers.tick(60_000);
  assert.equal(looks(), 0);
  tell({ type: "delegation.queued", body: {} }, seen("up"));
  assert.equal(looks(), 1);
});

test("each agent that went is looked at once it has been gone for ten seconds, until the stop", async (t) => {
  const { part, tell, seen, looks } = watched(t);
  tell(seen("down"));
  t.mock.timers.tick(5000);
  tell(seen("down"));
  t.mock.timers.tick(5000);
  assert.equal(looks(), 0);
  t.mock.timers.tick(500);
  assert.equal(looks(), 1);
  t.mock.timers.tick(5000);
  assert.equal(looks(), 2);
  tell(seen("down"), seen("down"));
  await part.stop();
  tell(seen("up"));
  t.mock.timers.tick(60_000);
  assert.equal(looks(), 2, "nobody looks after the stop");
  await part.stop();
});

test("a stop waits for the looks that are under way: what they find is written before the ledger is closed", async (t) => {
  const looking = Promise.withResolvers<void>();
  const { part } = watched(t, () => looking.promise);
  part.look();
  let isStopped = false;
  const stopped = part.stop().then(() => {
    isStopped = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isStopped, false);
  looking.resolve();
  await stopped;
});

test("a look that fails is told, and the next one is made all the same", async (t) => {
  const { part, tell, seen, broken, looks } = watched(t, () => Promise.reject(new Error("the disk is full")));
  part.look();
  tell(seen("up"));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(broken.map(String), Array(2).fill("Error: the disk is full"));
  assert.equal(looks(), 2);
});
