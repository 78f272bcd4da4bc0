import type { AgentCard } from "../domain/agent-card.ts";
import type { AgentWatch } from "./agent-watch.ts";

const AT_ONCE = 8;
/** Where something is to be told, or just was. No divisor of what comes and goes regularly. */
const CLOSE_EVERY_MS = 7000;
/** Before what did not answer in time counts as down. */
const ASK_AGAIN_MS = 500;
/** A timer may fire a little early. */
const SLACK_MS = 50;

export type HealthLoop = {
  readonly start: () => void;
  /** The agents or the interval may be others by now: asks everybody at once, then in the new turn. */
  readonly renew: () => void;
  /** Looks no more; does not wait for answers that are still out. */
  readonly stop: () => void;
};

/**
 * Asks every agent how it is, each once per interval, spread over it, and those that just changed more often.
 * The first round is at once. What did not answer in time is asked a second time before it counts.
 */
export function createHealthLoop(deps: {
  readonly watch: Pick<AgentWatch, "agents" | "confirm" | "isClose" | "onDoubt">;
  readonly cards: () => readonly AgentCard[];
  readonly everyMs: () => number;
  readonly now: () => number;
  readonly onBroken: (error: unknown) => void;
}): HealthLoop {
  const { watch, now } = deps;
  const nextAt = new Map<string, number>();
  const flying = new Set<string>();
  /** Those in flight who are to be asked once more, by what holds now. */
  const again = new Set<string>();
  /** Ends the pauses before agents are asked again. */
  const pauses = new Set<() => void>();
  let timer: NodeJS.Timeout | undefined;
  let isRunning = false;

  /** Looks at whoever is due, the longest due first, and sleeps until the next one is. */
  function turn(): void {
    clearTimeout(timer);
    if (!isRunning) return;
    const at = now();
    const cards = deps.cards();
    const latestAt = at + deps.everyMs() + SLACK_MS;
    /** Whoever was never looked at comes first, and whose turn was before the clock was set back. */
    const dueAt = ({ id }: AgentCard) => {
      const next = nextAt.get(id) ?? 0;
      return next > latestAt ? 0 : next;
    };
    const waiting = cards
      .map((card, index) => ({ card, phase: index / cards.length }))
      .filter(({ card }) => !flying.has(card.id))
      .sort((a, b) => dueAt(a.card) - dueAt(b.card));
    const due = waiting.filter(({ card }) => dueAt(card) <= at).slice(0, AT_ONCE - flying.size);
    for (const { card, phase } of due) void look(card, phase).catch(deps.onBroken);
    // With every place taken, the next one that becomes free turns again.
    const next = flying.size < AT_ONCE ? waiting[due.length] : undefined;
    timer = setTimeout(turn, Math.max(1, next ? dueAt(next.card) - at : deps.everyMs()));
  }

  async function look(card: AgentCard, phase: number): Promise<void> {
    const { id } = card;
    flying.add(id);
    const begunAt = now();
    try {
      const health = await watch.agents.probe(card);
      if (isRunning && health.isDoubtful) await askAgain(card);
    } finally {
      const inTurn = nextInTurn(begunAt, deps.everyMs(), phase);
      const soon = watch.isClose(id) ? Math.min(inTurn, begunAt + CLOSE_EVERY_MS) : inTurn;
      nextAt.set(id, again.delete(id) ? 0 : soon);
      flying.delete(id);
      turn();
    }
  }

  async function askAgain(card: AgentCard): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(pause);
        pauses.delete(end);
        resolve();
      };
      const pause = setTimeout(end, ASK_AGAIN_MS);
      pauses.add(end);
    });
    if (isRunning) await watch.confirm(card.id, await watch.agents.probe(card));
  }

  return {
    start() {
      isRunning = true;
      watch.onDoubt((agent) => {
        // The look that is out sees to it.
        if (flying.has(agent)) return;
        nextAt.set(agent, now());
        turn();
      });
      turn();
    },
    renew() {
      nextAt.clear();
      for (const id of flying) again.add(id);
      turn();
    },
    stop() {
      isRunning = false;
      clearTimeout(timer);
      for (const end of pauses) end();
    },
  };
}

/** The next instant of an agent's own place in the interval. */
function nextInTurn(at: number, everyMs: number, phase: number): number {
  const offset = Math.floor(phase * everyMs);
  const rounds = Math.floor((at + SLACK_MS - offset) / everyMs) + 1;
  return rounds * everyMs + offset;
}
