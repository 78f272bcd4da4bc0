import assert from "node:assert/strict";
import test from "node:test";
import { DEFAULT_ACL } from "../../src/domain/acl.ts";
import { type AgentCard, createRegistry } from "../../src/domain/agent-card.ts";
import { createShareOut } from "../../src/engine/share-out.ts";
import { cardOf, handoffOf } from "../support/core.ts";
import {
  type Core,
  callOf,
  inOrchestra,
  LETTERED,
  operator,
  refusalIn,
  withOrchestra,
} from "../support/orchestra.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const DOWN = { kind: "again", reason: "agent_down", text: "connection refused" } as const;
const BROKEN = { kind: "again", reason: "agent_busy", text: "webster: it answered 500" } as const;
const REFUSED = { kind: "unauthorized", text: "auditor: it refused our token (401)" } as const;

test("a payload becomes one ordinary delegation for each instance, and the answer has their order", async () => {
  await inOrchestra(async (core) => {
    const { shares, repeated } = await core.verbs.orchestrator.call(
      operator,
      callOf({ instances: ["H,B", "A"], payload: { task: "Find it", unit: "ppm/K" } }),
    );
    assert.equal(repeated, false);
    assert.deepEqual(
      shares.map(({ instance, agent, status, result }) => [instance, agent, status, result]),
      [
        ["H", "webster", "ok", "webster says hello"],
        ["B", "tech-lead", "ok", "tech-lead says hello"],
        ["A", "manager", "ok", "manager says hello"],
      ],
    );
    const view = await core.verbs.delegation(shares[0]?.delegation ?? "");
    assert.deepEqual([view.objective, view.deliver, view.caller], ["Find it", false, "operator"]);
    assert.match(core.sent[0]?.message ?? "", /payload\.json[\s\S]*ppm\/K/);
  });
});

test("of eight instances one is silent, one answers 500, one 401: the aggregate comes in time and is honest", async () => {
  const behave = (agent: string) => {
    if (agent === "webster") return BROKEN;
    if (agent === "auditor") return REFUSED;
    return agent === "secretary" ? "silent" : "work";
  };
  await inOrchestra(
    async (core) => {
      const startedAt = performance.now();
      const { shares } = await core.verbs.orchestrator.call(operator, callOf({ timeoutMs: 400 }));
      assert.ok(performance.now() - startedAt < 2000);
      assert.deepEqual(
        shares.map(({ instance, status, open }) => [instance, status, open ?? false]),
        [
          ["A", "ok", false],
          ["B", "ok", false],
          ["C", "timeout", true],
          ["D", "unauthorized", true],
          ["E", "ok", false],
          ["F", "ok", false],
          ["G", "ok", false],
          ["H", "not_taken", true],
        ],
      );
      assert.match(shares[7]?.error?.message ?? "", /500/);
      const late = shares[2]?.delegation ?? "";
      await core.hand(late, {
        schemaVersion: "1.0",
        runId: late,
        agent: "secretary",
        status: "complete",
        result: "late",
      });
      assert.equal(
        (await core.verbs.delegation(late)).handoff?.result,
        "late",
        "what is late is read by its id",
      );
    },
    { behave },
  );
});

test("whoever is known to refuse our token is a line among others; alone it is a refusal", async () => {
  await inOrchestra(
    async (core) => {
      const { shares } = await core.verbs.orchestrator.call(operator, callOf({ instances: ["C-D"] }));
      assert.deepEqual(
        shares.map(({ status }) => status),
        ["ok", "unauthorized"],
      );
      const one = core.verbs.orchestrator.call(operator, callOf({ instances: ["D"] }));
      assert.equal((await refusalIn(one)).code, "agent_unauthorized");
    },
    { more: { condition: (agent) => (agent === "auditor" ? "unauthorized" : "up") } },
  );
});

test("each instance is tried as often as was asked for, and a call answers its own asker alone", async () => {
  await inOrchestra(async (core) => {
    const key = { scope: "rest", key: "k" };
    const request = callOf({ instances: ["A"], retries: 3, key });
    const { shares } = await core.verbs.orchestrator.call(operator, request);
    const { maxAttempts } = await core.verbs.delegation(shares[0]?.delegation ?? "");
    assert.equal(maxAttempts, 4);
    const other = { kind: "agent", id: "manager" } as const;
    const refused = await refusalIn(core.verbs.orchestrator.call(other, request));
    assert.equal(refused.code, "key_reused");
  });
});

test("whoever asked and is gone is waited for no longer", async () => {
  await inOrchestra(
    async (core) => {
      const request = callOf({ instances: ["A"], timeoutMs: 3_600_000 });
      const answer = core.verbs.orchestrator.call(operator, request, AbortSignal.abort());
      const { shares } = await answer;
      assert.deepEqual([shares[0]?.status, shares[0]?.open], ["timeout", true]);
    },
    { behave: () => "silent" },
  );
});

test("whoever refuses our token is not waited for", async () => {
  await inOrchestra(
    async (core) => {
      const { shares } = await core.verbs.orchestrator.call(
        operator,
        callOf({ instances: ["D"], timeoutMs: 3_600_000 }),
      );
      assert.deepEqual([shares[0]?.status, shares[0]?.open], ["unauthorized", true]);
    },
    { behave: () => REFUSED },
  );
});

test("a time limit of 0 hands over and waits for nothing", async () => {
  await inOrchestra(
    async (core) => {
      const { shares } = await core.verbs.orchestrator.call(
        operator,
        callOf({ instances: ["A", "B"], timeoutMs: 0 }),
      );
      assert.deepEqual(
        shares.map(({ status, error }) => [status, error]),
        [
          ["accepted", undefined],
          ["accepted", undefined],
        ],
      );
      await core.until(shares[1]?.delegation ?? "", "delegation.queued");
    },
    { behave: () => "silent" },
  );
});

test("the same key means the same delegations, whatever the time limit; other content is refused", async () => {
  await inOrchestra(async (core) => {
    const key = { scope: "rest", key: "k1" };
    const asked = callOf({ instances: ["A", "B"], key });
    const first = await core.verbs.orchestrator.call(operator, asked);
    const again = await core.verbs.orchestrator.call(operator, { ...asked, timeoutMs: 20_000 });
    assert.deepEqual([first.repeated, again.repeated], [false, true]);
    assert.deepEqual(
      again.shares.map(({ delegation }) => delegation),
      first.shares.map(({ delegation }) => delegation),
    );
    assert.equal(core.sent.length, 2);
    for (const other of [
      { instances: ["A", "C"] },
      { payload: { task: "other" } },
      { mode: "one" as const },
    ]) {
      const { code } = await refusalIn(core.verbs.orchestrator.call(operator, { ...asked, ...other }));
      assert.equal(code, "key_reused");
    }
    const both = await Promise.all([
      core.verbs.orchestrator.call(operator, { ...asked, key: { scope: "rest", key: "k2" } }),
      core.verbs.orchestrator.call(operator, { ...asked, key: { scope: "rest", key: "k2" } }),
    ]);
    assert.equal(core.sent.length, 4, "asked at the same moment, it is one call too");
    assert.deepEqual(both.map(({ repeated }) => repeated).toSorted(), [false, true]);
  });
});

test("after a crash between the choice and the delegations the same key makes what is missing, and nothing twice", async () => {
  using folder = temporaryFolder();
  const key = { scope: "rest", key: "night" };
  let isDead = false;
  await withOrchestra(
    folder.path,
    async (core) => {
      await assert.rejects(
        core.verbs.orchestrator.call(operator, callOf({ instances: ["A-C"], key })),
        /died/,
      );
    },
    {
      more: {
        // The first commit is the choice; everything after it is lost with the process.
        crash: (point) => {
          if (point === "accept:committed") isDead = true;
          if (isDead && point === "accept:decided") throw new Error("died");
        },
      },
    },
  );
  const later = async (core: Core) => {
    const { shares, repeated } = await core.verbs.orchestrator.call(
      operator,
      callOf({ instances: ["A-C"], key }),
    );
    assert.equal(repeated, true);
    assert.deepEqual(
      shares.map(({ status }) => status),
      ["ok", "ok", "ok"],
    );
    const { items } = await core.verbs.delegations({ limit: 50 });
    assert.equal(items.length, 3);
  };
  await withOrchestra(folder.path, later, { at: 1_000_000_100_000 });
});

for (const [what, change] of [
  ["stand for one another", swapped],
  ["are somebody's no more", (cards: readonly AgentCard[]) => cards.filter(({ id }) => id !== "tech-lead")],
] as const) {
  test(`asked again under its key when its words ${what}, a call is answered by those who were asked`, async () => {
    await inOrchestra(
      async (core) => {
        const asked = callOf({ instances: ["A", "B"], key: { scope: "rest", key: "k" }, timeoutMs: 0 });
        const { shares: first } = await core.verbs.orchestrator.call(operator, asked);
        for (const { delegation = "" } of first) await core.until(delegation, "attempt.dispatched");
        Object.assign(core.config, { registry: createRegistry(change(LETTERED)) });
        for (const { agent, delegation: run = "" } of first)
          await core.hand(run, handoffOf(run, { agent, result: `${agent} says hello` }));
        const again = await core.verbs.orchestrator.call(operator, { ...asked, timeoutMs: 10_000 });
        assert.equal(again.repeated, true);
        assert.deepEqual(
          again.shares.map(({ instance, agent, result, delegation }) => [
            instance,
            agent,
            result,
            delegation,
          ]),
          first.map(({ instance, agent, delegation }) => [
            instance,
            agent,
            `${agent} says hello`,
            delegation,
          ]),
        );
        assert.equal(core.sent.length, 2);
        const other = { ...asked, payload: { task: "other" }, instances: ["A"] };
        assert.equal((await refusalIn(core.verbs.orchestrator.call(operator, other))).code, "key_reused");
      },
      { behave: () => "silent" },
    );
  });
}

/** A and B change places. */
function swapped(cards: readonly AgentCard[]): readonly AgentCard[] {
  const other: Readonly<Record<string, string>> = { A: "B", B: "A" };
  return cards.map((card) => ({ ...card, letter: other[card.letter ?? ""] ?? card.letter ?? "" }));
}

test("of a call that was killed before all was begun, whoever has left the file since is a line among others", async () => {
  using folder = temporaryFolder();
  const asked = callOf({ instances: ["A-C"], key: { scope: "rest", key: "night" } });
  let commits = 0;
  await withOrchestra(
    folder.path,
    (core) => assert.rejects(core.verbs.orchestrator.call(operator, asked), /died/),
    {
      more: {
        // The choice alone is kept.
        crash: (point) => {
          if (point === "accept:committed") commits++;
          if (commits > 0 && point === "accept:decided") throw new Error("died");
        },
      },
    },
  );
  await withOrchestra(
    folder.path,
    async (core) => {
      const { shares } = await core.verbs.orchestrator.call(operator, asked);
      assert.deepEqual(
        shares.map(({ instance, status, error }) => [instance, status, error?.code]),
        [
          ["A", "ok", undefined],
          ["B", "refused", "unknown_agent"],
          ["C", "ok", undefined],
        ],
      );
    },
    { cards: LETTERED.filter(({ id }) => id !== "tech-lead"), at: 1_000_000_100_000 },
  );
});

test("a single instance that is down is a refusal that names it; among others it is a line", async () => {
  await inOrchestra(
    async (core) => {
      const alone = await refusalIn(core.verbs.orchestrator.call(operator, callOf({ instances: ["B"] })));
      assert.deepEqual([alone.code, alone.instance], ["agent_down", "B"]);
      assert.equal(alone.hint, "Start it, or let another one do it (reroute).", "a call has no other way");
      const { shares } = await core.verbs.orchestrator.call(operator, callOf({ instances: ["A", "B"] }));
      assert.deepEqual(
        shares.map(({ status, delegation }) => [status, delegation !== undefined]),
        [
          ["ok", true],
          ["instance_down", false],
        ],
      );
      assert.equal(core.sent.length, 1, "nothing was sent to the one that is down");
    },
    { more: { condition: (agent) => (agent === "tech-lead" ? "down" : "up") } },
  );
});

test("with retries an instance that is down is looked at again before it counts as down", async () => {
  let looks = 0;
  await inOrchestra(
    async (core) => {
      const { shares } = await core.verbs.orchestrator.call(
        operator,
        callOf({ instances: ["B"], retries: 3 }),
      );
      assert.equal(shares[0]?.status, "ok");
      assert.ok(looks >= 2);
    },
    { more: { condition: () => (++looks > 2 ? "up" : "down") } },
  );
});

test("with rerouting a healthy agent that can do the same has it, and the answer says so", async () => {
  const cards = LETTERED.map((card) =>
    ["webster", "auditor"].includes(card.id) ? { ...card, capabilities: ["materials"] } : card,
  );
  await inOrchestra(
    async (core) => {
      const { shares } = await core.verbs.orchestrator.call(
        operator,
        callOf({ instances: ["H"], reroute: true }),
      );
      const [share] = shares;
      assert.deepEqual([share?.instance, share?.agent, share?.status], ["H", "auditor", "ok"]);
      assert.equal(share?.rerouted?.from, "webster");
      const none = await refusalIn(
        core.verbs.orchestrator.call(operator, callOf({ instances: ["A"], reroute: true })),
      );
      assert.equal(none.code, "agent_down");
    },
    { cards, more: { condition: (agent) => (agent === "auditor" ? "up" : "down") } },
  );
});

test("an agent that goes down after it was looked at is rerouted too, and the answer says from whom", async () => {
  const cards = LETTERED.map((card) => ({ ...card, capabilities: ["materials"] }));
  await inOrchestra(
    async (core) => {
      const { shares } = await core.verbs.orchestrator.call(
        operator,
        callOf({ instances: ["H"], reroute: true }),
      );
      assert.equal(shares[0]?.status, "ok");
      assert.equal(shares[0]?.rerouted?.from, "webster");
      assert.notEqual(shares[0]?.agent, "webster");
    },
    { cards, behave: (agent) => (agent === "webster" ? DOWN : "work") },
  );
});

test("`one` is the first healthy instance of the list; when there is none, the refusal says what each lacks", async () => {
  await inOrchestra(
    async (core) => {
      const { shares } = await core.verbs.orchestrator.call(
        operator,
        callOf({ instances: ["B-D"], mode: "one" }),
      );
      assert.deepEqual(
        shares.map(({ instance, status }) => [instance, status]),
        [["D", "ok"]],
      );
      const none = await refusalIn(
        core.verbs.orchestrator.call(operator, callOf({ instances: ["B,C"], mode: "one" })),
      );
      assert.equal(none.code, "agent_down");
      assert.match(none.hint ?? "", /tech-lead is down.*secretary is down/);
    },
    { more: { condition: (agent) => (agent === "auditor" ? "up" : "down") } },
  );
});

test("balance: 800 calls over eight equal agents give each of them 100, also over a restart", async () => {
  using folder = temporaryFolder();
  const counts = new Map<string, number>();
  const run = (calls: number, at: number) =>
    withOrchestra(
      folder.path,
      async (core) => {
        for (let left = calls; left > 0; left -= 50) {
          await Promise.all(
            Array.from({ length: Math.min(50, left) }, async () => {
              core.pass(1);
              const { shares } = await core.verbs.orchestrator.call(operator, callOf({ mode: "balance" }));
              const agent = shares[0]?.agent ?? "nobody";
              counts.set(agent, (counts.get(agent) ?? 0) + 1);
            }),
          );
        }
      },
      { at },
    );
  await run(400, 1_000_000_000_000);
  await run(400, 1_000_000_100_000);
  assert.equal(counts.size, 8);
  for (const [agent, count] of counts) assert.ok(Math.abs(count - 100) <= 5, `${agent} has ${count}`);
});

test("balance: the turns go on after a restart where they were", async () => {
  using folder = temporaryFolder();
  const asked = callOf({ instances: ["A-C"], mode: "balance" });
  const agents: string[] = [];
  for (const at of [1_000_000_000_000, 1_000_000_100_000, 1_000_000_200_000, 1_000_000_300_000]) {
    const turn = async (core: Core) => {
      const { shares } = await core.verbs.orchestrator.call(operator, asked);
      agents.push(shares[0]?.agent ?? "nobody");
    };
    await withOrchestra(folder.path, turn, { at });
  }
  assert.deepEqual(agents, ["manager", "tech-lead", "secretary", "manager"]);
});

test("balance: calls at the same moment count for each other, so that whoever is behind catches up and no more", async () => {
  await inOrchestra(
    async (core) => {
      const work = { agent: "A", objective: "x", origin: { door: "rest" } } as const;
      for (let n = 0; n < 3; n++) await core.verbs.delegate(operator, work);
      const asked = callOf({ instances: ["A,B"], mode: "balance", timeoutMs: 0 });
      const calls = await Promise.all(
        Array.from({ length: 7 }, () => core.verbs.orchestrator.call(operator, asked)),
      );
      const ofLead = calls.filter(({ shares }) => shares[0]?.agent === "tech-lead").length;
      // Both have five then; a call on its way into the ledger may count twice.
      assert.ok(ofLead >= 4 && ofLead <= 6, `tech-lead got ${ofLead} of 7`);
    },
    { behave: () => "silent" },
  );
});

test("balance: a call that is waited for counts once, as any other work", async () => {
  await inOrchestra(
    async (core) => {
      const gone = new AbortController();
      const waited = callOf({ instances: ["A"], mode: "balance", timeoutMs: 3_600_000 });
      const calls = [1, 2].map(() => core.verbs.orchestrator.call(operator, waited, gone.signal));
      while ((await core.verbs.delegations({ agent: "manager" })).items.length < 2)
        await new Promise(setImmediate);
      const work = { agent: "B", objective: "x", origin: { door: "rest" } } as const;
      for (let n = 0; n < 3; n++) await core.verbs.delegate(operator, work);
      const asked = callOf({ instances: ["A,B"], mode: "balance", timeoutMs: 0 });
      const { shares } = await core.verbs.orchestrator.call(operator, asked);
      assert.equal(shares[0]?.agent, "manager", "two are fewer than three");
      gone.abort();
      await Promise.all(calls);
    },
    { behave: () => "silent" },
  );
});

test("balance: a call that the ledger did not take makes nobody busy", async () => {
  let fails = 3;
  await inOrchestra(
    async (core) => {
      const asked = callOf({ instances: ["A,B"], mode: "balance" });
      const ofOne = callOf({ instances: ["A"], mode: "balance" });
      while (fails > 0)
        await assert.rejects(core.verbs.orchestrator.call(operator, ofOne), /the disk is full/);
      const agents: (string | undefined)[] = [];
      for (let calls = 0; calls < 4; calls++)
        agents.push((await core.verbs.orchestrator.call(operator, asked)).shares[0]?.agent);
      assert.deepEqual(agents, ["tech-lead", "manager", "tech-lead", "manager"]);
    },
    {
      more: {
        crash: (point) => {
          if (point === "accept:decided" && fails-- > 0) throw new Error("the disk is full");
        },
      },
    },
  );
});

test("balance: a call that is asked twice at once under its key makes nobody busy for good", async () => {
  await inOrchestra(async (core) => {
    for (const key of ["one", "two", "three"]) {
      const ofOne = callOf({ instances: ["A"], mode: "balance", key: { scope: "test", key } });
      const both = [1, 2].map(() => core.verbs.orchestrator.call(operator, ofOne));
      const repeated = (await Promise.all(both)).filter((answer) => answer.repeated);
      assert.equal(repeated.length, 1);
    }
    const asked = callOf({ instances: ["A,B"], mode: "balance" });
    const agents: (string | undefined)[] = [];
    for (let calls = 0; calls < 4; calls++)
      agents.push((await core.verbs.orchestrator.call(operator, asked)).shares[0]?.agent);
    assert.deepEqual(agents, ["tech-lead", "manager", "tech-lead", "manager"]);
  });
});

test("balance passes over whoever is down, refuses our token, is busy or may not be asked", async () => {
  const conditions = new Map([
    ["webster", "down"],
    ["nx-expert", "unauthorized"],
  ] as const);
  await inOrchestra(
    async (core) => {
      const busy = await core.verbs.delegate(operator, {
        agent: "B",
        objective: "x",
        origin: { door: "rest" },
      });
      await core.until(busy.delegation.id, "attempt.dispatched");
      const asked = callOf({ instances: ["B", "F-H"], mode: "balance", timeoutMs: 0 });
      const { shares } = await core.verbs.orchestrator.call(operator, asked);
      assert.equal(shares[0]?.agent, "study-builder");
      const optimizer = { kind: "agent", id: "optimizer" } as const;
      const own = await core.verbs.orchestrator.call(optimizer, { ...asked, instances: ["B-D", "F"] });
      assert.equal(own.shares[0]?.agent, "secretary", "optimizer may ask neither tech-lead nor auditor");
      const none = await refusalIn(
        core.verbs.orchestrator.call(optimizer, { ...asked, instances: ["B", "D"] }),
      );
      assert.equal(none.code, "not_allowed");
    },
    {
      behave: () => "silent",
      more: { condition: (agent) => conditions.get(agent as "webster") ?? "up" },
    },
  );
});

test("an agent that is drained counts as down: it is passed over, and by its name it is refused", async () => {
  await inOrchestra(async (core) => {
    await core.verbs.drainAgent(operator, "G", "new model");
    for (const mode of ["one", "balance"] as const) {
      const { shares } = await core.verbs.orchestrator.call(operator, callOf({ instances: ["G,H"], mode }));
      assert.equal(shares[0]?.agent, "webster", mode);
    }
    const { shares } = await core.verbs.orchestrator.call(operator, callOf({ instances: ["G,H"] }));
    assert.deepEqual(
      shares.map(({ status }) => status),
      ["instance_draining", "ok"],
    );
    assert.match(shares[0]?.error?.message ?? "", /ends that; or let another one do it \(reroute\)\.$/);
    const [state] = await core.verbs.orchestrator.instances(["G"]);
    assert.deepEqual([state?.status, state?.state], ["down", "draining"]);
  });
});

test("the matrix binds agents: a forbidden instance is a line, alone it is a refusal", async () => {
  const lead = { kind: "agent", id: "tech-lead" } as const;
  await inOrchestra(async (core) => {
    const { shares } = await core.verbs.orchestrator.call(lead, callOf({ instances: ["H", "D"] }));
    assert.deepEqual(
      shares.map(({ status, error }) => [status, error?.code]),
      [
        ["ok", undefined],
        ["refused", "not_allowed"],
      ],
    );
    const alone = await refusalIn(core.verbs.orchestrator.call(lead, callOf({ instances: ["D"] })));
    assert.deepEqual([alone.code, alone.instance], ["not_allowed", "D"]);
    assert.equal(core.sent.length, 1);
  });
});

test("what an agent asks of several with its run's token is a part of that run", async () => {
  await inOrchestra(
    async (core) => {
      const asked = { agent: "manager", objective: "x", origin: { door: "rest" } } as const;
      const { delegation } = await core.verbs.delegate(operator, asked);
      await core.until(delegation.id, "attempt.dispatched");
      const manager = { kind: "agent", id: "manager", run: delegation.id } as const;
      const { shares } = await core.verbs.orchestrator.call(manager, callOf({ instances: ["G,H"] }));
      for (const { delegation: part = "" } of shares)
        assert.equal((await core.verbs.delegation(part)).parent, delegation.id);
      const { token } = await core.verbs.orchestrator.sessions.spawn(manager, {
        sessionId: "s1",
        instance: "H",
      });
      const turn = { sessionId: "s1", token, data: { task: "x" }, timeoutMs: 5000 };
      const sent = await core.verbs.orchestrator.sessions.send(manager, { ...turn, origin: asked.origin });
      assert.equal((await core.verbs.delegation(sent.delegation)).parent, delegation.id);
      await core.verbs.cancel(operator, delegation.id);
      const over = await refusalIn(core.verbs.orchestrator.call(manager, callOf({ instances: ["G,H"] })));
      assert.equal(over.code, "already_settled");
    },
    { behave: (agent) => (agent === "manager" ? "silent" : "work") },
  );
});

test("everything was stopped: no call begins", async () => {
  await inOrchestra(async (core) => {
    await core.hold.put(operator);
    const { code } = await refusalIn(core.verbs.orchestrator.call(operator, callOf()));
    assert.equal(code, "held");
  });
});

test("health asks the gateways now, under the words asked for", async () => {
  await inOrchestra(
    async (core) => {
      const words = async (...asked: string[]) =>
        Object.fromEntries(
          (await core.verbs.orchestrator.instances(asked)).map(({ instance, status }) => [instance, status]),
        );
      assert.deepEqual(await words("A-C", "webster"), {
        A: "healthy",
        B: "down",
        C: "healthy",
        webster: "down",
      });
      assert.equal(Object.keys(await words()).join(""), "ABCDEFGH", "all when none is named");
      const [lead] = await core.verbs.orchestrator.instances(["B"]);
      assert.deepEqual([lead?.agent, lead?.state, lead?.text], ["tech-lead", "down", "connection refused"]);
    },
    {
      more: {
        condition: (agent) => (agent === "tech-lead" ? "down" : agent === "webster" ? "unauthorized" : "up"),
      },
    },
  );
});

test("a skill is registered once, and confirms a card without changing it", async () => {
  const cards = [cardOf("manager", { letter: "A", skills: ["orchestrator"] }), cardOf("webster")];
  await inOrchestra(
    async (core) => {
      const { register, skills } = core.verbs.orchestrator;
      const before = JSON.stringify(core.config.registry.agents);
      const first = await register(operator, { skillId: "orchestrator", instance: "A", version: "1" });
      assert.deepEqual(
        [first.card?.agent, first.skill.agents, first.skill.cards],
        ["manager", ["manager"], ["manager"]],
      );
      await register(operator, { skillId: "orchestrator", instance: "A", version: "1" });
      assert.equal((await core.verbs.history("skill-orchestrator")).length, 1);
      const unknown = await refusalIn(register(operator, { skillId: "x", instance: "nobody" }));
      assert.equal(unknown.code, "unknown_agent");
      const webster = { kind: "agent", id: "webster" } as const;
      const own = await register(webster, { skillId: "orchestrator" });
      assert.deepEqual(own.skill.agents, ["manager", "webster"]);
      const foreign = await refusalIn(register(webster, { skillId: "orchestrator", instance: "A" }));
      assert.equal(foreign.code, "not_allowed");
      assert.deepEqual(
        (await skills()).map(({ skillId }) => skillId),
        ["orchestrator"],
      );
      assert.equal(JSON.stringify(core.config.registry.agents), before);
    },
    { cards },
  );
});

test("balance: what was handed over counts until the ledger has it; who was not seen lately is looked at, and passed over", async () => {
  let checkedAt = 0;
  const looked: string[] = [];
  const { balanced } = createShareOut({
    ledger: { list: async () => ({ items: [] }) },
    agents: {
      health: () => ({ state: "up", text: "", checkedAt, since: 0 }),
      probe: async ({ id }) => {
        looked.push(id);
        return { state: id === "webster" ? "down" : "up", text: "", checkedAt, since: 0 };
      },
    },
    acl: () => DEFAULT_ACL,
    conditions: async () => () => undefined,
    now: () => 10_000,
  });
  const among = ["webster", "auditor"].map((id) => ({ word: id, card: cardOf(id) }));
  const take = async () => {
    const { instance, begun } = await balanced({ kind: "operator" }, among);
    return { agent: instance.card.id, begun };
  };
  assert.equal((await take()).agent, "auditor");
  assert.deepEqual(looked, ["webster", "auditor"]);
  checkedAt = 1;
  const first = await take();
  assert.equal(first.agent, "webster", "it is believed for ten seconds, and has less to do");
  for (const _ of [1, 2, 3]) first.begun();
  assert.equal((await take()).agent, "webster", "what is in the ledger is not counted here any more");
  assert.equal(looked.length, 2);
  const taken = [(await take()).agent, (await take()).agent];
  assert.deepEqual(taken.toSorted(), ["auditor", "webster"]);
});

test("when none of several takes work each one's reason is told, and it is forbidden only when all of them are", async () => {
  await inOrchestra(
    async (core) => {
      const optimizer = { kind: "agent", id: "optimizer" } as const;
      await core.verbs.drainAgent(operator, "C", "new model");
      const asked = callOf({ instances: ["D,C,H"], mode: "one" });
      const one = await refusalIn(core.verbs.orchestrator.call(optimizer, asked));
      assert.deepEqual([one.code, one.message], ["agent_down", "None of D, C, H takes work now."]);
      assert.match(one.hint ?? "", /optimizer.* auditor.* secretary is being drained\. webster is down: /);
      const balance = { ...asked, mode: "balance" } as const;
      const { code, hint } = await refusalIn(core.verbs.orchestrator.call(operator, balance));
      assert.equal(code, "agent_down");
      assert.match(hint ?? "", /auditor takes no work now\. secretary takes no work now\. webster takes no/);
    },
    { more: { condition: () => "down" } },
  );
});

test("balance passes over whom one may not ask, though that one is idle", async () => {
  await inOrchestra(async (core) => {
    const optimizer = { kind: "agent", id: "optimizer" } as const;
    const asked = callOf({ instances: ["D,C"], mode: "balance" });
    for (const _ of [1, 2]) {
      const { shares } = await core.verbs.orchestrator.call(optimizer, asked);
      assert.equal(shares[0]?.agent, "secretary");
    }
  });
});

test("balance counts what runs and what waits before it looks at whose turn it is", async () => {
  for (const [concurrency, ofWebster] of [
    [64, 1],
    [1, 2],
  ] as const) {
    await inOrchestra(
      async (core) => {
        const work = { objective: "x", origin: { door: "rest" } } as const;
        for (let n = 0; n < ofWebster; n++) await core.verbs.delegate(operator, { ...work, agent: "H" });
        for (let n = 1; n < ofWebster; n++) await core.verbs.delegate(operator, { ...work, agent: "A" });
        core.pass(1000);
        const { delegation } = await core.verbs.delegate(operator, { ...work, agent: "A" });
        await core.verbs.cancel(operator, delegation.id);
        await core.settled();
        const asked = callOf({ instances: ["H,A"], mode: "balance", timeoutMs: 0 });
        const { shares } = await core.verbs.orchestrator.call(operator, asked);
        assert.equal(shares[0]?.agent, "manager", `with room for ${concurrency}`);
      },
      { behave: () => "silent", cards: LETTERED.map((card) => ({ ...card, concurrency })) },
    );
  }
});
