import assert from "node:assert/strict";
import test, { mock } from "node:test";
import type { StoredEvent } from "../../src/engine/ports/ledger.ts";
import { createQuietWork } from "../../src/engine/quiet-work.ts";

/** Timers that the test moves; `did` counts the steps. */
function scripted(left: () => number, during: () => Promise<void> | void = () => undefined) {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  let listener: (events: readonly StoredEvent[]) => void = () => undefined;
  const steps: number[] = [];
  const broken: unknown[] = [];
  const part = createQuietWork({
    name: "test",
    engine: {
      watch: (given) => {
        listener = given;
        return () => {
          listener = () => undefined;
        };
      },
    },
    async step() {
      if (left() <= steps.length) return false;
      steps.push(Date.now());
      await during();
      return true;
    },
    isNews: (type) => type === "news",
    now: Date.now,
    onBroken: (error) => broken.push(error),
  });
  const pass = async (ms: number) => {
    mock.timers.tick(ms);
    for (let i = 0; i < 60; i++) await new Promise(setImmediate);
  };
  return {
    part,
    steps,
    broken,
    pass,
    happens: (type: string) => listener([{ type } as StoredEvent]),
    end: async () => {
      await part.stop?.();
      mock.timers.reset();
    },
  };
}

test("what is left from before is done soon after the start, all of it while nobody writes", async () => {
  const world = scripted(() => 5);
  await world.part.start?.();
  assert.equal(world.steps.length, 0);
  await world.pass(400);
  assert.equal(world.steps.length, 5);
  await world.end();
});

test("news are waited for until it is quiet, and other events make no work", async () => {
  let left = 0;
  const world = scripted(() => left);
  await world.part.start?.();
  await world.pass(400);
  left = 3;
  world.happens("other");
  await world.pass(2000);
  assert.equal(world.steps.length, 0);
  world.happens("news");
  await world.pass(399);
  assert.equal(world.steps.length, 0);
  await world.pass(1);
  assert.equal(world.steps.length, 3);
  await world.end();
});

test("when it never is quiet, one step is done each second", async () => {
  const world = scripted(() => 100);
  await world.part.start?.();
  for (let i = 0; i < 40; i++) {
    world.happens("news");
    await world.pass(100);
  }
  assert.ok(
    world.steps.length >= 2 && world.steps.length <= 5,
    `${world.steps.length} steps in four seconds`,
  );
  await world.end();
});

test("after the end nothing is begun any more", async () => {
  const world = scripted(() => 5);
  await world.part.start?.();
  await world.end();
  await new Promise(setImmediate);
  assert.equal(world.steps.length, 0);
});

test("what others write meanwhile puts the rest off and loses none of it", async () => {
  const world = scripted(
    () => 3,
    () => world.happens("other"),
  );
  await world.part.start?.();
  await world.pass(400);
  assert.equal(world.steps.length, 1);
  for (let i = 0; i < 6; i++) await world.pass(400);
  assert.equal(world.steps.length, 3);
  await world.end();
});

test("news that come while the last step is done are done after it", async () => {
  let left = 1;
  let goOn = () => {};
  const world = scripted(
    () => left,
    () => new Promise((resolve) => (goOn = resolve)),
  );
  await world.part.start?.();
  await world.pass(400);
  world.happens("news");
  await world.pass(500);
  goOn();
  await world.pass(0);
  left = 2;
  await world.pass(400);
  assert.equal(world.steps.length, 2);
  goOn();
  await world.end();
});

test("after a failure it is told and tried again, though nothing new is written", async () => {
  let fails = true;
  const world = scripted(
    () => 2,
    () => {
      if (fails) throw new Error("the disk is full");
    },
  );
  await world.part.start?.();
  await world.pass(400);
  assert.deepEqual([world.steps.length, world.broken.length], [1, 1]);
  fails = false;
  await world.pass(9999);
  assert.equal(world.steps.length, 1);
  await world.pass(1);
  assert.equal(world.steps.length, 2);
  await world.end();
});

test("the end waits for the step that is under way, and begins no other", async () => {
  let goOn = () => {};
  const world = scripted(
    () => 5,
    () => new Promise((resolve) => (goOn = resolve)),
  );
  await world.part.start?.();
  await world.pass(400);
  let isOver = false;
  const ending = world.end().then(() => {
    isOver = true;
  });
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
  assert.equal(isOver, false);
  goOn();
  await ending;
  assert.equal(world.steps.length, 1);
});
