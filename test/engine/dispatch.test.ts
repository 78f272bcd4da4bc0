import assert from "node:assert/strict";
import test from "node:test";
import { type AgentCard, createRegistry } from "../../src/domain/agent-card.ts";
import { delegation } from "../../src/domain/delegation.ts";
import type {
  DelegationEvent,
  DelegationInput,
  DelegationState,
  Order,
} from "../../src/domain/delegation-types.ts";
import type { Engine } from "../../src/engine/accept.ts";
import { createDispatch, type DispatchDeps } from "../../src/engine/dispatch.ts";
import type { Listener } from "../../src/engine/listeners.ts";
import type { AgentHealth, DispatchAnswer, DispatchRequest } from "../../src/engine/ports/agents.ts";
import type { StoredEvent } from "../../src/engine/ports/ledger.ts";
import { Refusal } from "../../src/kernel/refusal.ts";
import { cardOf, settingsOf } from "../support/core.ts";
import { ORDER } from "../support/order.ts";

const NOW = 1_000_000;
const SENT_AT = NOW - 10_000;

/** One dispatch or one look at a doubt, with what was told, sent and asked, in order. */
async function performed(
  type: "dispatch" | "reconcile",
  script: {
    order?: Partial<Order>;
    inputs?: readonly DelegationInput[];
    agent?: string;
    again?: boolean;
    begunBefore?: number;
    answer?: DispatchAnswer;
    /** How long the gateway takes for its answer. */
    tookMs?: number;
    health?: Partial<AgentHealth>;
    at?: number;
    promptFor?: DispatchDeps["promptFor"];
    hasStandIn?: boolean;
    /** When another configuration came to hold. */
    changedAt?: number;
    cards?: readonly AgentCard[];
    lives?: readonly (number | undefined)[];
    /** What is written to the delegation before the gateway answers, and in the moment after. */
    written?: { readonly before?: readonly DelegationEvent[]; readonly after?: readonly DelegationEvent[] };
  } = {},
) {
  const order = { ...ORDER, ...script.order };
  let state: DelegationState | undefined;
  for (const input of [{ type: "queue", order } as const, ...(script.inputs ?? [])])
    for (const event of delegation.decide(state, input)) state = delegation.evolve(state, event);
  const told: DelegationInput[] = [];
  const causes: unknown[] = [];
  let at = script.at ?? NOW;
  const sent: DispatchRequest[] = [];
  const steps: string[] = [];
  const lives = [...(script.lives ?? [1])];
  const listeners = new Set<Listener>();
  function write(events: readonly DelegationEvent[] = []): void {
    for (const listener of listeners)
      listener(events.map((body) => ({ type: body.type, body }) as StoredEvent));
  }
  const engine = {
    read: async () => {
      steps.push("read");
      return state;
    },
    accept: async ({
      input,
      cause,
      settles,
    }: {
      input: DelegationInput;
      cause: string;
      settles: unknown;
    }) => {
      told.push(input);
      causes.push({ cause, settles });
    },
    watch: (listener: Listener, stream?: string) => {
      if (stream === order.id) listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as Engine;
  const made = createDispatch({
    engine,
    agents: {
      dispatch: async (request: DispatchRequest) => {
        sent.push(request);
        at += script.tookMs ?? 0;
        write(script.written?.before);
        queueMicrotask(() => queueMicrotask(() => write(script.written?.after)));
        return script.answer ?? { kind: "accepted" };
      },
      probe: async () => {
        steps.push("probe");
        return { state: "up", text: "", checkedAt: NOW, since: 0, ...script.health };
      },
    } as unknown as DispatchDeps["agents"],
    inbox: {
      sweep: async () => void steps.push("sweep"),
      lookFor: async (run: string) => void steps.push(`look for ${run}`),
      expect: (run: string) => void steps.push(`expect ${run}`),
    } as unknown as DispatchDeps["inbox"],
    registry: () => createRegistry(script.cards ?? [cardOf("webster"), cardOf("manager")]),
    changedAt: async () => script.changedAt ?? 0,
    settings: () => settingsOf("/nowhere"),
    promptFor: script.promptFor ?? (() => ({ text: "Find it." })),
    standIn: async () =>
      script.hasStandIn === false
        ? undefined
        : { agent: "manager", standing: "free", why: "manager is free" },
    life: () => (lives.length > 1 ? lives.shift() : lives[0]),
    now: () => at,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    crash: () => undefined,
  });
  const agent = script.agent ?? "webster";
  const body = { run: order.id, agent, attempt: 1, sentAt: SENT_AT, again: script.again ?? false };
  const { begunBefore } = script;
  const begun = begunBefore === undefined ? {} : { begunBefore };
  const effect = {
    id: "e",
    stream: order.id,
    lane: "any",
    dueAt: 0,
    createdAt: 0,
    tries: 1,
    ...begun,
  } as const;
  const outcome =
    type === "dispatch"
      ? await made.dispatch({ ...effect, body: { type, ...body } })
      : await made.reconcile({ ...effect, body: { type, ...body } });
  return { outcome, told: told[0], caused: causes[0], sent, steps, watching: listeners.size };
}

test("each answer of a gateway is kept as what it means, with the instant of the next try", async () => {
  // Somebody who may stand in takes only what the agent certainly does not have.
  const after = async (answer: DispatchAnswer, hasStandIn = true) => {
    const { told } = await performed("dispatch", { answer, hasStandIn });
    if (told?.type === "deferred") return [told.reason, told.untilAt - NOW];
    return told?.type === "reroute" ? [told.type, told.to] : [told?.type];
  };
  const again = { kind: "again", text: "later" } as const;
  assert.deepEqual(await after({ kind: "accepted" }), ["dispatched"]);
  assert.deepEqual(await after({ kind: "final", status: 400, text: "no" }), ["refused"]);
  assert.deepEqual(await after({ kind: "ambiguous", text: "no answer" }), ["uncertain"]);
  assert.deepEqual(await after({ ...again, reason: "agent_busy" }), ["agent_busy", 1000]);
  assert.deepEqual(await after({ ...again, reason: "rate_limited", afterMs: 90_000 }), [
    "rate_limited",
    90_000,
  ]);
  assert.deepEqual(await after({ ...again, reason: "agent_down" }), ["reroute", "manager"]);
  assert.deepEqual(await after({ kind: "unauthorized", text: "no" }), ["reroute", "manager"]);
  assert.deepEqual(await after({ ...again, reason: "agent_down" }, false), ["agent_down", 1000]);
  assert.deepEqual(await after({ kind: "unauthorized", text: "no" }, false), ["agent_unauthorized", 30_000]);
});

test("a gateway that says when is asked then; one that says at once is asked after our own wait, which grows", async () => {
  const waitedAfter = async (afterMs: number, deferrals: number) => {
    const before = {
      type: "deferred",
      attempt: 1,
      at: 2000,
      untilAt: 2000,
      text: "later",
      again: false,
    } as const;
    const { told } = await performed("dispatch", {
      answer: { kind: "again", reason: "rate_limited", text: "later", afterMs },
      inputs: Array.from({ length: deferrals }, () => ({ ...before, reason: "rate_limited" }) as const),
    });
    return told?.type === "deferred" && told.untilAt - NOW;
  };
  assert.deepEqual([await waitedAfter(1000, 3), await waitedAfter(90_000, 0)], [1000, 90_000]);
  assert.deepEqual(
    [await waitedAfter(0, 0), await waitedAfter(999, 1), await waitedAfter(0, 3)],
    [1000, 2000, 8000],
  );
});

test("an agent that hands in before or just after its gateway answers ends the request with its handoff alone", async () => {
  const at = NOW;
  const source = { path: "/in/orch-1.json", digest: "d", attempt: 1 };
  const seen = { type: "handoff.seen", at, source, verdict: "accepted", problems: [] } as const;
  const settled = { type: "delegation.settled", at, status: "succeeded", problems: [] } as const;
  const toldAfter = async (events: readonly DelegationEvent[]) => {
    const told = [];
    for (const written of [{ before: events }, { after: events }]) {
      const made = await performed("dispatch", { written });
      assert.deepEqual([made.outcome, made.watching], [{ kind: "recorded" }, 0]);
      told.push(made.told?.type ?? "nothing");
    }
    return told;
  };
  assert.deepEqual(await toldAfter([seen, settled]), ["nothing", "nothing"]);
  const answered = ["dispatched", "dispatched"];
  assert.deepEqual(await toldAfter([settled]), answered, "a cancel leaves the agent at work");
  const earlier = { ...seen, source: { ...source, attempt: 0 } };
  assert.deepEqual(await toldAfter([earlier, settled]), answered, "so does the result of an earlier attempt");
  assert.deepEqual(await toldAfter([{ ...seen, verdict: "rejected" }]), answered, "it may still mend it");
  assert.deepEqual(await toldAfter([]), answered);
  const refused = { kind: "final", status: 400, text: "no" } as const;
  const { told } = await performed("dispatch", { answer: refused, written: { before: [seen, settled] } });
  assert.equal(told?.type, "refused", "only what was accepted waits for its handoff");
  const twice = await performed("dispatch", { again: true, written: { before: [seen, settled] } });
  assert.equal(twice.told?.type, "dispatched", "that it was sent twice is kept");
});

test("what became of a request is kept with the effect that sent it, which is over with it", async () => {
  const { caused, sent } = await performed("dispatch");
  assert.deepEqual([sent[0]?.name, sent[0]?.idempotencyKey], ["HQ orch-1", "orch-1#1"]);
  assert.deepEqual(caused, { cause: "e", settles: [{ id: "e", outcome: "dispatched" }] });
});

test("a request without a clear end was sent when it began; the second one in a row is looked into after a while", async () => {
  const answer = { kind: "ambiguous", text: "the connection was reset" } as const;
  const uncertain = { type: "uncertain", attempt: 1, text: answer.text } as const;
  const after = { at: NOW + 20_000, sentAt: NOW };
  const first = await performed("dispatch", { answer, tookMs: 20_000 });
  assert.deepEqual(first.told, { ...uncertain, ...after, lookAt: NOW + 20_000 });
  const second = await performed("dispatch", { answer, tookMs: 20_000, again: true });
  assert.deepEqual(second.told, { ...uncertain, ...after, lookAt: NOW + 25_000 });
});

test("what a dead supervisor had begun to send is looked into before anything is sent", async () => {
  const { told, sent } = await performed("dispatch", { begunBefore: SENT_AT });
  const text = "the supervisor stopped while it was sending; looking whether the agent got it";
  assert.deepEqual(told, { type: "uncertain", attempt: 1, at: NOW, lookAt: NOW, sentAt: SENT_AT, text });
  assert.deepEqual(sent, []);
});

test("work of an agent that was taken out of the file goes to another one, or is refused with the reason", async () => {
  const after = (hasStandIn: boolean, inputs: readonly DelegationInput[] = []) =>
    performed("dispatch", { order: { agent: "herald" }, agent: "herald", hasStandIn, inputs });
  const text = "herald is no longer in config/agents.yaml";
  const { told, sent } = await after(false);
  assert.deepEqual([told, sent], [{ type: "refused", attempt: 1, at: NOW, text }, []]);
  const moved = await after(true);
  const why = `${text}; manager is free`;
  const reroute = { type: "reroute", attempt: 1, at: NOW, from: "herald", to: "manager", why };
  assert.deepEqual([moved.told, moved.sent], [reroute, []]);
  const doubt = { type: "uncertain", attempt: 1, at: NOW, sentAt: NOW, lookAt: NOW, text: "reset" } as const;
  const { told: last } = await after(false, [doubt]);
  assert.equal(
    last?.type === "refused" && last.text,
    `${text}; it may have had the work, and gave nothing back`,
  );
});

test("what went to another agent while the first one had no room is not sent to the first one", async () => {
  const inputs = [
    { type: "reroute", attempt: 1, at: 2000, from: "webster", to: "manager", why: "webster is down" },
  ] as const;
  const { outcome, sent, told } = await performed("dispatch", { inputs });
  assert.deepEqual([outcome, sent, told], [{ kind: "done", outcome: "manager has it now" }, [], undefined]);
  assert.equal((await performed("dispatch", { inputs, agent: "manager" })).sent[0]?.agent.id, "manager");
});

test("before anything is sent once more, what the last sending brought is looked for", async () => {
  assert.deepEqual((await performed("dispatch")).steps, ["read", "expect orch-1"]);
  const { steps } = await performed("dispatch", { again: true });
  assert.deepEqual(steps, ["look for orch-1", "read", "expect orch-1"]);
});

test("what is with its agent is sent once more only when it is lost", async () => {
  const taken = { type: "dispatched", attempt: 1, at: SENT_AT, sentAt: SENT_AT, again: false } as const;
  const lost = { type: "lost", attempt: 1, at: NOW, takenAt: SENT_AT, text: "restarted" } as const;
  const { outcome, sent, told } = await performed("dispatch", { inputs: [taken] });
  const left = { kind: "done", outcome: "it is with its agent already" };
  assert.deepEqual([outcome, sent, told], [left, [], undefined]);
  assert.equal((await performed("dispatch", { inputs: [taken, lost], again: true })).sent.length, 1);
});

test("who may be taken for gone sends nothing, also when that came about while it wrote the prompt", async () => {
  for (const lives of [[undefined], [1, 2], [1, undefined]])
    await assert.rejects(performed("dispatch", { lives }), /others may have orch-1 by now/);
  assert.equal((await performed("dispatch", { lives: [3, 3] })).sent.length, 1);
});

test("a prompt that is refused ends the attempt with the reason; any other error is one", async () => {
  const fails = (error: Error) =>
    performed("dispatch", {
      promptFor: () => {
        throw error;
      },
    });
  const { told, sent } = await fails(new Refusal("too_large", "The task is too large."));
  assert.deepEqual([told?.type, told && "text" in told && told.text], ["refused", "The task is too large."]);
  assert.equal(sent.length, 0);
  await assert.rejects(fails(new TypeError("a bug")), /a bug/);
});

test("a doubt is looked into after the folder was, and sends again only with a proof or after the grace", async () => {
  const look = async (health: Partial<AgentHealth>, at = NOW) => {
    const { outcome, told, steps } = await performed("reconcile", { health, at });
    assert.deepEqual(steps, ["sweep", "read", "expect orch-1", "probe"]);
    return told ? told.type : outcome.kind === "again" && outcome.dueAt - at;
  };
  assert.equal(await look({ state: "down" }), "lost");
  assert.equal(await look({ uptimeMs: 9000 }), "lost", "it began after we had sent");
  assert.equal(await look({ uptimeMs: 11_000 }), 5000, "it has run since before we sent");
  assert.equal(await look({}), 5000);
  assert.equal(await look({ uptimeMs: 10_000 }), 5000, "it may have begun just before we sent");
  assert.equal(await look({ state: "unauthorized" }), 5000);
  assert.equal(await look({ state: "unknown" }), 5000, "nobody could ask it");
  assert.equal(await look({ idempotent: true }), "lost", "the same key is the same work there");
  assert.equal(await look({}, SENT_AT + 58_000), 2000, "no later than the end of the grace");
  assert.equal(await look({}, SENT_AT + 60_000), "lost");
});

test("what only did not answer in time is no proof that nothing is under way there", async () => {
  const { outcome, told } = await performed("reconcile", { health: { state: "down", isDoubtful: true } });
  assert.deepEqual([outcome.kind, told], ["again", undefined]);
});

test("what changed after the sending leaves no proof, and nobody is asked; the grace is waited for", async () => {
  const health = { idempotent: true, uptimeMs: 0 };
  const look = (changedAt: number, at = NOW) => performed("reconcile", { health, changedAt, at });
  const { outcome, told, steps } = await look(SENT_AT + 1);
  const again = { kind: "again", dueAt: NOW + 5000, reason: "still in doubt" };
  assert.deepEqual([outcome, told, steps], [again, undefined, ["sweep", "read", "expect orch-1"]]);
  assert.equal((await look(SENT_AT + 1, SENT_AT + 60_000)).told?.type, "lost");
  assert.equal((await look(SENT_AT)).told?.type, "lost", "what held before it still holds");
});

test("what was taken is kept with the address of who took it, except for samples, which move each time", async () => {
  const takenBy = async (sample: boolean) => {
    const { told } = await performed("dispatch", { cards: [cardOf("webster", { sample })] });
    return told?.type === "dispatched" && told.sentTo;
  };
  assert.deepEqual([await takenBy(false), await takenBy(true)], ["http://127.0.0.1:9", undefined]);
});

test("what is over, tried anew or acknowledged is not in doubt any more, and nobody is asked", async () => {
  const at = NOW - 1;
  const ways: readonly DelegationInput[] = [
    { type: "cancel", at, actor: { kind: "operator" } },
    { type: "dispatched", attempt: 1, at, again: false },
    {
      type: "bad-handoff",
      at,
      source: { path: "/in/a.json", digest: "d", attempt: 1 },
      problems: [{ path: "", message: "is no JSON" }],
    },
  ];
  for (const input of ways) {
    const { outcome, told, steps } = await performed("reconcile", {
      inputs: [input],
      health: { state: "down" },
    });
    assert.deepEqual([outcome, told], [{ kind: "done", outcome: "no longer in doubt" }, undefined]);
    assert.deepEqual(steps, ["sweep", "read"]);
  }
});

test("why an attempt in doubt is sent again is kept with it", async () => {
  const textFor = async (health: Partial<AgentHealth>, at = NOW) => {
    const { told } = await performed("reconcile", { health, at });
    return told?.type === "lost" && told.text;
  };
  assert.equal(await textFor({ state: "down" }), "the gateway is not running, so nothing is under way there");
  assert.equal(
    await textFor({ uptimeMs: 9000 }),
    "the gateway restarted since, and forgot what it was doing",
  );
  assert.equal(await textFor({ idempotent: true }), "the gateway knows the key again if it had the work");
  assert.equal(await textFor({}, SENT_AT + 60_000), "nothing came back within the grace");
});

test("of an agent that was taken out of the file nobody is asked about a doubt: that is told once, and it has its time", async () => {
  const order = { agent: "herald", timeoutMs: 30_000 };
  const look = async (at: number, inputs: readonly DelegationInput[] = []) => {
    const { outcome, told, steps } = await performed("reconcile", { order, agent: "herald", at, inputs });
    assert.deepEqual(steps, ["sweep", "read", "expect orch-1"]);
    return { outcome, told };
  };
  const { told } = await look(NOW);
  const text =
    "herald is no longer in config/agents.yaml, so nobody can ask it whether it got the work; it may still hand it in";
  const doubt = {
    type: "uncertain",
    attempt: 1,
    at: NOW,
    sentAt: SENT_AT,
    lookAt: NOW + 5000,
    text,
  } as const;
  assert.deepEqual(told, doubt);
  const later = await look(SENT_AT + 28_000, [doubt]);
  const again = { kind: "again", dueAt: SENT_AT + 30_000, reason: "still in doubt" };
  assert.deepEqual([later.outcome, later.told], [again, undefined], "no later than the end of its time");
  const { told: last } = await look(SENT_AT + 30_000, [doubt]);
  assert.deepEqual(last, {
    type: "lost",
    attempt: 1,
    at: SENT_AT + 30_000,
    text: "nothing came back within its time, and herald is no longer in config/agents.yaml",
  });
});

test("what goes to another agent says what the first one lacks", async () => {
  const whyAfter = async (answer: DispatchAnswer) => {
    const { told } = await performed("dispatch", { answer });
    return told?.type === "reroute" && told.why;
  };
  const unauthorized = { kind: "unauthorized", text: "401" } as const;
  const down = { kind: "again", reason: "agent_down", text: "refused" } as const;
  assert.equal(await whyAfter(unauthorized), "webster refuses our token; manager is free");
  assert.equal(await whyAfter(down), "webster is down; manager is free");
});

test("what was taken is kept with the gateway's own id, and whether it was sent once more", async () => {
  const { told, sent } = await performed("dispatch", {
    order: { thinking: "high" },
    again: true,
    answer: { kind: "accepted", agentRunId: "r-1" },
  });
  assert.deepEqual(told, { type: "dispatched", attempt: 1, at: NOW, again: true, agentRunId: "r-1" });
  assert.equal(sent[0]?.thinking, "high");
});

test("a gateway keeps a conversation only for a session that lasts", async () => {
  const sessionOf = async (persistent: boolean) => {
    const session = { id: "s-1", turn: 1, persistent } as unknown as NonNullable<Order["session"]>;
    const { sent } = await performed("dispatch", { order: { session } });
    return sent[0]?.session;
  };
  assert.deepEqual([await sessionOf(true), await sessionOf(false)], ["s-1", undefined]);
});
