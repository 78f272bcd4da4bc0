import assert from "node:assert/strict";
import test from "node:test";
import { createPlaces } from "../../src/discord/places.ts";

const RESULTS = { role: "results" } as const;

function startPlaces(memos = new Map<string, string>()) {
  let at = 1000;
  let writes = 0;
  const memory = {
    recall: async (name: string) => memos.get(name),
    async remember(name: string, value: string) {
      writes++;
      memos.set(name, value);
    },
  };
  const places = createPlaces({ memory, now: () => at });
  return {
    ...places,
    memos,
    pass: (ms: number) => {
      at += ms;
      return at;
    },
    writes: () => writes,
  };
}

test("where posts went is known to the next life, for as long as one of then may be in doubt", async () => {
  const first = startPlaces();
  await first.note(RESULTS, "a");
  const left = first.pass(500);
  await first.note(RESULTS, "b");
  const next = startPlaces(first.memos);
  assert.deepEqual(await next.others(RESULTS, "b", left), ["a"]);
  assert.deepEqual(await next.others(RESULTS, "b", left + 1), [], "it was left before");
  assert.deepEqual(await next.others(RESULTS, "c", left + 1), ["b"], "it was never left");
  assert.deepEqual(await next.others({ role: "agentLogs" }, "b", 0), []);
});

test("a place is written when it changes, and not for each post; a channel by its id has but one", async () => {
  const { note, others, writes } = startPlaces();
  for (let n = 0; n < 3; n++) await note(RESULTS, "a");
  await note({ channel: "reports" }, "a");
  await note({ channel: "123456789012345678" }, "a");
  assert.equal(writes(), 2);
  assert.deepEqual(await others({ channel: "reports" }, "b", 0), ["a"]);
  assert.deepEqual(await others({ channel: "123456789012345678" }, "b", 0), []);
});

test("two that are noted at once are both kept, and one that goes to and fro takes no other's place", async () => {
  const { note, others, pass } = startPlaces();
  await Promise.all([note(RESULTS, "first"), note({ channel: "reports" }, "r")]);
  for (let n = 0; n < 20; n++) {
    pass(1);
    await note(RESULTS, n % 2 === 0 ? "a" : "b");
  }
  assert.deepEqual(await others(RESULTS, "b", 1010), ["a"]);
  assert.deepEqual(await others(RESULTS, "b", 0), ["first", "a"]);
  assert.deepEqual(await others({ channel: "reports" }, "x", 0), ["r"]);
});

test("while the ledger takes nothing, nothing is sent; the next try writes it", async () => {
  const { memos } = startPlaces();
  let isBroken = true;
  const places = createPlaces({
    memory: {
      recall: async (name) => memos.get(name),
      async remember(name, value) {
        if (isBroken) throw new Error("disk full");
        memos.set(name, value);
      },
    },
    now: () => 1,
  });
  await assert.rejects(places.note(RESULTS, "a"), /disk full/);
  isBroken = false;
  await places.note(RESULTS, "a");
  assert.deepEqual(await places.others(RESULTS, "b", 0), ["a"]);
});
