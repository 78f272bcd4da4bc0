import assert from "node:assert/strict";
import test from "node:test";
import type { EffectType } from "../../src/domain/effects.ts";
import { createHold } from "../../src/engine/hold.ts";
import type { ClaimedEffect, Ledger } from "../../src/engine/ports/ledger.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";

const OPERATOR = { kind: "operator", via: "page" } as const;

/** What the ledger remembers, and how often it was asked. */
function memory(members?: Ledger["members"]) {
  const memos = new Map<string, string>();
  let asked = 0;
  return {
    memos,
    asked: () => asked,
    ledger: {
      async recall(name: string) {
        asked++;
        return memos.get(name);
      },
      async remember(name: string, text: string) {
        memos.set(name, text);
      },
      ...(members ? { members } : {}),
    },
  };
}

function performed(hold: ReturnType<typeof createHold>) {
  const perform = hold.guard(async ({ id }) => ({ kind: "done", outcome: `${id} done` }));
  return (type: EffectType) => perform({ id: "e", body: { type } } as unknown as ClaimedEffect);
}

test("while everything is stopped nothing begins, and whatever ends, tells or shows goes on", async () => {
  const { ledger } = memory();
  const hold = createHold({ ledger, now: () => 1000 });
  const perform = performed(hold);
  const beginnings = ["dispatch", "start-task", "task-claim", "run-worker", "carry-out"] as const;
  for (const type of beginnings) assert.equal((await perform(type)).kind, "done", type);
  await hold.put(OPERATOR);
  for (const type of beginnings) {
    const held = { kind: "again", dueAt: 3000, reason: "everything is stopped" };
    assert.deepEqual(await perform(type), held, type);
  }
  for (const type of ["reconcile", "post", "card", "tell", "tell-task", "filing"] as const)
    assert.deepEqual(await perform(type), { kind: "done", outcome: "e done" }, type);
  await hold.clear();
  for (const type of beginnings) assert.equal((await perform(type)).kind, "done", type);
});

test("while everything is stopped new work is refused with what to do, in the next life too", async () => {
  const { ledger, memos } = memory();
  const first = createHold({ ledger, now: () => 1000 });
  await first.refuse();
  await first.put(OPERATOR);
  assert.deepEqual(JSON.parse(memos.get("hold") ?? ""), { at: 1000, by: "operator (page)" });
  for (const hold of [first, createHold({ ledger, now: () => 2000 })]) {
    assert.ok(await hold.isOn());
    await assert.rejects(
      hold.refuse(),
      (error) =>
        isRefusal(error) &&
        error.code === "held" &&
        /hq stop --now/.test(error.message) &&
        /hq start/.test(error.hint ?? ""),
    );
  }
  await first.clear();
  await first.refuse();
});

test("alone, the ledger is asked once; where others may stop everything too, each time", async () => {
  const alone = memory();
  const own = createHold({ ledger: alone.ledger, now: () => 0 });
  await own.isOn();
  await own.isOn();
  assert.equal(alone.asked(), 1);
  const shared = memory({} as NonNullable<Ledger["members"]>);
  const hold = createHold({ ledger: shared.ledger, now: () => 0 });
  assert.ok(!(await hold.isOn()));
  await createHold({ ledger: shared.ledger, now: () => 0 }).put(OPERATOR);
  assert.ok(await hold.isOn(), "another one stopped everything");
  await hold.clear();
  assert.equal(shared.memos.get("hold"), "");
});

test("what the ledger does not take or cannot say is an error, and it is asked again", async () => {
  const { ledger, memos } = memory();
  let isBroken = true;
  const broken = {
    recall: async (name: string) => {
      if (isBroken) throw new Error("the disk is full");
      return ledger.recall(name);
    },
    remember: async (name: string, text: string) => {
      if (isBroken) throw new Error("the disk is full");
      await ledger.remember(name, text);
    },
  };
  memos.set("hold", "{}");
  const hold = createHold({ ledger: broken, now: () => 0 });
  await assert.rejects(hold.refuse(), /disk is full/);
  await assert.rejects(performed(hold)("dispatch"), /disk is full/);
  isBroken = false;
  assert.ok(await hold.isOn(), "nothing begins because the ledger once could not say");
  await hold.clear();
  assert.equal((await performed(hold)("dispatch")).kind, "done");
  isBroken = true;
  await assert.rejects(hold.put(OPERATOR), /disk is full/);
  assert.ok(await hold.isOn(), "who wanted everything stopped has it stopped as long as this one lives");
});
