import assert from "node:assert/strict";
import test from "node:test";
import { createWake } from "../../src/engine/wake.ts";
import { commitOf } from "../contract/ledger-fixture.ts";
import { startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

type Core = Awaited<ReturnType<typeof startCore>>;

async function withCore(body: (core: Core) => Promise<void>): Promise<void> {
  using folder = temporaryFolder();
  const core = await startCore(folder.path);
  try {
    await body(core);
  } finally {
    await core.stop();
  }
  assert.deepEqual(core.broken, []);
}

async function dispatched(core: Core, agent = "webster"): Promise<{ stream: string; deadlineAt: number }> {
  const { delegation } = await core.verbs.delegate(
    { kind: "operator" },
    { agent, objective: "Find the CTE of Zerodur", retries: 0, origin: { door: "rest" } },
  );
  await core.until(delegation.id, "attempt.dispatched");
  return { stream: delegation.id, deadlineAt: core.now() + core.config.settings.delegation.timeoutMs };
}

/** Goes on as soon as the ledger says so; the test's own time limit ends a wait in vain. */
async function nextWakeIs(core: Core, at: number | undefined): Promise<void> {
  while ((await core.ledger.nextWake()) !== at) await new Promise((resolve) => setImmediate(resolve));
}

const errorsOf = () => {
  const errors: string[] = [];
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };
  return { errors, log: { ...log, error: (_: object, text: string) => void errors.push(text) } };
};

test("a delegation is woken at its deadline, not before, and never again once it is settled", () =>
  withCore(async (core) => {
    const { stream, deadlineAt } = await dispatched(core);
    assert.equal(await core.ledger.nextWake(), deadlineAt);
    core.pass(deadlineAt - core.now() - 1);
    assert.equal((await core.verbs.delegation(stream)).status, "dispatched");
    core.pass(1);
    assert.equal((await core.verbs.wait(stream, {})).status, "timed_out");
    assert.equal(await core.ledger.nextWake(), undefined);
  }));

test(
  "a stream that is woken too early decides nothing, and is woken at the right instant",
  { timeout: 20_000 },
  () =>
    withCore(async (core) => {
      const { stream, deadlineAt } = await dispatched(core);
      await core.ledger.putOff({ stream, kind: "delegation", wakeAt: deadlineAt }, core.now());
      core.loop.ring();
      await nextWakeIs(core, deadlineAt);
      assert.equal((await core.verbs.delegation(stream)).status, "dispatched");
      core.pass(deadlineAt - core.now());
      assert.equal((await core.verbs.wait(stream, {})).status, "timed_out");
    }),
);

test("a stream that is due and decides nothing is left alone for a minute, and it is said", () =>
  withCore(async (core) => {
    const { stream, deadlineAt } = await dispatched(core);
    const { errors, log } = errorsOf();
    // A decider with a mistake: it asked for this instant, and has nothing to say to it.
    const accept = async () => ({ state: undefined, events: [] });
    const wake = createWake({ ...core, engine: { ...core.engine, accept }, now: () => deadlineAt, log });
    await wake({ stream, kind: "delegation", wakeAt: deadlineAt });
    assert.equal((await core.ledger.load(stream))?.wakeAt, deadlineAt + 60_000);
    assert.deepEqual(errors, ["a stream could not be woken and will be tried again"]);
  }));

test("a stream that nobody knows how to wake is left alone for a minute, and it is said", () =>
  withCore(async (core) => {
    const { errors, log } = errorsOf();
    const at = core.now();
    const strange = { stream: "stray-1", kind: "stray" as const, wakeAt: at };
    await core.ledger.commit(commitOf("stray-1", { ...strange, wakeAt: at + 1 }));
    const wake = createWake({ ...core, log });
    await wake({ ...strange, wakeAt: at + 1 });
    assert.equal((await core.ledger.load("stray-1"))?.wakeAt, at + 60_000);
    assert.deepEqual(errors, ["a stream could not be woken and will be tried again"]);
  }));

test("a wake that the ledger does not take is tried again soon", { timeout: 20_000 }, () =>
  withCore(async (core) => {
    const { stream, deadlineAt } = await dispatched(core);
    const { putOff } = core.ledger;
    const full = new Error("the disk is full");
    await putOff({ stream, kind: "delegation", wakeAt: deadlineAt }, core.now());
    const refuseOnce = async () => {
      Object.assign(core.ledger, { putOff });
      throw full;
    };
    Object.assign(core.ledger, { putOff: refuseOnce });
    core.loop.ring();
    await nextWakeIs(core, deadlineAt);
    assert.deepEqual(core.broken.splice(0), [full]);
  }),
);

test(
  "due streams are woken batch after batch: no second one during the first, and then without delay",
  { timeout: 20_000 },
  () =>
    withCore(async (core) => {
      const { wakes, putOff, claim, nextDue } = core.ledger;
      const both = [await dispatched(core), await dispatched(core, "tech-lead")];
      for (const { stream, deadlineAt } of both)
        await putOff({ stream, kind: "delegation", wakeAt: deadlineAt }, core.now());
      const begun = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      const asleep = Promise.withResolvers<void>();
      let looks = 0;
      let hasTurned = false;
      Object.assign(core.ledger, {
        async wakes(now: number) {
          looks++;
          return wakes(now, 1);
        },
        async putOff(...given: Parameters<typeof putOff>) {
          begun.resolve();
          await gate.promise;
          return putOff(...given);
        },
      });
      core.loop.ring();
      await begun.promise;
      Object.assign(core.ledger, {
        async claim(...given: Parameters<typeof claim>) {
          hasTurned = true;
          return claim(...given);
        },
        async nextDue(...given: Parameters<typeof nextDue>) {
          const due = await nextDue(...given);
          if (hasTurned) setImmediate(asleep.resolve);
          return due;
        },
      });
      core.loop.join();
      await asleep.promise;
      const looksMeanwhile = looks;
      gate.resolve();
      await nextWakeIs(core, both[0]?.deadlineAt);
      assert.equal(looksMeanwhile, 1);
    }),
);
