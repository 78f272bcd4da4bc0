import type { DelegationView } from "../../src/domain/view.ts";
import type { AgentStatus } from "../../src/engine/verbs.ts";
import type { ViewVerbs } from "../../src/engine/view-verbs.ts";
import { Refusal } from "../../src/kernel/refusal.ts";

/** Views without a ledger: one run of two steps, and a search that finds what it was asked for. */
export function scriptedViews(known: {
  readonly delegation: (id: string) => DelegationView;
  readonly agent: (word: string) => AgentStatus;
}): ViewVerbs {
  return {
    async now() {
      const more = { runs: false, delegations: false, tasks: false };
      const nothing = { runs: [], delegations: [], tasks: [], gates: [], agents: [], more };
      const health = { version: "0.0.0", mode: "local", ready: true, checks: [] } as const;
      return { at: 5, position: 3, ...health, counts: { delegation: { queued: 1 } }, ...nothing };
    },
    async timeline(id) {
      if (id !== "wf-x") throw new Refusal("not_found", `There is no run ${id}.`);
      const step = { kind: "task", generation: 1, waitedFor: [], children: [] } as const;
      return {
        id,
        workflow: "x",
        status: "running",
        startedAt: 1,
        deadlineAt: 100,
        at: 5,
        steps: [
          { ...step, id: "a", state: "succeeded", needs: [], wave: 0, startedAt: 1, settledAt: 3 },
          { ...step, id: "b", state: "running", needs: ["a"], wave: 1, startedAt: 3 },
        ],
      };
    },
    async agentHistory(word, limit) {
      const { card, state, since } = known.agent(word);
      const changes = [{ at: since, what: "seen", state: "up" } as const].slice(0, limit);
      return { agent: card.id, state, since, changes, spans: [], latest: [], hours: [] };
    },
    async story(id) {
      const delegation = known.delegation(id);
      return {
        delegation,
        attempts: [],
        handoffs: [],
        receipts: [],
        children: [],
        times: { waitedMs: 0 },
        events: [],
      };
    },
    async search({ typed, kinds = [], agents = [], statuses = [], before, limit }) {
      const title = JSON.stringify({ typed, kinds, agents, statuses, before, limit });
      const hit = {
        kind: "delegation",
        id: "orch-1",
        status: "queued",
        title,
        excerpt: "",
        marks: [],
        at: 1,
      } as const;
      return { items: [hit], next: "z", indexed: { position: 3, head: 3, isComplete: true } };
    },
  };
}
