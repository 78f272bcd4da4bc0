import assert from "node:assert/strict";
import { AT, type Check, claimOf, commitOf, dispatch, line, written } from "./ledger-fixture.ts";

export function checkTrail(check: Check): void {
  check(
    "the effects of a stream are told in the order in which they were made, also when they are done",
    async (ledger, reopen) => {
      await written(
        ledger,
        commitOf("run-1", { effects: [dispatch("run-1", "webster"), line("a", AT + 5000)] }),
      );
      await written(ledger, commitOf("run-2", { effects: [line("b", AT)] }));
      const [claimed] = await claimOf(ledger, { now: AT + 10 });
      assert.ok(claimed);
      await ledger.settle([{ id: claimed.id, outcome: "accepted" }]);
      await ledger.postpone("run-2@1#0", AT + 99, "the disk is full");

      const again = await reopen();
      const [sent, filed, ...others] = await again.trail.effectsOf("run-1", 10);
      assert.deepEqual(others, []);
      assert.equal(sent?.id, "run-1@1#0");
      assert.equal(sent.body.type, "dispatch");
      assert.deepEqual([sent.createdAt, sent.dueAt, sent.begunAt, sent.tries], [AT, AT, AT + 10, 1]);
      assert.equal(sent.outcome, "accepted");
      assert.ok(sent.settledAt !== undefined);
      assert.equal(filed?.dueAt, AT + 5000);
      assert.deepEqual(
        [filed.begunAt, filed.tries, filed.settledAt, filed.outcome],
        [undefined, 0, undefined, undefined],
      );
      const [late] = await again.trail.effectsOf("run-2", 10);
      assert.deepEqual([late?.dueAt, late?.reason], [AT + 99, "the disk is full"]);
      assert.deepEqual(
        (await again.trail.effectsOf("run-1", 1)).map(({ id }) => id),
        ["run-1@1#0"],
      );
      assert.deepEqual(await again.trail.effectsOf("nobody", 10), []);
    },
  );

  check("the children of a stream are those that name it, oldest first", async (ledger) => {
    await written(ledger, commitOf("top"));
    await written(ledger, commitOf("elsewhere", { parent: "other" }));
    await written(ledger, commitOf("child-b", { parent: "top" }));
    await written(ledger, commitOf("child-a", { parent: "top", kind: "run" }));
    assert.deepEqual(await ledger.trail.childrenOf("top", 10), [
      { stream: "child-b", kind: "delegation" },
      { stream: "child-a", kind: "run" },
    ]);
    assert.equal((await ledger.trail.childrenOf("top", 1)).length, 1);
    assert.deepEqual(await ledger.trail.childrenOf("child-a", 10), []);
  });

  check("a message leads to the deliveries that it shows", async (ledger) => {
    const receipt = { part: 0, nonce: "n", channel: "c", message: "m-1", postedAt: AT };
    await written(
      ledger,
      commitOf("batch-1", {
        kind: "delivery",
        receipts: [
          { ...receipt, delivery: "run-2/log" },
          { ...receipt, delivery: "run-1/log" },
          { ...receipt, delivery: "run-1/result", message: "m-2" },
        ],
      }),
    );
    const found = await ledger.trail.receiptsAt("m-1");
    assert.deepEqual(
      found.map(({ delivery }) => delivery),
      ["run-1/log", "run-2/log"],
    );
    assert.deepEqual(await ledger.trail.receiptsAt("m-3"), []);
  });
}
