import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import type { AgentCard } from "../../src/domain/agent-card.ts";
import { createHealthLoop } from "../../src/engine/health-loop.ts";
import type { AgentHealth, Agents } from "../../src/engine/ports/agents.ts";
import { cardOf } from "../support/core.ts";

const EVERY_MS = 400;
const FINE: AgentHealth = { state: "up", text: "fine", checkedAt: 1, since: 1 };
const cardsOf = (count: number) => Array.from({ length: count }, (_, n) => cardOf(`agent-${n}`));

/** The loop over gateways that answer as a test says, and what it did. */
function watched(
  t: TestContext,
  given: {
    readonly cards: () => readonly AgentCard[];
    readonly probe?: (agent: string) => Promise<AgentHealth>;
    readonly isClose?: (agent: string) => boolean;
    readonly everyMs?: number | (() => number);
    /** By how much the clock was set back. */
    readonly backMs?: () => number;
  },
) {
  const looks: { readonly agent: string; readonly at: number }[] = [];
  const confirmed: { readonly agent: string; readonly health: AgentHealth }[] = [];
  const broken: unknown[] = [];
  const waiting = new Set<() => void>();
  const flying = new Map<string, number>();
  let most = 0;
  let doubt: (agent: string) => void = () => undefined;
  const tell = () => waiting.forEach((look) => look());

  const agents = {
    async probe({ id }: AgentCard) {
      looks.push({ agent: id, at: performance.now() });
      const same = (flying.get(id) ?? 0) + 1;
      assert.equal(same, 1, `${id} is asked twice at once`);
      flying.set(id, same);
      most = Math.max(most, flying.size);
      tell();
      const health = await (given.probe?.(id) ??
        new Promise<AgentHealth>((ok) => setImmediate(() => ok(FINE))));
      flying.delete(id);
      return health;
    },
  } as unknown as Agents;
  const loop = createHealthLoop({
    watch: {
      agents,
      isClose: given.isClose ?? (() => false),
      onDoubt(listener) {
        doubt = listener;
      },
      async confirm(agent, health) {
        confirmed.push({ agent, health });
        tell();
      },
    },
    cards: given.cards,
    everyMs: () => (typeof given.everyMs === "function" ? given.everyMs() : (given.everyMs ?? EVERY_MS)),
    now: () => performance.timeOrigin + performance.now() - (given.backMs?.() ?? 0),
    onBroken: (error) => broken.push(error),
  });
  t.after(() => {
    loop.stop();
    assert.deepEqual(broken, []);
  });

  return {
    ...loop,
    looks,
    confirmed,
    looksAt: (agent: string) => looks.filter((look) => look.agent === agent).map(({ at }) => at),
    most: () => most,
    doubt: (agent: string) => doubt(agent),
    until: (fits: () => boolean) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (!fits()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}

test("every agent is asked at once, then once per interval, spread over it, at most eight at a time", async (t) => {
  const cards = cardsOf(100);
  const loop = watched(t, { cards: () => cards });
  loop.start();
  // Nobody is asked a second time before the last one is being asked for the first.
  await loop.until(() => new Set(loop.looks.map(({ agent }) => agent)).size === 100);
  assert.ok(loop.looks.length < 108, `${loop.looks.length} looks until everybody was asked`);
  await loop.until(() => loop.looks.length >= 400);
  loop.stop();
  assert.ok(loop.most() <= 8, `${loop.most()} at once`);
  const steady = loop.looks.slice(200, 300);
  const [first, last] = [steady[0]?.at ?? 0, steady.at(-1)?.at ?? 0];
  assert.ok(last - first > EVERY_MS / 2, `a hundred looks within ${last - first} ms`);
  for (const { id } of cards) {
    const times = loop.looksAt(id);
    assert.ok(times.length >= 3, `${id} was asked ${times.length} times`);
  }
});

test("what did not answer in time is asked once more before it counts; what refuses is not", async (t) => {
  const down = (agent: string): AgentHealth => ({
    ...FINE,
    state: "down",
    text: "no answer",
    ...(agent === "agent-0" ? { isDoubtful: true } : {}),
  });
  // A second after the full minute: nobody's next turn comes meanwhile.
  const backMs = ((performance.timeOrigin + performance.now()) % 60_000) - 1000;
  const loop = watched(t, {
    cards: () => cardsOf(2),
    probe: async (agent) => down(agent),
    everyMs: 60_000,
    backMs: () => backMs,
  });
  loop.start();
  await loop.until(() => loop.confirmed.length > 0);
  const [first = 0, second = 0] = loop.looksAt("agent-0");
  assert.ok(second - first >= 490 && second - first < 2000, `asked again after ${second - first} ms`);
  assert.deepEqual([loop.confirmed[0]?.agent, loop.looks.length], ["agent-0", 3]);
});

test("a doubt that work raised is looked into at once, not at the next turn", async (t) => {
  const loop = watched(t, { cards: () => cardsOf(1), everyMs: 3_600_000 });
  loop.start();
  await loop.until(() => loop.looks.length === 1);
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  loop.doubt("agent-0");
  await loop.until(() => loop.looks.length === 2);
});

test("agents that come and go with the configuration are asked from then on, or no more", async (t) => {
  let cards = cardsOf(1);
  const loop = watched(t, { cards: () => cards, everyMs: 100 });
  loop.start();
  await loop.until(() => loop.looks.length >= 2);
  cards = [cardOf("reporter")];
  await loop.until(() => loop.looksAt("reporter").length >= 2);
  const before = loop.looksAt("agent-0").length;
  await loop.until(() => loop.looksAt("reporter").length >= 5);
  assert.equal(loop.looksAt("agent-0").length, before);
});

test("when the clock is set back agents are asked as often as before, and not only when it is as late again", {
  timeout: 20_000,
}, async (t) => {
  let backMs = 0;
  const loop = watched(t, { cards: () => cardsOf(3), everyMs: 100, backMs: () => backMs });
  loop.start();
  await loop.until(() => loop.looks.length >= 6);
  backMs = 3 * 3_600_000;
  const before = loop.looks.length;
  await loop.until(() => cardsOf(3).every(({ id }) => loop.looksAt(id).length >= before));
  const spread = loop.looks.slice(before + 3).map(({ at }) => at);
  const [first = 0, last = 0] = [spread[0], spread.at(-1)];
  assert.ok(last - first > (spread.length / 3 - 2) * 60, "once per interval, and not all the time");
});

test("a hanging gateway holds up nobody else, and stopping waits for none", async (t) => {
  let answer: (health: AgentHealth) => void = () => undefined;
  const hanging = new Promise<AgentHealth>((resolve) => {
    answer = resolve;
  });
  const loop = watched(t, {
    cards: () => cardsOf(3),
    probe: (agent) => (agent === "agent-0" ? hanging : Promise.resolve(FINE)),
    everyMs: 100,
  });
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  loop.start();
  await loop.until(() => loop.looksAt("agent-2").length >= 3);
  assert.equal(loop.looksAt("agent-0").length, 1);
  loop.stop();
  const asked = loop.looks.length;
  answer({ ...FINE, state: "down", isDoubtful: true });
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  assert.deepEqual([loop.looks.length, loop.confirmed, timers()], [asked, [], before]);
});

test("another interval, and an agent that is new or elsewhere now, count at once and not at the end of the old one", async (t) => {
  let cards = cardsOf(1);
  let everyMs = 3_600_000;
  const loop = watched(t, { cards: () => cards, everyMs: () => everyMs });
  loop.start();
  await loop.until(() => loop.looks.length === 1);
  cards = [...cards, cardOf("reporter")];
  loop.renew();
  await loop.until(() => loop.looksAt("reporter").length === 1 && loop.looksAt("agent-0").length === 2);
  everyMs = 100;
  loop.renew();
  await loop.until(() => loop.looksAt("reporter").length >= 4 && loop.looksAt("agent-0").length >= 5);
});
