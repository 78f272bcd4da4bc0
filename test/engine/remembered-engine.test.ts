import assert from "node:assert/strict";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { Delivery } from "../../src/domain/effects.ts";
import type { TaskInput } from "../../src/domain/task-events.ts";
import { createEngine } from "../../src/engine/accept.ts";
import type { Ledger } from "../../src/engine/ports/ledger.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { seen, WEBSTER } from "../support/task.ts";

const AT = 1_790_000_000_000;
const ID = "batch-1";
const delivery: Delivery = { id: ID, kind: "batch", to: { channel: "7" }, subject: ID };
const receipt = { delivery: ID, part: 0, nonce: "n", channel: "7", message: "9", postedAt: AT };
const said = {
  kind: "delivery",
  stream: ID,
  input: { type: "batch", at: AT, delivery, body: "many lines" },
  cause: "a",
} as const;
const posted = {
  kind: "delivery",
  stream: ID,
  input: { type: "part-posted", delivery, receipt, of: 1 },
  cause: "b",
} as const;

/** An engine on a real ledger; `loads` are the streams it read there, `hold` keeps the answer of the next one back. */
async function start(t: TestContext) {
  const folder = temporaryFolder();
  const ledger = await openSqliteLedger({ path: join(folder.path, "ledger.db"), ballastBytes: 0 });
  t.after(async () => {
    await ledger.close();
    folder.remove();
  });
  const loads: string[] = [];
  let held: { readonly begun: PromiseWithResolvers<void>; readonly gate: Promise<void> } | undefined;
  const watched: Ledger = {
    ...ledger,
    async load(stream) {
      loads.push(stream);
      const mine = held;
      held = undefined;
      const loaded = await ledger.load(stream);
      mine?.begun.resolve();
      await mine?.gate;
      return loaded;
    },
  };
  const engineOn = (one: Ledger) =>
    createEngine({ ledger: one, now: () => AT, crash: () => undefined, onCommit: () => undefined });
  return {
    ledger,
    engineOn,
    engine: engineOn(watched),
    other: engineOn(ledger),
    loads,
    hold() {
      const gate = Promise.withResolvers<void>();
      const begun = Promise.withResolvers<void>();
      held = { begun, gate: gate.promise };
      return { release: gate.resolve, begun: begun.promise };
    },
  };
}

test("what is posted is over: its words take no memory, and whoever asks reads them from the ledger", async (t) => {
  const { engine, loads } = await start(t);
  await engine.accept({ ...said, isNew: true });
  assert.equal((await engine.read("delivery", ID))?.status, "pending");
  assert.deepEqual(loads, [], "what is to be posted is remembered");
  await engine.accept(posted);
  const state = await engine.read("delivery", ID);
  assert.deepEqual([state?.status, state?.body], ["posted", "many lines"]);
  await engine.read("delivery", ID);
  assert.deepEqual(loads, [ID, ID]);
});

test("a look that began before the last word was written does not bring back what was before", async (t) => {
  const { engine, other, hold } = await start(t);
  await other.accept({ ...said, isNew: true });
  const { release, begun } = hold();
  const looking = engine.read("delivery", ID);
  await begun;
  await engine.accept(posted);
  release();
  assert.equal((await looking)?.status, "posted");
  assert.equal((await engine.read("delivery", ID))?.status, "posted");
});

test("what was read from the ledger is remembered too, while it is open", async (t) => {
  const { engine, other, loads } = await start(t);
  await other.accept({ ...said, isNew: true });
  for (const _ of [1, 2]) assert.equal((await engine.read("delivery", ID))?.status, "pending");
  assert.deepEqual(loads, [ID]);
});

test("an effect whose end means nothing to the state any more is ended all the same", async (t) => {
  const { engine, ledger } = await start(t);
  await engine.accept({ ...said, isNew: true });
  const claim = (now: number) =>
    ledger.claim({
      lanes: ["discord"],
      now,
      limit: 9,
      holdMs: 1000,
      holder: "me",
      epoch: 1,
      capacity: () => 1,
    });
  const [effect] = await claim(AT);
  assert.ok(effect);
  await engine.accept(posted);
  const again = await engine.accept({ ...posted, settles: [{ id: effect.id, outcome: "done" }] });
  assert.deepEqual(again.events, []);
  assert.deepEqual(await claim(AT + 10_000), []);
});

test("whom others forestall at every single try gives up in the end, and says so", async (t) => {
  const { engineOn, ledger } = await start(t);
  let tries = 0;
  const commit: Ledger["commit"] = async () => {
    tries++;
    return { ok: false, reason: "conflict" };
  };
  const engine = engineOn({ ...ledger, commit });
  await assert.rejects(
    engine.accept({ ...said, isNew: true }),
    /others wrote to batch-1 201 times meanwhile/,
  );
  assert.equal(tries, 201);
});

/** The ledger as one to which others write too. */
const shared = (ledger: Ledger, more: Partial<Ledger> = {}): Ledger => ({
  ...ledger,
  async later(heads) {
    const all = await Promise.all(
      heads.map(async ({ stream, version }) =>
        (await ledger.events({ stream, after: -1, limit: 100 })).filter((event) => event.version > version),
      ),
    );
    return all.flat();
  },
  ...more,
});

test("what is not there is looked for once, where nobody else could make it", async (t) => {
  const { engine, loads } = await start(t);
  for (const _ of [1, 2]) assert.equal(await engine.read("delivery", ID), undefined);
  assert.deepEqual(loads, [ID]);
});

test("an id belongs to one kind: as another it is not there, and nothing of another is written under it", async (t) => {
  const { engine, engineOn, ledger } = await start(t);
  await engine.accept({ ...said, isNew: true });
  for (const one of [engine, engineOn(ledger)]) {
    assert.equal(await one.read("task", ID), undefined);
    await assert.rejects(
      one.accept({ kind: "task", stream: ID, input: seen(AT), cause: "c" }),
      (thrown: unknown) =>
        isRefusal(thrown) &&
        thrown.code === "key_reused" &&
        /batch-1 is the id of a delivery/.test(thrown.message),
    );
    assert.equal((await one.read("delivery", ID))?.status, "pending");
  }
});

test("a write whose answer was lost may have been done: what is true is read anew", async (t) => {
  const { engineOn, ledger } = await start(t);
  let isLost = false;
  const commit: Ledger["commit"] = async (asked) => {
    const committed = await ledger.commit(asked);
    if (isLost) throw new Error("the answer was lost");
    return committed;
  };
  const engine = engineOn({ ...ledger, commit });
  await engine.accept({ ...said, isNew: true });
  isLost = true;
  await assert.rejects(engine.accept(posted), /the answer was lost/);
  assert.equal((await engine.read("delivery", ID))?.status, "posted");
});

test("whoever reads while something is being written waits for it, also for what was asked for after that", async (t) => {
  const { engineOn, ledger } = await start(t);
  const [safe, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let commits = 0;
  const commit: Ledger["commit"] = async (asked) => {
    const committed = await ledger.commit(asked);
    if (++commits === 1) return committed;
    safe.resolve();
    await gate.promise;
    return committed;
  };
  const engine = engineOn({ ...ledger, commit });
  const first = engine.accept({ ...said, isNew: true });
  const second = engine.accept(posted);
  await first;
  await safe.promise;
  const reading = engine.read("delivery", ID);
  setImmediate(gate.resolve);
  assert.equal((await reading)?.status, "posted");
  await second;
});

test("what others wrote is asked for once, and all of it is read anew where some of it is not given", async (t) => {
  const { engineOn, other, ledger } = await start(t);
  const asked: number[] = [];
  let left = 0;
  const whole = shared(ledger);
  const engine = engineOn({
    ...whole,
    async later(heads) {
      asked.push(...heads.map(({ version }) => version));
      return ((await whole.later?.(heads)) ?? []).slice(left);
    },
  });
  const stream = "task-7";
  const of = (input: TaskInput) => ({ kind: "task", stream, input, cause: input.type }) as const;
  const withdrawn = (reason: string) =>
    ({ type: "withdraw", at: AT, actor: { kind: "operator" }, reason }) as const;
  await engine.accept(of(seen(2000)));
  const { version: seenAt = 0 } = (await ledger.load(stream)) ?? {};
  await other.accept(of(withdrawn("one")));
  for (const _ of [1, 2]) assert.equal((await engine.read("task", stream))?.withdrawn?.reason, "one");
  assert.deepEqual(asked, [seenAt, seenAt + 1]);
  await other.accept(of({ type: "run-again", at: AT, actor: { kind: "operator" }, words: WEBSTER }));
  await other.accept(of(withdrawn("two")));
  left = 1;
  const state = await engine.read("task", stream);
  assert.deepEqual(state, await engineOn(ledger).read("task", stream));
  assert.equal(state?.withdrawn?.reason, "two");
});

for (const isShared of [true, false]) {
  test(
    isShared
      ? "a place is given back also when another one wrote to the task at that very moment"
      : "a place that cannot be given back where nobody else writes is a mistake, and says so",
    async (t) => {
      const { engineOn, other, ledger } = await start(t);
      const answers: boolean[] = [];
      let meanwhile: (() => Promise<unknown>) | undefined;
      const commit: Ledger["commit"] = async (asked) => {
        const before = meanwhile;
        meanwhile = undefined;
        await before?.();
        const committed = await ledger.commit(asked);
        if (asked.slots && asked.events.length === 0) answers.push(committed.ok);
        return committed;
      };
      const engine = engineOn(isShared ? shared(ledger, { commit }) : { ...ledger, commit });
      const of = (input: TaskInput) =>
        ({ kind: "task", stream: "task-7", input, cause: input.type }) as const;
      await engine.accept(of(seen(AT)));
      const withdraw = { type: "withdraw", at: AT, actor: { kind: "operator" }, reason: "no" } as const;
      meanwhile = () => other.accept(of(withdraw));
      const giving = engine.accept(of({ type: "unclaimed", at: AT, try: 1 }));
      if (isShared) {
        assert.equal((await giving).state?.status, "withdrawn");
        assert.deepEqual(answers, [false, true]);
      } else {
        await assert.rejects(giving, /a write without events met conflict on task-7/);
        assert.deepEqual(answers, [false]);
      }
    },
  );
}
