import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Effect } from "../../src/domain/effects.ts";
import { taskWakeAt } from "../../src/domain/task.ts";
import type { TaskEvent, TaskInput } from "../../src/domain/task-events.ts";
import { goOn } from "../../src/domain/task-go-on.ts";
import { isTaskOpen, type TaskChild, type TaskState, taskChildOf } from "../../src/domain/task-types.ts";
import {
  afterCrash,
  GRACE_MS,
  LEAD,
  POSTED_AT,
  STRANGER,
  seen,
  step,
  WEBSTER,
  WRONG,
} from "../support/task.ts";

/**
 * A guild with one message, a ledger with its task, and whoever does it. People and time do anything in any order;
 * effects are performed in any order, some twice because the supervisor died before it noted their outcome.
 */
function createWorld() {
  const message = { words: WEBSTER, text: "first", editedAt: undefined as number | undefined };
  const others = new Set<string>();
  const events: TaskEvent[] = [];
  const children = new Map<string, { of: number; made: number; status: "running" | "done" | "canceled" }>();
  const held = new Set<number>();
  /** What takes its time: the rest of it is done, and told, later. */
  const underWay: (() => TaskInput)[] = [];
  /** Effects whose outcome was never noted. */
  const begun = new Set<Effect>();
  let state: TaskState | undefined;
  let queue: Effect[] = [];
  let own = false;
  let isDeleted = false;
  let at = POSTED_AT;
  let edits = 0;
  let replies = 0;

  function accept(input: TaskInput): void {
    const made = step(state, input);
    for (const { attempt, until } of made.slots) {
      if (until === "free") held.delete(attempt);
      else if (held.has(attempt) || input.type === "discord-claimed") held.add(attempt);
    }
    queue.push(...made.effects);
    events.push(...made.events);
    state = made.after;
    if (state) assert.deepEqual(step(state, input).events, [], `${input.type} twice changes something`);
    if (events.length > 0) assert.deepEqual(state, afterCrash(events), "a crash loses something");
    checkAlways(made.events);
  }

  function checkAlways(now: readonly TaskEvent[]): void {
    if (!state) return;
    const { tries, status, deletedAt, claiming } = state;
    assert.deepEqual(
      tries.map(({ number }) => number),
      tries.map((_, index) => index + 1),
    );
    assert.ok(
      tries.slice(0, -1).every(({ outcome }) => outcome),
      "a new try began before the last one ended",
    );
    assert.equal(status === "claimed", tries.length > 0 && tries.at(-1)?.outcome === undefined);
    assert.ok(claiming === undefined || status === "open");
    if (deletedAt !== undefined && deletedAt < at)
      assert.ok(!now.some(({ type }) => type === "task.claiming"));
    const wakeAt = taskWakeAt(state);
    if (wakeAt !== undefined)
      assert.ok(step(state, { type: "wake", at: Math.max(at, wakeAt) }).events.length > 0);
    assert.deepEqual(goOn(state, at), [], "what could go on by itself did not");
  }

  const look = () => {
    if (isDeleted) return state && accept({ type: "deleted", at });
    const { words, text, editedAt } = message;
    const checks = { others: [...others], own };
    accept(seen(at, { words, checks, task: { text }, ...(editedAt === undefined ? {} : { editedAt }) }));
    return undefined;
  };

  function endChild(id: string, status: "done" | "canceled"): void {
    const child = children.get(id);
    if (child?.status !== "running") return;
    child.status = status;
    queue.push({
      body: { type: "tell-task", task: "task-7", try: child.of, child: id, kind: "delegation" },
      lane: "any",
      dueAt: at,
    });
  }

  /** What an effect does outside, and the input that it comes back with. */
  function perform(effect: Effect): TaskInput | (() => TaskInput) | undefined {
    const { body } = effect;
    if (!state) return undefined;
    if (body.type === "task-claim") return claim(effect, body.try, state);
    if (body.type === "start-task") {
      const current = state.tries.at(-1);
      if (state.status !== "claimed" || current?.number !== body.try) return undefined;
      return () => ({ type: "child-started", at, try: body.try, child: make(current.number) });
    }
    if (body.type === "tell-task") {
      const isDone = children.get(body.child)?.status === "done";
      const outcome = isDone
        ? ({ at, status: "done", childStatus: "succeeded" } as const)
        : ({ at, status: "failed", childStatus: "canceled" } as const);
      return { type: "child-settled", try: body.try, child: body.child, outcome };
    }
    if (body.type === "task-check") {
      if (!isDeleted) own = body.wanted;
      return body.wanted ? { type: "checked", at } : undefined;
    }
    if (body.type === "cancel-child") endChild(body.child, "canceled");
    if (body.type === "post") replies++;
    return undefined;
  }

  function claim(effect: Effect, number: number, { status, claiming, tries }: TaskState): TaskInput {
    held.add(number);
    if (status !== "open" || claiming?.number !== number)
      return { type: begun.has(effect) ? "discord-claimed" : "unclaimed", at, try: number };
    if (isDeleted) return { type: "deleted", at };
    const [user] = others;
    if (user && !own && tries.length === 0) return { type: "discord-handled", at, try: number, user };
    own = true;
    return { type: "discord-claimed", at, try: number };
  }

  function make(number: number): TaskChild {
    const child = taskChildOf("task-7", number, { kind: "agent" });
    const known = children.get(child.id);
    if (!known) children.set(child.id, { of: number, made: 1, status: "running" });
    return child;
  }

  function performAt(index: number, how: "at once" | "forgotten" | "slowly"): void {
    const effect = queue[index % Math.max(1, queue.length)];
    if (!effect) return;
    const done = perform(effect);
    if (!done) {
      queue = queue.filter((one) => one !== effect || how === "forgotten");
      return;
    }
    const finish = typeof done === "function" ? done : () => done;
    if (how === "forgotten") {
      // It died before the outcome was noted: the effect is still there.
      finish();
      begun.add(effect);
      return;
    }
    queue = queue.filter((one) => one !== effect);
    if (how === "slowly") underWay.push(finish);
    else accept(finish());
  }

  function deliver(index: number): void {
    const [finish] = underWay.splice(index % Math.max(1, underWay.length), 1);
    if (finish) accept(finish());
  }

  function drain(): void {
    while (queue.length + underWay.length > 0) {
      if (queue.length > 0) performAt(0, "at once");
      else deliver(0);
    }
  }

  return {
    look,
    wake() {
      if (state) accept({ type: "wake", at });
    },
    pass(ms: number) {
      at += ms;
      this.wake();
    },
    edit(words: typeof WEBSTER) {
      message.words = words;
      message.text = `edit ${++edits}`;
      message.editedAt = at;
    },
    check(user: string, isOn: boolean) {
      if (isOn) others.add(user);
      else others.delete(user);
    },
    takeOwnAway() {
      own = false;
    },
    delete() {
      isDeleted = true;
    },
    performAt,
    deliver,
    end(index: number) {
      const running = [...children].filter(([, { status }]) => status === "running");
      const [id] = running[index % Math.max(1, running.length)] ?? [];
      if (id) endChild(id, "done");
    },
    tell(input: TaskInput["type"]) {
      if (!state) return;
      const actor = { kind: "operator" } as const;
      if (input === "run-again" && message.words.plan)
        accept({ type: input, at, actor, words: message.words });
      if (input === "withdraw" || input === "stop") accept({ type: input, at, actor, reason: "so" });
      // Stopping everything ends whatever runs.
      if (input === "stop") for (const [id] of children) endChild(id, "canceled");
    },
    lose() {
      const claiming = state?.claiming;
      if (claiming && !isDeleted) accept({ type: "discord-lost", at, try: claiming.number, by: "hq-other" });
    },
    /** Everybody goes home; what is under way comes to its end. */
    rest() {
      for (let round = 0; round < 50; round++) {
        at += GRACE_MS + 1;
        look();
        this.wake();
        drain();
        const running = [...children].filter(([, { status }]) => status === "running").map(([id]) => id);
        const wanted = state?.status === "claimed" ? state.tries.at(-1)?.child : undefined;
        assert.deepEqual(running, wanted === undefined ? [] : [wanted], "somebody works for nobody");
        for (const id of running) endChild(id, "done");
        drain();
      }
      return { state, own, isDeleted, others, children, held, events, replies, words: message.words };
    },
  };
}

type World = ReturnType<typeof createWorld>;
type Act = (world: World) => unknown;

const act = (weight: number, arbitrary: fc.Arbitrary<Act>) => ({ weight, arbitrary });
const acts: fc.Arbitrary<Act> = fc.oneof(
  act(
    6,
    fc.constant((world) => world.look()),
  ),
  act(
    8,
    fc.tuple(fc.nat(5), fc.constantFrom("at once", "at once", "slowly", "forgotten")).map(
      ([index, how]) =>
        (world: World) =>
          world.performAt(index, how),
    ),
  ),
  act(
    4,
    fc.nat(2).map((index) => (world: World) => world.deliver(index)),
  ),
  act(
    4,
    fc.integer({ min: 1, max: 3000 }).map((ms) => (world: World) => world.pass(ms)),
  ),
  act(
    2,
    fc.constantFrom(WEBSTER, LEAD, WRONG, STRANGER).map((words) => (world: World) => world.edit(words)),
  ),
  act(
    2,
    fc.tuple(fc.constantFrom("8", "9"), fc.boolean()).map(
      ([user, isOn]) =>
        (world: World) =>
          world.check(user, isOn),
    ),
  ),
  act(
    1,
    fc.constant((world) => world.takeOwnAway()),
  ),
  act(
    1,
    fc.constant((world) => world.delete()),
  ),
  act(
    3,
    fc.nat(3).map((index) => (world: World) => world.end(index)),
  ),
  act(
    2,
    fc.constantFrom("run-again", "withdraw", "stop").map((what) => (world: World) => world.tell(what)),
  ),
  act(
    1,
    fc.constant((world) => world.lose()),
  ),
);

test("whatever happens in whatever order, a task is done once for each time that it was claimed, and rests", () => {
  fc.assert(
    fc.property(fc.array(acts, { maxLength: 60 }), (all) => {
      const world = createWorld();
      world.look();
      for (const one of all) one(world);
      const { state, own, isDeleted, others, children, held, events } = world.rest();
      assert.ok(state);
      const claims = events.filter(({ type }) => type === "task.claimed").length;
      const wishes = 1 + events.filter(({ type }) => type === "task.again").length;
      assert.equal(state.tries.length, claims);
      assert.ok(claims <= wishes, "claimed more often than wanted");
      assert.ok(children.size <= claims, "begun without a claim");
      assert.ok([...children.values()].every(({ status }) => status !== "running"));
      assert.equal(state.claiming, undefined);
      assert.deepEqual([...held], [], "a place is held for ever");
      const isResting = !isTaskOpen(state) || state.refused !== undefined;
      assert.ok(isResting, `it rests as ${state.status}`);
      if (isDeleted) return;
      const isBegun = state.tries.length > 0 && !state.takenBy;
      if (state.status === "done" || state.status === "failed") assert.ok(own, "our ✅ is missing");
      if (!isBegun && !state.takenBy) assert.ok(!own, "our ✅ is on what we never began");
      if (state.handledBy && state.tries.length === 0)
        assert.ok(others.size > 0, "nobody handled it any more");
    }),
    { numRuns: 3000 },
  );
});

test("left alone, a good task is done, with our ✅ on it", () => {
  const world = createWorld();
  world.look();
  const { state, own, children, replies } = world.rest();
  assert.deepEqual([state?.status, own, children.size, replies], ["done", true, 1, 0]);
});
