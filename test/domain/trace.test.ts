import assert from "node:assert/strict";
import test from "node:test";
import { traceOf } from "../../src/domain/trace.ts";
import { ORDER } from "../support/order.ts";
import { dispatched, effect, eventsOf, queued, RUN_ORDER, subject, told } from "./trace-fixture.ts";

const settled = (at: number, more: object = {}) =>
  [at, { type: "delegation.settled", status: "succeeded", problems: [], ...more }] as const;
const source = { path: "/h/orch-1.json", digest: "d", attempt: 1 };
const receipt = (delivery: string, postedAt: number, more: object = {}) => ({
  delivery,
  part: 0,
  nonce: "n",
  channel: "9",
  message: "77",
  postedAt,
  ...more,
});

test("a delegation is told from the question to its last message, with what each part took", () => {
  const story = subject("delegation", "orch-1", {
    status: "succeeded",
    events: eventsOf(
      "interaction:12345",
      [
        1000,
        {
          type: "delegation.queued",
          order: { ...ORDER, origin: { door: "discord", channel: "c", message: "m" } },
        },
      ],
      dispatched(1500),
      [4000, { type: "handoff.seen", source, verdict: "accepted", problems: [], status: "complete" }],
      settled(4000),
    ),
    effects: [
      effect(
        { type: "dispatch", run: "orch-1", agent: "webster", attempt: 1, again: false },
        { begunAt: 1400, settledAt: 1500, outcome: "accepted" },
      ),
      effect(
        {
          type: "filing",
          moves: [{ run: "orch-1", path: "/h/orch-1.json", digest: "d", to: "accepted", problems: [] }],
          lines: [{ file: "project", line: "x" }],
        },
        { createdAt: 4000, begunAt: 4010, settledAt: 4030, outcome: "filed" },
      ),
      effect(
        { type: "tell", run: "wf-1", child: "orch-1", kind: "delegation" },
        { createdAt: 4000, begunAt: 4001, settledAt: 4002, outcome: "told" },
      ),
      effect(
        { type: "post", delivery: { id: "orch-1/result", kind: "result", to: { role: "results" } } },
        { settledAt: 4500, outcome: "part-posted" },
      ),
    ],
    interaction: eventsOf(
      "12345",
      [900, { type: "interaction.noted", id: "12345" }],
      [950, { type: "interaction.begun" }],
      [1600, { type: "interaction.done", outcome: "done" }],
    ),
    receipts: [receipt("orch-1/card", 1200), receipt("orch-1/result", 4500, { part: 1 })],
  });
  assert.deepEqual(told(story), [
    "+-100 received: the command or button 12345",
    "+-50 answered: Discord was told that it is being done",
    "+0 asked: operator in Discord, key interaction:12345",
    "+0 queued: for webster, 2 attempts of 5m 00s",
    "+200 shown: card",
    "+400 claimed: attempt 1 to be sent to webster",
    "+500 acknowledged: attempt 1 as r-1; deadline in 5m 00s (100 ms)",
    "+600 carried out: done",
    "+3000 handoff: orch-1.json: accepted, status complete",
    "+3000 settled: succeeded (2500 ms)",
    "+3002 told: wf-1 what it came to (1 ms)",
    "+3030 filed: orch-1.json to accepted/, 1 log line (20 ms)",
    "+3500 posted: result, part 2 (500 ms)",
  ]);
  const { totals, askedAt, settledAt, title, lines } = traceOf(story, 9000);
  assert.deepEqual(totals, {
    waitingMs: 500,
    workingMs: 2500,
    peopleMs: 0,
    postingMs: 500,
    attempts: 1,
    messages: 2,
  });
  assert.deepEqual([askedAt, settledAt, title], [1000, 4000, "webster: Find the CTE of Zerodur"]);
  assert.deepEqual(lines[2]?.message, { channel: "c", id: "m" });
  assert.deepEqual(lines.at(-1)?.message, { channel: "9", id: "77" });
});

test("what went wrong stands where it went wrong, and the time between attempts counts as waiting", () => {
  const problems = [1, 2, 3, 4].map((n) => ({ path: `p${n}`, message: "is missing" }));
  const at = (instant: number, body: { readonly type: string } & Record<string, unknown>) =>
    [instant, body] as const;
  const story = subject("delegation", "orch-1", {
    events: eventsOf(
      "cli:orch-1",
      queued,
      at(1100, {
        type: "attempt.deferred",
        attempt: 1,
        untilAt: 3100,
        reason: "agent_busy",
        text: "429",
        again: false,
      }),
      at(3100, { type: "attempt.uncertain", attempt: 1, lookAt: 4100, sentAt: 3090, text: "cut off" }),
      at(4100, { type: "attempt.lost", attempt: 1, text: "restarted" }),
      at(4200, { type: "attempt.held", attempt: 1, reason: "agent_draining", text: "it drains" }),
      at(4300, { type: "attempt.released", attempt: 1 }),
      at(4400, {
        type: "delegation.rerouted",
        attempt: 1,
        from: "webster",
        to: "nx-expert",
        why: "it is down",
      }),
      dispatched(5000),
      at(6000, {
        type: "handoff.seen",
        source: { ...source, path: "rest" },
        verdict: "rejected",
        problems: [{ path: "", message: "no JSON" }],
      }),
      at(7000, {
        type: "attempt.failed",
        attempt: 1,
        reason: "timed_out",
        text: "nothing came",
        problems,
        next: 2,
      }),
      dispatched(9000, 2),
      at(10_000, {
        type: "attempt.failed",
        attempt: 2,
        reason: "agent_failed",
        text: "gave up",
        problems: [],
      }),
      settled(10_000, { status: "failed", reason: "no attempt is left", by: { kind: "operator" } }),
    ),
  });
  assert.deepEqual(told(story), [
    "+0 asked: operator by the command line",
    "+0 queued: for webster, 2 attempts of 5m 00s",
    "+100 put off: attempt 1 for 2s: 429",
    "+2100 uncertain: attempt 1 may have been taken: cut off; looked at again in 1s",
    "+3100 lost: attempt 1: restarted; it is sent again",
    "+3200 held: attempt 1: it drains",
    "+3300 released: attempt 1 may be sent",
    "+3400 rerouted: from webster to nx-expert: it is down",
    "+4000 acknowledged: attempt 1 as r-1; deadline in 5m 00s",
    "+5000 handoff: posted over REST: rejected (no JSON)",
    "+6000 failed: attempt 1: nothing came; attempt 2 follows (p1: is missing; p2: is missing; p3: is missing and 1 more) (2000 ms)",
    "+8000 acknowledged: attempt 2 as r-2, sent once more; deadline in 5m 00s",
    "+9000 failed: attempt 2: gave up; no attempt is left (1000 ms)",
    "+9000 settled: failed by operator: no attempt is left",
  ]);
  const { totals } = traceOf(story, 20_000);
  assert.deepEqual([totals.workingMs, totals.waitingMs, totals.attempts], [3000, 6000, 2]);
  assert.equal(totals.postingMs, undefined);
});

test("children are told in the order of time, deeper, and time at which several worked counts once", () => {
  const child = (id: string, from: number, to: number) => {
    const order = { ...ORDER, id, queuedAt: from - 100, childOf: { run: "wf-1", step: id, generation: 1 } };
    return subject("delegation", id, {
      status: "succeeded",
      events: eventsOf(
        "rest",
        [from - 100, { type: "delegation.queued", order }],
        dispatched(from),
        settled(to),
      ),
      receipts: [receipt(`${id}/log`, to + 10)],
      untold: 1,
      omitted: 2,
    });
  };
  const story = subject("run", "wf-1", {
    status: "succeeded",
    events: eventsOf(
      "rest:k",
      [1000, { type: "run.started", order: RUN_ORDER }],
      [9000, { type: "run.settled", status: "succeeded", round: 1, missing: [] }],
    ),
    children: [child("a", 2000, 5000), child("b", 3000, 6000), child("c", 7000, 8000)],
  });
  const lines = told(story);
  assert.equal(lines.filter((line) => line.startsWith("  ")).length, 15);
  assert.deepEqual(
    lines.filter((line) => / (asked|settled)/.test(line)).map((line) => line.split(":")[0]),
    [
      "+0 asked",
      "  +900 asked",
      "  +1900 asked",
      "  +4000 settled",
      "  +5000 settled",
      "  +5900 asked",
      "  +7000 settled",
      "+8000 settled",
    ],
  );
  const { totals, children, untold, omitted } = traceOf(story, 99_999);
  assert.deepEqual(
    [totals.workingMs, totals.waitingMs, totals.attempts, totals.messages],
    [5000, 3000, 3, 3],
  );
  assert.deepEqual([untold, omitted], [3, 6]);
  assert.deepEqual(
    children.map(({ id, depth, status, totals: own }) => [id, depth, status, own.workingMs, own.postingMs]),
    [
      ["a", 1, "succeeded", 3000, 10],
      ["b", 1, "succeeded", 3000, 10],
      ["c", 1, "succeeded", 1000, 10],
    ],
  );
});

test("who asked on whose behalf stands in the first line", () => {
  const asked = (more: object, kind: "delegation" | "run" = "delegation") => {
    const event =
      kind === "run"
        ? { type: "run.started", order: { ...RUN_ORDER, ...more } }
        : { type: "delegation.queued", order: { ...ORDER, ...more } };
    const { lines, parent } = traceOf(
      subject(kind, "x", { events: eventsOf("rest:k", [1000, event]) }),
      2000,
    );
    return [lines[0]?.text, parent];
  };
  const taskOf = { task: "task-1", try: 2 };
  assert.deepEqual(asked({ childOf: { run: "wf-1", step: "look", generation: 1 } }), [
    "for the step look of wf-1",
    "wf-1",
  ]);
  assert.deepEqual(asked({ taskOf }), ["for try 2 of task-1", "task-1"]);
  assert.deepEqual(asked({ parent: { id: "orch-0", chain: [], depth: 1 } }), [
    "operator by the command line, key rest:k, on behalf of orch-0",
    "orch-0",
  ]);
  assert.deepEqual(asked({ parent: { run: "wf-0", step: "review", generation: 1 } }, "run"), [
    "for the step review of wf-0",
    "wf-0",
  ]);
  assert.deepEqual(asked({ taskOf }, "run"), ["for try 2 of task-1", "task-1"]);
  assert.deepEqual(asked({ actor: { kind: "agent", id: "manager" } }, "run"), [
    "agent manager over REST, key rest:k",
    undefined,
  ]);
  const chosen = {
    capability: "research",
    choice: "it is free",
    insteadOf: { agent: "nx-expert", why: "down" },
    maxAttempts: 1,
  };
  const { lines } = traceOf(
    subject("delegation", "x", {
      events: eventsOf("system:orch-1", [
        1000,
        { type: "delegation.queued", order: { ...ORDER, ...chosen } },
      ]),
    }),
    2000,
  );
  assert.equal(
    lines[1]?.text,
    "for webster, for research, 1 attempt of 5m 00s; it was chosen: it is free; nx-expert was named: down",
  );
});
