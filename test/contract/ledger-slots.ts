import assert from "node:assert/strict";
import type { Ledger } from "../../src/engine/ports/ledger.ts";
import {
  AT,
  type Check,
  claimOf,
  commitOf,
  dispatch,
  noted,
  one,
  streams,
  written,
} from "./ledger-fixture.ts";

const DAY_MS = 24 * 3_600_000;

async function ask(ledger: Ledger, agent: string, ...runs: readonly string[]): Promise<void> {
  await Promise.all(runs.map((run) => written(ledger, commitOf(run, { effects: [dispatch(run, agent)] }))));
}

/** What a decider commits when the dispatch was acknowledged or came to its end. */
function told(ledger: Ledger, run: string, until: number | "free", version = 1): Promise<unknown> {
  return written(
    ledger,
    commitOf(run, {
      expectedVersion: version,
      settles: [{ id: `${run}@1#0`, outcome: "dispatched" }],
      slots: [{ attempt: 1, until }],
    }),
  );
}

export function checkSlots(check: Check): void {
  check(
    "an agent's dispatches are taken in the order they were asked for, as its slot gets free",
    async (ledger) => {
      await ask(ledger, "webster", "run-1", "run-2", "run-3");
      const [first, ...more] = await claimOf(ledger);
      assert.deepEqual(
        [first?.stream, first?.slot, more],
        ["run-1", { lane: "agent:webster", attempt: 1 }, []],
      );
      assert.deepEqual(await claimOf(ledger), []);
      await told(ledger, "run-1", AT + 500);
      assert.deepEqual(await claimOf(ledger, { now: AT + 499 }), []);
      await told(ledger, "run-1", "free", 2);
      assert.deepEqual(streams(await claimOf(ledger, { now: AT + 1 })), ["run-2"]);
    },
  );

  check("each agent has as many slots as its capacity says", async (ledger) => {
    await ask(ledger, "webster", "a-1", "a-2", "a-3");
    await ask(ledger, "nx", "b-1", "b-2");
    await ask(ledger, "closed", "c-1");
    const capacity = (lane: string) => ({ "agent:webster": 2, "agent:closed": 0 })[lane] ?? 1;
    assert.deepEqual(streams(await claimOf(ledger, { capacity })).sort(), ["a-1", "a-2", "b-1"]);
    assert.deepEqual(await claimOf(ledger, { capacity }), []);
    const grown = (lane: string) => (lane === "agent:webster" ? 3 : capacity(lane));
    assert.deepEqual(streams(await claimOf(ledger, { capacity: grown })), ["a-3"]);
    await told(ledger, "a-1", "free");
    await ask(ledger, "webster", "a-4");
    assert.deepEqual(await claimOf(ledger, { capacity }), [], "a smaller capacity waits for those at work");
  });

  check("an effect that is due later does not block those behind it", async (ledger) => {
    await written(ledger, commitOf("run-1", { effects: [dispatch("run-1", "webster", AT + 100)] }));
    await ask(ledger, "webster", "run-2");
    assert.deepEqual(streams(await claimOf(ledger)), ["run-2"]);
  });

  check("a slot whose time is over is free", async (ledger) => {
    await ask(ledger, "webster", "run-1", "run-2");
    await claimOf(ledger);
    await told(ledger, "run-1", AT + 500);
    assert.deepEqual(streams(await claimOf(ledger, { now: AT + 500 })), ["run-2"]);
  });

  check("a slot that nobody told about is kept for about a day", async (ledger) => {
    await ask(ledger, "webster", "run-1", "run-2");
    await claimOf(ledger, { holdMs: 1000 });
    await ledger.settle([{ id: "run-1@1#0", outcome: "?" }]);
    assert.deepEqual(await claimOf(ledger, { now: AT + DAY_MS }), []);
    assert.deepEqual(streams(await claimOf(ledger, { now: AT + 2 * DAY_MS })), ["run-2"]);
  });

  check(
    "after a crash the begun dispatch is claimed again in its own slot, before others",
    async (ledger, reopen) => {
      await ask(ledger, "webster", "run-1", "run-2");
      await claimOf(ledger);
      const again = await reopen();
      await again.release(2);
      const claimed = await claimOf(again, { epoch: 2, now: AT + 5 });
      assert.deepEqual(
        claimed.map(({ stream, begunBefore }) => [stream, begunBefore]),
        [["run-1", AT]],
      );
    },
  );

  check("a resend of the same attempt uses the slot that the attempt holds", async (ledger) => {
    await ask(ledger, "webster", "run-1", "run-2");
    await claimOf(ledger);
    await written(
      ledger,
      commitOf("run-1", {
        expectedVersion: 1,
        settles: [{ id: "run-1@1#0", outcome: "uncertain" }],
        effects: [dispatch("run-1", "webster", AT + 5, 1, true)],
      }),
    );
    assert.equal(await ledger.nextDue(["any"], one), AT + 5);
    assert.deepEqual(streams(await claimOf(ledger, { now: AT + 5 })), ["run-1"]);
    assert.deepEqual(await claimOf(ledger, { now: AT + 6 }), []);
    await ledger.postpone("run-1@2#0", AT + 10, "not now");
    assert.deepEqual(await claimOf(ledger, { now: AT + 9 }), [], "the first sending may still be at work");
  });

  check("effects of one attempt that are due together share its slot", async (ledger) => {
    const run1 = [dispatch("run-1", "webster"), { ...dispatch("run-1", "webster"), lane: "host" as const }];
    await written(ledger, commitOf("run-1", { effects: run1 }));
    await ask(ledger, "webster", "run-2");
    await written(
      ledger,
      commitOf("run-1", {
        expectedVersion: 1,
        events: [noted("more")],
        effects: [dispatch("run-1", "webster")],
      }),
    );
    const claimed = await claimOf(ledger);
    assert.deepEqual(claimed.map(({ id }) => id).sort(), ["run-1@1#0", "run-1@2#0"]);
    assert.deepEqual(streams(await claimOf(ledger, { lanes: ["host"] })), ["run-1"]);
  });

  check("a resend keeps the attempt's slot for as long as a first sending would", async (ledger) => {
    await ask(ledger, "webster", "run-1", "run-2");
    await claimOf(ledger, { holdMs: 10 });
    await told(ledger, "run-1", AT + 100);
    const resend = { expectedVersion: 2, effects: [dispatch("run-1", "webster", AT + 50, 1, true)] };
    await written(ledger, commitOf("run-1", resend));
    assert.deepEqual(streams(await claimOf(ledger, { now: AT + 50 })), ["run-1"]);
    assert.deepEqual(await claimOf(ledger, { now: AT + 100 }), []);
  });

  check("the same where the agent has room for others", async (ledger) => {
    const two = () => 2;
    await ask(ledger, "webster", "run-1");
    await claimOf(ledger, { holdMs: 10, capacity: two });
    await told(ledger, "run-1", AT + 100);
    const resend = { expectedVersion: 2, effects: [dispatch("run-1", "webster", AT + 50, 1, true)] };
    await written(ledger, commitOf("run-1", resend));
    assert.deepEqual(streams(await claimOf(ledger, { now: AT + 50, capacity: two })), ["run-1"]);
    await ask(ledger, "webster", "run-2", "run-3");
    assert.deepEqual(streams(await claimOf(ledger, { now: AT + 100, capacity: two })), ["run-2"]);
  });

  check(
    "a resend whose slot is over waits for a new one, also when the agent has fewer by now",
    async (ledger) => {
      await ask(ledger, "webster", "run-1", "run-2");
      await claimOf(ledger, { capacity: () => 2 });
      await told(ledger, "run-1", AT + 100);
      await told(ledger, "run-2", AT + 900);
      const resend = { expectedVersion: 2, effects: [dispatch("run-1", "webster", AT + 50, 1, true)] };
      await written(ledger, commitOf("run-1", resend));
      assert.deepEqual(await claimOf(ledger, { now: AT + 100 }), [], "run-2 has the only one");
      assert.deepEqual(streams(await claimOf(ledger, { now: AT + 900 })), ["run-1"]);
    },
  );

  check(
    "a resend whose slot is over is not told as due while others have all of the agent: a look would be in vain",
    async (ledger) => {
      const now = await ledger.now();
      const two = () => 2;
      await ask(ledger, "webster", "run-1", "run-2");
      await claimOf(ledger, { now, capacity: two });
      await told(ledger, "run-1", now - 5);
      await told(ledger, "run-2", now + 600_000);
      const resend = { expectedVersion: 2, effects: [dispatch("run-1", "webster", now - 10, 1, true)] };
      await written(ledger, commitOf("run-1", resend));
      assert.deepEqual(await claimOf(ledger, { now }), []);
      assert.equal(await ledger.nextDue(["any"], one), now + 600_000);
      assert.equal(await ledger.nextDue(["any"], () => 0), undefined, "it is drained");
      assert.ok(((await ledger.nextDue(["any"], two)) ?? Number.POSITIVE_INFINITY) <= now);
    },
  );

  check("resends of a full agent are taken oldest first, and no more than asked for", async (ledger) => {
    const two = () => 2;
    await ask(ledger, "webster", "run-1", "run-2", "run-3");
    await claimOf(ledger, { capacity: two });
    for (const run of ["run-2", "run-1"]) {
      await told(ledger, run, AT + 500);
      const resend = { expectedVersion: 2, effects: [dispatch(run, "webster", AT, 1, true)] };
      await written(ledger, commitOf(run, resend));
    }
    assert.deepEqual(streams(await claimOf(ledger, { capacity: two, limit: 1 })), ["run-2"]);
    assert.deepEqual(streams(await claimOf(ledger, { capacity: two })), ["run-1"]);
  });

  check("a dispatch whose earlier begin is in doubt keeps its slot when it is given back", async (ledger) => {
    await ask(ledger, "webster", "run-1", "run-2");
    await claimOf(ledger, { holdMs: 1 });
    assert.deepEqual(streams(await claimOf(ledger, { now: AT + 1 })), ["run-1"]);
    await ledger.postpone("run-1@1#0", AT + 50, "not now");
    assert.deepEqual(await claimOf(ledger, { now: AT + 2 }), []);
  });

  check("of what waits for one agent in several lanes the oldest is taken first", async (ledger) => {
    for (const lane of ["host", "any"] as const)
      await written(ledger, commitOf(lane, { effects: [{ ...dispatch(lane, "webster"), lane }] }));
    assert.deepEqual(streams(await claimOf(ledger, { lanes: ["any", "host"] })), ["host"]);
  });

  check("another attempt needs a slot of its own", async (ledger) => {
    await ask(ledger, "webster", "run-1");
    await claimOf(ledger);
    await written(
      ledger,
      commitOf("run-1", {
        expectedVersion: 1,
        settles: [{ id: "run-1@1#0", outcome: "x" }],
        effects: [dispatch("run-1", "webster", AT, 2)],
      }),
    );
    assert.deepEqual(await claimOf(ledger), []);
    assert.equal((await claimOf(ledger, { capacity: () => 2 })).length, 1);
  });

  check(
    "a dispatch that is given back gives its slot back, unless something may have been sent",
    async (ledger) => {
      await ask(ledger, "webster", "run-1", "run-2");
      await claimOf(ledger);
      await ledger.postpone("run-1@1#0", AT + 100, "the agent is down");
      assert.deepEqual(streams(await claimOf(ledger)), ["run-2"]);
      await ledger.postpone("run-2@1#0", AT + 100, "no answer was recorded", { stillBegun: true });
      const claimed = await claimOf(ledger, { now: AT + 100 });
      assert.deepEqual(
        claimed.map(({ stream, begunBefore }) => [stream, begunBefore]),
        [["run-2", AT]],
      );
    },
  );

  check("freeing an attempt's slot frees no other attempt's or run's", async (ledger) => {
    await ask(ledger, "webster", "run-1", "run-2");
    await claimOf(ledger);
    await written(ledger, commitOf("run-1", { expectedVersion: 1, slots: [{ attempt: 2, until: "free" }] }));
    await written(ledger, commitOf("run-2", { expectedVersion: 1, slots: [{ attempt: 1, until: "free" }] }));
    assert.deepEqual(await claimOf(ledger), []);
  });

  check("the next due instant of a full agent is the end of its earliest slot", async (ledger) => {
    await ask(ledger, "webster", "run-1", "run-2", "run-3");
    const two = () => 2;
    await claimOf(ledger, { capacity: two });
    await told(ledger, "run-1", AT + 900);
    await told(ledger, "run-2", AT + 700);
    assert.equal(await ledger.nextDue(["any"], two), AT + 700);
    assert.equal(await ledger.nextDue(["any"], one), AT + 900);
    assert.equal(await ledger.nextDue(["any"], () => 3), AT);
    assert.equal(await ledger.nextDue(["any"], () => 0), undefined);
    assert.deepEqual(streams(await claimOf(ledger, { now: AT + 700, capacity: two })), ["run-3"]);
  });

  check(
    "ten thousand dispatches that wait for one agent are taken one after the other, oldest first",
    async (ledger) => {
      const runs = Array.from({ length: 10_000 }, (_, i) => `run-${i}`);
      await ask(ledger, "webster", ...runs);
      await ask(ledger, "nx", "other");
      assert.deepEqual(streams(await claimOf(ledger)).sort(), ["other", "run-0"]);
      for (let i = 0; i < 50; i++) {
        assert.deepEqual(await claimOf(ledger), []);
        const freed = told(ledger, `run-${i}`, "free");
        assert.deepEqual(streams(await claimOf(ledger)), [`run-${i + 1}`]);
        await freed;
      }
      assert.equal((await ledger.backlog())[0]?.count, 10_001 - 50);
    },
  );
}
