import type { AgentCard } from "../domain/agent-card.ts";
import { agentStream, wantsCloseLook } from "../domain/agent-state.ts";
import { type AgentInput, type AgentState, agentToday, type Evidence } from "../domain/agent-types.ts";
import type { Engine } from "./accept.ts";
import type { AgentHealth, Agents, DispatchAnswer } from "./ports/agents.ts";

export type AgentWatch = {
  /** The same agents; whatever one of their answers proves is noted. */
  readonly agents: Agents;
  /** What is known of an agent over restarts. */
  readonly stateOf: (agent: string) => Promise<AgentState>;
  /** Whether a look at it is wanted sooner than usual. */
  readonly isClose: (agent: string) => boolean;
  /** Told of each agent that may be down, until it is asked again. */
  readonly onDoubt: (listener: (agent: string) => void) => void;
  /** Notes what a look came to that was doubted, and asked for again. */
  readonly confirm: (agent: string, health: AgentHealth) => Promise<void>;
  /** Notes everything from now on. Whom an earlier life could not persuade with its token is tried anew. */
  readonly begin: (agents: readonly AgentCard[]) => Promise<void>;
  /** Notes nothing more, and waits for what is being written. */
  readonly end: () => Promise<void>;
};

/** Keeps what is known of each agent: every probe and every dispatch is evidence, only changes are written. */
export function createAgentWatch(deps: {
  readonly engine: Engine;
  readonly agents: Agents;
  readonly now: () => number;
  readonly onBroken: (error: unknown) => void;
}): AgentWatch {
  const { engine, now } = deps;
  const known = new Map<string, AgentState>();
  const writing = new Set<Promise<unknown>>();
  let doubt: (agent: string) => void = () => undefined;
  /** A supervisor that is here for one question only notes what concerns its token. */
  let isWatching = false;
  let isOver = false;

  async function tell(agent: string, input: AgentInput, cause: string): Promise<void> {
    const { state } = await engine.accept({ kind: "agent", stream: agentStream(agent), input, cause });
    if (state) known.set(agent, state);
  }

  /** What is learned must not disturb where it was learned: a ledger that does not take it says so elsewhere. */
  function track(write: Promise<void>): Promise<void> {
    const tracked: Promise<void> = write.catch(deps.onBroken).finally(() => writing.delete(tracked));
    writing.add(tracked);
    return tracked;
  }

  async function note(agent: string, evidence: Evidence): Promise<void> {
    if (!isOver) await track(noteNow(agent, evidence));
  }

  async function noteNow(agent: string, evidence: Evidence): Promise<void> {
    if (!isWatching && !(await isAboutToken(agent, evidence))) return;
    await tell(agent, { type: "seen", at: now(), agent, ...evidence }, `${evidence.by} ${agent}`);
  }

  async function isAboutToken(agent: string, { state, by }: Evidence): Promise<boolean> {
    if (by === "look" || state === "down") return false;
    return state === "unauthorized" || (await stateOf(agent)).told?.state === "unauthorized";
  }

  async function noteLook(agent: string, { state, text, isDoubtful }: AgentHealth): Promise<void> {
    if (state === "unknown" || isOver) return;
    if (isDoubtful) doubt(agent);
    else await note(agent, { state, text, by: "look" });
  }

  const agents: Agents = {
    ...deps.agents,
    async dispatch(request) {
      const answer = await deps.agents.dispatch(request);
      const { id } = request.agent;
      const evidence = evidenceOf(answer);
      if (evidence) await note(id, evidence);
      else if (answer.kind === "again") doubt(id);
      return answer;
    },
    async probe(card) {
      const health = await deps.agents.probe(card);
      await noteLook(card.id, health);
      return health;
    },
    /** What is doubted is as it was, until it is asked again. */
    health(agent) {
      const health = deps.agents.health(agent);
      const state = known.get(agent)?.seen?.state;
      return health?.isDoubtful && state ? { ...health, state } : health;
    },
    forgive(agent) {
      deps.agents.forgive(agent);
      for (const id of agent === undefined ? known.keys() : [agent]) void track(forgive(id));
    },
  };

  async function stateOf(agent: string): Promise<AgentState> {
    return agentToday(await engine.read("agent", agentStream(agent)), agent);
  }

  async function forgive(agent: string): Promise<void> {
    await tell(agent, { type: "forgive", at: now(), agent }, `forgive ${agent}`);
  }

  return {
    agents,
    stateOf,
    isClose: (agent) => wantsCloseLook(known.get(agent), now()),
    onDoubt(listener) {
      doubt = listener;
    },
    confirm: (agent, health) => {
      const { isDoubtful: _, ...sure } = health;
      return noteLook(agent, sure);
    },
    async begin(cards) {
      isWatching = true;
      await Promise.all(cards.map(({ id }) => track(forgive(id))));
    },
    async end() {
      isOver = true;
      await Promise.all(writing);
    },
  };
}

/** What a dispatch proves; undefined when it proves nothing. */
function evidenceOf(answer: DispatchAnswer): Evidence | undefined {
  if (answer.kind === "accepted")
    return { state: "up", text: "it took the last work it was sent", by: "work" };
  if (answer.kind === "unauthorized") return { state: "unauthorized", text: answer.text, by: "work" };
  if (answer.kind !== "again") return undefined;
  if (answer.reason !== "agent_down") return { state: "up", text: answer.text, by: "look" };
  return answer.isRefused ? { state: "down", text: answer.text, by: "work" } : undefined;
}
