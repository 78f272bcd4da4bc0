import assert from "node:assert/strict";
import { AT, type Check, claimOf, commitOf, line, noted, one, streams, written } from "./ledger-fixture.ts";

export function checkOutbox(check: Check): void {
  check(
    "a claimed effect is what was committed, named after its stream, version and place",
    async (ledger) => {
      await written(
        ledger,
        commitOf("run-1", {
          events: [noted("1"), noted("2")],
          effects: [line("run-1", AT - 1), line("run-1", AT)],
        }),
      );
      assert.deepEqual(await claimOf(ledger), [
        {
          id: "run-1@2#0",
          stream: "run-1",
          body: { type: "filing", moves: [], lines: [{ file: "project", line: "run-1" }] },
          lane: "any",
          dueAt: AT - 1,
          createdAt: AT,
          tries: 1,
        },
        {
          id: "run-1@2#1",
          stream: "run-1",
          body: { type: "filing", moves: [], lines: [{ file: "project", line: "run-1" }] },
          lane: "any",
          dueAt: AT,
          createdAt: AT,
          tries: 1,
        },
      ]);
    },
  );

  check("effects of commits without events have ids of their own", async (ledger) => {
    await written(ledger, commitOf("run-1", { effects: [line("run-1", AT)] }));
    for (let i = 0; i < 2; i++) {
      const quiet = {
        expectedVersion: 1,
        events: [],
        effects: [line("run-1", AT), line("run-1", AT)],
      };
      assert.equal((await written(ledger, commitOf("run-1", quiet))).version, 1);
    }
    const ids = (await claimOf(ledger)).map(({ id }) => id);
    assert.equal(new Set(ids).size, 5);
    await ledger.settle(ids.slice(0, 4).map((id) => ({ id, outcome: "done" })));
    assert.deepEqual(
      (await ledger.backlog()).map(({ count }) => count),
      [1],
    );
  });

  check("an effect is due at its instant, not before, and only in the lanes asked for", async (ledger) => {
    await written(
      ledger,
      commitOf("run-1", {
        effects: [line("run-1", AT + 10), line("run-1", AT, "host"), line("run-1", AT, "discord")],
      }),
    );
    assert.deepEqual(await claimOf(ledger, { now: AT + 9 }), []);
    assert.equal((await claimOf(ledger, { now: AT + 10 })).length, 1);
    const others = await claimOf(ledger, { lanes: ["host", "discord"] });
    assert.deepEqual(others.map(({ lane }) => lane).sort(), ["discord", "host"]);
    assert.deepEqual(await claimOf(ledger, { lanes: [] }), []);
  });

  check("the oldest due come first, and no more than asked for", async (ledger) => {
    const effects = [5, 1, 4, 2, 3].map((ms) => line(`${ms}`, AT - ms));
    await written(ledger, commitOf("run-1", { effects }));
    const order = async () => (await claimOf(ledger, { limit: 2 })).map(({ dueAt }) => AT - dueAt);
    assert.deepEqual([await order(), await order(), await order(), await order()], [[5, 4], [3, 2], [1], []]);
  });

  check(
    "what is held is not claimed again until the hold ends, then with the instant of the first begin",
    async (ledger) => {
      await written(ledger, commitOf("run-1", { effects: [line("run-1", AT)] }));
      await claimOf(ledger, { holdMs: 100 });
      assert.deepEqual(await claimOf(ledger, { now: AT + 99, holder: "two", epoch: 2 }), []);
      const [again] = await claimOf(ledger, { now: AT + 100, holder: "two", epoch: 2 });
      assert.deepEqual([again?.tries, again?.begunBefore, again?.dueAt], [2, AT, AT]);
      const [thrice] = await claimOf(ledger, { now: AT + 100_000, holder: "three", epoch: 3 });
      assert.deepEqual([thrice?.tries, thrice?.begunBefore], [3, AT], "however often it was begun since");
    },
  );

  check(
    "a restart finds its own begun effects after the release, and those of its own epoch stay held",
    async (ledger, reopen) => {
      await written(ledger, commitOf("run-1", { effects: [line("run-1", AT)] }));
      await written(ledger, commitOf("run-2", { effects: [line("run-2", AT + 1)] }));
      await claimOf(ledger);
      const again = await reopen();
      await claimOf(again, { now: AT + 1, epoch: 2 });
      assert.equal(await again.release(2), 1);
      assert.equal(await again.release(2), 0);
      const claimed = await claimOf(again, { now: AT + 1, epoch: 2 });
      assert.deepEqual(
        claimed.map(({ stream, begunBefore }) => [stream, begunBefore]),
        [["run-1", AT]],
      );
    },
  );

  check("a settled effect never comes back", async (ledger) => {
    await written(ledger, commitOf("run-1", { effects: [line("a", AT), line("b", AT), line("c", AT)] }));
    const claimed = await claimOf(ledger, { limit: 2 });
    await ledger.settle(claimed.map(({ id }) => ({ id, outcome: "fired" })));
    await ledger.settle([
      ...claimed.map(({ id }) => ({ id, outcome: "twice" })),
      { id: "no-such-effect", outcome: "x" },
    ]);
    await ledger.postpone(claimed[0]?.id ?? "", AT, "too late");
    const rest = await claimOf(ledger, { now: AT + 1_000_000 });
    assert.deepEqual(
      rest.map(({ id }) => id),
      ["run-1@1#2"],
    );
  });

  check(
    "a commit settles the effect that caused it, and a refused commit settles nothing",
    async (ledger) => {
      await written(ledger, commitOf("run-1", { effects: [line("run-1", AT)] }));
      const [claimed] = await claimOf(ledger, { holdMs: 1 });
      const settles = [{ id: claimed?.id ?? "", outcome: "fired" }];
      await ledger.commit(commitOf("run-1", { expectedVersion: 7, settles }));
      assert.equal((await claimOf(ledger, { now: AT + 1, holdMs: 1 })).length, 1);
      await written(ledger, commitOf("run-1", { expectedVersion: 1, settles }));
      assert.deepEqual(await claimOf(ledger, { now: AT + 9 }), []);
    },
  );

  check("a commit may end effects of its stream by type; its own and other streams' stay", async (ledger) => {
    const card = {
      body: { type: "card", run: "run-1", to: { channel: "1" } },
      lane: "any",
      dueAt: AT,
    } as const;
    await written(ledger, commitOf("run-1", { effects: [line("old", AT), line("old", AT + 5), card] }));
    await written(ledger, commitOf("run-2", { effects: [line("run-2", AT)] }));
    await written(
      ledger,
      commitOf("run-1", { expectedVersion: 1, cancels: ["filing"], effects: [line("new", AT)] }),
    );
    const claimed = await claimOf(ledger, { now: AT + 100 });
    assert.deepEqual(claimed.map(({ id }) => id).sort(), ["run-1@1#2", "run-1@2#0", "run-2@1#0"]);
  });

  check("a postponed effect waits for its new instant and counts as not begun", async (ledger) => {
    await written(ledger, commitOf("run-1", { effects: [line("run-1", AT)] }));
    const [first] = await claimOf(ledger);
    await ledger.postpone(first?.id ?? "", AT + 50, "the agent is down");
    assert.deepEqual(await claimOf(ledger, { now: AT + 49 }), []);
    assert.equal(await ledger.nextDue(["any"], one), AT + 50);
    const [again] = await claimOf(ledger, { now: AT + 50 });
    assert.deepEqual([again?.begunBefore, again?.tries, again?.dueAt], [undefined, 2, AT + 50]);
  });

  check("an effect of which a part is over is taken again with what is left of it", async (ledger) => {
    await written(ledger, commitOf("run-1", { effects: [line("a", AT), line("b", AT)] }));
    const [first] = await claimOf(ledger);
    const left = { type: "filing", moves: [], lines: [{ file: "attempts", line: "the rest" }] } as const;
    await ledger.postpone(first?.id ?? "", AT + 1, "one line could not be written", { left });
    const claimed = await claimOf(ledger, { now: AT + 1 });
    assert.deepEqual(
      claimed.map(({ id, body }) => [id, body]),
      [[first?.id, left]],
    );
  });

  check("postponing forgets this begin, never an earlier one whose outcome is unknown", async (ledger) => {
    await written(ledger, commitOf("run-1", { effects: [line("run-1", AT)] }));
    await claimOf(ledger, { holdMs: 1 });
    const [second] = await claimOf(ledger, { now: AT + 1 });
    await ledger.postpone(second?.id ?? "", AT + 2, "later");
    const [third] = await claimOf(ledger, { now: AT + 2 });
    assert.equal(third?.begunBefore, AT);
    await ledger.postpone(third?.id ?? "", AT + 3, "it may have been sent", { stillBegun: true });
    const [fourth] = await claimOf(ledger, { now: AT + 3 });
    assert.equal(fourth?.begunBefore, AT, "the first one counts");
  });

  check(
    "a commit for who holds its effects is refused once another one holds or has ended one",
    async (ledger) => {
      await written(ledger, commitOf("run-1", { effects: [line("a", AT), line("b", AT)] }));
      const first = await claimOf(ledger, { holdMs: 1, holder: "one" });
      const settles = first.map(({ id }) => ({ id, outcome: "batch" }));
      const [second] = await claimOf(ledger, { now: AT + 1, holder: "two", limit: 1 });
      const batch = { ...commitOf("batch-1"), settles };
      assert.deepEqual(await ledger.commit({ ...batch, heldBy: "one" }), { ok: false, reason: "lost" });
      assert.equal(await ledger.load("batch-1"), undefined);
      const taken = { ...batch, settles: settles.filter(({ id }) => id === second?.id), heldBy: "two" };
      assert.ok((await ledger.commit(taken)).ok);
      const again = { ...commitOf("batch-2"), settles: taken.settles, heldBy: "two" };
      assert.deepEqual(await ledger.commit(again), { ok: false, reason: "lost" });
    },
  );

  check("a claim sees what was committed before it in the same tick", async (ledger) => {
    const commit = ledger.commit(commitOf("run-1", { effects: [line("run-1", AT)] }));
    const claim = claimOf(ledger);
    const other = claimOf(ledger, { holder: "two" });
    await commit;
    assert.deepEqual([streams(await claim), streams(await other)], [["run-1"], []]);
  });

  check(
    "a claim under a lease takes nothing unless the lease has its number and is not over",
    async (ledger) => {
      await written(ledger, commitOf("run-1", { effects: [line("a", AT), line("b", AT), line("c", AT)] }));
      const fenced = (epoch: number) => claimOf(ledger, { limit: 1, fence: { lease: "discord", epoch } });
      assert.deepEqual(await fenced(1), [], "nobody ever took it");
      await ledger.lease("discord", "a", 60_000);
      assert.equal((await fenced(1)).length, 1);
      assert.deepEqual(await fenced(2), []);
      await ledger.lease("discord", "a", 0);
      assert.deepEqual(await fenced(1), [], "it is over");
      await ledger.lease("discord", "b", 60_000);
      assert.deepEqual(await fenced(1), [], "another holds it");
      assert.equal((await fenced(2)).length, 1);
    },
  );

  check(
    "the next due instant is that of the earliest effect that nobody holds, or of the earliest hold's end",
    async (ledger) => {
      assert.equal(await ledger.nextDue(["any", "host"], one), undefined);
      await written(ledger, commitOf("run-1", { effects: [line("a", AT + 30), line("b", AT + 20, "host")] }));
      assert.equal(await ledger.nextDue(["any", "host"], one), AT + 20);
      assert.equal(await ledger.nextDue(["any"], one), AT + 30);
      assert.equal(await ledger.nextDue(["discord"], one), undefined);
      await claimOf(ledger, { now: AT + 30, holdMs: 500 });
      assert.equal(await ledger.nextDue(["any"], one), AT + 530);
    },
  );

  check("a commit may cancel any number of kinds of effects", async (ledger) => {
    const others = ["dispatch", "reconcile", "post", "card", "tell"] as const;
    for (let before = 0; before <= others.length; before++) {
      const run = `run-${before}`;
      const cancels = [...others.slice(0, before), "filing", ...others.slice(before)] as const;
      await written(ledger, commitOf(run, { effects: [line(run, AT)] }));
      await written(ledger, commitOf(run, { expectedVersion: 1, cancels }));
    }
    assert.deepEqual(await claimOf(ledger), []);
  });

  check("the backlog counts what is open by type, with the oldest instant", async (ledger) => {
    const card = {
      body: { type: "card", run: "run-1", to: { channel: "1" } },
      lane: "host",
      dueAt: AT + 1,
    } as const;
    await written(ledger, commitOf("run-1", { effects: [line("a", AT + 9), line("b", AT + 3), card] }));
    await ledger.settle([{ id: "run-1@1#1", outcome: "fired" }]);
    assert.deepEqual(await ledger.backlog(), [
      { type: "card", count: 1, oldestDueAt: AT + 1 },
      { type: "filing", count: 1, oldestDueAt: AT + 9 },
    ]);
  });
}
