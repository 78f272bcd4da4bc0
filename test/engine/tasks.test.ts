import assert from "node:assert/strict";
import test from "node:test";
import { createRegistry } from "../../src/domain/agent-card.ts";
import type { ClaimedOf } from "../../src/engine/perform.ts";
import { createTaskChildren } from "../../src/engine/task-children.ts";
import type { SeenMessage } from "../../src/engine/task-verbs.ts";
import { isRefusal, Refusal } from "../../src/kernel/refusal.ts";
import { cardOf, handoffOf } from "../support/core.ts";
import { ADA, type Queue, scriptWorkers, startQueue } from "../support/queue.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { approvalOf, stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const OPERATOR = { kind: "operator" } as const;

async function withQueue(
  body: (queue: Queue) => Promise<void>,
  script: Parameters<typeof startQueue>[1] = {},
): Promise<void> {
  using folder = temporaryFolder();
  const queue = await startQueue(folder.path, script);
  try {
    await body(queue);
  } finally {
    await queue.stop();
  }
  assert.deepEqual(queue.broken, []);
}

const refusalOf = async (work: Promise<unknown>) => {
  const [thrown] = await Promise.allSettled([work]);
  assert.ok(thrown?.status === "rejected" && isRefusal(thrown.reason));
  return thrown.reason;
};

async function answer(queue: Queue, child: string, more: object = {}): Promise<void> {
  await queue.until(child, "attempt.dispatched");
  await queue.hand(child, handoffOf(child, more));
}

test("a task is claimed after the grace, done by its agent, and done when the agent has handed in", () =>
  withQueue(async (queue) => {
    const seen = await queue.tasks.see(queue.message("7", "Find the CTE [agent:webster] [thinking:high]"));
    assert.equal(seen?.id, "task-7");
    assert.deepEqual([seen.status, seen.objective, seen.tags.thinking], ["open", "Find the CTE", "high"]);
    queue.pass(2000);
    await answer(queue, "task-7.d1");
    await queue.until("task-7", "task.settled");
    await queue.quiet();
    const done = await queue.tasks.task("7");
    assert.deepEqual([done.status, done.tries[0]?.outcome?.summary], ["done", "0 ± 0.02 ppm/K"]);
    assert.deepEqual(queue.claims, ["task-7"]);
    assert.deepEqual([queue.sent.length, queue.sent[0]?.thinking], [1, "high"]);
    assert.deepEqual(
      queue.posts.map(({ id }) => id),
      ["task-7.d1/result", "task-7.d1/log"],
    );
    assert.ok(queue.cards.length > 0 && queue.cards.every((run) => run === "task-7"));
  }));

test("seeing the same message again changes nothing, however often and however it was read", () =>
  withQueue(async (queue) => {
    const message = queue.message("7", "Find the CTE [agent:webster]");
    const all = [message, message, { ...message, guild: "1" }];
    await Promise.all(all.map((one) => queue.tasks.see(one)));
    queue.pass(2000);
    await queue.until("task-7.d1", "attempt.dispatched");
    await queue.tasks.see({ ...message, checks: { others: [], own: true } });
    await queue.quiet();
    assert.equal(queue.sent.length, 1);
    assert.equal((await queue.tasks.tasks({})).items.length, 1);
  }));

test("what does a task gets the files' addresses of when it was claimed, each time anew; other files are no news by then", () => {
  const file = (url: string, name = "a.txt") => ({ name, url, bytes: 3 });
  const now = [file("https://cdn/a?ex=2"), file("https://cdn/a?ex=3"), file("https://cdn/b", "b.txt")];
  return withQueue(
    async (queue) => {
      const attachments = [file("https://cdn/a?ex=1")];
      await queue.post("7", "Read it [agent:webster]", { attachments });
      for (const [index, expected] of ["ex=2", "ex=3", "ex=3"].entries()) {
        await answer(queue, `task-7.d${index + 1}`);
        await queue.quiet();
        const prompt = queue.sent[index]?.message ?? "";
        assert.match(prompt, new RegExp(`- a\\.txt \\(1 KiB\\): https://cdn/a\\?${expected}\\n`));
        assert.doesNotMatch(prompt, /ex=1|b\.txt/);
        await queue.tasks.runAgain(ADA, "task-7");
      }
    },
    { claim: async () => ({ kind: "claimed", message: "1", attachments: now.splice(0, 1) }) },
  );
});

test("oldest first, and no more at once than configured; what one agent has does not hold others up", () =>
  withQueue(
    async (queue) => {
      for (const id of ["11", "12", "13"]) await queue.post(id, `${id} [agent:webster]`);
      await queue.post("14", "14 [agent:nx-expert]");
      await queue.quiet();
      assert.deepEqual(queue.claims.toSorted(), ["task-11", "task-12", "task-14"]);
      assert.deepEqual(queue.claims.slice(0, 2), ["task-11", "task-12"]);
      await answer(queue, "task-11.d1");
      await queue.until("task-13", "task.claimed");
    },
    { taskQueue: { maxAtOnce: 2 } },
  ));

test("a wrong tag is answered with the right values, and mending it makes it a task", () =>
  withQueue(async (queue) => {
    await queue.post("7", "Find the CTE [agent:wbster] [thinking:extreme]");
    await queue.quiet();
    assert.equal((await queue.tasks.task("task-7")).status, "open");
    const [reply] = queue.posts;
    assert.deepEqual([reply?.replyTo, reply?.to], ["7", { channel: "5" }]);
    assert.match(reply?.text ?? "", /did you mean webster\?.*off, low, medium, high/s);
    await queue.post("7", "Find the CTE [agent:webster]", { editedAt: queue.now() - 30_000 });
    await queue.until("task-7.d1", "attempt.dispatched");
    assert.equal(queue.posts.length, 1);
  }));

test("a task that names nobody, where there is no agent for such, is answered with what mends it", () =>
  withQueue(
    async (queue) => {
      await queue.post("7", "Find the CTE");
      await queue.quiet();
      const [reply] = queue.posts;
      assert.match(
        reply?.text ?? "",
        /there is no agent somebody: .*\[agent:\].*task_queue\.agent.*hq\.yaml/s,
      );
      assert.equal((await queue.tasks.task("task-7")).status, "open");
    },
    { taskQueue: { agent: "somebody" } },
  ));

test("an empty message is no task, and one that says nothing any more is not begun", () =>
  withQueue(async (queue) => {
    assert.equal(await queue.post("7", "  "), undefined);
    await queue.tasks.see(queue.message("8", "x"));
    await queue.tasks.see(queue.message("8", "", { editedAt: queue.now() + 1 }));
    queue.pass(3000);
    await queue.until("task-8", "task.refused");
    assert.equal((await refusalOf(queue.tasks.task("task-7"))).code, "not_found");
    await queue.tasks.deleted({ channel: "5", message: "7" });
  }));

test("a person who may not delegate is told why, and nothing of it is open", () =>
  withQueue(async (queue) => {
    const actor = { ...ADA, rights: [] };
    const task = await queue.post("7", "Find the CTE", { actor });
    assert.equal(task?.status, "withdrawn");
    await queue.quiet();
    assert.match(queue.notices()[0] ?? "", /no role or user entry in config\/acl\.yaml/);
    await queue.post("7", "Find the CTE", { actor });
    await queue.quiet();
    assert.equal(queue.posts.length, 1);
    assert.equal((await queue.tasks.tasks({ open: true })).items.length, 0);
  }));

test("an agent that the matrix closes is refused with the rule", () =>
  withQueue(async (queue) => {
    const actor = { ...ADA, rights: ["delegate"] as const, as: "optimizer" };
    await queue.post("7", "Plan it [agent:tech-lead]", { actor });
    await queue.quiet();
    assert.match(queue.notices()[0] ?? "", /optimizer may not delegate to tech-lead/);
  }));

test("named authors only, where authors are named; bots get no answers, and people read of them once a day", () =>
  withQueue(
    async (queue) => {
      await queue.post("7", "one", { author: { id: "8", name: "eve", isBot: false } });
      const bot = { author: { id: "78", name: "chatty", isBot: true }, hops: 1 };
      for (const id of ["21", "22", "23"]) await queue.post(id, "again", bot);
      const far = { author: { id: "77", name: "named", isBot: true }, hops: 3 };
      await queue.post("24", "in a circle", far);
      await queue.post("25", "fine [agent:webster]", { ...far, hops: 2 });
      await queue.until("task-25.d1", "attempt.dispatched");
      await queue.quiet();
      const notices = queue.notices();
      assert.equal(notices.length, 3);
      assert.match(notices[0] ?? "", /task_queue\.authors/);
      assert.match(notices[1] ?? "", /bot chatty .* not among task_queue\.authors\.bots/);
      assert.match(notices[2] ?? "", /bot named .* came over 3 bots/);
      assert.match(queue.sent[0]?.message ?? "", /line hop:3/);
    },
    { taskQueue: { authors: { roles: [], users: ["9"], bots: ["77"] } } },
  ));

test("who is named as an author asks in no other name: without rights a worker does it, and no agent", () =>
  withQueue(
    async (queue) => {
      const actor = { ...ADA, rights: [] };
      const bot = { author: { id: "77", name: "named", isBot: true }, hops: 1 };
      const told = [
        await queue.post("7", "Find the CTE [agent:webster]", { actor }),
        await queue.post("8", "Find the CTE [agent:webster]", { actor, ...bot }),
      ];
      assert.deepEqual(
        told.map((task) => task?.status),
        ["withdrawn", "withdrawn"],
      );
      await queue.post("9", "Find the CTE [worker:standard]", { actor });
      await queue.post("10", "Find the CTE [worker:standard]", { actor, ...bot });
      await queue.until("task-9", "task.started");
      await queue.until("task-10", "task.started");
      assert.deepEqual(queue.sent, []);
      for (const notice of queue.notices())
        assert.match(notice, /may not delegate: no role or user entry in config\/acl\.yaml/);
      assert.equal(queue.notices().length, 2);
    },
    { workers: scriptWorkers().workers, taskQueue: { authors: { roles: [], users: ["9"], bots: ["77"] } } },
  ));

test("a person's ✅ takes it out, removing it puts it back, and our own ✅ is put back when somebody removes it", () =>
  withQueue(async (queue) => {
    const message = queue.message("7", "Find the CTE [agent:webster]");
    const by = (others: readonly string[], own = false): SeenMessage => ({
      ...message,
      checks: { others, own },
    });
    await queue.tasks.see(message);
    assert.equal((await queue.tasks.see(by(["8"])))?.status, "withdrawn");
    queue.pass(5000);
    await queue.quiet();
    assert.deepEqual(queue.claims, []);
    assert.match((await refusalOf(queue.tasks.runAgain(OPERATOR, "task-7"))).hint ?? "", /Take the ✅ off/);
    assert.equal((await queue.tasks.see(by([])))?.status, "open");
    queue.pass(2000);
    await queue.until("task-7", "task.started");
    await queue.tasks.see(by([], true));
    // Both before the check is done, which follows either.
    await Promise.all([queue.tasks.see(by([])), queue.tasks.see(by([]))]);
    await queue.until("task-7", "task.checked");
    await queue.tasks.see(by([]));
    await queue.until("task-7", "task.checked", 2);
    assert.deepEqual(queue.checks, [
      { task: "task-7", wanted: true },
      { task: "task-7", wanted: true },
    ]);
  }));

test("deleting the message withdraws the task and cancels the delegation that runs", () =>
  withQueue(async (queue) => {
    await queue.post("7", "Find the CTE [agent:webster]");
    await queue.until("task-7.d1", "attempt.dispatched");
    await queue.tasks.deleted({ channel: "5", message: "7" });
    await queue.until("task-7.d1", "delegation.settled");
    assert.equal((await queue.verbs.delegation("task-7.d1")).status, "canceled");
    await queue.quiet();
    assert.equal((await queue.tasks.task("task-7")).status, "withdrawn");
    assert.match((await refusalOf(queue.tasks.runAgain(OPERATOR, "task-7"))).message, /was deleted/);
  }));

test("a lost claim stands back, and people read of it once however many there are", () =>
  withQueue(
    async (queue) => {
      for (const id of ["7", "8"]) await queue.post(id, "Find the CTE [agent:webster]");
      await queue.until("task-8", "task.taken");
      await queue.quiet();
      assert.equal((await queue.tasks.task("task-7")).takenBy?.text, "hq-other");
      assert.deepEqual(queue.sent, []);
      assert.equal(queue.notices().length, 1);
      assert.match(queue.notices()[0] ?? "", /Another supervisor \(hq-other\).*stands back/);
      assert.match(
        (await refusalOf(queue.tasks.runAgain(OPERATOR, "task-7"))).message,
        /with another supervisor/,
      );
      assert.match(
        (await refusalOf(queue.tasks.withdraw(OPERATOR, "task-7"))).message,
        /with another supervisor/,
      );
    },
    { claim: () => ({ kind: "lost", by: "hq-other" }) },
  ));

test("what the claim finds counts: a person's ✅, a message that is gone, or nothing yet", () => {
  const answers = new Map<string, number>();
  return withQueue(
    async (queue) => {
      await queue.post("7", "a");
      await queue.post("8", "b");
      await queue.post("9", "c [agent:webster]");
      await queue.until("task-7", "task.handled");
      await queue.until("task-8", "task.deleted");
      await queue.quiet();
      queue.pass(1000);
      await queue.until("task-9", "task.claimed");
    },
    {
      claim(task) {
        answers.set(task, (answers.get(task) ?? 0) + 1);
        if (task === "task-7") return { kind: "handled", user: "8" };
        if (task === "task-8") return { kind: "gone" };
        if (answers.get(task) === 1) return { kind: "again", dueAt: 1_000_000_001_000, reason: "429" };
        return { kind: "claimed", message: "1" };
      },
    },
  );
});

test("withdrawing is for the author and for those who operate; it cancels what runs", () =>
  withQueue(async (queue) => {
    await queue.post("7", "Find the CTE [agent:webster]");
    await queue.until("task-7.d1", "attempt.dispatched");
    const eve = { kind: "person", id: "8", name: "eve", rights: ["any-agent"] } as const;
    assert.equal((await refusalOf(queue.tasks.withdraw(eve, "task-7"))).code, "not_allowed");
    assert.equal((await queue.tasks.withdraw(ADA, "task-7", "not needed")).status, "withdrawn");
    await queue.until("task-7.d1", "delegation.settled");
    assert.equal((await queue.tasks.withdraw(ADA, "task-7")).withdrawn?.reason, "not needed");
    const again = await queue.tasks.runAgain(ADA, "task-7");
    assert.equal(again.status, "open");
    await queue.until("task-7.d2", "delegation.queued");
    // An agent that was canceled may still work: it gets the next one when its time is over.
    queue.pass(queue.config.settings.delegation.timeoutMs + 60_000);
    await answer(queue, "task-7.d2");
    await queue.until("task-7", "task.settled");
    assert.match((await refusalOf(queue.tasks.withdraw(ADA, "task-7"))).message, /already done/);
  }));

test("run again is refused while it is open, claimed, or cannot be done any more", () =>
  withQueue(async (queue) => {
    await queue.tasks.see(queue.message("7", "Find the CTE [agent:webster]"));
    assert.match((await refusalOf(queue.tasks.runAgain(ADA, "task-7"))).message, /is open/);
    queue.pass(2000);
    await queue.until("task-7.d1", "attempt.dispatched");
    assert.match((await refusalOf(queue.tasks.runAgain(ADA, "task-7"))).message, /is claimed/);
    await answer(queue, "task-7.d1");
    await queue.until("task-7", "task.settled");
    Object.assign(queue.config, { registry: createRegistry([]) });
    assert.match(
      (await refusalOf(queue.tasks.runAgain(ADA, "task-7"))).message,
      /webster.* is not known here/,
    );
  }));

const research = workflowOf(
  "research",
  [
    stepOf("look", taskOf("webster", "Look for ${{ inputs.what }}.")),
    stepOf("ok", approvalOf(), { needs: ["look"] }),
  ],
  { inputs: [{ name: "what", type: "string", description: "", required: true }] },
);

test("a task with a workflow starts a run with the text as its input, and ends with it", () =>
  withQueue(
    async (queue) => {
      await queue.post("7", "Zerodur [workflow:research]");
      await answer(queue, "task-7.r1.look");
      await queue.until("task-7.r1", "gate.opened");
      assert.match(queue.sent[0]?.message ?? "", /Look for Zerodur\./);
      assert.equal((await queue.tasks.task("task-7")).status, "claimed");
      await queue.verbs.runs.decideGate(OPERATOR, { run: "task-7.r1", decision: "reject" });
      await queue.until("task-7", "task.settled");
      const { status, tries } = await queue.tasks.task("task-7");
      assert.deepEqual(
        [status, tries[0]?.child, tries[0]?.outcome?.childStatus],
        ["failed", "task-7.r1", "failed"],
      );
      queue.pass(1000);
      await queue.verbs.runs.retryRun(OPERATOR, "task-7.r1");
      await queue.until("task-7.r1", "gate.opened", 2);
      await queue.verbs.runs.decideGate(OPERATOR, { run: "task-7.r1", decision: "approve" });
      await queue.until("task-7", "task.settled", 2);
      assert.equal((await queue.tasks.task("task-7")).status, "done");
    },
    { workflows: [research] },
  ));

test("a workflow that needs more than a text is refused with what it needs", () => {
  const more = workflowOf("study", research.steps, {
    inputs: [...research.inputs, { name: "count", type: "number", description: "", required: true }],
  });
  return withQueue(
    async (queue) => {
      await queue.post("7", "Zerodur [workflow:study]");
      await queue.quiet();
      assert.match(queue.notices()[0] ?? "", /study cannot be started.*count is needed/);
    },
    { workflows: [more] },
  );
});

test("what is refused when it is to begin fails with an answer to the message", () => {
  let lose: () => void = () => undefined;
  return withQueue(
    async (queue) => {
      lose = () => Object.assign(queue.config, { registry: createRegistry([cardOf("manager")]) });
      await queue.post("7", "Find the CTE [agent:webster]");
      await queue.until("task-7", "task.settled");
      await queue.quiet();
      const { status, tries } = await queue.tasks.task("task-7");
      assert.deepEqual([status, tries[0]?.outcome?.childStatus], ["failed", "refused"]);
      assert.match(
        queue.notices()[0] ?? "",
        /Not begun: There is no agent "webster"\. The agents are manager\./,
      );
    },
    {
      claim: () => {
        lose();
        return { kind: "claimed", message: "1" };
      },
    },
  );
});

/** Dies at a point the first time that it gets there; `died` resolves then. */
function dieOnceAt(point: string, then: () => void = () => undefined) {
  const { promise: died, resolve } = Promise.withResolvers<void>();
  let passed = 0;
  const crash = (at: string) => {
    if (at !== point || ++passed > 1) return;
    then();
    resolve();
    throw new Error(`died at ${point}`);
  };
  return { crash, died, passed: () => passed };
}

/** Lets what failed be tried again. */
async function tryAgain(queue: Queue): Promise<void> {
  await queue.quiet();
  queue.pass(60_000);
  await queue.quiet();
}

for (const isAgain of [false, true]) {
  test(`a task that was withdrawn before its work began begins none${isAgain ? ", also when it is run again: that begins its own" : ""}`, () => {
    const { crash, died } = dieOnceAt("start-task:claimed");
    return withQueue(
      async (queue) => {
        await queue.post("7", "Find the CTE [agent:webster]");
        await died;
        await queue.tasks.withdraw(ADA, "task-7");
        if (isAgain) {
          await queue.tasks.runAgain(ADA, "task-7");
          await queue.until("task-7.d2", "attempt.dispatched");
        }
        await tryAgain(queue);
        assert.equal(await queue.engine.read("delegation", "task-7.d1"), undefined);
        assert.equal((await queue.tasks.task("task-7")).status, isAgain ? "claimed" : "withdrawn");
        assert.equal(queue.sent.length, isAgain ? 1 : 0);
      },
      { crash },
    );
  });
}

test("work that was made stays its task's, also when nobody could make it any more a moment later", () => {
  const workflows = [research];
  const { crash, died } = dieOnceAt("start-task:made", () => workflows.splice(0));
  return withQueue(
    async (queue) => {
      await queue.post("7", "Zerodur [workflow:research]");
      await died;
      await tryAgain(queue);
      const { status, tries } = await queue.tasks.task("task-7");
      assert.deepEqual([status, tries[0]?.child], ["claimed", "task-7.r1"]);
    },
    { crash, workflows },
  );
});

test("what waits for its turn and is no longer wanted, or not as it is, is not claimed when there is room", () =>
  withQueue(
    async (queue) => {
      await queue.post("7", "Find the CTE [workflow:research]");
      for (const id of ["8", "9", "10"]) await queue.post(id, "Find the CTE [workflow:research]");
      await answer(queue, "task-7.r1.look");
      await queue.until("task-7.r1", "gate.opened");
      await queue.tasks.withdraw(ADA, "task-8");
      await queue.post("9", "Find the CTE [workflow:reserch]", { editedAt: queue.now() - 30_000 });
      await queue.until("task-9", "task.refused");
      await queue.verbs.runs.decideGate(OPERATOR, { run: "task-7.r1", decision: "approve" });
      await queue.until("task-10", "task.claimed");
      assert.deepEqual(queue.claims, ["task-7", "task-10"]);
      assert.deepEqual(queue.checks, []);
    },
    { workflows: [research], taskQueue: { maxAtOnce: 1 } },
  ));

test("the ✅ of a claim that died before it was written down is taken away when nobody wants the task any more", () => {
  const { promise: died, resolve: die } = Promise.withResolvers<void>();
  return withQueue(
    async (queue) => {
      await queue.post("7", "Find the CTE [agent:webster]");
      await died;
      await queue.tasks.withdraw(ADA, "task-7");
      await tryAgain(queue);
      assert.deepEqual(queue.claims, ["task-7"]);
      assert.deepEqual(queue.checks, [{ task: "task-7", wanted: false }]);
    },
    {
      claim: () => {
        die();
        throw new Error("died");
      },
    },
  );
});

test("a ✅ that Discord does not let us put back now is put back later, and counts from then on", () => {
  let asked = 0;
  return withQueue(
    async (queue) => {
      const message = queue.message("7", "Find the CTE [agent:webster]");
      await queue.post("7", "Find the CTE [agent:webster]");
      await queue.until("task-7", "task.started");
      for (const own of [true, false]) await queue.tasks.see({ ...message, checks: { others: [], own } });
      await queue.quiet();
      const checked = async () => {
        const events = await queue.ledger.events({ stream: "task-7", after: -1, limit: 100 });
        return events.filter(({ type }) => type === "task.checked").length;
      };
      assert.deepEqual([asked, await checked()], [1, 0]);
      queue.pass(1000);
      await queue.until("task-7", "task.checked");
      assert.deepEqual([asked, await checked()], [2, 1]);
    },
    {
      discord: {
        async check() {
          asked++;
          if (asked > 1) return { kind: "done", outcome: "put" };
          return { kind: "again", dueAt: 1_000_000_001_000, reason: "429" };
        },
      },
    },
  );
});

test("a task waits for an agent that does not answer, has its own time and model, and is shown where it was asked", () =>
  withQueue(
    async (queue) => {
      queue.setHealth("down");
      await queue.post("7", "Find the CTE [agent:webster] [model:cheap] [timeout:10m]");
      await queue.post("8", "Find the CTE [agent:nx-expert]");
      await queue.post("9", "Zerodur [workflow:research]");
      for (const id of ["7", "8", "9"]) await queue.until(`task-${id}`, "task.started");
      const own = (await queue.engine.read("delegation", "task-7.d1"))?.order;
      const usual = (await queue.engine.read("delegation", "task-8.d1"))?.order;
      const run = (await queue.engine.read("run", "task-9.r1"))?.order;
      const { models } = queue.config.settings.taskQueue;
      assert.deepEqual(
        [own?.timeoutMs, own?.model, usual?.timeoutMs, usual?.model],
        [600_000, models["cheap"], queue.config.settings.delegation.timeoutMs, undefined],
      );
      const place = { channel: "5", guild: "1" };
      for (const [order, message] of [
        [own, "7"],
        [run, "9"],
      ] as const) {
        assert.deepEqual(order?.origin, { door: "discord", message, ...place });
        assert.deepEqual(order.card, { channel: "5" });
      }
    },
    { workflows: [research] },
  ));

test("an end that was taken back before its task heard of it is not told; the next one is", () => {
  const { crash, died, passed } = dieOnceAt("tell-task:claimed");
  return withQueue(
    async (queue) => {
      const { runs } = queue.verbs;
      await queue.post("7", "Zerodur [workflow:research]");
      await answer(queue, "task-7.r1.look");
      await queue.until("task-7.r1", "gate.opened");
      await runs.decideGate(OPERATOR, { run: "task-7.r1", decision: "reject" });
      await died;
      await runs.retryRun(OPERATOR, "task-7.r1");
      await queue.until("task-7.r1", "gate.opened", 2);
      for (let times = 0; times < 3; times++) await tryAgain(queue);
      assert.equal(passed(), 2, "it was found open, and left to its next end");
      assert.equal((await queue.tasks.task("task-7")).status, "claimed");
      await runs.decideGate(OPERATOR, { run: "task-7.r1", decision: "approve" });
      await queue.until("task-7", "task.settled");
      assert.equal((await queue.tasks.task("task-7")).status, "done");
    },
    { workflows: [research], crash },
  );
});

test("work that cannot be made just now is made a little later; what is no refusal is no answer to anybody", () =>
  withQueue(
    async (queue) => {
      await queue.post("7", "Find the CTE [agent:webster]");
      await queue.until("task-7", "task.claimed");
      const begin = (thrown: Error) => {
        const { start } = createTaskChildren({
          engine: queue.engine,
          delegate: () => Promise.reject(thrown),
          runs: queue.verbs.runs,
          claims: () => assert.fail("nothing is claimed here"),
          settings: () => queue.config.settings,
          now: queue.now,
          crash: () => undefined,
        });
        const body = { type: "start-task", task: "task-7", try: 1 } as const;
        return start({ id: "e", body } as ClaimedOf<"start-task">);
      };
      for (const code of ["ledger_trouble", "no_discord", "rate_limited", "stopping"] as const)
        assert.deepEqual(await begin(new Refusal(code, "Not now.", { hint: "Wait." })), {
          kind: "again",
          dueAt: queue.now() + 5000,
          reason: "Not now.",
        });
      await assert.rejects(begin(new Error("a mistake of ours")), /a mistake of ours/);
      assert.equal((await queue.tasks.task("task-7")).status, "claimed");
      assert.deepEqual(await begin(new Refusal("not_allowed", "No.")), { kind: "recorded" });
      const { status, tries } = await queue.tasks.task("task-7");
      assert.deepEqual([status, tries[0]?.outcome?.reason], ["failed", "No."]);
    },
    { crash: (point) => assert.notEqual(point, "start-task:claimed") },
  ));

test("tags are looked at before a task is posted", () =>
  withQueue(async (queue) => {
    const [problem] = (await refusalOf(queue.verbs.queue.submit(OPERATOR, { text: "x [agent:wbster]" })))
      .problems;
    assert.match(problem?.message ?? "", /did you mean webster/);
  }));

test("whoever may post tasks has them done, also one who may ask no agent directly", () =>
  withQueue(async (queue) => {
    Object.assign(queue.config, { acl: { ...queue.config.acl, verbs: { delegate: ["role:Leads"] } } });
    await queue.tasks.see(queue.message("7", "Find the CTE [agent:webster]"));
    queue.pass(2000);
    await answer(queue, "task-7.d1");
    await queue.until("task-7", "task.settled");
    assert.equal((await queue.tasks.task("7")).status, "done");
  }));

test("whom config/acl.yaml does not let post tasks is told so under the message, with the rule", () =>
  withQueue(async (queue) => {
    Object.assign(queue.config, { acl: { ...queue.config.acl, verbs: { submit: ["role:Leads"] } } });
    const seen = await queue.tasks.see(queue.message("7", "Find the CTE [agent:webster]"));
    assert.match(
      seen?.refused?.text ?? "",
      /may not post tasks to the queue\..*Rule: verbs\.submit: role:Leads\.$/,
    );
    queue.pass(10_000);
    await queue.quiet();
    assert.equal(queue.sent.length, 0);
  }));
