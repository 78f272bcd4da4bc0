import assert from "node:assert/strict";
import test from "node:test";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { handoffOf } from "../support/core.ts";
import { ADA, type Queue, scriptWorkers, startQueue, untilOver } from "../support/queue.ts";
import { temporaryFolder } from "../support/supervisor.ts";
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
