import assert from "node:assert/strict";
import test from "node:test";
import { createLeaving } from "../../src/cli/leaving.ts";

const HOUR_MS = 3_600_000;
const HOURS = 30 * 24;
const quiet = { onInterrupt: () => () => undefined };

test("whoever waits for 30 days waits for 30 days, although a timer of Node holds 24.8", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { signal, end } = createLeaving(quiet, HOURS * HOUR_MS);
  for (let hour = 1; hour < HOURS; hour++) {
    t.mock.timers.tick(HOUR_MS);
    assert.equal(signal.aborted, false, `hour ${hour}`);
  }
  // What is armed within a tick counts from the end of that tick.
  t.mock.timers.tick(2 * HOUR_MS);
  assert.equal(signal.reason, "late");
  end();
});

test("without a time nothing but Ctrl-C ends the waiting, and after its end nobody listens", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let listener: (() => void) | undefined;
  const { signal, end } = createLeaving(
    {
      onInterrupt(given) {
        listener = given;
        return () => {
          listener = undefined;
        };
      },
    },
    undefined,
  );
  t.mock.timers.tick(100 * 24 * HOUR_MS);
  assert.equal(signal.aborted, false);
  listener?.();
  assert.equal(signal.reason, "interrupted");
  end();
  assert.equal(listener, undefined);
});
