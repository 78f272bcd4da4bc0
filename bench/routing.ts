/**
 * One routing decision: who of 1,000 agents gets a piece of work, with permission, health, load and cost of each.
 * Against the floor of the machine: looking at the same 1,000 cards once for the capability, and nothing else.
 *
 * usage: node bench/routing.ts
 */
import { DEFAULT_ACL } from "../src/domain/acl.ts";
import { createRegistry } from "../src/domain/agent-card.ts";
import type { AgentCondition } from "../src/domain/routing.ts";
import { rankAgents } from "../src/domain/routing.ts";
import { cardOf } from "../test/support/core.ts";
import { table } from "./report.ts";

const AGENTS = 1000;
const ROUNDS = 2000;
/** Of 1,000 agents, so many can do what is asked. */
const ABLE = [1, 10, 100, 1000];

function timed(work: () => unknown): number {
  let kept: unknown;
  for (let n = 0; n < ROUNDS; n++) kept = work();
  const begin = performance.now();
  for (let n = 0; n < ROUNDS; n++) kept = work();
  const each = (performance.now() - begin) / ROUNDS;
  if (kept === undefined) throw new Error("nothing came of it");
  return each;
}

const actor = { kind: "operator", claims: "manager" } as const;
const rows = ABLE.map((able) => {
  const cards = Array.from({ length: AGENTS }, (_, n) =>
    cardOf(`agent-${n}`, {
      capabilities: n % (AGENTS / able) === 0 ? ["notes", "materials"] : ["notes", "meshing"],
      cost: n % 7,
    }),
  );
  const known = new Map<string, AgentCondition>(
    cards.map(({ id }, n) => [
      id,
      { state: n % 5 === 0 ? "down" : "up", isDraining: n % 11 === 0, running: n % 3, queued: n % 2 },
    ]),
  );
  const registry = createRegistry(cards);
  const look = () => cards.filter(({ capabilities }) => capabilities.includes("materials"));
  const choose = () =>
    rankAgents({
      among: registry.able("materials"),
      acl: DEFAULT_ACL,
      actor,
      conditionOf: (id) => known.get(id),
    })[0];
  const floor = timed(look);
  const ours = timed(choose);
  return [String(able), (ours * 1000).toFixed(1), (floor * 1000).toFixed(1), `${(ours / floor).toFixed(1)}×`];
});
console.log(table(["able of 1,000", "a decision, µs", "only looking, µs", "ratio"], rows));
