import type { Registry } from "../domain/agent-card.ts";
import { currentAttempt } from "../domain/delegation.ts";
import type { DelegationState, Order } from "../domain/delegation-types.ts";
import { type Engine, stateOf } from "./accept.ts";
import type { AgentHealth, Agents } from "./ports/agents.ts";
import type { Inbox } from "./ports/handoffs.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { Log } from "./ports/log.ts";

/** Clocks of one machine, read by two processes a moment apart. */
const SLACK_MS = 1000;

/** A gateway that is gone this long is not about to come back with what it had. */
export const GONE_MS = 10_000;

const RESTARTED = "the gateway restarted since it took the work, and forgot it";

/** When, and by what proof, a gateway lost all that it had taken before. */
function lossOf(
  { state, uptimeMs, since, isDoubtful }: AgentHealth,
  { fallback, session }: Order,
  now: number,
): { readonly at: number; readonly text: string } | undefined {
  if (uptimeMs !== undefined) return { at: now - uptimeMs, text: RESTARTED };
  // Where another agent may do it, nobody waits for one that is gone; a lasting session is taken up when it is back.
  const isGone = state === "down" && !isDoubtful && now - since >= GONE_MS;
  if (!isGone || !fallback || session?.persistent) return undefined;
  return { at: now, text: "the gateway is gone, and with it what it had taken" };
}

/** The same of a gateway that its agent has left for another one. */
function lossAtFormer(
  { state, uptimeMs, isDoubtful }: Omit<AgentHealth, "checkedAt" | "since">,
  url: string,
  { session }: Order,
  now: number,
): { readonly at: number; readonly text: string } | undefined {
  if (uptimeMs !== undefined) return { at: now - uptimeMs, text: RESTARTED };
  const isGone = state === "down" && !isDoubtful;
  if (!isGone || session?.persistent) return undefined;
  return { at: now, text: `its gateway at ${url} is gone, and with it what it had taken` };
}

/**
 * A gateway that restarts forgets the runs it had taken, without a word. Asks every agent that owes us something how long
 * it has run; what it had taken before that, and did not hand back, is sent again at once instead of at its deadline.
 * So is what a gateway had that is gone, where another agent may do it.
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
    // Counted from here, a slow answer makes the gateway older than it is, never younger.
    const askedAt = now();
    const health = await deps.agents.probe(card);
    const former = new Map<string, ReturnType<Agents["askAt"]>>();
    for (const { order, ...state } of states) {
      const { attempt, dispatchedAt: takenAt, sentTo = card.url } = currentAttempt({ order, ...state });
      const asked = sentTo === card.url ? undefined : (former.get(sentTo) ?? deps.agents.askAt(card, sentTo));
      if (asked) former.set(sentTo, asked);
      const lost = asked ? lossAtFormer(await asked, sentTo, order, askedAt) : lossOf(health, order, askedAt);
      if (!lost || takenAt === undefined || takenAt + SLACK_MS > lost.at) continue;
      const { text } = lost;
      deps.log.warn({ run: order.id, agent, attempt, text }, "an agent lost a run; it is sent again");
      const input = { type: "lost", attempt, at: now(), takenAt, text } as const;
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
