import assert from "node:assert/strict";
import test from "node:test";
import { createRegistry } from "../../src/domain/agent-card.ts";
import type { Order } from "../../src/domain/delegation-types.ts";
import type { Engine } from "../../src/engine/accept.ts";
import { createLostRuns } from "../../src/engine/lost-runs.ts";
import type { AgentHealth } from "../../src/engine/ports/agents.ts";
import { cardOf } from "../support/core.ts";
import { ORDER } from "../support/order.ts";

const NOW = 1_000_000;
const TAKEN_AT = NOW - 60_000;
const GONE_MS = 10_000;

/** One look at what webster owes: two delegations, on a page each. `handsIn`: found by the sweep. */
async function looked(
  health: Partial<AgentHealth>,
  script: {
    order?: Partial<Order>;
    /** Null: it has not said that it took them. */
    takenAt?: number | null;
    handsIn?: string;
    isNothingOwed?: boolean;
    /** So long the gateway's answer takes. */
    takesMs?: number;
    sentTo?: string;
    /** What its former address comes to. */
    former?: Partial<AgentHealth>;
    /** The ledger takes no note. */
    isFull?: boolean;
  } = {},
) {
  const lost: string[] = [];
  const noted: object[] = [];
  const warned: object[] = [];
  const steps: string[] = [];
  let at = NOW;
  const { takenAt: dispatchedAt = TAKEN_AT } = script;
  const sentTo = script.sentTo === undefined ? {} : { sentTo: script.sentTo };
  let owed = script.isNothingOwed ? [] : ["orch-1", "orch-2"];
  const look = createLostRuns({
    engine: {
      accept: async ({ stream, input, ...more }: { stream: string; input: { type: string } }) => {
        if (script.isFull) throw new Error("the disk is full");
        lost.push(`${input.type} ${stream}`);
        noted.push({ ...more, input });
      },
    } as unknown as Engine,
    ledger: {
      list: async ({ before }: { before?: string }) => {
        const ids = before === undefined ? owed.slice(0, 1) : owed.slice(1);
        const items = ids.map((id) => ({
          stream: id,
          later: [],
          state: {
            order: { ...ORDER, ...script.order, id },
            status: "dispatched",
            attempts: [{ attempt: 2, ...(dispatchedAt === null ? {} : { dispatchedAt }), ...sentTo }],
          },
        }));
        return { items, ...(before === undefined && owed.length > 1 ? { next: "more" } : {}) };
      },
    } as never,
    agents: {
      probe: async () => {
        steps.push("probe");
        at += script.takesMs ?? 0;
        return { state: "up", text: "", checkedAt: NOW, since: NOW - GONE_MS, ...health };
      },
      askAt: async (_: unknown, url: string) => {
        steps.push(`ask ${url}`);
        return { state: "up", text: "", ...script.former };
      },
    } as never,
    inbox: {
      expect: (run) => void steps.push(`expect ${run}`),
      sweep: async () => {
        steps.push("sweep");
        await new Promise((resolve) => setImmediate(resolve));
        owed = owed.filter((id) => id !== script.handsIn);
      },
    },
    registry: () => createRegistry([cardOf("webster"), cardOf("manager")]),
    now: () => at,
    log: { debug() {}, info() {}, warn: (fields) => void warned.push(fields), error() {} },
  });
  await look();
  return { lost, steps, noted, warned };
}
const BOTH = ["lost orch-1", "lost orch-2"];

test("what a gateway had taken before it began anew is sent again, after the folder was read", async () => {
  const { lost, steps, noted, warned } = await looked({ uptimeMs: 30_000 });
  assert.deepEqual(lost, BOTH);
  const text = "the gateway restarted since it took the work, and forgot it";
  const input = { type: "lost", attempt: 2, at: NOW, takenAt: TAKEN_AT, text };
  assert.deepEqual(noted[0], { kind: "delegation", input, cause: "restart of webster" });
  assert.deepEqual(warned[0], { run: "orch-1", agent: "webster", attempt: 2, text });
  assert.deepEqual(steps, ["expect orch-1", "expect orch-2", "sweep", "probe"]);
  const handed = await looked({ uptimeMs: 30_000 }, { handsIn: "orch-1" });
  assert.deepEqual(handed.lost, ["lost orch-2"], "what was handed in before that is not done twice");
});

test("what it took since then, or in the same second, it still has", async () => {
  assert.deepEqual((await looked({ uptimeMs: 30_000 }, { takenAt: NOW - 20_000 })).lost, []);
  assert.deepEqual((await looked({ uptimeMs: 30_000 }, { takenAt: NOW - 30_500 })).lost, []);
  assert.deepEqual((await looked({ uptimeMs: 30_000 }, { takenAt: NOW - 31_000 })).lost, BOTH);
  assert.deepEqual((await looked({ uptimeMs: 90_000 })).lost, []);
  assert.deepEqual((await looked({ uptimeMs: 0 })).lost, BOTH, "it began this very moment");
  assert.deepEqual(
    (await looked({ uptimeMs: 0 }, { takenAt: null })).lost,
    [],
    "nobody knows that it took it",
  );
});

test("what it took since then it still has, however long its answer takes", async () => {
  const slow = { takenAt: NOW - 20_000, takesMs: 15_000 };
  assert.deepEqual((await looked({ uptimeMs: 30_000 }, slow)).lost, []);
});

test("of an agent that was moved the gateway is asked that took the work, and what the new one says counts for nothing", async () => {
  const sentTo = "http://127.0.0.1:8";
  const young = { uptimeMs: 0, state: "down" } as const;
  const { lost, steps } = await looked(young, { sentTo });
  assert.deepEqual(lost, []);
  assert.deepEqual(steps.slice(3), ["probe", `ask ${sentTo}`], "asked once for both");
  const after = async (former: Partial<AgentHealth>, order: Partial<Order> = {}) =>
    (await looked({}, { sentTo, former, order })).warned.map((fields) => (fields as { text: string }).text);
  const restarted = "the gateway restarted since it took the work, and forgot it";
  assert.deepEqual(await after({ uptimeMs: 30_000 }), [restarted, restarted]);
  assert.deepEqual(await after({ uptimeMs: 90_000 }), []);
  const gone = `its gateway at ${sentTo} is gone, and with it what it had taken`;
  assert.deepEqual(await after({ state: "down" }), [gone, gone]);
  assert.deepEqual(await after({ state: "down", isDoubtful: true }), []);
  assert.deepEqual(await after({ state: "unknown" }), []);
  const session = { id: "s-1", turn: 1, persistent: true } as unknown as NonNullable<Order["session"]>;
  assert.deepEqual(await after({ state: "down" }, { session }), [], "a lasting session is taken up again");
  assert.deepEqual((await looked({ uptimeMs: 30_000 }, { sentTo: cardOf("webster").url })).lost, BOTH);
});

test("a loss that the ledger does not take is an error to whoever looks", () =>
  assert.rejects(looked({ uptimeMs: 30_000 }, { isFull: true }), /disk is full/));

test("nobody is asked for whom nothing is open, nor who is no longer there", async () => {
  const none = await looked({ uptimeMs: 0 }, { isNothingOwed: true });
  assert.deepEqual([none.lost, none.steps], [[], []]);
  const gone = await looked({ uptimeMs: 0 }, { order: { agent: "somebody" } });
  assert.deepEqual([gone.lost, gone.steps], [[], ["expect orch-1", "expect orch-2", "sweep"]]);
});

test("a gateway that is gone loses its work only to others who may do it, and only for certain", async () => {
  const gone = { state: "down" } as const;
  const order = { fallback: {} };
  const session = { id: "s-1", turn: 1, persistent: true } as unknown as NonNullable<Order["session"]>;
  const { lost, warned } = await looked(gone, { order });
  assert.deepEqual(lost, BOTH);
  const text = "the gateway is gone, and with it what it had taken";
  assert.deepEqual(warned[1], { run: "orch-2", agent: "webster", attempt: 2, text });
  const last = { order, takenAt: NOW - GONE_MS - 500 };
  assert.deepEqual((await looked(gone, last)).lost, BOTH, "taken right before it went");
  const passing = { ...session, persistent: false };
  assert.deepEqual((await looked(gone, { order: { ...order, session: passing } })).lost, BOTH);
  assert.deepEqual((await looked(gone)).lost, [], "nobody else may do it");
  assert.deepEqual((await looked({ ...gone, since: NOW - GONE_MS + 1 }, { order })).lost, []);
  assert.deepEqual((await looked({ ...gone, isDoubtful: true }, { order })).lost, []);
  assert.deepEqual((await looked(gone, { order: { ...order, session } })).lost, []);
  for (const state of ["up", "unauthorized", "unknown"] as const)
    assert.deepEqual((await looked({ state }, { order })).lost, [], "it does not say since when it runs");
});
