import type { Registry } from "../domain/agent-card.ts";
import { currentAttempt } from "../domain/delegation.ts";
import type { DelegationState } from "../domain/delegation-types.ts";
import { type Engine, stateOf } from "./accept.ts";
import type { Agents } from "./ports/agents.ts";
import type { Inbox } from "./ports/handoffs.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { Log } from "./ports/log.ts";

/** Clocks of one machine, read by two processes a moment apart. */
const SLACK_MS = 1000;

/**
 * A gateway that restarts forgets the runs it had taken, without a word. Asks every agent that owes us something how long
 * it has run; what it had taken before that, and did not hand back, is sent again at once instead of at its deadline.
 */
export function createLostRuns(deps: {
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly agents: Agents;
  readonly inbox: Pick<Inbox, "sweep" | "expect">;
  readonly registry: () => Registry;
  readonly now: () => number;
  readonly log: Log;
}) {
  const { engine, ledger, now } = deps;

  async function owed(): Promise<ReadonlyMap<string, readonly DelegationState[]>> {
    const byAgent = new Map<string, DelegationState[]>();
    for (let before: string | undefined; ; ) {
      const page = await ledger.list({
        kind: "delegation",
        open: true,
        status: ["dispatched"],
        limit: 200,
        ...(before ? { before } : {}),
      });
      for (const loaded of page.items) {
        const state = stateOf("delegation", loaded);
        byAgent.set(state.order.agent, [...(byAgent.get(state.order.agent) ?? []), state]);
      }
      before = page.next;
      if (!before) return byAgent;
    }
  }

  async function lookAt(agent: string, states: readonly DelegationState[]): Promise<void> {
    const card = deps.registry().find(agent);
    if (!card) return;
    const { uptimeMs } = await deps.agents.probe(card);
    if (uptimeMs === undefined) return;
    const restartedAt = now() - uptimeMs;
    for (const { order, ...state } of states) {
      const { attempt, dispatchedAt } = currentAttempt({ order, ...state });
      if (dispatchedAt === undefined || dispatchedAt + SLACK_MS > restartedAt) continue;
      deps.log.warn(
        { run: order.id, agent, attempt },
        "the gateway restarted and forgot a run; it is sent again",
      );
      const text = "the gateway restarted since it took the work, and forgot it";
      const input = { type: "lost", attempt, at: now(), restartedAt, text } as const;
      await engine.accept({ kind: "delegation", stream: order.id, input, cause: `restart of ${agent}` });
    }
  }

  return async function lookForLostRuns(): Promise<void> {
    const before = await owed();
    for (const states of before.values()) for (const { order } of states) deps.inbox.expect(order.id);
    if (before.size === 0) return;
    // What was handed back before the restart lies in the folder.
    await deps.inbox.sweep();
    const still = await owed();
    await Promise.all([...still].map(([agent, states]) => lookAt(agent, states)));
  };
}
