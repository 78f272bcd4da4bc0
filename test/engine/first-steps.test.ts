import assert from "node:assert/strict";
import test, { mock, type TestContext } from "node:test";
import { createFirstSteps } from "../../src/engine/first-steps.ts";
import type { StoredEvent } from "../../src/engine/ports/ledger.ts";
import { cardOf, handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { stepOf, taskOf, workflowOf } from "../support/workflow.ts";

/** In a time that the test moves. */
function scripted(t: TestContext) {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  let at = 1000;
  let listener: (events: readonly StoredEvent[]) => void = () => undefined;
  const states = new Map<string, { readonly parent?: object; readonly settled: number }>();
  const begun: string[] = [];
  const { turn } = createFirstSteps({
    engine: {
      watch: (given) => {
        listener = given;
        return () => undefined;
      },
      read: async (_kind, run) => {
        const { parent, settled } = states.get(run) ?? { settled: 0 };
        return { order: { parent }, counts: { settled } } as never;
      },
    },
    clock: () => at,
  });
  const turns = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    states,
    begun,
    async ask(...runs: readonly string[]) {
      for (const run of runs) void turn(run).then(() => begun.push(run));
      await turns();
    },
    async hear(type: string, ...runs: readonly string[]) {
      listener(runs.map((stream) => ({ stream, type }) as StoredEvent));
      await turns();
    },
    async pass(ms: number) {
      for (let left = ms; left > 0; left--) {
        at++;
        mock.timers.tick(1);
        await turns();
      }
    },
  };
}

const named = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `run-${from + index}`);

test("six runs are in hand at a time, and the next one begins when one of them is over, in the order asked", async (t) => {
  const world = scripted(t);
  await world.ask(...named(9));
  assert.deepEqual(world.begun, named(6));
  await world.hear("run.settled", "run-3");
  assert.deepEqual(world.begun, named(7));
  await world.hear("run.settled", "run-0", "run-1");
  assert.deepEqual(world.begun, named(9));
});

test("a run that waits for its agents is in nobody's hands, until it is heard of again", async (t) => {
  const world = scripted(t);
  await world.ask(...named(6));
  await world.ask(...named(8, 6));
  await world.pass(14);
  await world.hear("step.started", ...named(5));
  assert.equal(world.begun.length, 6);
  await world.pass(5);
  assert.deepEqual(world.begun, named(7), "the one of which nothing was heard for 15 ms made room");
  await world.hear("step.settled", "run-5");
  await world.hear("run.settled", "run-0");
  assert.deepEqual(world.begun, named(7), "it is in hand again");
});

test("of what began elsewhere, or waits, nothing is counted", async (t) => {
  const world = scripted(t);
  await world.hear("step.started", ...named(20, 100));
  await world.ask(...named(8));
  await world.hear("run.started", "run-6", "run-7");
  assert.deepEqual(world.begun, named(6));
  await world.hear("run.settled", "run-100");
  assert.deepEqual(world.begun, named(6));
});

test("a run that is over counts no more, even if it is opened again", async (t) => {
  const world = scripted(t);
  await world.ask(...named(8));
  await world.hear("run.settled", "run-0");
  await world.hear("run.resumed", "run-0");
  await world.hear("run.settled", "run-1");
  assert.deepEqual(world.begun, named(8));
});

test("nobody waits longer than a second", async (t) => {
  const world = scripted(t);
  await world.ask(...named(9));
  for (let n = 0; n < 99; n++) {
    await world.pass(10);
    await world.hear("step.started", ...named(6));
  }
  assert.deepEqual(world.begun, named(6));
  await world.pass(10);
  assert.deepEqual(world.begun, named(9));
});

test("only the first steps of a run of its own wait: not what follows, not what is a part, not its other first steps", async (t) => {
  const world = scripted(t);
  world.states.set("later", { settled: 1 });
  world.states.set("part", { parent: { run: "run-0" }, settled: 0 });
  await world.ask(...named(7));
  await world.ask("later", "part", "run-0", "run-6");
  assert.deepEqual(world.begun, [...named(6), "later", "part", "run-0"]);
  await world.hear("run.settled", "run-1");
  assert.deepEqual(world.begun.slice(9), ["run-6", "run-6"], "both of its first steps, in one turn");
});

test("a run that is over before its turn waits no longer, and takes no place", async (t) => {
  const world = scripted(t);
  await world.ask(...named(8));
  await world.hear("run.settled", "run-6");
  assert.deepEqual(world.begun, named(7));
  await world.hear("run.settled", "run-0");
  assert.deepEqual(world.begun, named(8));
  await world.ask("run-9");
  assert.equal(world.begun.length, 8);
});

test("no more than 256 wait, so that the loop has room for what is under way", async (t) => {
  const world = scripted(t);
  await world.ask(...named(6 + 256));
  assert.equal(world.begun.length, 6);
  await world.ask("one-more");
  assert.deepEqual(world.begun.slice(6), ["one-more"]);
});

test("of runs asked at once, the first one's second step is sent before the last one's first", async (t) => {
  // On a machine that stands still for a while no run counts as one that waits for its agents.
  t.mock.method(performance, "now", () => 0);
  using folder = temporaryFolder();
  const twice = workflowOf("twice", [
    stepOf("one", taskOf("webster", "One.")),
    stepOf("two", taskOf("auditor", "Two."), { needs: ["one"] }),
  ]);
  const sent: string[] = [];
  await using core = await startCore(folder.path, {
    workflows: [twice],
    cards: ["webster", "auditor"].map((id) => cardOf(id, { concurrency: 64 })),
    answer: async ({ idempotencyKey }) => {
      const [child = ""] = idempotencyKey.split("#");
      sent.push(child);
      const agent = child.endsWith(".one") ? "webster" : "auditor";
      void core.hand(child, handoffOf(child, { agent }));
      return { kind: "accepted" };
    },
  });
  const begin = () =>
    core.verbs.runs.startRun(
      { kind: "operator" },
      { workflow: "twice", inputs: {}, origin: { door: "cli" } },
    );
  const runs = await Promise.all(Array.from({ length: 30 }, begin));
  const ids = runs.map(({ run }) => run.id);
  for (const id of ids) await core.until(id, "run.settled");
  assert.equal(new Set(sent).size, 60);
  const order = [...new Set(sent.map((child) => child.slice(0, child.lastIndexOf("."))))];
  assert.ok(sent.indexOf(`${order[0]}.two`) < sent.indexOf(`${order.at(-1)}.one`), sent.join(" "));
});
