import assert from "node:assert/strict";
import test from "node:test";
import { traceOf } from "../../src/domain/trace.ts";
import { dispatched, effect, eventsOf, queued, subject, told } from "./trace-fixture.ts";

test("what is open is told with why, and the time that runs counts until now", () => {
  const post = {
    type: "post",
    delivery: { id: "orch-1/log", kind: "log", to: { role: "agentLogs" } },
  } as const;
  const open = { tries: 0, createdAt: 1000, dueAt: 2000 };
  const story = subject("delegation", "orch-1", {
    events: eventsOf("cli:orch-1", queued, dispatched(1500)),
    effects: [
      effect(post, { ...open, reason: "Discord is away" }),
      effect({ type: "post", delivery: { ...post.delivery, id: "orch-1/x", to: { channel: "5" } } }, open),
      effect(
        { type: "dispatch", run: "orch-1", agent: "webster", attempt: 2, again: false },
        { ...open, begunAt: 2500 },
      ),
      effect({ type: "reconcile", run: "orch-1", agent: "webster", attempt: 1, sentAt: 1 }, open),
      effect({ type: "card", run: "orch-1", to: { channel: "5" } }, open),
      effect(
        { type: "card", run: "orch-1", to: { channel: "5" }, gate: { step: "ok", generation: 1 } },
        open,
      ),
      effect({ type: "start-child", run: "wf-1", step: "look", item: 2, generation: 2 }, open),
      effect({ type: "run-timer", run: "wf-1", what: "deadline" }, open),
      effect({ type: "tell", run: "wf-1", child: "c", kind: "run" }, open),
      effect({ type: "tell-task", task: "task-1", try: 1, child: "c", kind: "run" }, open),
      effect({ type: "task-check", task: "task-1", wanted: true }, open),
    ],
  });
  assert.deepEqual(told(story).slice(3), [
    "+1000 open: posting log to the channel for logs of agents waits: Discord is away",
    "+1000 open: posting x to channel 5 waits",
    "+1000 open: sending attempt 2 to webster is being done",
    "+1000 open: looking whether webster took attempt 1 waits",
    "+1000 open: bringing the card up to date waits",
    "+1000 open: showing the gate ok waits",
    "+1000 open: beginning look, item 3, generation 2 waits",
    "+1000 open: the deadline of the run waits",
    "+1000 open: telling wf-1 waits",
    "+1000 open: telling task-1 waits",
    "+1000 open: task-check waits",
  ]);
  assert.deepEqual(traceOf(story, 11_500).totals, {
    waitingMs: 500,
    workingMs: 10_000,
    peopleMs: 0,
    attempts: 1,
    messages: 0,
  });
});

test("effects that are done are told when they say something of their own", () => {
  const done = { begunAt: 2000, settledAt: 2005, outcome: "ok" };
  const story = subject("delegation", "orch-1", {
    events: eventsOf("cli:orch-1", queued),
    effects: [
      effect(
        { type: "dispatch", run: "o", agent: "webster", attempt: 1, again: false },
        { ...done, tries: 3 },
      ),
      effect(
        { type: "dispatch", run: "o", agent: "webster", attempt: 1, again: false },
        { settledAt: 2000, outcome: "canceled by commit" },
      ),
      effect({ type: "filing", moves: [], lines: [] }, { ...done, tries: 11 }),
      effect(
        {
          type: "filing",
          moves: [],
          lines: [
            { file: "project", line: "a" },
            { file: "project", line: "b" },
          ],
        },
        { ...done, tries: 2 },
      ),
      effect({ type: "file-run", run: "wf-1" }, done),
      effect({ type: "file-run", run: "wf-1", step: "look" }, done),
      effect({ type: "tell-task", task: "task-1", try: 1, child: "c", kind: "run" }, { ...done, tries: 21 }),
      effect({ type: "start-child", run: "wf-1", step: "look", generation: 1 }, done),
      effect({ type: "cancel-child", child: "c", kind: "run", reason: "it is over" }, done),
      effect(
        { type: "post", delivery: { id: "orch-1/result", kind: "result", to: { role: "results" } } },
        { ...done, outcome: "the channel is gone" },
      ),
      effect({ type: "card", run: "o", to: { channel: "5" } }, done),
    ],
  });
  assert.deepEqual(told(story).slice(2), [
    "+1000 claimed: attempt 1 to be sent to webster, the 3rd time",
    "+1005 filed: , the 11th time (5 ms)",
    "+1005 filed: 2 log lines, the 2nd time (5 ms)",
    "+1005 filed: summary.json (5 ms)",
    "+1005 filed: look.json (5 ms)",
    "+1005 told: task-1 what it came to, the 21st time (5 ms)",
    "+1005 begun: look (5 ms)",
    "+1005 canceled: c: it is over (5 ms)",
    "+1005 not posted: result: the channel is gone (5 ms)",
  ]);
});
