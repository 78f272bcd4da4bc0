import assert from "node:assert/strict";
import test from "node:test";
import { isRefusal, type Refusal } from "../../src/kernel/refusal.ts";
import { handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { approvalOf, stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const OPERATOR = { kind: "operator" } as const;

const INNER = workflowOf("inner", [stepOf("only", taskOf("nx-expert", "Alone."))]);
const WORK = workflowOf("work", [
  stepOf("left", taskOf("webster", "The left half.")),
  stepOf("right", taskOf("optimizer", "The right half.")),
  stepOf("sign", approvalOf()),
  stepOf("nested", { kind: "workflow", workflow: "inner", with: {} }),
  stepOf("end", taskOf("auditor", "All."), { needs: ["left", "right", "sign", "nested"] }),
  stepOf("sweep", taskOf("secretary", "Tidy up."), { cleanup: true, needs: [] }),
]);

async function begin(home: string) {
  const core = await startCore(home, { workflows: [WORK, INNER] });
  const { runs } = core.verbs;
  const started = await runs.startRun(OPERATOR, { workflow: "work", inputs: {}, origin: { door: "cli" } });
  const run = started.run.id;
  return {
    core,
    runs,
    run,
    async answer(step: string, agent: string, given: object = {}) {
      await core.until(`${run}.${step}`, "attempt.dispatched");
      await core.hand(`${run}.${step}`, handoffOf(`${run}.${step}`, { agent, ...given }));
    },
    settled: (count: number) => core.until(run, "step.settled", count),
    resumed: async () => (await core.verbs.history(run)).filter(({ type }) => type === "run.resumed").length,
  };
}

async function refusalOf(asked: Promise<unknown>): Promise<Refusal> {
  const thrown: unknown = await asked.then(
    () => assert.fail("it was not refused"),
    (error: unknown) => error,
  );
  assert.ok(isRefusal(thrown), String(thrown));
  return thrown;
}

test("what has not begun is not begun anew, and the refusal says so", async () => {
  using folder = temporaryFolder();
  const { core, runs, run, resumed } = await begin(folder.path);
  await using _ = core;
  const { code, message, hint } = await refusalOf(runs.rerun(OPERATOR, run, "end"));
  assert.equal(code, "already_settled");
  assert.equal(message, `end of ${run} has not begun; there is nothing to do once more.`);
  assert.match(hint ?? "", /`hq workflow status .*` shows what it waits for/);
  assert.equal(await resumed(), 0);
});

test("of a run that is being canceled nothing is done anew, and the refusal says when it can be", async () => {
  using folder = temporaryFolder();
  const { core, runs, run, answer, resumed } = await begin(folder.path);
  await using _ = core;
  await answer("left", "webster", { status: "blocked", result: "no licence" });
  await runs.cancelRun(OPERATOR, run);
  await core.until(`${run}.sweep`, "attempt.dispatched");
  for (const asked of [
    () => runs.rerun(OPERATOR, run, "left"),
    () => runs.rerun(OPERATOR, run, "end"),
    () => runs.retryRun(OPERATOR, run),
    () => runs.retryRun(OPERATOR, run, { step: "left", tasks: { left: "Other." } }),
  ]) {
    const { code, message, hint } = await refusalOf(asked());
    assert.equal(code, "already_settled");
    assert.match(message, /is being canceled; nothing of it begins anew until it is settled\.$/);
    assert.match(hint ?? "", /`hq workflow status .*` shows what still runs; then (retry|rerun) it\./);
  }
  assert.equal(await resumed(), 0);
  await answer("sweep", "secretary");
  await core.until(run, "run.settled");
  await runs.retryRun(OPERATOR, run, { step: "left" });
  assert.equal(await resumed(), 1);
});

test("texts for steps that a retry does not do anew, or that have none, are refused by name", async () => {
  using folder = temporaryFolder();
  const { core, runs, run, answer, settled, resumed } = await begin(folder.path);
  await using _ = core;
  await answer("left", "webster", { status: "blocked", result: "no licence" });
  await answer("right", "optimizer");
  await core.until(run, "gate.opened");
  await runs.decideGate(OPERATOR, { run, decision: "reject", reason: "no" });
  await settled(3);
  const tasks = { left: "Again.", right: "More.", sign: "Sign.", nested: "Go." };
  const { code, message, hint, problems } = await refusalOf(runs.retryRun(OPERATOR, run, { tasks }));
  assert.equal(code, "invalid_input");
  assert.deepEqual(problems, [
    { path: "tasks.right", message: "is succeeded, and this retry does not do it once more" },
    { path: "tasks.sign", message: "is a gate and has no task" },
    { path: "tasks.nested", message: "is a nested workflow and has no task of its own" },
  ]);
  for (const { message: said } of problems) assert.ok(message.includes(said), message);
  assert.match(hint ?? "", /Leave these out/);
  const other = await refusalOf(runs.retryRun(OPERATOR, run, { step: "left", tasks: { sign: "x" } }));
  assert.deepEqual(
    other.problems.map(({ path }) => path),
    ["tasks.sign"],
  );
  assert.equal(await resumed(), 0);
  await runs.retryRun(OPERATOR, run, { step: "left", tasks: { left: "Again." } });
  await core.until(`${run}.left~2`, "attempt.dispatched");
  assert.match(core.sent.at(-1)?.message ?? "", /Again\./);
});

test("while items of a fan-out run that stopped the run, a retry says that it comes after them", async (t) => {
  using folder = temporaryFolder();
  const each = stepOf("each", taskOf("webster", "Do."), {
    forEach: { expression: "split('a,b,c', ',')", maxParallel: 2 },
  });
  const limits = { maxParallel: 2, timeoutMs: 3_600_000, maxFailures: 1 };
  const core = await startCore(folder.path, { workflows: [workflowOf("many", [each], { limits })] });
  t.after(() => core.stop());
  const { runs } = core.verbs;
  const run = "wf-many";
  await runs.startRun(OPERATOR, { workflow: "many", inputs: {}, runId: run, origin: { door: "cli" } });
  await core.until(run, "child.started", 2);
  const [first = "", second = ""] = (await core.verbs.history(run)).flatMap(({ body }) => {
    const { type, child } = body as { type: string; child?: string };
    return type === "child.started" && child ? [child] : [];
  });
  await core.until(first, "attempt.dispatched");
  await core.hand(first, handoffOf(first, { status: "blocked", result: "no" }));
  await core.until(run, "run.stopped");
  const { message, hint } = await refusalOf(runs.retryRun(OPERATOR, run));
  assert.equal(message, `Items of each of ${run} still run; what failed of it is retried after them.`);
  assert.match(hint ?? "", /`hq workflow status wf-many` shows how far they are/);
  await core.until(second, "attempt.dispatched");
  await core.hand(second, handoffOf(second));
  await core.until(run, "item.settled", 2);
  assert.equal((await runs.retryRun(OPERATOR, run)).stopped, undefined);
});

test("a retry of a step that has not failed says how that step is, not that nothing has failed", async () => {
  using folder = temporaryFolder();
  const { core, runs, run, answer, settled } = await begin(folder.path);
  await using _ = core;
  const nothing = await refusalOf(runs.retryRun(OPERATOR, run));
  assert.match(nothing.message, /^Nothing of .* has failed; there is nothing to retry\.$/);
  await answer("left", "webster", { status: "blocked", result: "no licence" });
  await answer("right", "optimizer");
  await settled(2);
  const right = await refusalOf(runs.retryRun(OPERATOR, run, { step: "right" }));
  assert.equal(right.message, `right of ${run} is succeeded; only what has failed can be retried.`);
  assert.equal(
    right.hint,
    `\`hq workflow rerun ${run} --from right\` does it and all that follows once more.`,
  );
  const end = await refusalOf(runs.retryRun(OPERATOR, run, { step: "sign", tasks: { sign: "x" } }));
  assert.equal(end.message, `sign of ${run} is waiting; only what has failed can be retried.`);
});

test("asked again with what was seen it is done once; when something else was done meanwhile it says who did what", async () => {
  using folder = temporaryFolder();
  const { core, runs, run, answer, settled, resumed } = await begin(folder.path);
  await using _ = core;
  await answer("left", "webster", { status: "blocked", result: "no licence" });
  await settled(1);
  const { resumes } = await runs.run(run);
  const retried = { step: "left", tasks: { left: "With a licence." }, resumes };
  assert.equal((await runs.retryRun(OPERATOR, run, retried)).resumes, 1);
  assert.equal((await runs.retryRun(OPERATOR, run, retried)).resumes, 1);
  assert.equal(await resumed(), 1);
  const others = [
    () => runs.rerun(OPERATOR, run, "left", { resumes }),
    () => runs.retryRun(OPERATOR, run, { resumes }),
    () => runs.retryRun(OPERATOR, run, { ...retried, tasks: { left: "Otherwise." } }),
    () => runs.rerun(OPERATOR, run, "left", { resumes: 7 }),
  ];
  for (const asked of others) {
    const { code, message, hint } = await refusalOf(asked());
    assert.equal(code, "already_settled");
    assert.equal(message, `${run} is not as you saw it: meanwhile operator asked for a retry of left.`);
    assert.match(hint ?? "", /`hq workflow status .*` shows how it goes on; ask again/);
  }
  await answer("left~2", "webster");
  await settled(2);
  const again = () => runs.rerun(OPERATOR, run, "left", { resumes: 1 });
  const [one, other] = await Promise.all([again(), again()]);
  assert.deepEqual([one.resumes, other.resumes], [2, 2]);
  assert.equal(one.steps.find(({ id }) => id === "left")?.generation, 3);
  assert.equal(await resumed(), 2);
});
