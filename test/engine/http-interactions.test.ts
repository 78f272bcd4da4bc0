import assert from "node:assert/strict";
import test from "node:test";
import { createInteractions } from "../../src/engine/interactions.ts";
import type { ClaimedOf } from "../../src/engine/perform.ts";
import { startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const REPLY = { applicationId: "1", token: "the way back" };
const WORK = { name: "delegate" };
const ADA = { kind: "person", id: "5", name: "ada", rights: ["delegate"] } as const;
const TAKEN_OVER_MS = 12_000;

/** An engine whose Discord edge carries out what it is given, and keeps which. */
async function world(t: test.TestContext) {
  const home = temporaryFolder();
  const performed: string[] = [];
  const core = await startCore(home.path, {
    discord: {
      async interaction({ body }: ClaimedOf<"interaction">) {
        performed.push(body.interaction);
        await core.verbs.interactions.done(body.interaction, "taken over");
        return { kind: "done", outcome: "taken over" };
      },
    },
  });
  t.after(async () => {
    await core.stop();
    home.remove();
  });
  return { ...core, interactions: core.verbs.interactions, performed };
}

test("what came by HTTP is noted and begun in one commit, with the way back; noted again it changes nothing", async (t) => {
  const { interactions, ledger } = await world(t);
  assert.equal(await interactions.note("7", WORK, ADA, REPLY), true);
  const events = await ledger.events({ stream: "int-7", after: -1, limit: 10 });
  assert.deepEqual(
    events.map(({ type }) => type),
    ["interaction.noted", "interaction.begun"],
  );
  assert.equal(await interactions.note("7", WORK, ADA, REPLY), false);
  assert.equal(await interactions.note("7", WORK, ADA), false, "over the gateway too");
  assert.deepEqual((await interactions.noted("7"))?.owedTo, REPLY);
  await interactions.done("7", "asked");
  assert.deepEqual(await interactions.noted("7").then((noted) => noted && "owedTo" in noted), false);
});

test("what its taker finished is nobody else's: the effect goes with it", async (t) => {
  const { interactions, performed, pass, settled } = await world(t);
  await interactions.note("7", WORK, ADA, REPLY);
  await interactions.done("7", "asked");
  pass(TAKEN_OVER_MS + 1);
  await settled();
  assert.deepEqual(performed, []);
});

test("what its taker does not finish is carried out after 12 seconds, once", async (t) => {
  const { interactions, performed, pass, settled, until, ledger } = await world(t);
  await interactions.note("7", WORK, ADA, REPLY);
  pass(TAKEN_OVER_MS - 1);
  await settled();
  assert.deepEqual(performed, []);
  pass(1);
  await until("int-7", "interaction.done");
  await settled();
  pass(10 * TAKEN_OVER_MS);
  await settled();
  assert.deepEqual(performed, ["7"]);
  assert.deepEqual(await ledger.backlog(), []);
});

test("a restart leaves it to that effect, and finds those of the gateway as before", async (t) => {
  const { interactions, engine, ledger, pass, now } = await world(t);
  await interactions.note("7", WORK, ADA, REPLY);
  await interactions.note("8", WORK, ADA);
  await interactions.begin("8");
  pass(1);
  const nextLife = createInteractions({ engine, ledger, now, crash: () => undefined });
  assert.deepEqual(
    (await nextLife.unfinished()).map(({ id }) => id),
    ["8"],
  );
});
