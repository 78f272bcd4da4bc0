import assert from "node:assert/strict";
import test from "node:test";
import type { SendRequest } from "../../src/engine/orchestrator-verbs.ts";
import { Refusal } from "../../src/kernel/refusal.ts";
import { handoffOf } from "../support/core.ts";
import { type Core, LETTERED, operator, refusalIn, runOf, withOrchestra } from "../support/orchestra.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const spawn = (core: Core, sessionId = "s1", instance = "H") =>
  core.verbs.orchestrator.sessions.spawn(operator, { sessionId, instance });
const sendTo = (core: Core, token: string, task: string, more: Partial<SendRequest> = {}) =>
  core.verbs.orchestrator.sessions.send(operator, {
    sessionId: "s1",
    token,
    data: { task },
    timeoutMs: 5000,
    origin: { door: "rest" },
    ...more,
  });

/** Answers with what it was asked now and before: the second answer depends on the first. */
const remembering = (request: { readonly message: string }) => {
  const asked = /# Task\n([^\n]*)/.exec(request.message)?.[1] ?? "";
  const before = [...request.message.matchAll(/^Asked: (.*)$/gm)].map(([, text]) => text);
  return `now: ${asked}; before: ${before.join(", ") || "nothing"}`;
};

test("a second turn depends on the first, also after the process was killed", async () => {
  using folder = temporaryFolder();
  let token = "";
  await withOrchestra(
    folder.path,
    async (core) => {
      const spawned = await spawn(core);
      assert.deepEqual([spawned.sessionId, spawned.instance, spawned.agent], ["s1", "H", "webster"]);
      token = spawned.token;
      const first = await sendTo(core, token, "CTE?");
      assert.deepEqual([first.ok, first.turn, first.reply], [true, 1, "now: CTE?; before: nothing"]);
    },
    { result: remembering },
  );
  await withOrchestra(
    folder.path,
    async (core) => {
      const second = await sendTo(core, token, "And density?");
      assert.deepEqual([second.turn, second.reply], [2, "now: And density?; before: CTE?"]);
      const third = await sendTo(core, token, "Thanks");
      assert.equal(third.reply, "now: Thanks; before: CTE?, And density?");
      const { status, turns } = await core.verbs.orchestrator.sessions.show("s1");
      assert.equal(status, "open");
      assert.deepEqual(
        turns.map(({ turn, status, delegation }) => [turn, status, delegation]),
        [
          [1, "succeeded", "session-s1.t1"],
          [2, "succeeded", "session-s1.t2"],
          [3, "succeeded", "session-s1.t3"],
        ],
      );
    },
    { result: remembering, at: 1_000_000_100_000 },
  );
});

test("an agent whose gateway keeps sessions is sent the session's name, and no earlier turns", async () => {
  using folder = temporaryFolder();
  const cards = LETTERED.map((card) => (card.id === "webster" ? { ...card, sessions: true } : card));
  await withOrchestra(
    folder.path,
    async (core) => {
      const { token } = await spawn(core);
      await sendTo(core, token, "CTE?");
      await sendTo(core, token, "And density?");
      assert.deepEqual(
        core.sent.map(({ session }) => session),
        ["s1", "s1"],
      );
      assert.doesNotMatch(core.sent[1]?.message ?? "", /CTE\?/);
      const other = await spawn(core, "s2", "A");
      await sendTo(core, other.token, "x", { sessionId: "s2" });
      assert.equal(core.sent[2]?.session, undefined, "manager's card says nothing of sessions");
    },
    { cards },
  );
});

test("the token is needed, and it is good for its own session alone", async () => {
  using folder = temporaryFolder();
  await withOrchestra(folder.path, async (core) => {
    const { token } = await spawn(core);
    const other = await spawn(core, "s2", "A");
    assert.notEqual(token, other.token);
    assert.doesNotMatch(JSON.stringify(await core.verbs.history("session-s1")), new RegExp(token.slice(4)));
    const without = { data: { task: "x" }, timeoutMs: 1000, origin: { door: "rest" as const } };
    const { send, close } = core.verbs.orchestrator.sessions;
    const none = await refusalIn(send(operator, { sessionId: "s1", ...without }));
    assert.equal(none.code, "unauthenticated");
    for (const wrong of [other.token, "hqs.x", ""]) {
      assert.equal((await refusalIn(sendTo(core, wrong, "x"))).code, "not_allowed");
    }
    assert.equal((await refusalIn(close(operator, "s1", other.token))).code, "not_allowed");
    assert.equal((await refusalIn(sendTo(core, token, "x", { sessionId: "s9" }))).code, "not_found");
    assert.equal(core.sent.length, 0);
  });
});

test("a session is spawned once: the same key has the same answer, anything else is told that it exists", async () => {
  using folder = temporaryFolder();
  await withOrchestra(folder.path, async (core) => {
    const { spawn: begin } = core.verbs.orchestrator.sessions;
    const asked = { sessionId: "s1", instance: "H", key: { scope: "rest", key: "k" } };
    const first = await begin(operator, asked);
    const again = await begin(operator, asked);
    assert.deepEqual([again.token, again.repeated], [first.token, true]);
    assert.equal((await refusalIn(begin(operator, { sessionId: "s1" }))).code, "session_exists");
    assert.equal((await refusalIn(begin(operator, { ...asked, sessionId: "s2" }))).code, "key_reused");
    const key = { scope: "rest", key: "both" };
    const both = await Promise.all([
      begin(operator, { sessionId: "s3", instance: "A", key }),
      begin(operator, { sessionId: "s3", instance: "A", key }),
    ]);
    assert.equal(both[0].token, both[1].token);
    await core.verbs.orchestrator.sessions.close(operator, "s1");
    assert.equal(
      (await refusalIn(begin(operator, { sessionId: "s1" }))).code,
      "session_exists",
      "ids are used once",
    );
    const bad = await refusalIn(begin(operator, { sessionId: "../x" }));
    assert.deepEqual([bad.code, bad.problems[0]?.path], ["invalid_input", "sessionId"]);
    const many = await refusalIn(begin(operator, { sessionId: "s4", instance: "A-C" }));
    assert.equal(many.code, "invalid_input");
    const lead = { kind: "agent", id: "tech-lead" } as const;
    const stolen = await refusalIn(begin(lead, asked));
    assert.equal(stolen.code, "key_reused", "somebody else's key gives nobody its token");
  });
});

test("without an instance the first healthy one that may be asked is taken", async () => {
  using folder = temporaryFolder();
  await withOrchestra(
    folder.path,
    async (core) => {
      const { spawn: begin } = core.verbs.orchestrator.sessions;
      assert.equal((await begin(operator, { sessionId: "s1" })).agent, "tech-lead", "the manager is down");
      const optimizer = { kind: "agent", id: "optimizer" } as const;
      assert.equal((await begin(optimizer, { sessionId: "s2" })).agent, "secretary");
      const forbidden = await refusalIn(begin(optimizer, { sessionId: "s3", instance: "D" }));
      assert.equal(forbidden.code, "not_allowed");
    },
    { more: { condition: (agent) => (agent === "manager" ? "down" : "up") } },
  );
});

test("turns run strictly one after the other: a second one waits for the first, or is told that it runs", async () => {
  using folder = temporaryFolder();
  await withOrchestra(
    folder.path,
    async (core) => {
      const { token } = await spawn(core);
      const late = await sendTo(core, token, "one", { timeoutMs: 50 });
      assert.deepEqual([late.ok, late.error?.code, late.open], [false, "timeout", true]);
      const busy = await refusalIn(sendTo(core, token, "two", { timeoutMs: 50 }));
      assert.equal(busy.code, "session_busy");
      assert.match(busy.hint ?? "", /session-s1\.t1/);
      const next = sendTo(core, token, "two");
      const other = sendTo(core, token, "three");
      for (const turn of [1, 2, 3]) {
        await core.until(`session-s1.t${turn}`, "attempt.dispatched");
        assert.equal(core.sent.length, turn, "nothing runs beside it");
        await core.hand(
          `session-s1.t${turn}`,
          handoffOf(`session-s1.t${turn}`, { result: `answer ${turn}` }),
        );
      }
      const replies = [(await next).reply, (await other).reply];
      assert.deepEqual(replies.toSorted(), ["answer 2", "answer 3"]);
    },
    { behave: () => "silent" },
  );
});

test("the same key is the same turn, while it runs and afterwards", async () => {
  using folder = temporaryFolder();
  await withOrchestra(
    folder.path,
    async (core) => {
      const { token } = await spawn(core);
      const first = await sendTo(core, token, "one", { key: "k", timeoutMs: 50 });
      assert.equal(first.open, true);
      const again = sendTo(core, token, "one", { key: "k" });
      await core.hand("session-s1.t1", handoffOf("session-s1.t1", { result: "done" }));
      assert.deepEqual([(await again).turn, (await again).reply], [1, "done"]);
      assert.equal((await sendTo(core, token, "one", { key: "k" })).reply, "done");
      assert.equal((await refusalIn(sendTo(core, token, "two", { key: "k" }))).code, "key_reused");
      assert.equal(core.sent.length, 1);
    },
    { behave: () => "silent" },
  );
});

test("a turn whose supervisor died before it was delegated is made by the next one that asks, and comes first", async () => {
  using folder = temporaryFolder();
  let token = "";
  let isTurn = false;
  await withOrchestra(
    folder.path,
    async (core) => {
      ({ token } = await spawn(core));
      isTurn = true;
      await assert.rejects(sendTo(core, token, "lost?"), /died/);
    },
    {
      more: {
        crash: (point) => {
          if (isTurn && point === "accept:committed") isTurn = false;
          else if (token !== "" && !isTurn && point === "accept:decided") throw new Error("died");
        },
      },
    },
  );
  await withOrchestra(
    folder.path,
    async (core) => {
      const sent = await sendTo(core, token, "next");
      assert.deepEqual([sent.turn, sent.reply], [2, "now: next; before: lost?"]);
      assert.deepEqual(core.sent.map(runOf), ["session-s1.t1", "session-s1.t2"]);
    },
    { result: remembering, at: 1_000_000_100_000 },
  );
});

test("an agent that is down gets no turn; the session goes on when it is back", async () => {
  using folder = temporaryFolder();
  let state: "up" | "down" = "up";
  await withOrchestra(
    folder.path,
    async (core) => {
      const { token } = await spawn(core);
      state = "down";
      const down = await refusalIn(sendTo(core, token, "x"));
      assert.deepEqual([down.code, down.instance], ["agent_down", "H"]);
      state = "up";
      assert.equal((await sendTo(core, token, "x")).turn, 1);
    },
    { more: { condition: () => state } },
  );
});

test("what cannot be delegated does not hold the session up, and a failed turn is a turn", async () => {
  using folder = temporaryFolder();
  await withOrchestra(
    folder.path,
    async (core) => {
      const { token } = await spawn(core);
      const large = await refusalIn(sendTo(core, token, "x".repeat(300_000)));
      assert.equal(large.code, "too_large");
      const failed = await sendTo(core, token, "fail", { retries: 0 });
      assert.deepEqual([failed.ok, failed.turn, failed.error?.code], [false, 2, "failed"]);
      const next = await sendTo(core, token, "again");
      assert.match(next.reply ?? "", /before: fail$/);
      assert.match(core.sent.at(-1)?.message ?? "", /\(no answer: it is failed\)/);
    },
    {
      behave: (_, { message }) =>
        /# Task\nfail/.test(message)
          ? { kind: "final", status: 400, text: "webster: it answered 400" }
          : "work",
      result: remembering,
    },
  );
});

test("a turn that was refused is not begun again by its key", async () => {
  using folder = temporaryFolder();
  await withOrchestra(folder.path, async (core) => {
    const { token } = await spawn(core);
    const large = () => refusalIn(sendTo(core, token, "x".repeat(300_000), { key: "k" }));
    assert.equal((await large()).code, "too_large");
    const again = await large();
    assert.deepEqual(
      [again.code, again.message],
      ["not_found", "Turn 1 of s1 was refused and has no answer."],
    );
    assert.equal((await sendTo(core, token, "next")).turn, 2);
    assert.deepEqual(core.sent.map(runOf), ["session-s1.t2"]);
  });
});

test("a turn is as it was asked: with all of its data, as often tried, shown to nobody else; other wishes are another turn", async () => {
  using folder = temporaryFolder();
  await withOrchestra(folder.path, async (core) => {
    const { token } = await spawn(core);
    const request = { data: { task: "Sum up", rows: [17, 23] }, retries: 3, key: "k" };
    await sendTo(core, token, "", request);
    const { maxAttempts, deliver } = await core.verbs.delegation("session-s1.t1");
    assert.deepEqual([maxAttempts, deliver], [4, false]);
    assert.match(core.sent[0]?.message ?? "", /17,\s*23/);
    const other = await refusalIn(sendTo(core, token, "", { ...request, retries: 1 }));
    assert.equal(other.code, "key_reused");
    assert.equal(core.sent.length, 1);
  });
});

test("what is refused while everything is stopped is no turn: asked again afterwards it is done once", async () => {
  using folder = temporaryFolder();
  await withOrchestra(
    folder.path,
    async (core) => {
      const { token } = await spawn(core);
      const asked = { key: "k" };
      const first = await sendTo(core, token, "first", asked);
      await core.hold.put(operator);
      assert.equal((await refusalIn(sendTo(core, token, "next"))).code, "held");
      assert.deepEqual(await sendTo(core, token, "first", asked), first, "what was done is answered");
      await core.hold.clear();
      assert.equal((await sendTo(core, token, "next")).reply, "now: next; before: first");
      assert.deepEqual(core.sent.map(runOf), ["session-s1.t1", "session-s1.t2"]);
    },
    { result: remembering },
  );
});

test("a turn that had begun when everything was stopped comes first once work goes on", async () => {
  using folder = temporaryFolder();
  let stop: () => unknown = () => undefined;
  await withOrchestra(
    folder.path,
    async (core) => {
      const { token } = await spawn(core);
      stop = () => void core.hold.put(operator);
      assert.equal((await refusalIn(sendTo(core, token, "early"))).code, "held");
      stop = () => undefined;
      await core.hold.clear();
      assert.equal((await sendTo(core, token, "next")).reply, "now: next; before: early");
      assert.deepEqual(core.sent.map(runOf), ["session-s1.t1", "session-s1.t2"]);
    },
    {
      result: remembering,
      more: {
        condition() {
          stop();
          return "up";
        },
      },
    },
  );
});

test("what the ledger could not take down is a turn all the same, and comes first once there is room again", async () => {
  using folder = temporaryFolder();
  let isFull: "no" | "soon" | "now" = "no";
  await withOrchestra(
    folder.path,
    async (core) => {
      const { token } = await spawn(core);
      isFull = "soon";
      assert.equal((await refusalIn(sendTo(core, token, "early"))).code, "ledger_trouble");
      const [turn] = (await core.verbs.orchestrator.sessions.show("s1")).turns;
      assert.deepEqual([turn?.turn, turn?.status], [1, undefined], "it is not answered yet");
      const lead = { kind: "agent", id: "tech-lead" } as const;
      const next = { token, data: { task: "next" }, timeoutMs: 5000, origin: { door: "rest" } } as const;
      const { reply } = await core.verbs.orchestrator.sessions.send(lead, { sessionId: "s1", ...next });
      assert.equal(reply, "now: next; before: early");
      const askers = await Promise.all(
        ["session-s1.t1", "session-s1.t2"].map((id) => core.engine.read("delegation", id)),
      );
      assert.deepEqual(
        askers.map((state) => state?.order.actor),
        [operator, lead],
        "each in the name of whoever asked it",
      );
    },
    {
      result: remembering,
      more: {
        // The turn itself is kept; its delegation finds no room, once.
        crash: (point) => {
          if (point === "accept:committed" && isFull === "soon") isFull = "now";
          else if (point === "accept:decided" && isFull === "now") {
            isFull = "no";
            throw new Refusal("ledger_trouble", "The disk is full.");
          }
        },
      },
    },
  );
});

test("whom a rule lets ask nobody spawns no session either, and the refusal names the rule", async () => {
  using folder = temporaryFolder();
  await withOrchestra(folder.path, async (core) => {
    Object.assign(core.config, { acl: { ...core.config.acl, verbs: { delegate: ["role:eng"] } } });
    const { spawn: begin } = core.verbs.orchestrator.sessions;
    const person = { kind: "person", id: "1", name: "ada", rights: ["delegate", "any-agent"] } as const;
    const refused = await refusalIn(begin(person, { sessionId: "s1", instance: "H" }));
    assert.equal(refused.code, "not_allowed");
    assert.match(refused.hint ?? "", /verbs\.delegate: role:eng/);
    assert.deepEqual(await core.verbs.orchestrator.sessions.list({}), []);
  });
});

test("an agent that goes down the moment it was looked at has its turn when it is back", async () => {
  using folder = temporaryFolder();
  const looks: "up"[] = [];
  let state: "up" | "down" = "up";
  await withOrchestra(
    folder.path,
    async (core) => {
      const { token } = await spawn(core);
      looks.push("up");
      state = "down";
      assert.equal((await sendTo(core, token, "x", { timeoutMs: 50 })).turn, 1);
    },
    { more: { condition: () => looks.shift() ?? state } },
  );
});

test("whoever refuses our token is asked nothing, and not waited for when that shows later", async () => {
  using folder = temporaryFolder();
  let state: "up" | "unauthorized" = "unauthorized";
  await withOrchestra(
    folder.path,
    async (core) => {
      state = "up";
      const { token } = await spawn(core);
      state = "unauthorized";
      assert.equal((await refusalIn(sendTo(core, token, "x"))).code, "agent_unauthorized");
      state = "up";
      const late = await sendTo(core, token, "x", { timeoutMs: 3_600_000 });
      assert.deepEqual([late.ok, late.open, late.error?.code], [false, true, "unauthorized"]);
    },
    {
      behave: () => ({ kind: "unauthorized", text: "webster: it refused our token (401)" }),
      more: { condition: () => state },
    },
  );
});

test("a session has 500 turns, and the one after them is refused", async () => {
  using folder = temporaryFolder();
  await withOrchestra(folder.path, async (core) => {
    const { token } = await spawn(core);
    for (let turn = 1; turn <= 500; turn++) {
      const on = { kind: "session", stream: "session-s1", cause: "test" } as const;
      const asked = { type: "ask", at: turn, data: {}, digest: "d", actor: operator } as const;
      await core.engine.accept({ ...on, input: asked });
      await core.engine.accept({ ...on, input: { type: "answered", at: turn, turn, status: "refused" } });
    }
    const over = await refusalIn(sendTo(core, token, "one more"));
    assert.deepEqual([over.code, over.hint], ["session_closed", "Spawn a new one."]);
  });
});

test("after closing nothing more is taken; whoever has the token, its asker or the operator may close", async () => {
  using folder = temporaryFolder();
  await withOrchestra(folder.path, async (core) => {
    const { close, list, spawn: begin } = core.verbs.orchestrator.sessions;
    const { token } = await spawn(core);
    const lead = { kind: "agent", id: "tech-lead" } as const;
    assert.equal((await refusalIn(close(lead, "s1"))).code, "not_allowed");
    assert.equal((await close(lead, "s1", token)).status, "closed");
    assert.equal((await refusalIn(sendTo(core, token, "x"))).code, "session_closed");
    await begin(lead, { sessionId: "own", instance: "H" });
    assert.equal((await list({})).map(({ sessionId }) => sessionId).join(), "own,s1");
    assert.equal((await list({ open: true })).map(({ by }) => by).join(), "agent tech-lead");
    assert.equal((await close(lead, "own")).status, "closed");
    assert.equal((await close(operator, "own")).status, "closed", "twice is once");
  });
});
