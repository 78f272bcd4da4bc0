import assert from "node:assert/strict";
import test from "node:test";
import { worker } from "../../src/domain/worker.ts";
import type { WorkerInput, WorkerState, WorkerWork } from "../../src/domain/worker-types.ts";
import type { ClaimedOf } from "../../src/engine/perform.ts";
import type { WorkerEnd, Workers } from "../../src/engine/ports/workers.ts";
import { createRunWorkers } from "../../src/engine/run-workers.ts";
import { fold } from "../../src/kernel/decider.ts";

const WORK: WorkerWork = {
  id: "task-7.w1",
  taskOf: { task: "task-7", try: 1 },
  agent: "agent-1-x",
  worker: "standard",
  model: "m",
  thinking: "low",
  text: "Compare",
  timeoutMs: 1000,
  reruns: 1,
  actor: { kind: "operator" },
  origin: { door: "rest" },
  card: { channel: "c" },
  queuedAt: 1,
};
const END: WorkerEnd = { status: "succeeded", files: [], folder: "/f", startedAt: 1, endedAt: 2 };

/** One worker's stream, and the member in home `b` that does its effects. */
function world() {
  let state: WorkerState | undefined;
  const effects: unknown[] = [];
  const begun: string[] = [];
  const tell = (input: WorkerInput) => {
    const events = worker.decide(state, input);
    for (const event of events) {
      state = fold(worker.evolve, state, [event]);
      if (state) effects.push(...worker.effects(state, event).map(({ body }) => body));
    }
    return events;
  };
  tell({ type: "queue", work: WORK });
  const workers: Workers = {
    run: async ({ id }) => {
      begun.push(id);
      return END;
    },
    kill: async () => undefined,
    killAll: async () => [],
    prune: async () => [],
  };
  const engine = {
    accept: async ({ input }: { input: WorkerInput }) => ({ state, events: tell(input) }),
    read: async () => state,
    watch: () => () => undefined,
  };
  const { run } = createRunWorkers({
    engine: engine as never,
    workers,
    home: "b",
    now: () => 5,
    crash: () => undefined,
  });
  const take = (attempt: number, goneHome?: string) =>
    run({
      id: `e${attempt}`,
      stream: WORK.id,
      body: { type: "run-worker", worker: WORK.id, attempt },
      lane: "host",
      dueAt: 1,
      createdAt: 1,
      tries: 1,
      ...(goneHome === undefined ? {} : { goneHome }),
    } satisfies ClaimedOf<"run-worker">);
  return { tell, take, begun, effects, state: () => state };
}

test("a worker that ran in a home that is gone counts as lost, and is run once more as agreed", async () => {
  const { tell, take, begun, state } = world();
  tell({ type: "begun", at: 2, attempt: 1, home: "a" });
  await take(1, "a");
  assert.deepEqual(begun, [], "it is not begun again under the same name");
  assert.deepEqual([state()?.status, state()?.attempt], ["queued", 2]);
  await take(2);
  assert.deepEqual([begun, state()?.status], [["task-7.again"], "succeeded"]);
});

test("a worker that was never begun in the home that is gone is begun here", async () => {
  const { take, begun, state } = world();
  await take(1, "a");
  assert.deepEqual([begun, state()?.status, state()?.home], [["task-7"], "succeeded", "b"]);
});

test("whoever cancels a worker, it is killed in the home where it runs", () => {
  const { tell, effects } = world();
  tell({ type: "begun", at: 2, attempt: 1, home: "a" });
  tell({ type: "cancel", at: 3, actor: { kind: "operator" } });
  assert.deepEqual(
    effects.filter((body) => (body as { type: string }).type === "kill-worker"),
    [{ type: "kill-worker", worker: WORK.id, home: "a" }],
  );
});
