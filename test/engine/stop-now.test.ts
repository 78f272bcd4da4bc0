import assert from "node:assert/strict";
import test from "node:test";
import { DEFAULT_ACL } from "../../src/domain/acl.ts";
import type { Engine } from "../../src/engine/accept.ts";
import { createStopNow } from "../../src/engine/stop-now.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { handoffOf } from "../support/core.ts";
import { ADA, type Queue, scriptWorkers, startQueue, untilOver } from "../support/queue.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { startWork } from "../support/work.ts";
import { stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const OPERATOR = { kind: "operator" } as const;
const ORIGIN = { door: "cli" } as const;
const study = workflowOf("study", [
  stepOf("look", taskOf("webster", "Look.")),
  stepOf("after", taskOf("webster", "Sum up."), { needs: ["look"], if: "always()" }),
]);

async function ask(queue: Queue, runId: string) {
  return queue.verbs.delegate(OPERATOR, { agent: "tech-lead", objective: "Plan it", runId, origin: ORIGIN });
}

test("stopping everything kills workers, cancels what can be, names what cannot, and lets nothing begin until the next start", async () => {
  using folder = temporaryFolder();
  const { workers, killed, begun, orders, end } = scriptWorkers();
  const script = { workers, workflows: [study], taskQueue: { maxAtOnce: 1 } };
  await using first = await startQueue(folder.path, script);
  await first.post("7", "x [model:cheap]");
  await begun(1);
  await first.post("8", "x [model:cheap]");
  await ask(first, "one");
  await first.until("one", "attempt.dispatched");
  await ask(first, "two");
  const { run } = await first.verbs.runs.startRun(OPERATOR, {
    workflow: "study",
    inputs: {},
    runId: "wf-study-1",
    origin: ORIGIN,
  });
  await first.until("wf-study-1.look", "attempt.dispatched");

  const stopped = await first.verbs.stopNow(OPERATOR);
  assert.deepEqual(killed.slice(0, 1), ["task-7"]);
  assert.deepEqual([...stopped.canceled].toSorted(), ["two", run.id].toSorted());
  assert.deepEqual(stopped.notCancelable.map(({ id, agent }) => [id, agent]).toSorted(), [
    ["one", "tech-lead"],
    ["wf-study-1.look", "webster"],
  ]);
  assert.match(stopped.notCancelable[0]?.reason ?? "", /cannot be told to stop/);
  assert.deepEqual([stopped.killed, stopped.held], [["task-7"], 1]);
  await first.until(run.id, "run.settled");
  first.pass(10_000);
  await new Promise((resolve) => setImmediate(resolve));

  const failed = await first.tasks.task("task-7");
  assert.deepEqual([failed.status, failed.tries[0]?.outcome?.reason], ["failed", "stopped"]);
  assert.equal((await first.tasks.task("task-8")).status, "open");
  assert.equal((await first.verbs.runs.run(run.id)).status, "canceled");
  assert.deepEqual([first.sent.length, orders.length], [2, 1]);
  for (const work of [
    () => ask(first, "three"),
    () => first.verbs.runs.startRun(OPERATOR, { workflow: "study", inputs: {}, origin: ORIGIN }),
  ]) {
    await assert.rejects(work(), (error) => isRefusal(error) && /hq start/.test(error.hint ?? ""));
  }
  await first.stop();

  // A life that nobody started with `hq start` begins nothing either.
  await using second = await startQueue(folder.path, { ...script, at: first.now() + 1000 });
  assert.equal(await second.hold.isOn(), true);
  second.pass(10_000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([second.claims, orders.length], [[], 1]);
  await second.hold.clear();
  second.pass(5000);
  await begun(2);
  end("task-8");
  assert.equal((await untilOver(second, "task-8")).status, "done");
  await second.hold.clear();
  await second.stop();
  assert.deepEqual([...first.broken, ...second.broken], []);
});

test("what was asked before an emergency stop is answered under its key while everything is stopped; what is new is refused", async (t) => {
  const { verbs, hold, sent, no, settled } = await startWork(t, { workflows: [study] });
  const key = (name: string) => ({ scope: "rest", key: name });
  const doors = {
    delegation: (of: object) =>
      verbs
        .delegate(OPERATOR, { agent: "webster", objective: "Find it", origin: ORIGIN, ...of })
        .then(({ delegation }) => delegation.id),
    run: (of: object) =>
      verbs.runs
        .startRun(OPERATOR, { workflow: "study", inputs: {}, origin: ORIGIN, ...of })
        .then(({ run }) => run.id),
    pipeline: (of: object) =>
      verbs.pipelines
        .create(OPERATOR, { name: "p", stages: [{ capability: "testing", goal: "Try it" }], ...of })
        .then(({ id }) => id),
    "pipeline by hand": (of: object) => doors.pipeline({ ...of, manual: true }),
  };
  const asked = Object.entries(doors).flatMap(([name, ask]) => {
    const byKey = [{ name, ask, of: { key: key(name) } }];
    const hasId = name === "delegation" || name === "run";
    return hasId ? [...byKey, { name, ask, of: { runId: `own-${name}` } }] : byKey;
  });
  const made: string[] = [];
  for (const { ask, of } of asked) made.push(await ask(of));
  await settled();
  const before = sent.length;
  await hold.put(OPERATOR);
  for (const [index, { name, ask, of }] of asked.entries()) {
    assert.equal(await ask(of), made[index], JSON.stringify(of));
    assert.match(await no(ask({})), /^held/, name);
    assert.match(await no(ask({ key: key("another") })), /^held/, name);
  }
  const other = doors.delegation({ key: key("delegation"), objective: "Something else" });
  assert.match(await no(other), /^key_reused/);
  await settled();
  assert.equal(sent.length, before);
});

test("what a stopped agent hands in later is kept as late, and changes nothing", async () => {
  using folder = temporaryFolder();
  await using queue = await startQueue(folder.path);
  await queue.post("7", "Find the CTE [agent:webster]");
  await queue.until("task-7.d1", "attempt.dispatched");
  await queue.verbs.stopNow(OPERATOR);
  await queue.hand("task-7.d1", handoffOf("task-7.d1"));
  await queue.until("task-7.d1", "handoff.seen");
  assert.equal((await queue.verbs.delegation("task-7.d1")).status, "canceled");
  assert.equal((await queue.tasks.task("task-7")).status, "failed");
});

test("stopping everything is for those who operate", async () => {
  using folder = temporaryFolder();
  await using queue = await startQueue(folder.path);
  for (const actor of [ADA, { kind: "agent", id: "webster" }] as const) {
    await assert.rejects(
      queue.verbs.stopNow(actor),
      (error) => isRefusal(error) && error.code === "not_allowed",
    );
  }
  assert.equal(await queue.hold.isOn(), false);
  const operating = { kind: "person", id: "3", name: "op", rights: ["operate"] } as const;
  assert.deepEqual(await queue.verbs.stopNow(operating), {
    canceled: [],
    notCancelable: [],
    killed: [],
    held: 0,
  });
});

test("everything is stopped however much there is: tasks, runs, workers and delegations of every page", async () => {
  const order: string[] = [];
  const accepted: string[] = [];
  const attempt = { attempt: 1, startBy: 9, sends: 0, deferrals: 0, ambiguous: false };
  const stateOfKind = (id: string) => ({
    order: { id, agent: "webster" },
    attempts: [id.endsWith("1") ? { ...attempt, ambiguous: true } : attempt],
  });
  const stopNow = createStopNow({
    engine: {
      accept: async ({ kind, stream, input }: { kind: string; stream: string; input: { type: string } }) =>
        void accepted.push(`${input.type} ${kind} ${stream}`),
    } as unknown as Engine,
    ledger: {
      list: async ({ kind, status, before }) => {
        assert.ok(kind !== "task" || status, "open tasks are counted, and only claimed ones stopped");
        const page = before === undefined ? 1 : 2;
        const stream = `${kind}-${page}`;
        const loaded = {
          stream,
          kind,
          status: status?.[0] ?? (page === 2 ? "running" : "queued"),
          later: [],
          state: stateOfKind(stream),
        };
        return { items: [loaded as never], ...(page === 1 ? { next: "more" } : {}) };
      },
    },
    workers: {
      killAll: async () => {
        order.push("kill");
        return ["task-1"];
      },
    },
    acl: () => DEFAULT_ACL,
    hold: {
      async put() {
        await new Promise(setImmediate);
        order.push("hold");
      },
    } as never,
    now: () => 7,
  });
  const stopped = await stopNow(OPERATOR);
  assert.deepEqual(order, ["hold", "kill"], "nothing begins any more before the first one is ended");
  assert.deepEqual(
    accepted.toSorted(),
    ["run", "worker", "delegation"]
      .flatMap((kind) => [`cancel ${kind} ${kind}-1`, `cancel ${kind} ${kind}-2`])
      .concat("stop task task-1", "stop task task-2")
      .toSorted(),
  );
  assert.deepEqual(stopped.canceled.toSorted(), ["delegation-2", "run-1", "run-2", "worker-1"]);
  assert.deepEqual(
    stopped.notCancelable.map(({ id, reason }) => `${id}: ${reason}`),
    ["delegation-1: the agent may have got the work; whatever it hands in is kept as late"],
  );
  assert.deepEqual([stopped.killed, stopped.held], [["task-1"], 2]);
});
