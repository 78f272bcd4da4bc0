import assert from "node:assert/strict";
import { test } from "node:test";
import { auditEffect, auditKey, auditStream, LATE_MS } from "../../src/domain/audit.ts";
import { auditFile } from "../../src/domain/audit-files.ts";
import type {
  AuditContext,
  AuditedStream,
  Finding,
  OpenEffect,
  Standing,
} from "../../src/domain/audit-types.ts";
import { mend } from "../../src/domain/mend.ts";
import { neighboursOf } from "../../src/domain/prune.ts";
import { childIdOf } from "../../src/domain/run-work.ts";
import { taskChildOf } from "../../src/domain/task-types.ts";
import { begin } from "../support/run-law.ts";
import { approvalOf, stepOf, taskOf } from "../support/workflow.ts";

const NOW = 1_800_000_000_000;

function contextOf(more: Partial<AuditContext> & { streams?: Record<string, Standing> } = {}): AuditContext {
  const { streams = {}, ...rest } = more;
  return {
    now: NOW,
    isRunning: true,
    standing: (id) => streams[id],
    effectsOf: () => [],
    isBatched: () => false,
    ...rest,
  };
}

function effectOf(type: OpenEffect["type"], more: Partial<OpenEffect> = {}): OpenEffect {
  const body = { type, run: "orch-1", agent: "webster", attempt: 1, again: false } as OpenEffect["body"];
  return {
    id: `orch-1@1#${type}`,
    stream: "orch-1",
    type,
    dueAt: NOW,
    readyAt: NOW,
    isInTurn: false,
    body,
    ...more,
  };
}

function streamOf(more: Partial<AuditedStream> = {}): AuditedStream {
  return {
    id: "orch-1",
    kind: "delegation",
    status: "succeeded",
    open: false,
    version: 3,
    at: NOW - 1000,
    counts: { "delegation.queued": 1, "attempt.dispatched": 1, "delegation.settled": 1 },
    effects: [],
    seen: new Set(["orch-1/result", "orch-1/log"]),
    state: { order: { id: "orch-1", deliver: true } },
    ...more,
  };
}

const attempt = { attempt: 1, startBy: NOW, sends: 0, deferrals: 0, ambiguous: false };
function openOf(more: Partial<AuditedStream>, attempts: readonly object[] = [attempt]): AuditedStream {
  const state = { order: { id: "orch-1", deliver: true }, status: "queued", attempts };
  return streamOf({
    open: true,
    status: "queued",
    seen: new Set(),
    version: 1,
    counts: { "delegation.queued": 1 },
    state,
    ...more,
  });
}

const told = (findings: readonly Finding[]) => findings.map(({ fault, id }) => `${fault} ${id}`);
const find = (stream: AuditedStream, context = contextOf()) => auditStream(stream, context);

test("a settled delegation whose messages are known is in order", () => {
  assert.deepEqual(find(streamOf()), []);
});

test("a queued delegation goes on by its dispatch, a dispatched one by its deadline; without it is lost", () => {
  assert.deepEqual(find(openOf({ effects: [effectOf("dispatch")], wakeAt: NOW })), []);
  const [lost] = find(openOf({ wakeAt: NOW }));
  assert.deepEqual([lost?.fault, lost?.act?.type], ["lost", "put-back"]);
  const sent = [{ ...attempt, sends: 1, ambiguous: true }];
  assert.equal(
    find(openOf({ wakeAt: NOW }, sent))[0]?.act,
    undefined,
    "what may have been sent is not sent again",
  );
  const dispatched = [{ ...attempt, sends: 1, dispatchedAt: NOW }];
  assert.deepEqual(told(find(openOf({}, dispatched))), ["lost orch-1"]);
  assert.deepEqual(find(openOf({ wakeAt: NOW + 1000 }, dispatched)), []);
});

test("missing events are lost", () => {
  assert.deepEqual(told(find(streamOf({ version: 4 }))), ["lost orch-1"]);
});

test("two settlements and an attempt that was sent twice are doubled; a run that went on may settle again", () => {
  const twice = streamOf({
    version: 4,
    counts: { "delegation.queued": 2, "delegation.settled": 2 },
    sentAgain: [2],
  });
  assert.deepEqual(told(find(twice)), ["doubled orch-1", "doubled orch-1#2"]);
  const order = { id: "wf-1", definition: { name: "x" }, deliver: true };
  const run = streamOf({
    id: "wf-1",
    kind: "run",
    counts: { "run.settled": 2, "run.resumed": 1 },
    state: { order, status: "succeeded", round: 2 },
    seen: new Set(["wf-1/log~2"]),
  });
  assert.deepEqual(told(find(run)), ["unseen wf-1/result~2"]);
});

test("a result that nobody can have seen is unseen, unless it waits, goes with others, or was not wanted", () => {
  const unseen = streamOf({ seen: new Set(["orch-1/log"]) });
  const [found] = find(unseen);
  assert.deepEqual(told([found as Finding]), ["unseen orch-1/result"]);
  assert.ok(found?.act?.type === "effect" && found.act.effect.body.type === "post");
  assert.equal(found.act.effect.body.mayBeThereSince, unseen.at, "the history is asked before it is posted");
  const delivery = { id: "orch-1/result", kind: "result", to: { role: "results" } } as const;
  const waiting = effectOf("post", { body: { type: "post", delivery } });
  assert.deepEqual(find({ ...unseen, effects: [waiting] }), []);
  assert.deepEqual(find(unseen, contextOf({ isBatched: (id) => id === "orch-1/result" })), []);
  assert.deepEqual(find({ ...unseen, status: "canceled" }), []);
  assert.deepEqual(find({ ...unseen, state: { order: { deliver: false } } }), []);
});

test("a worker that was canceled owes its line in the log alone", () => {
  const worker = {
    kind: "worker",
    id: "task-1.w1",
    seen: new Set<string>(),
    counts: { "worker.settled": 3 },
  };
  const stream = streamOf({
    ...worker,
    state: { status: "canceled" },
    counts: { "worker.queued": 2, "worker.settled": 1 },
  });
  assert.deepEqual(told(find(stream)), ["unseen task-1.w1/log"]);
  const failed = find({ ...stream, state: { status: "failed" } });
  assert.deepEqual(told(failed), ["unseen task-1.w1/result", "unseen task-1.w1/log"]);
});

test("what is overdue or was begun long ago is stuck while a supervisor runs, and nothing is when none does", () => {
  const late = NOW - LATE_MS - 1;
  const overdue = openOf({ effects: [effectOf("dispatch", { readyAt: late })], wakeAt: NOW });
  assert.deepEqual(told(find(overdue)), ["stuck orch-1@1#dispatch"]);
  assert.deepEqual(find(overdue, contextOf({ isRunning: false })), []);
  const inTurn = openOf({ effects: [effectOf("dispatch", { readyAt: late, isInTurn: true })], wakeAt: NOW });
  assert.deepEqual(find(inTurn), [], "it waits for those before it");
  const begun = effectOf("dispatch", { begunAt: NOW - 4 * LATE_MS, readyAt: NOW - 1, isInTurn: true });
  assert.deepEqual(told(find(openOf({ effects: [begun], wakeAt: NOW }))), ["stuck orch-1@1#dispatch"]);
  const asleep = openOf({ effects: [effectOf("dispatch")], wakeAt: late });
  assert.deepEqual(find(asleep)[0]?.act, { type: "wake", stream: "orch-1", wakeAt: late });
  const asked = streamOf({ id: "1", kind: "interaction", open: true, at: late, counts: { a: 3 } });
  assert.deepEqual(told(find(asked)), ["stuck 1"]);
});

test("a child without its parent, and a message about nothing, are orphaned", () => {
  assert.deepEqual(told(find(streamOf({ parent: "orch-0" }))), ["orphaned orch-1"]);
  const streams = { "orch-0": { kind: "delegation", status: "queued", open: true } };
  assert.deepEqual(find(streamOf({ parent: "orch-0" }), contextOf({ streams })), []);
  const delivery = streamOf({
    id: "orch-0/log",
    kind: "delivery",
    state: { delivery: { subject: "orch-0" } },
  });
  assert.deepEqual(told(find(delivery)), ["orphaned orch-0/log"]);
  assert.deepEqual(find(delivery, contextOf({ streams })), []);
});

test("effects of nothing are orphaned, keys of nothing are lost", () => {
  assert.equal(auditEffect(effectOf("filing")).fault, "orphaned");
  assert.deepEqual(told([auditKey("operator", "k", "orch-0")]), ["lost operator k"]);
});

test("a task that waits for a child that is not there, or was never told of its end, is lost", () => {
  const executor = { kind: "agent", agent: "webster" } as const;
  const state = { task: { id: "task-1" }, status: "claimed", tries: [{ number: 1, claimedAt: 1, executor }] };
  const task = streamOf({ id: "task-1", kind: "task", open: true, state });
  const { id } = taskChildOf("task-1", 1, executor);
  const types = (context: AuditContext) =>
    find(task, context).map(({ act }) => act?.type === "effect" && act.effect.body.type);
  assert.deepEqual(types(contextOf()), ["start-task"]);
  const streams = { [id]: { kind: "delegation", status: "succeeded", open: false } };
  assert.deepEqual(types(contextOf({ streams })), ["tell-task"]);
  assert.deepEqual(types(contextOf({ streams, effectsOf: () => [effectOf("tell-task")] })), []);
  assert.deepEqual(find({ ...task, effects: [effectOf("start-task")] }), []);
  const claiming = { ...state, status: "open", claiming: { number: 1, at: 1 } };
  assert.deepEqual(told(find({ ...task, state: claiming })), ["lost task-1"]);
  const unclaimed = { ...state, status: "open" };
  assert.deepEqual(find({ ...task, state: unclaimed }), [], "it waits for its author");
});

test("a worker that nobody begins is lost", () => {
  const worker = streamOf({ id: "task-1.w1", kind: "worker", open: true, state: { status: "queued" } });
  assert.deepEqual(told(find(worker)), ["lost task-1.w1"]);
  assert.deepEqual(find({ ...worker, effects: [effectOf("run-worker")] }), []);
});

test("files in the inbox are orphaned when their work is over or unknown, and not while somebody may take them", () => {
  const file = { where: "inbox", path: "/h/orch-1.json", stream: "orch-1", modifiedAt: 0 } as const;
  const standing = (status: string, open: boolean) => () => ({ kind: "delegation", status, open });
  const nobody = () => undefined;
  assert.equal(auditFile(file, nobody, NOW)[0]?.act?.type, "file");
  assert.equal(auditFile(file, standing("succeeded", false), NOW).length, 1);
  assert.deepEqual(auditFile(file, standing("dispatched", true), NOW), []);
  assert.deepEqual(auditFile({ ...file, modifiedAt: NOW }, nobody, NOW), []);
  assert.deepEqual(auditFile({ ...file, isKept: true }, standing("succeeded", false), NOW), []);
  assert.deepEqual(auditFile({ ...file, where: "rejected" }, nobody, NOW), []);
  for (const where of ["accepted", "run", "worker"] as const) {
    assert.deepEqual(told(auditFile({ ...file, where }, nobody, NOW)), ["orphaned /h/orch-1.json"]);
    assert.deepEqual(auditFile({ ...file, where }, standing("succeeded", false), NOW), []);
  }
  const other = (id: string) =>
    id === "orch-1.2" ? { kind: "delegation", status: "queued", open: true } : undefined;
  assert.deepEqual(auditFile({ ...file, orElse: "orch-1.2" }, other, NOW), []);
});

test("a mend says who and what, once, and what follows is an ordinary effect", () => {
  const finding = { fault: "unseen", id: "orch-1/result", reason: "gone" } as const;
  const effect = { body: { type: "filing", moves: [], lines: [] }, lane: "host", dueAt: NOW } as const;
  const input = {
    type: "mend",
    at: NOW,
    id: "mend-1",
    by: "operator",
    finding,
    done: "posted again",
    effect,
  } as const;
  const [event] = mend.decide(undefined, input);
  assert.ok(event);
  const state = mend.evolve(undefined, event);
  assert.equal(state.by, "operator");
  assert.deepEqual(mend.effects(state, event), [effect]);
  assert.deepEqual(mend.decide(state, input), []);
});

test("what refers to one another is pruned together", () => {
  const of = { parent: { id: "p" }, childOf: { run: "r" }, taskOf: { task: "t" }, session: { id: "s" } };
  const order = { id: "orch-1", ...of };
  assert.deepEqual(neighboursOf("delegation", { order }), ["p", "r", "t", "session-s"]);
  assert.deepEqual(neighboursOf("delegation", { order: { id: "call-1.i12" } }), ["call-1"]);
  assert.deepEqual(neighboursOf("session", { id: "s", turns: [{ turn: 1 }] }), ["session-s.t1"]);
  assert.deepEqual(neighboursOf("task", { tries: [{ child: "a" }, {}] }), ["a"]);
  assert.deepEqual(neighboursOf("worker", { work: { taskOf: { task: "t" } } }), ["t"]);
  assert.deepEqual(neighboursOf("call", { id: "c", chosen: [{}, {}] }), ["c.i1", "c.i2"]);
  const delivery = { subject: "a", members: ["b/log", "c/log"] };
  assert.deepEqual(neighboursOf("delivery", { delivery }), ["a", "b", "c"]);
  assert.deepEqual(neighboursOf("notice", {}), []);
});

test("a run waits for each child that runs: one that is not there is lost, and so is the news of one that has ended", () => {
  const expression = "split(inputs.materials, ',')";
  const law = begin(
    [
      stepOf("one", taskOf("webster", "Look")),
      stepOf("each", taskOf("webster", "CTE of ${{ item }}."), { forEach: { expression, maxParallel: 2 } }),
      stepOf("gate", approvalOf()),
    ],
    {},
    { inputs: { materials: "Zerodur, ULE, SiC" } },
  );
  const { state } = law;
  const of = (item?: number) => ({ ...law.placeOf(item === undefined ? "one" : "each", item) });
  const children = [of(), of(0), of(1)].map((place) => childIdOf("wf-1", place));
  const timer = effectOf("run-timer");
  const stream = streamOf({
    id: "wf-1",
    kind: "run",
    status: "running",
    open: true,
    state,
    effects: [timer],
  });
  const missing = find(stream);
  assert.deepEqual(
    told(missing),
    children.map((id) => `lost ${id}`),
  );
  assert.ok(missing.every(({ act }) => act?.type === "effect" && act.effect.body.type === "start-child"));
  const starting = [of(), of(0), of(1)].map((place) =>
    effectOf("start-child", { body: { type: "start-child", run: "wf-1", ...place } }),
  );
  assert.deepEqual(find({ ...stream, effects: [timer, ...starting] }), []);
  const standing = (id: string): Standing => ({ kind: "delegation", status: "x", open: id !== children[0] });
  const untold = find(stream, contextOf({ standing }));
  assert.deepEqual(told(untold), [`lost ${children[0]}`]);
  assert.ok(untold[0]?.act?.type === "effect" && untold[0].act.effect.body.type === "tell");
  assert.deepEqual(find(stream, contextOf({ standing, effectsOf: () => [effectOf("tell")] })), []);
  assert.deepEqual(told(find({ ...stream, effects: starting })), ["lost wf-1"], "nothing would end it");
  law.cancel();
  assert.deepEqual(find({ ...stream, state: law.state, effects: starting }), [], "its children end it");
  law.started("one");
  for (const item of [0, 1]) law.started("each", item);
  assert.deepEqual(neighboursOf("run", law.state), children);
  const others = [...neighboursOf("run", { ...state, order: { ...state.order, parent: { run: "p" } } })];
  assert.deepEqual(others, ["p"]);
});
