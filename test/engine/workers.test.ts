import assert from "node:assert/strict";
import test from "node:test";
import type { WorkerState } from "../../src/domain/worker-types.ts";
import type { Engine } from "../../src/engine/accept.ts";
import { TASK_CRASH_POINTS } from "../../src/engine/ports/log.ts";
import { createRunWorkers } from "../../src/engine/run-workers.ts";
import { handoffOf } from "../support/core.ts";
import { ADA, type Queue, scriptWorkers, startQueue, untilOver } from "../support/queue.ts";
import { temporaryFolder } from "../support/supervisor.ts";

type Script = Parameters<typeof startQueue>[1];
type Workers = ReturnType<typeof scriptWorkers>;

async function withWorkers(
  body: (queue: Queue, workers: Workers) => Promise<void>,
  script: Script = {},
): Promise<void> {
  using folder = temporaryFolder();
  const workers = scriptWorkers();
  const queue = await startQueue(folder.path, { workers: workers.workers, ...script });
  try {
    await body(queue, workers);
  } finally {
    await queue.stop();
  }
  assert.deepEqual(queue.broken, []);
}

test("a task with a model is done by a fresh worker: announced, shown, logged, and told to the task", () =>
  withWorkers(async (queue, workers) => {
    await queue.post("7", "Compare **Zerodur** and ULE | why [model:cheap] [thinking:high]");
    await workers.begun(1);
    const [order] = workers.orders;
    assert.deepEqual(
      { ...order, agent: order?.agent.replace(/[0-9a-f]{8}$/, "x") },
      {
        id: "task-7",
        task: "task-7",
        agent: "agent-1000000000-x",
        text: "Compare Zerodur and ULE | why",
        worker: "standard",
        model: "openrouter/stepfun/step-3.5-flash:free",
        thinking: "high",
        timeoutMs: 300_000,
      },
    );
    workers.end("task-7", { summary: "ULE", usage: { inputTokens: 10, outputTokens: 20 } });
    await queue.until("task-7", "task.settled");
    await queue.quiet();
    const { status, tries } = await queue.tasks.task("task-7");
    assert.deepEqual([status, tries[0]?.child, tries[0]?.outcome?.summary], ["done", "task-7.w1", "ULE"]);
    assert.deepEqual(
      queue.posts.map(({ id, to }) => [id, "role" in to ? to.role : ""]),
      [
        ["task-7.w1/spawned", "workerPool"],
        ["task-7.w1/finished", "workerPool"],
        ["task-7.w1/result", "results"],
        ["task-7.w1/log", "agentLogs"],
      ],
    );
  }));

test("no more than six at once: a finished one makes room for the oldest that waits", () =>
  withWorkers(async (queue, workers) => {
    for (let id = 11; id <= 18; id++) await queue.post(String(id), "x [model:cheap]");
    await workers.begun(6);
    await queue.quiet(6);
    const ids = () => workers.orders.map(({ task }) => task);
    assert.deepEqual(ids(), ["task-11", "task-12", "task-13", "task-14", "task-15", "task-16"]);
    workers.end("task-13");
    await workers.begun(7);
    await queue.quiet(6);
    assert.equal(ids().at(-1), "task-17");
    for (const id of ids()) workers.end(id);
    await workers.begun(8);
    workers.end("task-18");
    assert.equal((await untilOver(queue, "task-18")).status, "done");
  }));

test("a worker of which nothing is left is begun once more, and then it is lost", () =>
  withWorkers(async (queue, workers) => {
    await queue.post("7", "x [model:cheap]");
    await workers.begun(1);
    workers.end("task-7", { status: "lost" });
    await workers.begun(2);
    assert.equal(workers.orders[1]?.id, "task-7.again");
    workers.end("task-7.again", { status: "lost", reason: "the machine was switched off" });
    const { tries } = await untilOver(queue, "task-7");
    assert.deepEqual(
      [tries[0]?.outcome?.childStatus, tries[0]?.outcome?.reason],
      ["lost", "the machine was switched off"],
    );
  }));

test("a worker has the time that its task names, else that of its kind", () =>
  withWorkers(async (queue, workers) => {
    await queue.post("7", "x [model:cheap] [timeout:10m]");
    await queue.post("8", "x [model:cheap]");
    await workers.begun(2);
    const limits = workers.orders.map(({ task, timeoutMs }) => [task, timeoutMs] as const);
    assert.deepEqual(
      new Map(limits),
      new Map([
        ["task-7", 600_000],
        ["task-8", 120_000],
      ]),
    );
    for (const id of ["task-7", "task-8"]) workers.end(id);
    await untilOver(queue, "task-8");
  }));

test("withdrawing a task kills its worker; one that waits is not begun at all", () =>
  withWorkers(
    async (queue, workers) => {
      await queue.post("7", "x [model:cheap]");
      await workers.begun(1);
      await queue.tasks.withdraw(ADA, "task-7");
      await queue.until("task-7.w1", "worker.settled");
      await queue.quiet();
      assert.deepEqual(workers.killed, ["task-7"]);
      await queue.post("8", "x [model:cheap]");
      await workers.begun(2);
      assert.deepEqual(
        workers.orders.map(({ id }) => id),
        ["task-7", "task-8"],
      );
      workers.end("task-8");
      await untilOver(queue, "task-8");
    },
    { taskQueue: { maxAtOnce: 1 } },
  ));

test("withdrawing a task that is done once more kills what does it now", () =>
  withWorkers(async (queue, workers) => {
    await queue.post("7", "x [model:cheap]");
    await workers.begun(1);
    workers.end("task-7", { status: "lost" });
    await workers.begun(2);
    await queue.tasks.withdraw(ADA, "task-7");
    await queue.until("task-7.w1", "worker.settled");
    await queue.quiet();
    assert.deepEqual(workers.killed, [workers.orders[1]?.id]);
    assert.notEqual(workers.orders[1]?.id, "task-7");
  }));

test("what is over, or was begun once more since, is ended and never begun", async () => {
  for (const [status, attempt] of [
    ["canceled", 1],
    ["running", 2],
  ] as const) {
    const scripted = scriptWorkers();
    const told: string[] = [];
    const work = { id: "task-7.w1", taskOf: { task: "task-7", try: 1 } };
    const { run } = createRunWorkers({
      engine: {
        read: async () => ({ work, status, attempt }) as WorkerState,
        accept: async ({ input }: { input: { type: string } }) => void told.push(input.type),
      } as unknown as Engine,
      workers: { ...scripted.workers, run: async ({ id }) => assert.fail(`${id} was begun`) },
      now: () => 1,
      crash: () => undefined,
    });
    const body = { type: "run-worker", worker: work.id, attempt: 1 } as const;
    assert.deepEqual(await run({ id: "1", body } as never), { kind: "recorded" });
    assert.deepEqual([scripted.killed, told], [["task-7"], ["gone"]], status);
  }
});

test("the supervisor leaves without its workers, and the next life finds them instead of beginning again", async () => {
  using folder = temporaryFolder();
  const { workers, orders, end, begun } = scriptWorkers();
  await using first = await startQueue(folder.path, { workers });
  await first.post("7", "x [model:cheap]");
  await begun(1);
  await first.stop();
  assert.equal(first.loop.inFlight(), 0, "it waited for the worker until it lost patience");
  await using second = await startQueue(folder.path, { workers, at: first.now() + 1000 });
  await second.until("task-7.w1", "worker.begun");
  end("task-7");
  assert.equal((await untilOver(second, "task-7")).status, "done");
  assert.equal(orders.length, 1);
  await second.stop();
  assert.deepEqual([...first.broken, ...second.broken], []);
});

/** What the edge passes on its way to Discord is killed in tests of its own. */
const isOfEdge = /^(submission|task-check|task-claim:(claimed|sent|won))/;
const POINTS = TASK_CRASH_POINTS.filter((point) => !isOfEdge.test(point));

for (const point of POINTS) {
  test(`dying at ${point} does nothing twice and loses nothing`, () => {
    let isDead = false;
    const begun = new Set<string>();
    const end = {
      status: "succeeded",
      result: "ULE",
      files: [],
      folder: "/w",
      startedAt: 1,
      endedAt: 2,
    } as const;
    return withWorkers(
      async (queue) => {
        await queue.post("7", "x [model:cheap]");
        await queue.post("8", "Find the CTE [agent:webster]");
        for (; queue.sent.length === 0; queue.pass(3000)) await queue.quiet();
        await queue.hand("task-8.d1", handoffOf("task-8.d1"));
        for (const id of ["task-7", "task-8"]) {
          const { status, tries } = await untilOver(queue, id);
          assert.deepEqual([status, tries.length], ["done", 1]);
        }
        queue.pass(3000);
        await queue.quiet();
        assert.deepEqual([isDead, begun.size, queue.sent.length], [true, 1, 1]);
        const posts = queue.posts.map(({ id }) => id).toSorted();
        assert.deepEqual(posts, [
          "task-7.w1/finished",
          "task-7.w1/log",
          "task-7.w1/result",
          "task-7.w1/spawned",
          "task-8.d1/log",
          "task-8.d1/result",
        ]);
      },
      {
        workers: {
          async run({ id }) {
            begun.add(id);
            return end;
          },
        },
        crash(at) {
          if (at !== point || isDead) return;
          isDead = true;
          throw new Error(`died at ${point}`);
        },
      },
    );
  });
}
