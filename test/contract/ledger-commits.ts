import assert from "node:assert/strict";
import { AT, type Check, claimOf, commitOf, line, noted, written } from "./ledger-fixture.ts";

export function checkCommits(check: Check): void {
  check(
    "a commit is there with its events, columns and state, also after reopening",
    async (ledger, reopen) => {
      const committed = await ledger.commit(
        commitOf("run-1", {
          agent: "webster",
          parent: "run-0",
          deadlineAt: AT + 5,
          events: [noted("first"), { type: "test.done", schema: 2, body: [1, "ü", { deep: true }] }],
          state: { count: 2 },
        }),
      );
      const length = JSON.stringify({ count: 2 }).length;
      assert.deepEqual(committed, { ok: true, version: 2, position: 2, length });
      const again = await reopen();
      assert.deepEqual(await again.load("run-1"), {
        stream: "run-1",
        kind: "delegation",
        status: "queued",
        agent: "webster",
        parent: "run-0",
        deadlineAt: AT + 5,
        open: true,
        version: 2,
        state: { count: 2 },
        stateVersion: 2,
        later: [],
      });
      const common = { stream: "run-1", at: AT, cause: "input-1", actor: "operator" };
      assert.deepEqual(await again.events({ stream: "run-1", limit: 10 }), [
        { ...common, position: 1, version: 1, type: "test.noted", schema: 1, body: { text: "first" } },
        { ...common, position: 2, version: 2, type: "test.done", schema: 2, body: [1, "ü", { deep: true }] },
      ]);
    },
  );

  check("a stream that nobody wrote is not there", async (ledger) => {
    assert.equal(await ledger.load("nobody"), undefined);
    assert.equal(await ledger.keyOf("rest", "nothing"), undefined);
    assert.equal(await ledger.blob("00"), undefined);
    assert.equal(await ledger.recall("nothing"), undefined);
  });

  check("columns that are absent in the next commit are absent afterwards", async (ledger) => {
    await written(ledger, commitOf("run-1", { agent: "webster", parent: "p", deadlineAt: AT }));
    await written(ledger, commitOf("run-1", { expectedVersion: 1, status: "failed", open: false }));
    const loaded = await ledger.load("run-1");
    assert.deepEqual(Object.keys(loaded ?? {}).sort(), [
      "kind",
      "later",
      "open",
      "state",
      "stateVersion",
      "status",
      "stream",
      "version",
    ]);
  });

  check(
    "a stream that ends without another status is over, in its row, the lists and the counts",
    async (ledger) => {
      await written(ledger, commitOf("run-1", { agent: "webster" }));
      await written(ledger, commitOf("run-2", { agent: "webster" }));
      await written(ledger, commitOf("run-1", { agent: "webster", expectedVersion: 1, open: false }));
      assert.equal((await ledger.load("run-1"))?.open, false);
      const { items } = await ledger.list({ kind: "delegation", open: true, limit: 9 });
      assert.deepEqual(
        items.map(({ stream }) => stream),
        ["run-2"],
      );
      const [queued] = await ledger.openByAgent("delegation", ["queued"]);
      assert.equal(queued?.count, 1);
    },
  );

  check(
    "a commit without a state keeps the folded one, and load adds the events after it",
    async (ledger) => {
      await written(ledger, commitOf("run-1", { state: { seen: 1 } }));
      await written(
        ledger,
        commitOf("run-1", { expectedVersion: 1, state: undefined, events: [noted("later")] }),
      );
      const loaded = await ledger.load("run-1");
      assert.deepEqual([loaded?.version, loaded?.stateVersion, loaded?.state], [2, 1, { seen: 1 }]);
      assert.deepEqual(
        loaded?.later.map(({ version, body }) => [version, body]),
        [[2, { text: "later" }]],
      );
    },
  );

  check(
    "of two commits racing on one stream in one tick, one wins and the other is told of the conflict",
    async (ledger) => {
      const results = await Promise.all([
        ledger.commit(commitOf("run-1", { events: [noted("a")], effects: [line("a", AT)] })),
        ledger.commit(commitOf("run-1", { events: [noted("b")], effects: [line("b", AT)] })),
        ledger.commit(commitOf("run-2")),
      ]);
      assert.deepEqual(
        results.map((result) => (result.ok ? result.version : result.reason)),
        [1, "conflict", 1],
      );
      const events = await ledger.events({ stream: "run-1", limit: 10 });
      assert.deepEqual(
        events.map(({ body }) => body),
        [{ text: "a" }],
      );
      assert.equal((await claimOf(ledger)).length, 1);
    },
  );

  check("a commit continues one of the same tick when it expects its version", async (ledger) => {
    const results = await Promise.all(
      [0, 1, 2].map((expectedVersion) => ledger.commit(commitOf("run-1", { expectedVersion }))),
    );
    assert.deepEqual(
      results.map((result) => result.ok && result.version),
      [1, 2, 3],
    );
  });

  check("a commit that expects what is not there is a conflict", async (ledger) => {
    await written(ledger, commitOf("run-1"));
    for (const [stream, expectedVersion] of [
      ["run-1", 0],
      ["run-1", 2],
      ["run-9", 1],
    ] as const) {
      const refused = await ledger.commit(commitOf(stream, { expectedVersion }));
      assert.deepEqual(refused, { ok: false, reason: "conflict" });
    }
    assert.equal(await ledger.load("run-9"), undefined);
  });

  check("a key answers the same request with its stream, and refuses another one", async (ledger, reopen) => {
    const key = { scope: "rest", key: "k1", digest: "d1" };
    await written(ledger, commitOf("run-1", { key }));
    const again = await reopen();
    const answers = await Promise.all([
      again.commit(commitOf("run-2", { key })),
      again.commit(commitOf("run-3", { key: { ...key, digest: "d2" } })),
      again.commit(commitOf("run-4", { key: { ...key, scope: "discord" } })),
    ]);
    assert.deepEqual(answers.slice(0, 2), [
      { ok: false, reason: "key", stream: "run-1", same: true },
      { ok: false, reason: "key", stream: "run-1", same: false },
    ]);
    assert.ok(answers[2]?.ok);
    assert.deepEqual(await again.keyOf("rest", "k1"), { stream: "run-1", digest: "d1" });
    assert.equal(await again.load("run-2"), undefined);
  });

  check("the same key twice in one tick is one commit, even on the same stream", async (ledger) => {
    const key = { scope: "discord", key: "i1", digest: "d" };
    const results = await Promise.all([
      ledger.commit(commitOf("run-1", { key })),
      ledger.commit(commitOf("run-1", { key })),
    ]);
    assert.deepEqual(results[1], { ok: false, reason: "key", stream: "run-1", same: true });
    assert.equal((await ledger.load("run-1"))?.version, 1);
  });

  check("a commit that cannot be written as JSON rejects alone", async (ledger) => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const results = await Promise.allSettled([
      ledger.commit(commitOf("run-1")),
      ledger.commit(commitOf("run-2", { state: circle })),
      ledger.commit(commitOf("run-3")),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.equal((await ledger.load("run-3"))?.version, 1);
  });

  check("what the caller changes after the call is not written", async (ledger) => {
    const body = { text: "as asked" };
    const promise = ledger.commit(
      commitOf("run-1", { events: [{ type: "t", schema: 1, body }], state: body }),
    );
    body.text = "changed";
    await promise;
    assert.deepEqual((await ledger.load("run-1"))?.state, { text: "as asked" });
    assert.deepEqual((await ledger.events({ limit: 1 }))[0]?.body, { text: "as asked" });
  });

  check("positions grow by one in the order of the commits and within each", async (ledger) => {
    const results = await Promise.all(
      ["a", "b", "c"].map((stream) => ledger.commit(commitOf(stream, { events: [noted("1"), noted("2")] }))),
    );
    assert.deepEqual(
      results.map((result) => result.ok && result.position),
      [2, 4, 6],
    );
    const positions = (await ledger.events({ limit: 10 })).map(({ position }) => position);
    assert.deepEqual(positions, [1, 2, 3, 4, 5, 6]);
  });

  check("a commit writes receipts and blobs, and a second time changes nothing", async (ledger) => {
    const receipt = {
      delivery: "run-1/result",
      part: 0,
      nonce: "n",
      channel: "c",
      message: "m1",
      postedAt: AT,
    };
    await written(
      ledger,
      commitOf("run-1", { receipts: [receipt], blobs: [{ digest: "aa", body: "text" }] }),
    );
    await written(
      ledger,
      commitOf("run-2", {
        receipts: [{ ...receipt, message: "m2" }],
        blobs: [{ digest: "aa", body: "other" }],
      }),
    );
    assert.deepEqual(await ledger.receipts("run-1/result"), [receipt]);
    assert.equal(await ledger.blob("aa"), "text");
  });

  check("blobs and memos are kept, and a memo's last value counts", async (ledger, reopen) => {
    await Promise.all([
      ledger.putBlob("ab", "a\u0000b"),
      ledger.remember("mark", "1"),
      ledger.remember("mark", "2"),
    ]);
    await ledger.putBlob("ab", "ignored");
    const again = await reopen();
    assert.equal(await again.blob("ab"), "a\u0000b");
    assert.equal(await again.recall("mark"), "2");
  });

  check("a lease has one holder, and its epoch grows when the holder changes", async (ledger) => {
    const first = await ledger.lease("leader", "a", 60_000);
    assert.equal(first?.epoch, 1);
    assert.equal(await ledger.lease("leader", "b", 60_000), undefined);
    assert.equal((await ledger.lease("other", "b", 60_000))?.epoch, 1);
    const renewed = await ledger.lease("leader", "a", 0);
    assert.equal(renewed?.epoch, 1);
    const next = await ledger.lease("leader", "b", 60_000);
    assert.deepEqual([next?.holder, next?.epoch], ["b", 2]);
    assert.equal(await ledger.lease("leader", "a", 60_000), undefined);
  });

  check("a closed store refuses, and closing it twice is fine", async (ledger) => {
    const last = ledger.commit(commitOf("run-1"));
    await ledger.close();
    assert.ok((await last).ok, "what was asked before closing is written");
    await ledger.close();
    await assert.rejects(ledger.commit(commitOf("run-2")), /closed/);
    await assert.rejects(ledger.load("run-1"), /closed/);
  });
}
