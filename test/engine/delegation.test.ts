import assert from "node:assert/strict";
import test from "node:test";
import { DEFAULT_ACL, HOOKS_PROTOCOL_ACL } from "../../src/domain/acl.ts";
import { createRegistry } from "../../src/domain/agent-card.ts";
import { handoffDigest } from "../../src/domain/handoff-json.ts";
import { waitAfter } from "../../src/engine/dispatch.ts";
import type { DispatchAnswer } from "../../src/engine/ports/agents.ts";
import type { DelegateRequest } from "../../src/engine/verbs.ts";
import { createHandoffTokens } from "../../src/handoffs/token.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { cardOf, handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const operator = { kind: "operator" } as const;
const ask = (more: Partial<DelegateRequest> = {}): DelegateRequest => ({
  agent: "webster",
  objective: "Find the CTE of Zerodur",
  origin: { door: "rest" },
  ...more,
});

type Core = Awaited<ReturnType<typeof startCore>>;
/** Runs a test with a core in a folder of its own; fails when the loop met an error that nobody was told of. */
async function withCore(
  script: Parameters<typeof startCore>[1],
  body: (core: Core) => Promise<void>,
): Promise<void> {
  using folder = temporaryFolder();
  const core = await startCore(folder.path, script);
  try {
    await body(core);
  } finally {
    await core.stop();
  }
  assert.deepEqual(core.broken, []);
}
async function codeOf(run: Promise<unknown>): Promise<string> {
  return run.then(
    () => "allowed",
    (error: unknown) => {
      if (isRefusal(error)) return error.code;
      throw error;
    },
  );
}

test("asked, dispatched, handed back: settled once, archived, logged, posts waiting for Discord", () =>
  withCore({}, async (core) => {
    const { delegation } = await core.verbs.delegate(operator, ask());
    await core.until(delegation.id, "attempt.dispatched");
    assert.deepEqual([...core.expected], [delegation.id]);
    await core.hand(delegation.id, handoffOf(delegation.id));
    assert.deepEqual([...core.expected], [], "nobody looks for its file any more");
    const settled = await core.verbs.wait(delegation.id, {});
    assert.equal(settled.status, "succeeded");
    assert.equal(settled.handoff?.result, "0 ± 0.02 ppm/K");
    assert.equal(core.sent.length, 1);
    assert.equal(core.sent[0]?.idempotencyKey, `${delegation.id}#1`);
    assert.match(core.sent[0]?.message ?? "", /Find the CTE of Zerodur/);
    const types = (await core.verbs.history(delegation.id)).map(({ type }) => type);
    assert.deepEqual(types, [
      "delegation.queued",
      "attempt.dispatched",
      "handoff.seen",
      "delegation.settled",
    ]);
    const backlog = await core.ledger.backlog();
    assert.deepEqual(
      backlog.filter(({ type }) => type === "post").map(({ count }) => count),
      [2],
    );
  }));

test("the hook carries how long the agent has and where it posts, when that was asked for", () =>
  withCore({}, async (core) => {
    const agentPosts = { channel: "123456789012345678" };
    const { delegation } = await core.verbs.delegate(operator, ask({ timeoutMs: 90_000, agentPosts }));
    await core.until(delegation.id, "attempt.dispatched");
    const [request] = core.sent;
    assert.deepEqual([request?.timeoutMs, request?.agentPosts], [90_000, agentPosts]);
    assert.deepEqual(
      [request?.model, request?.thinking, request?.session],
      [undefined, undefined, undefined],
    );
  }));

test("an agent with room for one works on one at a time, first in first out", () =>
  withCore({}, async (core) => {
    const ids: string[] = [];
    for (const objective of ["a", "b", "c"])
      ids.push((await core.verbs.delegate(operator, ask({ objective }))).delegation.id);
    for (const [index, id] of ids.entries()) {
      await core.until(id, "attempt.dispatched");
      assert.deepEqual(
        core.sent.map(({ idempotencyKey }) => idempotencyKey),
        ids.slice(0, index + 1).map((sent) => `${sent}#1`),
      );
      await core.hand(id, handoffOf(id));
    }
  }));

test("work handed in under the name of an attempt that never was gives the agent's place back at once", () =>
  withCore({ cards: [cardOf("webster")] }, async (core) => {
    for (const status of ["complete", "failed"]) {
      const first = await core.verbs.delegate(operator, ask({ retries: 0 }));
      const second = await core.verbs.delegate(operator, ask({ objective: "Something else", retries: 0 }));
      await core.until(first.delegation.id, "attempt.dispatched");
      await core.hand(first.delegation.id, handoffOf(first.delegation.id, { status }), { attempt: 2 });
      await core.until(second.delegation.id, "attempt.dispatched");
      await core.hand(second.delegation.id, handoffOf(second.delegation.id));
    }
  }));

test("the same key and request answer the first delegation, another request with that key is refused", () =>
  withCore({}, async (core) => {
    const key = { scope: "rest", key: "k1" };
    const first = await core.verbs.delegate(operator, ask({ key }));
    const second = await core.verbs.delegate(operator, ask({ key }));
    assert.deepEqual([second.delegation.id, second.repeated], [first.delegation.id, true]);
    assert.equal(await codeOf(core.verbs.delegate(operator, ask({ key, objective: "other" }))), "key_reused");
  }));

test("a run id of one's own works as a key too", () =>
  withCore({}, async (core) => {
    const first = await core.verbs.delegate(operator, ask({ runId: "my-run" }));
    assert.equal(first.delegation.id, "my-run");
    assert.equal((await core.verbs.delegate(operator, ask({ runId: "my-run" }))).repeated, true);
    assert.equal(
      await codeOf(core.verbs.delegate(operator, ask({ runId: "my-run", objective: "other" }))),
      "key_reused",
    );
    assert.equal(await codeOf(core.verbs.delegate(operator, ask({ runId: "../x" }))), "invalid_input");
  }));

test("a run id asked again under another key is the same delegation", () =>
  withCore({}, async (core) => {
    const twice = async (key: string) =>
      core.verbs.delegate(operator, ask({ runId: "my-run", key: { scope: "rest", key } }));
    assert.equal((await twice("k1")).repeated, false);
    assert.equal((await twice("k2")).repeated, true);
  }));

test("two requests with one key at the same moment are one delegation", () =>
  withCore({}, async (core) => {
    const key = { scope: "discord", key: "123" };
    const both = await Promise.all([
      core.verbs.delegate(operator, ask({ key })),
      core.verbs.delegate(operator, ask({ key })),
    ]);
    assert.equal(both[0].delegation.id, both[1].delegation.id);
    assert.deepEqual(both.map(({ repeated }) => repeated).toSorted(), [false, true]);
  }));

test("of two other requests with one key, or for one run id, at the same moment the later one is refused", () =>
  withCore({}, async (core) => {
    for (const same of [{ key: { scope: "rest", key: "k1" } }, { runId: "my-run" }]) {
      const codes = await Promise.all(
        ["one", "other"].map((objective) =>
          codeOf(core.verbs.delegate(operator, ask({ ...same, objective }))),
        ),
      );
      assert.deepEqual(codes.toSorted(), ["allowed", "key_reused"], JSON.stringify(same));
    }
    const other = { runId: "my-run", key: { scope: "rest", key: "k2" } };
    assert.equal(await codeOf(core.verbs.delegate(operator, ask(other))), "key_reused");
  }));

test("the same request is the same through another door and by another word for the agent, not by somebody else", () =>
  withCore({}, async (core) => {
    const request = ask({ agent: "tech-lead", runId: "my-run" });
    await core.verbs.delegate(operator, request);
    for (const more of [
      { origin: { door: "cli" } },
      { agent: "technical-lead" },
      { card: { channel: "123456789012345678" } },
      { key: { scope: "rest", key: "k1" } },
    ] as const)
      assert.equal((await core.verbs.delegate(operator, { ...request, ...more })).repeated, true);
    const manager = { kind: "agent", id: "manager" } as const;
    assert.equal(await codeOf(core.verbs.delegate(manager, request)), "key_reused");
  }));

test("a request that is sent again is answered with its delegation, however its agent is by now", () =>
  withCore({}, async (core) => {
    const request = ask({ key: { scope: "rest", key: "k1" }, ifDown: "refuse" });
    const first = await core.verbs.delegate(operator, request);
    core.setHealth("down");
    const again = await core.verbs.delegate(operator, request);
    assert.deepEqual([again.delegation.id, again.repeated], [first.delegation.id, true]);
    assert.equal(await codeOf(core.verbs.delegate(operator, ask({ ifDown: "refuse" }))), "agent_down");
  }));

test("a request that is sent again is answered with its delegation, though its agent was taken out of the file or may not be asked any more", () =>
  withCore({}, async (core) => {
    const manager = { kind: "agent", id: "manager" } as const;
    const request = ask({ key: { scope: "rest", key: "k1" } });
    const first = await core.verbs.delegate(manager, request);
    for (const change of [{ acl: { ...DEFAULT_ACL, matrix: {} } }, { registry: createRegistry([]) }]) {
      Object.assign(core.config, change);
      const again = await core.verbs.delegate(manager, request);
      assert.deepEqual([again.delegation.id, again.repeated], [first.delegation.id, true]);
      assert.notEqual(await codeOf(core.verbs.delegate(manager, ask({}))), "allowed");
    }
  }));

test("what is not as whoever asked would think stands in the answer, and stays with the delegation", () =>
  withCore({ cards: [cardOf("webster", { hooksPath: "/hooks/delegate" })] }, async (core) => {
    const { delegation } = await core.verbs.delegate(
      operator,
      ask({ objective: "word ".repeat(501), agentPosts: { channel: "123456789012345678" } }),
    );
    assert.match(delegation.warnings?.join("\n") ?? "", /501 words[^\n]*\nwebster will not post itself/);
    assert.deepEqual((await core.verbs.delegation(delegation.id)).warnings, delegation.warnings);
    const plain = await core.verbs.delegate(operator, ask());
    assert.equal("warnings" in plain.delegation, false);
  }));

test("of a channel as many messages are read as was asked for, and else as config says", () =>
  withCore({}, async (core) => {
    const read = async (messages?: number) => {
      const channelContext = { channel: "technical", ...(messages === undefined ? {} : { messages }) };
      const { delegation } = await core.verbs.delegate(operator, ask({ channelContext }));
      return (await core.engine.read("delegation", delegation.id))?.order.channelContext?.messages;
    };
    assert.deepEqual([await read(1), await read(30), await read()], [1, 30, 20]);
  }));

test("with discord.mirror only what began elsewhere is shown in #inter-agent, and the objective without its edges", () =>
  withCore({}, async (core) => {
    const orderOf = async (more: Partial<DelegateRequest>) => {
      const { delegation } = await core.verbs.delegate(operator, ask({ objective: " Find it\n", ...more }));
      const order = (await core.engine.read("delegation", delegation.id))?.order;
      return [order?.objective, order?.card];
    };
    assert.deepEqual(await orderOf({}), ["Find it", undefined]);
    const { settings } = core.config;
    Object.assign(core.config, { settings: { ...settings, discord: { ...settings.discord, mirror: true } } });
    assert.deepEqual(await orderOf({}), ["Find it", { role: "interAgent" }]);
    assert.deepEqual(await orderOf({ origin: { door: "discord" } }), ["Find it", undefined]);
  }));

test("refusals come before anything is sent or written, with the place and the reason", () =>
  withCore({}, async (core) => {
    const codes = await Promise.all(
      [
        core.verbs.delegate(operator, ask({ agent: "webstr" })),
        core.verbs.delegate(operator, ask({ objective: "   " })),
        core.verbs.delegate(operator, ask({ retries: 4 })),
        core.verbs.delegate(operator, ask({ timeoutMs: 10 })),
        core.verbs.delegate(operator, ask({ channelContext: { channel: "technical", messages: 31 } })),
        core.verbs.delegate(operator, ask({ agentPosts: { channel: "C0AEJV13TEU" } })),
        core.verbs.delegate(operator, ask({ objective: "x".repeat(250_000) })),
        core.verbs.delegate({ kind: "agent", id: "secretary" }, ask()),
        core.verbs.delegate({ kind: "operator", claims: "tech-lead" }, ask({ agent: "auditor" })),
        core.verbs.delegate({ kind: "person", id: "1", name: "guest", rights: [] }, ask()),
        core.verbs.delegate(operator, ask({ parent: "orch-none" })),
      ].map(codeOf),
    );
    assert.deepEqual(codes, [
      "unknown_agent",
      "invalid_input",
      "invalid_input",
      "invalid_input",
      "invalid_input",
      "invalid_input",
      "too_large",
      "not_allowed",
      "not_allowed",
      "not_allowed",
      "not_found",
    ]);
    assert.deepEqual((await core.verbs.delegations({})).items, []);
    assert.deepEqual(core.sent, []);
  }));

test("every range of a request is what its refusal says, to the last value", () =>
  withCore({}, async (core) => {
    const [hour, day, kib] = [3_600_000, 86_400_000, 1024];
    const reading = (messages: number) => ({ channelContext: { channel: "technical", messages } });
    const posting = (digits: number) => ({ agentPosts: { channel: "1".repeat(digits) } });
    const within: readonly Partial<DelegateRequest>[] = [
      ...[1000, 48 * hour].map((timeoutMs) => ({ timeoutMs })),
      ...[0, 7 * day].map((startWithinMs) => ({ startWithinMs })),
      ...[0, 3].map((retries) => ({ retries })),
      ...[1, 30].map(reading),
      ...[17, 20].map(posting),
      ...["x".repeat(80), "x.123", "x.1y"].map((runId) => ({ runId })),
      ...["x".repeat(240 * kib), "€".repeat(80 * kib)].map((objective) => ({ objective })),
    ];
    for (const more of within)
      assert.equal(await codeOf(core.verbs.delegate(operator, ask(more))), "allowed");
    const beyond: readonly (readonly [string, Partial<DelegateRequest>])[] = [
      ...[999, 48 * hour + 1, Number.NaN].map((timeoutMs) => ["timeout", { timeoutMs }] as const),
      ...[-1, 7 * day + 1].map((startWithinMs) => ["startWithin", { startWithinMs }] as const),
      ...[-1, 4, 1.5].map((retries) => ["retries", { retries }] as const),
      ...[0, 31, 1.5].map((messages) => ["channelMessages", reading(messages)] as const),
      ...[16, 21].map((digits) => ["channel", posting(digits)] as const),
      ...["x".repeat(81), "x.1", "x.12"].map((runId) => ["runId", { runId }] as const),
    ];
    for (const [path, more] of beyond) {
      await assert.rejects(core.verbs.delegate(operator, ask(more)), (error) => {
        assert.ok(isRefusal(error));
        assert.deepEqual([error.code, error.problems.map((one) => one.path)], ["invalid_input", [path]]);
        return true;
      });
    }
    const half = "x".repeat(120 * kib);
    const too: readonly Partial<DelegateRequest>[] = [
      { objective: `${half}${half}x` },
      { objective: `${"€".repeat(80 * kib)}x` },
      { objective: half, attachments: [{ name: "a.txt", text: `${half}x` }] },
    ];
    for (const more of too) assert.equal(await codeOf(core.verbs.delegate(operator, ask(more))), "too_large");
  }));

test("what a channel says counts as a part of the task, and is refused with it when it is too much", async () => {
  const readChannel = async (channel: string, messages: number) => {
    return { channel, channelId: "1", messages, text: "x".repeat(240 * 1024) };
  };
  await withCore({ readChannel }, async (core) => {
    const request = ask({ channelContext: { channel: "technical" } });
    assert.equal(await codeOf(core.verbs.delegate(operator, request)), "too_large");
  });
});

test("the run and the step that a request says it belongs to are read back", () =>
  withCore({}, async (core) => {
    const workflow = { run: "wf-old-1", step: "look" };
    const { delegation } = await core.verbs.delegate(operator, ask({ workflow }));
    assert.deepEqual((await core.verbs.delegation(delegation.id)).workflow, workflow);
  }));

test("an agent that is down refuses a person at once, and lets a program's work wait until it is back", async () => {
  let isUp = false;
  const answer = (): DispatchAnswer =>
    isUp ? { kind: "accepted" } : { kind: "again", reason: "agent_down", text: "connection refused" };
  await withCore({ answer }, async (core) => {
    core.setHealth("down");
    assert.equal(await codeOf(core.verbs.delegate(operator, ask({ ifDown: "refuse" }))), "agent_down");
    const { delegation } = await core.verbs.delegate(operator, ask({ ifDown: "wait" }));
    await core.until(delegation.id, "attempt.deferred");
    assert.equal((await core.verbs.delegation(delegation.id)).waiting?.reason, "agent_down");
    isUp = true;
    core.pass(60_000);
    await core.until(delegation.id, "attempt.dispatched");
  });
});

test("work that could not start within its limit is timed out with what it waited for", () =>
  withCore(
    { answer: () => ({ kind: "again", reason: "agent_down", text: "connection refused" }) },
    async (core) => {
      const { delegation } = await core.verbs.delegate(operator, ask({ startWithinMs: 5000 }));
      await core.until(delegation.id, "attempt.deferred");
      core.pass(5001);
      const settled = await core.verbs.wait(delegation.id, {});
      assert.deepEqual([settled.status, settled.code], ["timed_out", "not_started"]);
      assert.match(settled.reason ?? "", /connection refused/);
    },
  ));

test("a rejected handoff is tried again with its problems in the next prompt, and its result is posted once", () =>
  withCore({}, async (core) => {
    const { delegation } = await core.verbs.delegate(operator, ask({ validate: true }));
    await core.until(delegation.id, "attempt.dispatched");
    await core.hand(delegation.id, handoffOf(delegation.id, { status: "done" }));
    await core.until(delegation.id, "attempt.dispatched", 2);
    assert.match(core.sent[1]?.message ?? "", /status/);
    assert.match(core.sent[1]?.message ?? "", new RegExp(`${delegation.id}\\.2\\.json`));
    await core.hand(delegation.id, handoffOf(delegation.id), {
      attempt: 2,
      inode: "2",
      path: `/x/${delegation.id}.2.json`,
    });
    assert.equal((await core.verbs.wait(delegation.id, {})).status, "succeeded");
    const posts = (await core.ledger.backlog()).find(({ type }) => type === "post");
    assert.equal(posts?.count, 2);
  }));

test("a timed-out attempt keeps the agent's place until its deadline and grace, then the next one goes", () =>
  withCore({}, async (core) => {
    const { delegation } = await core.verbs.delegate(operator, ask({ timeoutMs: 10_000 }));
    await core.until(delegation.id, "attempt.dispatched");
    core.pass(10_001);
    await core.until(delegation.id, "attempt.failed");
    assert.equal(core.sent.length, 1);
    core.pass(30_000);
    await core.until(delegation.id, "attempt.dispatched", 2);
    core.pass(10_001);
    assert.equal((await core.verbs.wait(delegation.id, {})).status, "timed_out");
  }));

test("cancel settles at once; what the agent hands in later is recorded as late and changes nothing", () =>
  withCore({}, async (core) => {
    const { delegation } = await core.verbs.delegate(operator, ask());
    await core.until(delegation.id, "attempt.dispatched");
    assert.equal((await core.verbs.cancel(operator, delegation.id, "not needed")).status, "canceled");
    await core.hand(delegation.id, handoffOf(delegation.id));
    assert.equal((await core.verbs.delegation(delegation.id)).status, "canceled");
    assert.deepEqual(
      (await core.verbs.handoffs({})).map(({ run, verdict }) => [run, verdict]),
      [[delegation.id, "late"]],
    );
    assert.equal((await core.verbs.cancel(operator, delegation.id)).status, "canceled");
  }));

test("an agent that hands in before its gateway answers: one commit ends both, and its place is free", async () => {
  let core: Core | undefined;
  const answer = async ({ idempotencyKey }: { readonly idempotencyKey: string }) => {
    const [run = ""] = idempotencyKey.split("#");
    await core?.hand(run, handoffOf(run));
    return { kind: "accepted" } as const;
  };
  await withCore({ answer }, async (made) => {
    core = made;
    for (const runId of ["orch-one", "orch-two"]) {
      await core.verbs.delegate(operator, ask({ runId }));
      assert.equal((await core.verbs.wait(runId, {})).status, "succeeded");
      await core.settled();
      const types: string[] = (await made.verbs.history(runId)).map(({ type }) => type);
      assert.deepEqual(types, ["delegation.queued", "handoff.seen", "delegation.settled"]);
    }
    const open = (await core.ledger.backlog()).map(({ type }) => type);
    assert.equal(open.includes("dispatch"), false);
  });
});

test("work that is canceled while its gateway answers keeps the agent's place for as long as it may take", async () => {
  let core: Core | undefined;
  const answer = async ({ idempotencyKey }: { readonly idempotencyKey: string }) => {
    if (idempotencyKey === "orch-one#1") await core?.verbs.cancel(operator, "orch-one");
    return { kind: "accepted" } as const;
  };
  await withCore({ answer }, async (made) => {
    core = made;
    await core.verbs.delegate(operator, ask({ runId: "orch-one", timeoutMs: 10_000 }));
    await core.until("orch-one", "delegation.settled");
    await core.verbs.delegate(operator, ask({ runId: "orch-two" }));
    await core.settled();
    core.pass(39_999);
    await core.settled();
    assert.equal(core.sent.length, 1);
    core.pass(1);
    await core.until("orch-two", "attempt.dispatched");
  });
});

test("what is over, or tried anew, in the moment in which it was claimed is not sent", async () => {
  const source = { path: "/in/early.json", digest: "d", attempt: 1 };
  for (const input of [
    { type: "cancel", at: 1_000_000_000_000, actor: operator },
    {
      type: "bad-handoff",
      at: 1_000_000_000_000,
      source,
      problems: [{ path: "result", message: "is missing" }],
    },
  ] as const) {
    let core: Core | undefined;
    let stream = "";
    const crash = (point: string) => {
      if (point !== "dispatch:claimed" || !core || stream) return;
      stream = "orch-race";
      void core.engine.accept({ kind: "delegation", stream, input, cause: "test" });
    };
    await withCore({ crash }, async (made) => {
      core = made;
      await core.verbs.delegate(operator, ask({ runId: "orch-race", retries: 1 }));
      const isOver = input.type === "cancel";
      await core.until("orch-race", isOver ? "delegation.settled" : "attempt.dispatched");
      await core.settled();
      assert.deepEqual(
        core.sent.map(({ idempotencyKey }) => idempotencyKey),
        isOver ? [] : ["orch-race#2"],
      );
      if (!isOver) return;
      await core.verbs.delegate(operator, ask({ runId: "orch-next" }));
      await core.settled();
      assert.equal(core.sent[0]?.idempotencyKey, "orch-next#1", "the agent's place is free again");
    });
  }
});

test("somebody else's delegation cannot be canceled by an agent or by a person without the right", () =>
  withCore({}, async (core) => {
    const { delegation } = await core.verbs.delegate(operator, ask());
    assert.equal(
      await codeOf(core.verbs.cancel({ kind: "agent", id: "tech-lead" }, delegation.id)),
      "not_allowed",
    );
    const person = { kind: "person", id: "1", name: "ada" } as const;
    assert.equal(
      await codeOf(core.verbs.cancel({ ...person, rights: ["delegate"] }, delegation.id)),
      "not_allowed",
    );
    assert.equal(
      await codeOf(core.verbs.cancel({ ...person, rights: ["operate"] }, delegation.id)),
      "allowed",
    );
  }));

test("a handoff for an unknown run is recorded, set aside and shown, and a later run of that id does not consume it", () =>
  withCore({}, async (core) => {
    await core.hand("orch-stale", handoffOf("orch-stale"));
    assert.deepEqual(
      (await core.verbs.handoffs({})).map(({ run, verdict }) => [run, verdict]),
      [["orch-stale", "unknown"]],
    );
    const { delegation } = await core.verbs.delegate(operator, ask({ runId: "orch-stale" }));
    await core.until(delegation.id, "attempt.dispatched");
    assert.equal((await core.verbs.delegation("orch-stale")).status, "dispatched");
  }));

test("what its agent cannot take now waits a second, then ever longer, up to half a minute", () => {
  assert.deepEqual([0, 1, 2, 4, 5, 99].map(waitAfter), [1000, 2000, 4000, 16_000, 30_000, 30_000]);
});

test("a supervisor that died between claim and answer looks before it sends again", async () => {
  using folder = temporaryFolder();
  const hang = new Promise<DispatchAnswer>(() => undefined);
  const first = await startCore(folder.path, { answer: () => hang });
  const { delegation } = await first.verbs.delegate(operator, ask());
  while (first.sent.length === 0) await new Promise(setImmediate);
  await first.loop.stop(0);
  await first.ledger.close();

  await using second = await startCore(folder.path, { at: first.now() + 5000 });
  second.setHealth("up", 3_600_000);
  await second.until(delegation.id, "attempt.uncertain");
  assert.equal(second.sent.length, 0);
  second.pass(60_000);
  await second.until(delegation.id, "attempt.dispatched");
  const view = await second.verbs.delegation(delegation.id);
  assert.deepEqual(
    view.attempts.map(({ ambiguous, sends }) => [ambiguous, sends]),
    [[true, 2]],
  );
  assert.equal(second.sent[0]?.idempotencyKey, `${delegation.id}#1`);
});

test("a gateway that restarted since forgot the work: it is sent again without waiting", async () => {
  using folder = temporaryFolder();
  const first = await startCore(folder.path, { answer: () => new Promise<DispatchAnswer>(() => undefined) });
  const { delegation } = await first.verbs.delegate(operator, ask());
  while (first.sent.length === 0) await new Promise(setImmediate);
  await first.loop.stop(0);
  await first.ledger.close();
  await using second = await startCore(folder.path, { at: first.now() + 5000 });
  second.setHealth("up", 1000);
  await second.until(delegation.id, "attempt.dispatched");
});

test("an answer that never came is not sent again while the handoff is already there", () =>
  withCore({ answer: () => ({ kind: "ambiguous", text: "connection reset" }) }, async (core) => {
    const { delegation } = await core.verbs.delegate(operator, ask());
    await core.until(delegation.id, "attempt.uncertain");
    await core.hand(delegation.id, handoffOf(delegation.id));
    core.pass(120_000);
    assert.equal((await core.verbs.wait(delegation.id, {})).status, "succeeded");
    assert.equal(core.sent.length, 1);
  }));

test("the same key and request answer the first delegation also when its agent was renamed", () =>
  withCore({}, async (core) => {
    const key = { scope: "rest", key: "once" };
    const first = await core.verbs.delegate(operator, ask({ key }));
    const cards = core.config.registry.agents.map((card) =>
      card.id === "webster" ? { ...card, id: "archivist", aliases: ["webster"] } : card,
    );
    Object.assign(core.config, { registry: createRegistry(cards) });
    const again = await core.verbs.delegate(operator, ask({ key }));
    assert.deepEqual([again.delegation.id, again.repeated], [first.delegation.id, true]);
    for (const other of [{ objective: "other" }, { agent: "secretary" }])
      assert.equal(await codeOf(core.verbs.delegate(operator, ask({ key, ...other }))), "key_reused");
  }));

test("the same key and request answer the first delegation also when its word is another agent's by now, or nobody's", () =>
  withCore({}, async (core) => {
    const key = { scope: "rest", key: "once" };
    const request = ask({ agent: "technical-lead", key });
    const { id } = (await core.verbs.delegate(operator, request)).delegation;
    const { agents } = core.config.registry;
    const withWord = (owner: string | undefined) =>
      createRegistry(
        agents.map((card) => ({ ...card, aliases: card.id === owner ? ["technical-lead"] : [] })),
      );
    for (const owner of ["secretary", undefined]) {
      Object.assign(core.config, { registry: withWord(owner) });
      for (const agent of ["technical-lead", "Technical-Lead", "tech-lead"])
        assert.equal((await core.verbs.delegate(operator, { ...request, agent })).delegation.id, id, agent);
      for (const other of [{ objective: "other" }, { agent: "secretary" }])
        assert.equal(await codeOf(core.verbs.delegate(operator, { ...request, ...other })), "key_reused");
    }
  }));

test("the same key and request answer the first delegation also when its model is not there any more", () =>
  withCore({}, async (core) => {
    const request = ask({ model: "cheap", key: { scope: "rest", key: "once" } });
    const first = await core.verbs.delegate(operator, request);
    const { settings } = core.config;
    Object.assign(core.config, {
      settings: { ...settings, taskQueue: { ...settings.taskQueue, models: {} } },
    });
    assert.equal((await core.verbs.delegate(operator, request)).delegation.id, first.delegation.id);
    assert.equal(await codeOf(core.verbs.delegate(operator, ask({ model: "cheap" }))), "invalid_input");
  }));

test("a handoff posted with the run's token is checked like a file, the same again is the same answer, another one is refused", () =>
  withCore({}, async (core) => {
    const { delegation } = await core.verbs.delegate(operator, ask());
    const token = createHandoffTokens("a secret of the test, long enough").tokenFor(delegation.id, 1);
    const document = handoffOf(delegation.id);
    const hand = (body: object, with_ = token) =>
      core.verbs.handIn(delegation.id, with_, body, JSON.stringify(body));
    assert.equal(await codeOf(hand(document, "1.forged")), "unauthenticated");
    assert.equal((await hand(document)).repeated, false);
    assert.equal((await hand(document)).repeated, true);
    assert.equal(await codeOf(hand({ ...document, result: "other" })), "handoff_changed");
    assert.equal((await core.verbs.delegation(delegation.id)).handoff?.result, "0 ± 0.02 ppm/K");
  }));

test("a posted handoff with a key twice is a failed attempt that says so", () =>
  withCore({}, async (core) => {
    const { delegation } = await core.verbs.delegate(operator, ask({ retries: 0 }));
    await core.until(delegation.id, "attempt.dispatched");
    const token = createHandoffTokens("a secret of the test, long enough").tokenFor(delegation.id, 1);
    const document = handoffOf(delegation.id);
    const bytes = JSON.stringify(document).replace('"status"', '"status":"failed","status"');
    assert.equal(await codeOf(core.verbs.handIn(delegation.id, token, document, bytes)), "invalid_input");
    const settled = await core.verbs.delegation(delegation.id);
    assert.equal(settled.code, "invalid_handoff");
    assert.match(JSON.stringify(settled.problems), /status/);
  }));

test("what was refused over REST and mended still counts while another attempt is left, and an hour after the end nothing", () =>
  withCore({}, async (core) => {
    const { delegation } = await core.verbs.delegate(operator, ask({ retries: 1 }));
    const { id } = delegation;
    await core.until(id, "attempt.dispatched");
    const token = createHandoffTokens("a secret of the test, long enough").tokenFor(id, 1);
    const post = (document: object) => core.verbs.handIn(id, token, document, JSON.stringify(document));
    assert.equal(await codeOf(post(handoffOf(id, { status: "done" }))), "invalid_input");
    await core.until(id, "attempt.dispatched", 2);
    assert.equal((await post(handoffOf(id))).delegation.status, "succeeded");
    core.pass(3_600_000);
    assert.equal((await post(handoffOf(id))).repeated, true);
    core.pass(1);
    assert.equal(await codeOf(post(handoffOf(id))), "already_settled");
  }));

/** Posts documents of a delegation over REST, with the token of whichever attempt. */
async function askedOverRest(core: Core, more: Partial<DelegateRequest> = {}) {
  const { delegation } = await core.verbs.delegate(operator, ask({ retries: 1, ...more }));
  const { id } = delegation;
  const tokens = createHandoffTokens("a secret of the test, long enough");
  const post = (document: object, attempt = 1) =>
    core.verbs.handIn(id, tokens.tokenFor(id, attempt), document, JSON.stringify(document));
  await core.until(id, "attempt.dispatched");
  return { id, post };
}

for (const status of ["failed", "done"]) {
  test(`an attempt that ends over REST in the very words of the one before has ended too: ${status}`, () =>
    withCore({}, async (core) => {
      const { id, post } = await askedOverRest(core);
      const document = handoffOf(id, { status });
      const answer = status === "failed" ? "allowed" : "invalid_input";
      assert.equal(await codeOf(post(document)), answer);
      await core.until(id, "attempt.dispatched", 2);
      assert.equal(await codeOf(post(document)), answer, "the same again, as after a broken answer");
      assert.equal((await core.verbs.delegation(id)).status, "dispatched");
      assert.equal(await codeOf(post(document, 2)), answer);
      const settled = await core.verbs.delegation(id);
      assert.deepEqual(
        [settled.status, settled.code],
        ["failed", status === "failed" ? "agent_failed" : "invalid_handoff"],
      );
      assert.equal(await codeOf(post(document, 2)), answer);
      assert.equal(core.sent.length, 2);
    }));
}

test("what came too late over REST is refused each time that it is sent, not accepted the second time", () =>
  withCore({}, async (core) => {
    const { id, post } = await askedOverRest(core);
    await core.verbs.cancel(operator, id);
    for (const _ of ["first", "again"]) assert.equal(await codeOf(post(handoffOf(id))), "handoff_changed");
    const seen = (await core.verbs.handoffs({ run: id })).map(({ verdict }) => verdict);
    assert.deepEqual(seen, ["late"]);
  }));

test("a second document over REST that is not acceptable either is told its problems, and a third one counts", () =>
  withCore({}, async (core) => {
    const { id, post } = await askedOverRest(core);
    const problemsOf = async (document: object) => {
      const error = await post(document).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      assert.ok(isRefusal(error));
      return [error.code, error.problems?.map(({ path }) => path), error.hint];
    };
    const [, first] = await problemsOf(handoffOf(id, { status: "done" }));
    assert.deepEqual(first, ["status"]);
    await core.until(id, "attempt.dispatched", 2);
    const second = await problemsOf(handoffOf(id, { result: "" }));
    assert.deepEqual(second, [
      "invalid_input",
      ["result"],
      "Attempt 2 has begun since, so it changes nothing. Mended it still counts.",
    ]);
    const failed = await post(handoffOf(id, { status: "failed" })).catch((error: unknown) => error);
    assert.match(
      String(failed),
      /Attempt 2 of \S+ has begun; this document was recorded and changes nothing/,
    );
    assert.equal((await post(handoffOf(id))).delegation.status, "succeeded");
  }));

test("a failure that comes as a file and over REST is one failure, and said to be in hand", () =>
  withCore({}, async (core) => {
    const { id, post } = await askedOverRest(core);
    const document = handoffOf(id, { status: "failed" });
    await core.hand(id, document, { digest: handoffDigest(JSON.stringify(document)) });
    assert.equal((await post(document)).repeated, true);
    await core.until(id, "attempt.dispatched", 2);
    assert.equal((await core.verbs.delegation(id)).attempt, 2);
  }));

for (const how of ["handoff", "cancel", "deadline"]) {
  test(`a run's files are looked for until it is settled, by its ${how} too`, () =>
    withCore({}, async (core) => {
      const { delegation } = await core.verbs.delegate(operator, ask({ retries: 0 }));
      const { id } = delegation;
      await core.until(id, "attempt.dispatched");
      assert.deepEqual([...core.expected], [id]);
      if (how === "handoff") await core.hand(id, handoffOf(id));
      if (how === "cancel") await core.verbs.cancel(operator, id);
      if (how === "deadline") core.pass(300_000);
      await core.until(id, "delegation.settled");
      assert.deepEqual([...core.expected], []);
    }));
}

test("a run id that reads like a later attempt's file is refused", () =>
  withCore({}, async (core) => {
    assert.equal(await codeOf(core.verbs.delegate(operator, ask({ runId: "job.2" }))), "invalid_input");
    assert.equal(await codeOf(core.verbs.delegate(operator, ask({ runId: "job.v2" }))), "allowed");
  }));

test("a text block settles a delegation that asked for text, and is a problem for one that asked for JSON", () =>
  withCore({}, async (core) => {
    const text = "TASK: CTE\nSTATUS: complete\nRESULT: 0 ± 0.02 ppm/K\nCONFIDENCE: high\nNOTES: -";
    for (const format of ["text", "json"] as const) {
      const { delegation } = await core.verbs.delegate(
        operator,
        ask({ format, retries: 0, objective: format }),
      );
      await core.until(delegation.id, "attempt.dispatched");
      await core.handText(delegation.id, text);
      const settled = await core.verbs.wait(delegation.id, {});
      assert.equal(settled.status, format === "text" ? "succeeded" : "failed");
    }
  }));

test("an agent's sub-delegation has a derived id and a place in the chain; a third level is refused before any call", () =>
  withCore({}, async (core) => {
    const { delegation } = await core.verbs.delegate(
      { kind: "operator", claims: "manager" },
      ask({ agent: "tech-lead" }),
    );
    const lead = { kind: "agent", id: "tech-lead" } as const;
    const child = await core.verbs.delegate(lead, ask({ parent: delegation.id }));
    assert.equal(
      (await core.verbs.delegate(lead, ask({ parent: delegation.id }))).delegation.id,
      child.delegation.id,
    );
    assert.equal(
      await codeOf(core.verbs.delegate(operator, ask({ agent: "secretary", parent: child.delegation.id }))),
      "guard_depth",
    );
  }));

test("an agent's sub-delegation that is asked for again is the same one also when its agent was renamed", () =>
  withCore({}, async (core) => {
    const { delegation } = await core.verbs.delegate(operator, ask({ agent: "tech-lead" }));
    const lead = { kind: "agent", id: "tech-lead" } as const;
    const again = ask({ parent: delegation.id });
    const child = await core.verbs.delegate(lead, again);
    const cards = core.config.registry.agents.map((card) =>
      card.id === "webster" ? { ...card, id: "archivist", aliases: ["librarian", "webster"] } : card,
    );
    Object.assign(core.config, { registry: createRegistry(cards), acl: HOOKS_PROTOCOL_ACL });
    for (const agent of ["webster", "archivist"]) {
      const { delegation: same, repeated } = await core.verbs.delegate(lead, { ...again, agent });
      assert.deepEqual([same.id, repeated], [child.delegation.id, true], agent);
    }
    const other = await core.verbs.delegate(lead, { ...again, objective: "Something else" });
    assert.equal(other.repeated, false);
  }));

test("what is over is noted in the ledger soon, also when nothing else comes", { timeout: 20_000 }, () =>
  withCore({}, async (core) => {
    const { delegation } = await core.verbs.delegate(operator, ask());
    await core.until(delegation.id, "attempt.dispatched");
    await core.hand(delegation.id, handoffOf(delegation.id));
    const open = async () => (await core.ledger.backlog()).map(({ type }) => type);
    while ((await open()).some((type) => type !== "post"))
      await new Promise((resolve) => setImmediate(resolve));
  }),
);

for (const life of [2, undefined]) {
  test(`work claimed in life 1 is not sent in life ${life ?? "none"}: others may have it by now`, async () => {
    let current: number | undefined = 1;
    const crash = (point: string) => {
      if (point === "dispatch:composed") current = life;
    };
    await withCore({ life: () => current, crash }, async (core) => {
      const { delegation } = await core.verbs.delegate(operator, ask());
      await core.settled();
      assert.equal(core.sent.length, 0);
      if (life === undefined) return;
      core.pass(2000);
      await core.settled();
      core.pass(60_000);
      await core.until(delegation.id, "attempt.dispatched");
      assert.equal(core.sent.length, 1, "whose it is looks whether the agent has it, and sends it once");
    });
  });
}
