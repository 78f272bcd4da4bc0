import assert from "node:assert/strict";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { Delivery } from "../../src/domain/effects.ts";
import { createEngine } from "../../src/engine/accept.ts";
import type { Ledger } from "../../src/engine/ports/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { temporaryFolder } from "../support/supervisor.ts";

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
