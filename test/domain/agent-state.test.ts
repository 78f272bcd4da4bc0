import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { agentState, agentWakeAt, wantsCloseLook } from "../../src/domain/agent-state.ts";
import type {
  AgentEvent,
  AgentInput,
  AgentState,
  Evidence,
  SeenState,
} from "../../src/domain/agent-types.ts";
import { aggregates } from "../../src/domain/aggregates.ts";
import type { Effect } from "../../src/domain/effects.ts";
import { fold } from "../../src/kernel/decider.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const WINDOW = 10 * MINUTE;
const START = 1_000_000_000_000;

/** An agent's stream with a clock: time that passes wakes it whenever it asked to be woken. */
function play() {
  let state: AgentState | undefined;
  let at = START;
  const events: AgentEvent[] = [];
  const posts: { readonly at: number; readonly id: string; readonly text: string }[] = [];

  function take(input: AgentInput): void {
    for (const event of agentState.decide(state, input)) {
      state = agentState.evolve(state, event);
      events.push(event);
      for (const effect of agentState.effects(state, event)) posts.push({ at, ...postOf(effect) });
    }
  }

  return {
    events,
    posts,
    texts: () => posts.map(({ text }) => text),
    now: () => at,
    state: () => state,
    pass(ms: number) {
      const end = at + ms;
      for (let due = state && agentWakeAt(state); due !== undefined && due <= end; ) {
        at = Math.max(at, due);
        const before = events.length;
        take({ type: "wake", at });
        assert.ok(events.length > before, "woken in vain");
        due = state && agentWakeAt(state);
      }
      at = end;
    },
    see(seen: SeenState, by: Evidence["by"] = "look", text = "webster: connection refused.") {
      take({ type: "seen", at, agent: "webster", state: seen, text, by });
    },
    take: (input: { type: "forgive" } | { type: "drain" | "resume"; by: string; reason?: string }) =>
      take({ ...input, at, agent: "webster" }),
  };
}

function postOf({ body, lane }: Effect) {
  assert.ok(body.type === "post" && lane === "discord");
  const { id, kind, to, text = "" } = body.delivery;
  assert.deepEqual([kind, to], ["notice", { role: "itOps" }]);
  return { id, text };
}

test("an agent that is up from the beginning is no news, one that is down is told at once", () => {
  const up = play();
  up.see("up");
  up.pass(WINDOW);
  assert.deepEqual([up.texts(), up.state()?.seen?.state], [[], "up"]);
  const down = play();
  down.see("down");
  assert.deepEqual(down.texts(), ["🔴 webster is down: connection refused. Its work waits."]);
});

test("the same seen again is nothing new: no event, whatever its words", () => {
  const agent = play();
  agent.see("down");
  agent.pass(MINUTE);
  agent.see("down", "look", "it timed out");
  agent.see("down", "work", "it timed out");
  assert.equal(agent.posts.length, 1);
  assert.deepEqual(
    agent.events.map(({ type }) => type),
    ["agent.seen", "agent.told"],
  );
});

test("a real outage is told at once, and that it is over when it has lasted for 15 seconds", () => {
  const agent = play();
  agent.see("up");
  agent.pass(60 * MINUTE);
  agent.see("down");
  assert.equal(agent.posts.length, 1);
  agent.pass(3 * MINUTE);
  agent.see("up");
  agent.pass(15 * SECOND - 1);
  assert.equal(agent.posts.length, 1);
  agent.pass(1);
  assert.equal(agent.texts()[1], "🟢 webster is up again, after 3m 15s.");
  agent.pass(60 * MINUTE);
  assert.equal(agent.posts.length, 2);
});

test("work that it took proves at once that it is back", () => {
  const agent = play();
  agent.see("down");
  agent.pass(20 * SECOND);
  agent.see("up", "work");
  assert.match(agent.texts()[1] ?? "", /up again, after 20s/);
});

test("an agent that is toggled each five seconds for ten minutes gives three posts in all, the last when it is steady", () => {
  for (const first of ["down", "up"] as const) {
    const agent = play();
    agent.see("up");
    agent.pass(60 * MINUTE);
    const begunAt = agent.now();
    for (let n = 0; n < 120; n++) {
      agent.see((n % 2 === 0) === (first === "down") ? "down" : "up");
      agent.pass(5 * SECOND);
    }
    assert.equal(agent.posts.length, 2);
    assert.match(agent.texts()[1] ?? "", /^🟠 webster is unsteady: it comes and goes, and is down/);
    assert.ok((agent.posts[1]?.at ?? 0) - begunAt <= 15 * SECOND);
    agent.pass(60 * MINUTE);
    assert.equal(agent.posts.length, 3);
    assert.match(agent.texts()[2] ?? "", first === "down" ? /steady again: up for 1m/ : /stays down, for 1m/);
  }
});

test("seen only by looks, each minute and each seven seconds while it changes, it gives no more, whenever they begin", () => {
  for (let phase = 0; phase < 60; phase++) {
    const agent = play();
    agent.see("up");
    agent.pass(MINUTE + phase * SECOND);
    const begunAt = agent.now() - phase * SECOND;
    const isUp = () => {
      const passed = agent.now() - begunAt;
      return passed >= 10 * MINUTE || Math.floor(passed / (5 * SECOND)) % 2 === 1;
    };
    while (agent.now() < begunAt + 30 * MINUTE) {
      agent.see(isUp() ? "up" : "down");
      agent.pass(wantsCloseLook(agent.state(), agent.now()) ? 7 * SECOND : MINUTE);
    }
    assert.ok(agent.posts.length <= 3, `phase ${phase}: ${agent.texts().join("\n")}`);
    const { seen, told, unsteady } = agent.state() ?? {};
    assert.deepEqual([seen?.state, told?.state, unsteady], ["up", "up", undefined]);
  }
});

test("a third change within ten minutes is told as unsteady; then silence until it was the same for a minute", () => {
  const agent = play();
  agent.see("down");
  agent.pass(2 * MINUTE);
  agent.see("up");
  agent.pass(2 * MINUTE);
  agent.see("down");
  assert.deepEqual(
    agent.texts().map((text) => text.slice(0, 2)),
    ["🔴", "🟢", "🟠"],
  );
  // It stays down: that is told as soon as the ten minutes have room for one more.
  agent.pass(WINDOW - 4 * MINUTE - 1);
  assert.equal(agent.posts.length, 3);
  agent.pass(1);
  assert.match(agent.texts()[3] ?? "", /stays down, for 6m 00s now: connection refused/);
});

test("a token that is refused is told once; a look never takes it back, work does", () => {
  const agent = play();
  agent.see("up");
  agent.see("unauthorized", "work", "webster: it refused our token (401).");
  assert.match(
    agent.texts()[0] ?? "",
    /webster is stopped: it refused our token \(401\)\. Its work waits\. /,
  );
  agent.pass(MINUTE);
  agent.see("up", "look");
  agent.see("unauthorized", "work");
  assert.equal(agent.state()?.seen?.state, "unauthorized");
  agent.see("up", "work");
  assert.deepEqual(agent.texts().slice(1), ["✅ webster takes work again."]);
});

test("a refusal that is forgiven is no news before work proves it, and not told anew when it is refused again", () => {
  const agent = play();
  agent.see("unauthorized", "work");
  agent.take({ type: "forgive" });
  assert.deepEqual(agent.state()?.seen?.state, "up");
  agent.pass(WINDOW);
  agent.see("up", "look");
  agent.see("unauthorized", "work");
  agent.pass(WINDOW);
  assert.equal(agent.posts.length, 1);
  agent.take({ type: "forgive" });
  agent.see("up", "work");
  assert.equal(agent.texts().at(-1), "✅ webster takes work again.");
  agent.take({ type: "forgive" });
  assert.equal(agent.posts.length, 2);
});

test("draining and resuming are told once each, with who and why, and outlive whatever else is seen", () => {
  const agent = play();
  agent.take({ type: "drain", by: "@ada", reason: "new disk." });
  agent.take({ type: "drain", by: "operator" });
  agent.see("up");
  assert.deepEqual(agent.state()?.draining, { at: START, by: "@ada", reason: "new disk." });
  agent.take({ type: "resume", by: "operator" });
  agent.take({ type: "resume", by: "operator" });
  assert.equal(agent.state()?.draining, undefined);
  assert.deepEqual(agent.texts(), [
    "⏸️ webster is drained by @ada: new disk. It finishes what it has; new work waits until `hq agents resume webster` on the command line.",
    "▶️ webster gets new work again (operator).",
  ]);
});

test("no ten minutes ever hold more than three posts, no post has another's id, and in the end what was told is so", () => {
  const state = fc.constantFrom<SeenState>("up", "down", "unauthorized");
  const by = fc.constantFrom<Evidence["by"]>("look", "work");
  const wait = fc.oneof(fc.nat(20 * SECOND), fc.nat(2 * MINUTE), fc.nat(15 * MINUTE));
  const step = fc.record({ state, by, wait, isForgiven: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const agent = play();
      for (const one of steps) {
        agent.see(one.state, one.by);
        if (one.isForgiven) agent.take({ type: "forgive" });
        agent.pass(one.wait);
      }
      agent.pass(2 * WINDOW);
      const { posts } = agent;
      for (const [index, post] of posts.entries()) {
        const fourth = posts[index + 3];
        assert.ok(!fourth || fourth.at - post.at >= WINDOW, "four within ten minutes");
      }
      assert.equal(new Set(posts.map(({ id }) => id)).size, posts.length);
      const end = agent.state();
      assert.equal(end?.unsteady, undefined);
      if (end?.seen && !end.seen.isUnproven) assert.equal(end.told?.state, end.seen.state);
    }),
    { numRuns: 300 },
  );
});

test("it is looked at closely while something is to be told, and for a minute after", () => {
  const agent = play();
  const isClose = () => wantsCloseLook(agent.state(), agent.now());
  assert.equal(isClose(), false);
  agent.see("up");
  assert.equal(isClose(), false);
  agent.see("down");
  agent.pass(MINUTE - 1);
  assert.equal(isClose(), true);
  agent.pass(1);
  assert.equal(isClose(), false);
  agent.see("up");
  assert.equal(isClose(), true);
});

test("what was written at first still folds: told once, once more when it works again, and never anew", () => {
  const { columns } = aggregates.agent;
  const events: AgentEvent[] = [
    { type: "agent.unauthorized", at: START, agent: "webster", text: "401" },
    { type: "agent.well", at: START + 5, agent: "webster" },
    { type: "agent.unauthorized", at: START + 9, agent: "webster", text: "401" },
  ];
  assert.deepEqual(
    events.flatMap((event) => agentState.effects({ agent: "webster", toldAt: [], posts: 1 }, event)),
    [],
  );
  const folded = fold(agentState.evolve, undefined, events);
  assert.deepEqual([folded?.seen?.state, folded?.told?.state], ["unauthorized", "unauthorized"]);
  // The folded state of that time lies in the ledger too.
  const stored = { agent: "webster", status: "unauthorized", times: 2 } as unknown as AgentState;
  for (const before of [folded, stored]) {
    assert.ok(before);
    assert.deepEqual(columns(before), { status: "unauthorized", open: false, agent: "webster" });
    assert.equal(agentWakeAt(before), undefined);
    const at = START + 2 * WINDOW;
    const input = { type: "seen", at, agent: "webster", text: "401", by: "work" } as const;
    assert.deepEqual(agentState.decide(before, { ...input, state: "unauthorized" }), []);
    const well = agentState.decide(before, { ...input, state: "up" });
    assert.equal(well[1]?.type === "agent.told" && well[1].text, "✅ webster takes work again.");
    const after = fold(agentState.evolve, before, well);
    assert.equal(after?.posts, (before === stored ? 2 : 3) + 1);
  }
});
