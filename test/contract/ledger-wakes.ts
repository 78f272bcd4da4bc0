import assert from "node:assert/strict";
import { AT, type Check, claimOf, commitOf, noted, written } from "./ledger-fixture.ts";

export function checkWakes(check: Check): void {
  check(
    "a stream is to be woken at the instant that its last commit named, also after reopening",
    async (ledger, reopen) => {
      await written(ledger, commitOf("run-1", { wakeAt: AT + 50 }));
      await written(ledger, commitOf("run-1", { expectedVersion: 1, wakeAt: AT + 20 }));
      const again = await reopen();
      assert.equal((await again.load("run-1"))?.wakeAt, AT + 20);
      assert.equal(await again.nextWake(), AT + 20);
      assert.deepEqual(await again.wakes(AT + 19, 10), []);
      assert.deepEqual(await again.wakes(AT + 20, 10), [
        { stream: "run-1", kind: "delegation", wakeAt: AT + 20 },
      ]);
    },
  );

  check("a commit that names no instant ends the wake, also when nothing else moved", async (ledger) => {
    await written(ledger, commitOf("run-1", { wakeAt: AT }));
    await written(ledger, commitOf("run-1", { expectedVersion: 1 }));
    assert.equal(await ledger.nextWake(), undefined);
    assert.deepEqual(await ledger.wakes(AT, 10), []);
  });

  check("the earliest come first, and no more than asked for", async (ledger) => {
    for (const ms of [5, 1, 4]) await written(ledger, commitOf(`run-${ms}`, { wakeAt: AT - ms }));
    await written(ledger, commitOf("never"));
    const streams = async (limit: number) => (await ledger.wakes(AT, limit)).map(({ stream }) => stream);
    assert.deepEqual(await streams(2), ["run-5", "run-4"]);
    assert.deepEqual(await streams(9), ["run-5", "run-4", "run-1"]);
  });

  check("wakes are no effects: no claim and no next due instant knows of them", async (ledger) => {
    await written(ledger, commitOf("run-1", { wakeAt: AT }));
    assert.deepEqual(await claimOf(ledger), []);
    assert.equal(await ledger.nextDue(["any", "host", "discord"], () => 1), undefined);
    assert.deepEqual(await ledger.backlog(), []);
  });

  check(
    "of two holders that wake one stream, the second meets a conflict and writes nothing",
    async (ledger) => {
      await written(ledger, commitOf("run-1", { wakeAt: AT }));
      const seen = await Promise.all([ledger.wakes(AT, 10), ledger.wakes(AT, 10)]);
      assert.deepEqual(
        seen.map((due) => due.length),
        [1, 1],
        "both may see it",
      );
      const woken = commitOf("run-1", { expectedVersion: 1, events: [noted("woken")], wakeAt: AT + 100 });
      const results = await Promise.all([ledger.commit(woken), ledger.commit(woken)]);
      assert.deepEqual(
        results.map((result) => (result.ok ? "written" : result.reason)),
        ["written", "conflict"],
      );
      assert.equal((await ledger.load("run-1"))?.version, 2);
      assert.equal(await ledger.nextWake(), AT + 100);
    },
  );

  check("a wake in vain is put off or ended, unless the stream was written since", async (ledger) => {
    await written(ledger, commitOf("run-1", { wakeAt: AT }));
    const [due] = await ledger.wakes(AT, 1);
    assert.ok(due);
    await ledger.putOff(due, AT + 30);
    assert.equal(await ledger.nextWake(), AT + 30);
    await ledger.putOff(due, AT + 90);
    assert.equal(await ledger.nextWake(), AT + 30, "it was moved already");
    await written(ledger, commitOf("run-1", { expectedVersion: 1, wakeAt: AT + 10 }));
    await ledger.putOff({ ...due, wakeAt: AT + 30 }, undefined);
    assert.equal(await ledger.nextWake(), AT + 10, "the commit says when");
    await ledger.putOff({ ...due, wakeAt: AT + 10 }, undefined);
    assert.equal(await ledger.nextWake(), undefined);
    const loaded = await ledger.load("run-1");
    assert.deepEqual([loaded?.version, loaded?.wakeAt], [2, undefined]);
  });

  check("a commit names its instant again after a wake was put off", async (ledger) => {
    await written(ledger, commitOf("run-1", { wakeAt: AT }));
    await ledger.putOff({ stream: "run-1", kind: "delegation", wakeAt: AT }, AT + 500);
    await written(ledger, commitOf("run-1", { expectedVersion: 1, wakeAt: AT }));
    assert.equal(await ledger.nextWake(), AT);
  });
}
