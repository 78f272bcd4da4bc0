import assert from "node:assert/strict";
import type { Commit, Ledger } from "../../src/engine/ports/ledger.ts";
import type { AuditPage, AuditQuery } from "../../src/engine/ports/upkeep.ts";
import { emptyVector, vectorOf } from "../../src/kernel/vector.ts";
import { AT, type Check, claimOf, commitOf, dispatch, line, noted, written } from "./ledger-fixture.ts";

const settledOrder = (id: string, more: object = {}) => ({ order: { id, deliver: false, ...more } });

/** A delegation that has settled, with its line in the log. */
async function settled(
  ledger: Ledger,
  id: string,
  more: Partial<Commit> = {},
  order: object = {},
): Promise<void> {
  const { key: _, ...later } = more;
  const about = { delivery: { id: `${id}/log`, kind: "log", to: { role: "agentLogs" }, subject: id } };
  await written(
    ledger,
    commitOf(id, { effects: [dispatch(id, "webster")], state: settledOrder(id, order), ...more }),
  );
  const receipt = { delivery: `${id}/log`, part: 0, nonce: id, channel: "1", message: id, postedAt: AT };
  await written(
    ledger,
    commitOf(id, {
      expectedVersion: 1,
      status: "succeeded",
      open: false,
      state: settledOrder(id, order),
      cancels: ["dispatch"],
      at: AT,
      ...later,
      events: [{ ...noted(id), type: "delegation.settled" }],
    }),
  );
  const delivery = {
    kind: "delivery",
    status: "posted",
    open: false,
    state: about,
    receipts: [receipt],
  } as const;
  await written(ledger, commitOf(`${id}/log`, delivery));
}

async function audit(ledger: Ledger, more: Partial<AuditQuery> = {}) {
  const found: AuditPage["findings"][number][] = [];
  let pages = 0;
  for (let after: string | undefined; ; ) {
    const page = await ledger.upkeep.audit({
      now: AT,
      isRunning: true,
      limit: 2,
      ...more,
      ...(after === undefined ? {} : { after }),
    });
    found.push(...page.findings);
    pages++;
    after = page.next;
    if (after === undefined) return { told: found.map(({ fault, id }) => `${fault} ${id}`), pages };
  }
}

async function prunable(ledger: Ledger, before: number): Promise<readonly string[]> {
  const all: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await ledger.upkeep.prunable({
      before,
      limit: 2,
      ...(after === undefined ? {} : { after }),
    });
    all.push(...page.streams);
    after = page.next;
    if (after === undefined) return [...new Set(all)].sort();
  }
}

/** The newest rows are never taken out: something else has to come last. */
const last = (ledger: Ledger) =>
  written(ledger, commitOf("notice-last", { kind: "notice", open: false, effects: [line("last", AT)] }));

export function checkUpkeep(check: Check): void {
  check("an audit goes through streams, effects, posts and keys, page by page", async (ledger) => {
    for (const id of ["a", "b", "c"]) await settled(ledger, id);
    await written(
      ledger,
      commitOf("d", {
        effects: [],
        key: { scope: "s", key: "k", digest: "d" },
        state: { order: { id: "d" }, status: "queued", attempts: [{ attempt: 1, sends: 0 }] },
      }),
    );
    const { told, pages } = await audit(ledger);
    assert.deepEqual(told, ["lost d"]);
    assert.ok(pages > 5);
  });

  check("an audit names a notice that was to be posted and never was", async (ledger) => {
    const delivery = { id: "n/notice", kind: "notice", to: { role: "agentLogs" }, text: "hello" } as const;
    const post = { body: { type: "post", delivery }, lane: "discord", dueAt: AT } as const;
    await written(ledger, commitOf("n", { kind: "notice", open: false, effects: [post] }));
    assert.deepEqual((await audit(ledger)).told, []);
    await ledger.settle([{ id: "n@1#0", outcome: "gone wrong" }]);
    assert.deepEqual((await audit(ledger)).told, ["unseen n/notice"]);
  });

  check("receipts, events and streams are handed out page by page, each once", async (ledger) => {
    for (const id of ["a", "b", "c"]) await settled(ledger, id);
    const receipts = await ledger.upkeep.receipts({ limit: 2 });
    const rest = await ledger.upkeep.receipts({ limit: 2, after: receipts.next ?? "" });
    assert.deepEqual(
      [...receipts.items, ...rest.items].map(({ delivery }) => delivery),
      ["a/log", "b/log", "c/log"],
    );
    const events = await ledger.upkeep.events({ limit: 4 });
    assert.equal(events.items.length, 4);
    const further = await ledger.upkeep.events({ limit: 100, after: events.next ?? "" });
    assert.equal(further.items[0]?.stream, "b");
    assert.equal(further.items.length, 5);
    const { items } = await ledger.upkeep.streams({ limit: 100, kind: "delegation" });
    assert.deepEqual(
      items.map(({ stream, status, version }) => [stream, status, version]),
      ["a", "b", "c"].map((id) => [id, "succeeded", 2]),
    );
    const standings = await ledger.upkeep.standings(["a", "x"]);
    assert.deepEqual([...standings], [["a", { kind: "delegation", status: "succeeded", open: false }]]);
  });

  check(
    "what is settled and old may go; what is open, young, or named by such a thing stays",
    async (ledger) => {
      await settled(ledger, "old");
      await settled(ledger, "young", { at: AT + 100 });
      await written(ledger, commitOf("open", { effects: [line("open", AT)] }));
      await settled(ledger, "child", { parent: "open" }, { parent: { id: "open" } });
      await settled(ledger, "turn", {}, { session: { id: "talk" } });
      const session = { id: "talk", turns: [] };
      await written(ledger, commitOf("session-talk", { kind: "session", status: "open", state: session }));
      await last(ledger);
      assert.deepEqual(await prunable(ledger, AT + 50), ["old", "old/log"]);
      assert.deepEqual(await prunable(ledger, AT), []);
    },
  );

  check(
    "what a task, run or step that is open still tells of stays, whichever of the two names the other",
    async (ledger) => {
      await written(ledger, commitOf("task", { kind: "task", state: { tries: [] } }));
      const run = { order: {}, steps: emptyVector };
      await written(ledger, commitOf("run", { kind: "run", state: run }));
      await written(ledger, commitOf("try", { state: settledOrder("try") }));
      await settled(ledger, "of-task", {}, { taskOf: { task: "task" } });
      await settled(ledger, "of-run", {}, { childOf: { run: "run" } });
      await settled(ledger, "for-run", {}, { workflow: { run: "run" } });
      const over = { status: "succeeded", open: false } as const;
      for (const [id, kind, state] of [
        ["run-of-task", "run", { ...run, order: { taskOf: { task: "task" } } }],
        ["nested", "run", { ...run, order: { parent: { run: "run" } } }],
        ["parent", "run", { ...run, steps: vectorOf([{ child: "try" }]) }],
        ["fan-out", "run", { ...run, steps: vectorOf([{ items: vectorOf([{ child: "try" }]) }]) }],
        ["worker", "worker", { work: { taskOf: { task: "task" } } }],
        ["tried", "task", { tries: [{ child: "try" }] }],
        ["batch", "delivery", { delivery: { members: ["try/result"] } }],
      ] as const)
        await written(ledger, commitOf(id, { kind, state, ...over }));
      await settled(ledger, "free");
      await last(ledger);
      assert.deepEqual(await prunable(ledger, AT + 1), ["free", "free/log"]);
    },
  );

  check(
    "pruning takes a stream out with all that is its own, and the numbers go on",
    async (ledger, reopen) => {
      for (const id of ["a", "b"]) {
        await settled(ledger, id, { key: { scope: "s", key: id, digest: "d" } }).catch(() => undefined);
      }
      await written(
        ledger,
        commitOf("kept", { kind: "session", key: { scope: "s", key: "kept", digest: "d" } }),
      );
      await last(ledger);
      const { position } = (await ledger.events({ before: 1 << 30, limit: 1 }))[0] ?? { position: 0 };
      const gone = await ledger.upkeep.prune(await prunable(ledger, AT + 1), AT + 1);
      assert.ok(gone.streams > 0 && gone.events > 0);
      const again = await reopen();
      assert.equal(await again.load("a"), undefined);
      assert.deepEqual(await again.receiptsOf("a"), []);
      assert.deepEqual(await again.events({ stream: "a", after: 0, limit: 9 }), []);
      assert.deepEqual(await again.trail.effectsOf("a", 9), []);
      assert.equal((await again.counts()).find(({ status }) => status === "succeeded")?.count ?? 0, 0);
      await again.upkeep.pruneKeys();
      assert.equal(await again.keyOf("s", "a"), undefined);
      assert.equal((await again.keyOf("s", "kept"))?.stream, "kept");
      assert.ok((await again.load("kept"))?.open);
      const next = await written(again, commitOf("new", { kind: "session" }));
      assert.ok(next.position > position);
      assert.deepEqual((await audit(again)).told, []);
    },
  );

  check("numbers go on also when what is pruned has the newest ones", async (ledger, reopen) => {
    await last(ledger);
    await settled(ledger, "a");
    await written(ledger, commitOf("notice-last", { expectedVersion: 1, effects: [line("later", AT)] }));
    const { next: afterAll = "" } = await ledger.upkeep.streams({ limit: 3, kind: "session" });
    await ledger.upkeep.prune(["a"], AT + 1);
    await written(ledger, commitOf("b", { kind: "session" }));
    const { items } = await ledger.upkeep.streams({ limit: 9, kind: "session", after: afterAll });
    assert.deepEqual(
      items.map(({ stream }) => stream),
      ["b"],
    );
    await settled(ledger, "c");
    await written(ledger, commitOf("e", { kind: "session", effects: [line("e", AT)] }));
    const told = commitOf("c/log", { expectedVersion: 1, kind: "delivery", status: "posted", open: false });
    const { position } = await written(ledger, told);
    await ledger.upkeep.prune(["c"], AT + 1);
    const again = await reopen();
    const next = await written(again, commitOf("d", { kind: "session", effects: [] }));
    assert.ok(next.position > position, `${next.position} after ${position}`);
  });

  check(
    "whoever names it: what is open, has open work, is young or is known for good stays",
    async (ledger) => {
      await written(ledger, commitOf("open"));
      await written(ledger, commitOf("owes", { status: "succeeded", open: false, effects: [line("o", AT)] }));
      await written(ledger, commitOf("skill", { kind: "skill", status: "known", open: false }));
      await written(ledger, commitOf("young", { status: "succeeded", open: false, at: AT + 50 }));
      await last(ledger);
      const all = ["open", "owes", "skill", "young"];
      assert.deepEqual(await prunable(ledger, AT + 50), []);
      assert.equal((await ledger.upkeep.prune(all, AT + 50)).streams, 0);
      for (const id of all) assert.ok(await ledger.load(id), id);
    },
  );

  check("what has the newest effect stays, and is not found to be prunable", async (ledger) => {
    for (const id of ["a", "b"]) await settled(ledger, id);
    await written(ledger, commitOf("b", { expectedVersion: 2, open: false, effects: [line("b", AT)] }));
    await ledger.settle([{ id: "b@3#0", outcome: "done" }]);
    await written(ledger, commitOf("end", { kind: "session" }));
    assert.deepEqual(await prunable(ledger, AT + 1), ["a", "a/log"]);
    assert.equal((await ledger.upkeep.prune(["a", "b"], AT + 1)).streams, 1);
    assert.ok(await ledger.load("b"));
  });

  check("work whose message was the last thing written is not found to be prunable", async (ledger) => {
    for (const id of ["a", "b"]) await settled(ledger, id);
    await last(ledger);
    const again = { kind: "delivery", status: "posted", open: false, expectedVersion: 1 } as const;
    await written(ledger, commitOf("b/log", again));
    assert.deepEqual(await prunable(ledger, AT + 1), ["a", "a/log"]);
  });

  check("a stream takes its deliveries with it, its receipts and its place at the agent", async (ledger) => {
    await written(ledger, commitOf("a", { effects: [dispatch("a", "webster")] }));
    await claimOf(ledger);
    const receipt = { delivery: "a/card", part: 0, nonce: "1", channel: "1", message: "1", postedAt: AT };
    const settles = [{ id: "a@1#0", outcome: "done" }];
    const over = { status: "succeeded", open: false, state: settledOrder("a") } as const;
    await written(ledger, commitOf("a", { expectedVersion: 1, ...over, settles, receipts: [receipt] }));
    const posted = { kind: "delivery", status: "posted", open: false } as const;
    await written(ledger, commitOf("a/log", posted));
    await written(
      ledger,
      commitOf("skill/card", { ...posted, receipts: [{ ...receipt, delivery: "skill/card" }] }),
    );
    await last(ledger);
    assert.equal((await ledger.upkeep.prune(["a", "skill/card"], AT + 1)).receipts, 2);
    assert.equal(await ledger.load("a/log"), undefined);
    assert.deepEqual((await ledger.upkeep.receipts({ limit: 9 })).items, []);
    await written(ledger, commitOf("b", { effects: [dispatch("b", "webster")] }));
    assert.ok((await claimOf(ledger)).some(({ stream }) => stream === "b"));
  });

  check("of long streams and of many keys nothing is left", async (ledger) => {
    const events = Array.from({ length: 450 }, (_, n) => noted(String(n)));
    const lines = Array.from({ length: 450 }, (_, n) => line(String(n), AT));
    const over = { status: "succeeded", open: false } as const;
    await written(ledger, commitOf("events", { ...over, events }));
    await written(ledger, commitOf("effects", { ...over, effects: lines }));
    await ledger.settle(lines.map((_, n) => ({ id: `effects@1#${n}`, outcome: "done" })));
    const ids = Array.from({ length: 600 }, (_, n) => `run-${n}`);
    const key = (id: string) => ({ scope: "s", key: id, digest: "d" });
    await Promise.all(ids.map((id) => written(ledger, commitOf(id, { ...over, key: key(id) }))));
    await last(ledger);
    const gone = await ledger.upkeep.prune(["events", "effects", ...ids], AT + 1);
    assert.deepEqual([gone.streams, gone.events, gone.effects], [602, 1051, 450]);
    assert.deepEqual(await ledger.events({ stream: "events", after: 0, limit: 9 }), []);
    assert.deepEqual(await ledger.trail.effectsOf("effects", 9), []);
    assert.equal(await ledger.upkeep.pruneKeys(), 600);
    assert.equal(await ledger.keyOf("s", "run-599"), undefined);
  });

  check(
    "parents and children go together or stay together, from whichever side one looks",
    async (ledger) => {
      await settled(ledger, "child", { parent: "open-parent" });
      await written(ledger, commitOf("open-parent"));
      await settled(ledger, "parent");
      await written(ledger, commitOf("open-child", { parent: "parent" }));
      await settled(ledger, "old");
      await settled(ledger, "old-child", { parent: "old" });
      await last(ledger);
      assert.deepEqual(await prunable(ledger, AT + 1), ["old", "old-child", "old-child/log", "old/log"]);
    },
  );

  check("calls and their parts, sessions and their turns go together or stay together", async (ledger) => {
    const chosen = ["F", "H"].map((instance) => ({ instance, agent: "webster" }));
    const asked = (id: string) =>
      commitOf(id, { kind: "call", open: false, state: { id, at: AT, mode: "all", chosen } });
    await written(ledger, asked("call-1"));
    await settled(ledger, "call-1.i1");
    await written(ledger, commitOf("call-1.i2"));
    await written(ledger, asked("call-2"));
    for (const part of ["call-2.i1", "call-2.i2"]) await settled(ledger, part);
    const spawned = (id: string, open: boolean) =>
      commitOf(`session-${id}`, { kind: "session", open, state: { id, turns: [{ turn: 1 }] } });
    const turnOf = (id: string) => ({ session: { id, turn: 1, persistent: false } });
    await written(ledger, spawned("open", true));
    await settled(ledger, "session-open.t1", {}, turnOf("open"));
    await written(ledger, spawned("closed", false));
    const turn = { state: settledOrder("session-closed.t1", turnOf("closed")) };
    await written(ledger, commitOf("session-closed.t1", turn));
    await written(ledger, spawned("over", false));
    await settled(ledger, "session-over.t1", {}, turnOf("over"));
    await last(ledger);
    const parts = ["call-2.i1", "call-2.i2", "session-over.t1"].flatMap((id) => [id, `${id}/log`]);
    assert.deepEqual(await prunable(ledger, AT + 1), ["call-2", ...parts, "session-over"].sort());
  });

  check("what was written to since it was found old is not taken out", async (ledger) => {
    await settled(ledger, "a");
    await last(ledger);
    const streams = await prunable(ledger, AT + 50);
    await written(
      ledger,
      commitOf("a", { expectedVersion: 2, status: "succeeded", open: false, at: AT + 60 }),
    );
    await ledger.upkeep.prune(
      streams.filter((id) => id === "a"),
      AT + 50,
    );
    assert.equal((await ledger.load("a"))?.version, 3);
  });

  check(
    "work of an id that is just being pruned begins anew, and the pruning takes none of it",
    async (ledger) => {
      const dispatched = { effects: [dispatch("a", "webster"), line("old", AT)] };
      await written(ledger, commitOf("a", { ...dispatched, events: [noted("old"), noted("older")] }));
      for (const { id } of await claimOf(ledger)) await ledger.settle([{ id, outcome: "done" }]);
      await written(ledger, commitOf("a", { expectedVersion: 2, status: "succeeded", open: false }));
      await written(ledger, commitOf("last", { kind: "notice", open: false, effects: [line("last", AT)] }));
      const pruning = ledger.upkeep.prune(["a"], AT + 1);
      const again = commitOf("a", { events: [noted("new")], effects: [line("new", AT)] });
      await written(ledger, again);
      assert.equal((await pruning).streams, 1);
      await ledger.upkeep.prune([], AT + 1);
      const events = await ledger.events({ stream: "a", after: 0, limit: 9 });
      assert.deepEqual(
        events.map(({ version, body }) => [version, body]),
        [[1, { text: "new" }]],
      );
      assert.equal((await ledger.trail.effectsOf("a", 9)).length, 1);
      assert.equal((await ledger.load("a"))?.version, 1);
    },
  );

  check(
    "what is asked for since an instant is all that was written from it on, over all pages",
    async (ledger) => {
      for (const id of ["a", "b", "c", "d"])
        await written(ledger, commitOf(id, { at: AT + (id > "b" ? 100 : 0) }));
      const since = AT + 100;
      const streams: string[] = [];
      const changed: number[] = [];
      const events: string[] = [];
      for (let after: string | undefined; ; ) {
        const page = { limit: 2, since, ...(after === undefined ? {} : { after }) };
        const found = await ledger.upkeep.streams({ ...page, kind: "delegation" });
        streams.push(...found.items.map(({ stream }) => stream));
        changed.push(...found.items.flatMap(({ beganAt, changedAt }) => [beganAt, changedAt]));
        after = found.next;
        if (after === undefined) break;
      }
      for (let after: string | undefined; ; ) {
        const found = await ledger.upkeep.events({
          limit: 2,
          since,
          ...(after === undefined ? {} : { after }),
        });
        events.push(...found.items.map(({ stream }) => stream));
        after = found.next;
        if (after === undefined) break;
      }
      assert.deepEqual([streams, events, changed], [["c", "d"], ["c", "d"], Array(4).fill(since)]);
    },
  );

  check(
    "an audit since an instant leaves out what was over before, and nothing that is open",
    async (ledger) => {
      const attempts = [{ attempt: 1, sends: 0 }];
      const state = { order: { id: "open" }, status: "queued", attempts };
      await written(ledger, commitOf("open", { state }));
      const delivery = { id: "n/notice", kind: "notice", to: { role: "agentLogs" }, text: "hello" } as const;
      const post = { body: { type: "post", delivery }, lane: "discord", dueAt: AT } as const;
      await written(ledger, commitOf("n", { kind: "notice", open: false, effects: [post] }));
      await ledger.settle([{ id: "n@1#0", outcome: "gone wrong" }]);
      const late = { since: AT + 1 };
      assert.deepEqual((await audit(ledger)).told, ["lost open", "unseen n/notice"]);
      assert.deepEqual((await audit(ledger, late)).told, ["lost open"]);
    },
  );

  check("the ledger tells what it takes of the disk", async (ledger) => {
    const { bytes, freeBytes } = await ledger.upkeep.size();
    assert.ok(bytes > 0 && freeBytes >= 0 && freeBytes <= bytes);
  });
}
