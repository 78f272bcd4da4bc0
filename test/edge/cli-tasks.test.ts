import assert from "node:assert/strict";
import test from "node:test";
import type { Asking } from "../../src/cli/asking.ts";
import type { TaskView } from "../../src/engine/task-verbs.ts";
import { hq, openDesk } from "./cli-harness.ts";

const TASK = "Compare Zerodur and ULE for a 0.5 m mirror";

test("submit posts the text with model and thinking as words or flags, and prints the id alone", async (t) => {
  const desk = await openDesk(t);
  const { code, out, err } = await desk.hq("submit", TASK, "cheap", "LOW");
  assert.equal(code, 0, err);
  const [task] = await listed(desk);
  assert.equal(out, `${task?.id}\n`);
  assert.match(err, new RegExp(`hq wait ${task?.id}`));
  const flags = ["--agent", "webster", "--worker", "fast", "--workflow", "quick-research", "--timeout", "5m"];
  const more = await hq(["submit", "-", ...flags, "--key", "k-1", "--json"], {
    env: { HQ_HOME: desk.home },
    input: "from stdin\n",
  });
  assert.equal(more.code, 0, more.err);
  assert.equal((JSON.parse(more.out) as TaskView).task.text.startsWith("from stdin [agent:webster]"), true);
  const [first, second] = desk.door.tasks.calls.map(({ said }) => said as Record<string, unknown>);
  const { key, ...said } = first ?? {};
  assert.deepEqual(said, { text: TASK, model: "cheap", thinking: "low" });
  assert.match((key as { key: string }).key, /^[0-9a-f-]{36}$/);
  assert.deepEqual(second, {
    text: "from stdin\n",
    agent: "webster",
    worker: "fast",
    workflow: "quick-research",
    timeoutMs: 300_000,
    key: { scope: "rest", key: "k-1" },
  });
});

async function listed(desk: Awaited<ReturnType<typeof openDesk>>): Promise<readonly TaskView[]> {
  const { out } = await desk.hq("queue", "list", "--json");
  return (JSON.parse(out) as { items: readonly TaskView[] }).items;
}

test("what cannot be posted says why, with the exit code of its kind", async (t) => {
  const desk = await openDesk(t);
  const empty = await desk.hq("submit", "  ");
  assert.equal(empty.code, 2);
  const wrong = await desk.hq("submit", TASK, "chaep");
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /no model chaep/);
  const level = await desk.hq("submit", TASK, "cheap", "hard");
  assert.equal(level.code, 2);
  assert.match(level.err, /off.*low.*medium.*high/);
  desk.door.tasks.state.discord = false;
  const away = await desk.hq("submit", TASK);
  assert.equal(away.code, 5);
  assert.deepEqual(await listed(desk), []);
});

const done = (childStatus: string, more: object = {}) => ({
  number: 1,
  claimedAt: 2000,
  executor: { kind: "agent" as const, agent: "webster" },
  child: "orch-0001",
  outcome: {
    at: 9000,
    status:
      childStatus === "succeeded" || childStatus === "partial" ? ("done" as const) : ("failed" as const),
    childStatus,
    ...more,
  },
});

test("submit --wait prints what the one that did it gave back", async (t) => {
  const desk = await openDesk(t);
  desk.door.settleAll("succeeded", "0.03 ppm/K");
  await desk.hq("delegate", "webster", "x");
  const unwatch = desk.door.verbs.watch(([event]) => {
    if (event?.type === "task.seen")
      desk.door.tasks.change(event.stream, { status: "done", tries: [done("succeeded")] });
  });
  t.after(unwatch);
  const { code, out, err } = await desk.hq("submit", TASK, "--wait");
  assert.deepEqual([code, out], [0, "0.03 ppm/K\n"], err);
  assert.match(err, /task-\d+ · done \(orch-0001\)/);
  const json = await desk.hq("submit", TASK, "--wait", "--json");
  assert.equal((JSON.parse(json.out) as TaskView).status, "done");
});

test("the exit code of waiting tells done, partly done, failed, late, withdrawn and refused apart", async (t) => {
  const desk = await openDesk(t);
  const at = 5000;
  const cases: readonly (readonly [Partial<TaskView>, number, RegExp])[] = [
    [{ status: "done", tries: [done("partial")] }, 0, /only a part/],
    [{ status: "failed", tries: [done("failed", { reason: "no source" })] }, 1, /is failed: no source/],
    [{ status: "failed", tries: [done("timed_out", { reason: "after 120s" })] }, 4, /is failed: after 120s/],
    [{ status: "withdrawn", handledBy: { at, user: "42" } }, 1, /handled by hand.*42/],
    [{ status: "withdrawn", deletedAt: at }, 1, /message was deleted/],
    [{ status: "withdrawn", refused: { at, text: "ada may not post tasks." } }, 3, /refused: ada may not/],
    [{ status: "open", refused: { at, text: "There is no model x: cheap, primary." } }, 3, /no model x/],
    [{ status: "open", takenBy: { at, text: "another folder" } }, 3, /another supervisor/],
  ];
  for (const [more, code, words] of cases) {
    const { id } = desk.door.tasks.add(TASK, more);
    const waited = await desk.hq("wait", id, "--json");
    assert.equal(waited.code, code, waited.err);
    assert.match(waited.err, words);
    assert.equal((JSON.parse(waited.out) as TaskView).id, id);
  }
  const { id } = desk.door.tasks.add(TASK);
  const late = await desk.hq("wait", id, "--wait-timeout", "10ms", "--json");
  assert.equal(late.code, 4, late.err);
  assert.match(late.err, /goes on/);
});

test("the list says why a task is not done; show, status and logs find it by its message too", async (t) => {
  const desk = await openDesk(t);
  desk.door.tasks.add("first", { status: "claimed", tries: [{ ...done("succeeded"), number: 1 }] });
  desk.door.tasks.add("second", { refused: { at: 5, text: "There is no agent wbster." } });
  const { code, out } = await desk.hq("queue", "list");
  assert.equal(code, 0);
  assert.match(out, /task-\d+ +claimed +ada +.+ webster +first/);
  assert.match(out, /task-\d+ +open +ada +.+ – +not taken: There is no agent wbster\./);
  const [second] = await listed(desk);
  const { outcome: _, ...running } = { ...done("succeeded"), claimedAt: Date.now() - 63_000 };
  desk.door.tasks.add("third", { status: "claimed", tries: [{ ...running, number: 1 }] });
  const claimed = await desk.hq("queue", "list", "--status", "claimed");
  assert.match(claimed.out, / webster, for 1m \d+s +third/, "what is being done, by whom, since when");
  const message = second?.task.place.message ?? "";
  for (const argv of [
    ["queue", "show", message],
    ["queue", "show", `task-${message}`],
    ["status", `task-${message}`],
  ]) {
    const shown = await desk.hq(...argv);
    assert.equal(shown.code, 0, shown.err);
    assert.match(shown.out, /reason +not taken: There is no agent wbster\.\n/);
    assert.match(shown.out, /second\n$/);
  }
  const logs = await desk.hq("logs", `task-${message}`, "--follow");
  assert.equal(logs.code, 0);
  assert.match(logs.out, /task\.seen/);
  const none = await desk.hq("queue", "show", "task-1");
  assert.equal(none.code, 2);
  const empty = await openDesk(t);
  assert.match((await empty.hq("queue")).err, /No tasks.*hq doctor/);
  assert.equal((await desk.hq("queue", "list", "--status", "failed")).err, "No task is failed.\n");
  assert.equal((await empty.hq("queue", "list", "--open")).err, "No task is open or being done.\n");
});

test("a task that a worker did is shown with its folder, log, tokens and cost, and waited for with its whole result", async (t) => {
  const desk = await openDesk(t);
  const executor = {
    kind: "worker",
    worker: "standard",
    model: "openrouter/x",
    alias: "cheap",
    thinking: "low",
  } as const;
  const child = "task-100000000000000001.w1";
  const { id } = desk.door.tasks.add(TASK, {
    status: "done",
    tries: [{ ...done("succeeded", { summary: "short" }), executor, child }],
  });
  const worker = {
    id: child,
    task: id,
    agent: "agent-1-2",
    worker: "standard",
    model: "openrouter/x",
    thinking: "low",
    asker: "@ada",
    objective: TASK,
    status: "succeeded",
    again: false,
    queuedAt: 1,
    files: ["RESULT.txt", "SUMMARY.txt"],
    folder: "/home/hq/workers/agent-1-2/tasks/task-1",
    result: "the whole result",
  } as const;
  desk.door.tasks.workers.set(child, worker);
  const shown = await desk.hq("queue", "show", id);
  assert.match(shown.out, /try 1 +worker standard with openrouter\/x, thinking low, succeeded after 7s/);
  assert.match(shown.out, /folder +\/home\/hq\/workers\/agent-1-2\/tasks\/task-1\n/);
  assert.match(shown.out, /log +\/home\/hq\/workers\/agent-1-2\/tasks\/task-1\/agent-output\.log\n/);
  assert.match(shown.out, /tokens +n\/a\n/);
  assert.match(shown.out, /worker +agent-1-2\n/);
  desk.door.tasks.workers.set(child, { ...worker, again: true });
  const second = await desk.hq("queue", "show", id);
  assert.match(second.out, /worker +agent-1-2 \(second process: the first one was lost\)\n/);
  assert.match(shown.out, /→ short\n$/);
  const usage = { inputTokens: 1200, outputTokens: 300, usd: 0.000218 };
  desk.door.tasks.workers.set(child, { ...worker, usage });
  assert.match((await desk.hq("status", id)).out, /tokens +1200 in, 300 out, \$0\.000218\n/);
  const json = JSON.parse((await desk.hq("queue", "show", id, "--json")).out) as { worker: object };
  assert.deepEqual(json.worker, { ...worker, usage });
  assert.equal((await desk.hq("wait", id, "--format", "text")).out, "the whole result\n");
});

test("withdraw and run-again change one task; cancel withdraws as well", async (t) => {
  const desk = await openDesk(t);
  const { id, task } = desk.door.tasks.add(TASK);
  const gone = await desk.hq("queue", "withdraw", task.place.message, "--reason", "by hand");
  assert.deepEqual([gone.code, gone.out], [0, `${id} is withdrawn.\n`]);
  const again = await desk.hq("queue", "run-again", id);
  assert.deepEqual([again.code, again.out], [0, `${id} is open.\n`]);
  assert.equal((await desk.hq("queue", "run-again", id)).code, 3);
  const canceled = await desk.hq("cancel", id);
  assert.deepEqual([canceled.code, canceled.out], [0, `${id} is withdrawn.\n`]);
});

test("trigger is one pass; with --wait it stays until nothing is open, a refused task aside", async (t) => {
  const desk = await openDesk(t);
  desk.door.tasks.add("wrong", { refused: { at: 5, text: "no" } });
  assert.equal((await desk.hq("queue", "trigger")).out, "1 message read, 1 task open, 0 being done.\n");
  const { id } = desk.door.tasks.add(TASK);
  const pass = await desk.hq("queue", "trigger");
  assert.deepEqual([pass.code, pass.out], [0, "2 messages read, 2 tasks open, 0 being done.\n"]);
  const late = await desk.hq("queue", "trigger", "--wait", "--wait-timeout", "20ms");
  assert.equal(late.code, 4);
  const waiting = desk.hq("queue", "trigger", "--wait", "--json");
  while (desk.door.api.waiting() === 0) await new Promise(setImmediate);
  desk.door.tasks.change(id, { status: "done" });
  const ended = await waiting;
  assert.equal(ended.code, 0, ended.err);
  assert.equal((JSON.parse(ended.out) as { messages: number }).messages, 2);
});

const asking = (answer: string | undefined, heard: string[] = []): Asking => ({
  async choose(message) {
    heard.push(message);
    return answer;
  },
  write: async () => undefined,
});

test("clear asks, pages until nothing is left, and says how many went and what stays", async (t) => {
  const desk = await openDesk(t);
  desk.door.tasks.state.pages = 3;
  desk.door.tasks.state.kept = [{ reason: "the bot lacks Manage Messages", count: 2 }];
  const env = { HQ_HOME: desk.home };
  const blind = await hq(["queue", "clear"], { env });
  assert.equal(blind.code, 2);
  assert.match(blind.err, /--yes/);
  const heard: string[] = [];
  const no = await hq(["queue", "clear"], { env, asking: asking("no", heard) });
  assert.deepEqual([no.code, no.out], [0, ""]);
  assert.match(heard[0] ?? "", /all tasks that are done, failed, withdrawn\? It cannot be undone\.$/);
  const givenUp = await hq(["queue", "clear"], { env, asking: asking(undefined) });
  assert.deepEqual([givenUp.code, givenUp.out, givenUp.err], [130, "", "Nothing was removed.\n"]);
  assert.deepEqual(desk.door.tasks.calls, []);
  const yes = await hq(["queue", "clear"], { env, asking: asking("yes") });
  assert.deepEqual([yes.code, yes.out], [1, "300 messages removed.\n"]);
  assert.match(yes.err, /2 stay: the bot lacks Manage Messages/);
  assert.deepEqual(
    desk.door.tasks.calls.map(({ said }) => (said as { before?: string }).before),
    [undefined, "2", "3"],
  );
});

test("clear takes statuses or channels, never both, and warns when work would be canceled", async (t) => {
  const desk = await openDesk(t);
  const env = { HQ_HOME: desk.home };
  const heard: string[] = [];
  await hq(["queue", "clear", "--status", "open", "--status", "claimed"], {
    env,
    asking: asking("no", heard),
  });
  await hq(["queue", "clear", "--channel", "#task-queue"], { env, asking: asking("no", heard) });
  assert.match(heard[0] ?? "", /open, claimed.*being done are canceled/);
  assert.match(heard[1] ?? "", /every message of #task-queue.*being done are canceled/);
  const channels = ["task-queue", "results", "worker-pool"].flatMap((name) => ["--channel", name]);
  const all = await desk.hq("queue", "clear", ...channels, "--yes", "--json");
  assert.deepEqual([all.code, JSON.parse(all.out)], [0, { removed: 300, kept: [] }]);
  for (const argv of [
    ["--status", "done", "--channel", "results", "--yes"],
    ["--status", "finished", "--yes"],
    ["--channel", "general", "--yes"],
  ])
    assert.equal((await desk.hq("queue", "clear", ...argv)).code, 2, argv.join(" "));
});

test("export prints a line for each task; a spreadsheet's cells hold no control characters", async (t) => {
  const desk = await openDesk(t);
  desk.door.tasks.add("\u001b[31mred");
  desk.door.tasks.add("b");
  const lines = await desk.hq("queue", "export");
  assert.deepEqual(
    lines.out
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as TaskView).objective),
    ["b", "\u001b[31mred"],
  );
  const csv = await desk.hq("queue", "export", "--format", "csv");
  assert.match(csv.out, /,red,/);
  assert.ok(!csv.out.includes("\u001b"));
});
