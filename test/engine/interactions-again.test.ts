import assert from "node:assert/strict";
import test from "node:test";
import { createInteractions } from "../../src/engine/interactions.ts";
import { startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const WORK = { name: "delegate" };
const ADA = { kind: "person", id: "5", name: "ada", rights: ["delegate"] } as const;

async function world(t: test.TestContext) {
  const home = temporaryFolder();
  const core = await startCore(home.path);
  t.after(async () => {
    await core.stop();
    home.remove();
  });
  const { engine, ledger, now, pass } = core;
  return {
    interactions: core.verbs.interactions,
    pass,
    /** As after kill -9; `listed` and `read` come between a look at what is there and what follows from it. */
    nextLife({ listed = async () => {}, read = async () => {} } = {}) {
      pass(1);
      const list: typeof ledger.list = async (query) => {
        const page = await ledger.list(query);
        await listed();
        return page;
      };
      const looked = { ...ledger, list };
      const reading: typeof engine.read = async (kind, stream) => {
        const state = await engine.read(kind, stream);
        await read();
        return state;
      };
      const parts = { engine: { ...engine, read: reading }, ledger: looked, now };
      return createInteractions({ ...parts, crash: () => undefined });
    },
    status: async (id: string) => (await engine.read("interaction", `int-${id}`))?.status,
  };
}

test("what ended unanswered is noted again when it is sent again, and carried out once", async (t) => {
  const { interactions, status } = await world(t);
  assert.equal(await interactions.note("7", WORK, ADA), true);
  assert.equal(await interactions.note("7", WORK, ADA), false, "it is in our hands");
  await interactions.done("7", "unanswered");
  assert.equal(await interactions.note("7", WORK, ADA), true);
  await interactions.begin("7");
  assert.equal(await interactions.note("7", WORK, ADA), false);
  await interactions.done("7", "asked");
  assert.equal(await interactions.note("7", WORK, ADA), false);
  assert.equal(await status("7"), "done");
});

test("what an earlier life noted and never acknowledged is noted again before it was ended, and stays so", async (t) => {
  const { interactions, nextLife, status } = await world(t);
  await interactions.note("7", WORK, ADA);
  await interactions.note("8", WORK, ADA);
  await interactions.begin("8");
  const next = nextLife();
  assert.equal(await next.note("7", WORK, ADA), true);
  assert.equal(await next.note("8", WORK, ADA), false, "that one is to be finished");
  assert.deepEqual(
    (await next.unfinished()).map(({ id }) => id),
    ["8"],
  );
  assert.deepEqual([await status("7"), await status("8")], ["noted", "begun"], "it is not over yet");
});

test("what an earlier life noted and comes twice at the same time is noted once", async (t) => {
  const { interactions, nextLife, status } = await world(t);
  await interactions.note("7", WORK, ADA);
  let other: boolean | undefined;
  const next = nextLife({
    async read() {
      if (other !== undefined) return;
      other = false;
      other = await next.note("7", WORK, ADA);
    },
  });
  assert.deepEqual([await next.note("7", WORK, ADA), other], [false, true]);
  assert.equal(await status("7"), "noted");
});

test("the end of what was unanswered is no end of what was noted anew meanwhile", async (t) => {
  const { interactions, nextLife, status } = await world(t);
  await interactions.note("7", WORK, ADA);
  const next = nextLife({
    async listed() {
      await next.note("7", WORK, ADA);
      await next.begin("7");
    },
  });
  assert.deepEqual(await next.unfinished(), []);
  assert.equal(await status("7"), "begun");
});

test("what an earlier life took is finished also when the clock was set back since", async (t) => {
  const { interactions, nextLife, pass, status } = await world(t);
  await interactions.note("7", WORK, ADA);
  await interactions.begin("7");
  await interactions.note("8", WORK, ADA);
  pass(-3_600_000);
  const next = nextLife();
  await next.note("9", WORK, ADA);
  await next.begin("9");
  assert.deepEqual(
    (await next.unfinished()).map(({ id }) => id),
    ["7"],
  );
  assert.equal(await status("8"), "unanswered");
  assert.equal(await next.note("8", WORK, ADA), true);
  assert.deepEqual(
    (await next.unfinished()).map(({ id }) => id),
    ["7"],
    "and what this life took is in its hands",
  );
});
