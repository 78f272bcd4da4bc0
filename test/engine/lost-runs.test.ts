import assert from "node:assert/strict";
import test from "node:test";
import { createRegistry } from "../../src/domain/agent-card.ts";
import type { Order } from "../../src/domain/delegation-types.ts";
import type { Engine } from "../../src/engine/accept.ts";
import { createLostRuns, GONE_MS } from "../../src/engine/lost-runs.ts";
import type { AgentHealth } from "../../src/engine/ports/agents.ts";
import { cardOf } from "../support/core.ts";
import { ORDER } from "../support/order.ts";

const NOW = 1_000_000;
const TAKEN_AT = NOW - 60_000;

/** One look at what webster owes: two delegations, on a page each. `handsIn`: found by the sweep. */
async function looked(
  health: Partial<AgentHealth>,
  script: {
    order?: Partial<Order>;
    /** Null: it has not said that it took them. */
    takenAt?: number | null;
    handsIn?: string;
    isNothingOwed?: boolean;
  } = {},
) {
  const lost: string[] = [];
  const steps: string[] = [];
  const { takenAt: dispatchedAt = TAKEN_AT } = script;
  let owed = script.isNothingOwed ? [] : ["orch-1", "orch-2"];
  const look = createLostRuns({
    engine: {
      accept: async ({ stream, input }: { stream: string; input: { type: string } }) =>
        void lost.push(`${input.type} ${stream}`),
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
            attempts: [{ attempt: 1, ...(dispatchedAt === null ? {} : { dispatchedAt }) }],
          },
        }));
        return { items, ...(before === undefined && owed.length > 1 ? { next: "more" } : {}) };
      },
    } as never,
    agents: {
      probe: async () => {
        steps.push("probe");
        return { state: "up", text: "", checkedAt: NOW, since: NOW - GONE_MS, ...health };
      },
    } as never,
    inbox: {
      expect: (run) => void steps.push(`expect ${run}`),
      sweep: async () => {
        steps.push("sweep");
        owed = owed.filter((id) => id !== script.handsIn);
      },
    },
    registry: () => createRegistry([cardOf("webster"), cardOf("manager")]),
    now: () => NOW,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  await look();
  return { lost, steps };
}
const BOTH = ["lost orch-1", "lost orch-2"];

test("what a gateway had taken before it began anew is sent again, after the folder was read", async () => {
  const { lost, steps } = await looked({ uptimeMs: 30_000 });
  assert.deepEqual(lost, BOTH);
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

test("nobody is asked for whom nothing is open, nor who is no longer there", async () => {
  assert.deepEqual(await looked({ uptimeMs: 0 }, { isNothingOwed: true }), { lost: [], steps: [] });
  const gone = await looked({ uptimeMs: 0 }, { order: { agent: "somebody" } });
  assert.deepEqual(gone, { lost: [], steps: ["expect orch-1", "expect orch-2", "sweep"] });
});

test("a gateway that is gone loses its work only to others who may do it, and only for certain", async () => {
  const gone = { state: "down" } as const;
  const order = { fallback: {} };
  const session = { id: "s-1", turn: 1, persistent: true } as unknown as NonNullable<Order["session"]>;
  assert.deepEqual((await looked(gone, { order })).lost, BOTH);
  assert.deepEqual((await looked(gone)).lost, [], "nobody else may do it");
  assert.deepEqual((await looked({ ...gone, since: NOW - GONE_MS + 1 }, { order })).lost, []);
  assert.deepEqual((await looked({ ...gone, isDoubtful: true }, { order })).lost, []);
  assert.deepEqual((await looked(gone, { order: { ...order, session } })).lost, []);
  assert.deepEqual((await looked({ state: "up" }, { order })).lost, [], "it does not say since when it runs");
});
