import type { Acl } from "../domain/acl.ts";
import { type Actor, actorName } from "../domain/actor.ts";
import type { Registry } from "../domain/agent-card.ts";
import { agentStream } from "../domain/agent-state.ts";
import type { AgentInput } from "../domain/agent-types.ts";
import { Refusal } from "../kernel/refusal.ts";
import { type Engine, stateOf } from "./accept.ts";
import { findAgent } from "./choose-agent.ts";
import type { Perform } from "./loop.ts";
import { permit } from "./ownership.ts";
import type { Ledger, Loaded, StoredEvent } from "./ports/ledger.ts";

const PAGE = 200;
const LONGEST_REASON = 500;
/** After these a delegation may wait for its agent. */
const WAITS_AFTER: ReadonlySet<string> = new Set([
  "delegation.queued",
  "delegation.rerouted",
  "attempt.failed",
  "attempt.deferred",
  "attempt.lost",
]);

export type Drain = {
  readonly isOn: (agent: string) => Promise<boolean>;
  readonly drain: (actor: Actor, word: string, reason?: string) => Promise<void>;
  readonly resume: (actor: Actor, word: string) => Promise<void>;
  /** The room of an agent: none while it is drained, so that what waits for it stays where it is. */
  readonly capacity: (agent: string, usual: number) => number;
  /** The same, except that nothing new is sent to an agent that is drained. */
  readonly guard: (perform: Perform) => Perform;
};

/** An agent that is drained finishes what it has and gets nothing new, in this life or the next, until it is resumed. */
export function createDrain(deps: {
  readonly engine: Engine;
  readonly ledger: Pick<Ledger, "list">;
  readonly registry: () => Registry;
  readonly acl: () => Acl;
  readonly now: () => number;
  /** Something may be due again. */
  readonly ring: () => void;
  readonly onBroken: (error: unknown) => void;
}): Drain {
  const { engine, ledger, registry, now } = deps;
  const drained = new Set<string>();
  /** Agents that are just being resumed: what waits for them need not be told that it does. */
  const resuming = new Set<string>();
  const holding = new Set<Promise<void>>();
  let loading: Promise<void> | undefined;

  /** Read once, before anything is sent. Whom a crash kept from being told that it waits, is told now. */
  function load(): Promise<void> {
    loading ??= (async () => {
      for (const loaded of await all({ kind: "agent" })) {
        const { agent, draining } = stateOf("agent", loaded);
        if (draining) drained.add(agent);
      }
      await Promise.all([...drained].map(holdAll));
    })().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  }

  async function all(query: Pick<Parameters<Ledger["list"]>[0], "kind" | "agent" | "status">) {
    const items: Loaded[] = [];
    for (let before: string | undefined; ; ) {
      const page = await ledger.list({ ...query, limit: PAGE, ...(before ? { before } : {}) });
      items.push(...page.items);
      before = page.next;
      if (!before) return items;
    }
  }

  async function holdAll(agent: string): Promise<void> {
    const waiting = await all({ kind: "delegation", agent, status: ["queued"] });
    await Promise.all(waiting.map(({ stream }) => hold(agent, stream)));
  }

  async function hold(agent: string, stream: string): Promise<void> {
    const text = `${agent} is drained: it gets no new work until it is resumed`;
    const input = { type: "hold", at: now(), agent, reason: "agent_draining", text } as const;
    await engine.accept({ kind: "delegation", stream, input, cause: `drain ${agent}` });
  }

  async function release(agent: string): Promise<void> {
    const waiting = await all({ kind: "delegation", agent, status: ["queued"] });
    const input = { type: "release", at: now(), reason: "agent_draining" } as const;
    const cause = `resume ${agent}`;
    await Promise.all(
      waiting.map(({ stream }) => engine.accept({ kind: "delegation", stream, input, cause })),
    );
  }

  engine.watch((events) => {
    for (const { type, body } of events) follow(type, body);
    if (drained.size === 0) return;
    for (const event of events) {
      const held: Promise<void> = holdAfter(event)
        .catch(deps.onBroken)
        .finally(() => holding.delete(held));
      holding.add(held);
    }
  });

  /** Another member may have drained or resumed it. */
  function follow(type: string, body: unknown): void {
    if (type !== "agent.drained" && type !== "agent.resumed") return;
    const { agent } = body as { readonly agent: string };
    if (type === "agent.drained") drained.add(agent);
    else drained.delete(agent);
    deps.ring();
  }

  async function isDrained(agent: string): Promise<boolean> {
    return drained.has(agent) || (await engine.read("agent", agentStream(agent)))?.draining !== undefined;
  }

  async function holdAfter({ type, stream }: StoredEvent): Promise<void> {
    if (!WAITS_AFTER.has(type)) return;
    const agent = (await engine.read("delegation", stream))?.order.agent;
    if (agent !== undefined && drained.has(agent) && !resuming.has(agent)) await hold(agent, stream);
  }

  async function tell(agent: string, actor: Actor, input: Exclude<AgentInput, { type: "wake" }>) {
    const cause = `${input.type} ${agent}`;
    await engine.accept({ kind: "agent", stream: agentStream(agent), input, cause, actor });
  }

  return {
    async isOn(agent) {
      await load();
      return drained.has(agent);
    },
    async drain(actor, word, reason) {
      const { id } = findAgent(registry(), word);
      permit(deps.acl(), actor, "drain");
      if (reason !== undefined && reason.length > LONGEST_REASON) {
        const problems = [{ path: "reason", message: `may have ${LONGEST_REASON} characters` }];
        throw new Refusal("invalid_input", `The reason may have ${LONGEST_REASON} characters.`, { problems });
      }
      await load();
      const why = reason?.trim();
      const input = {
        type: "drain",
        at: now(),
        agent: id,
        by: actorName(actor),
        ...(why ? { reason: why } : {}),
      } as const;
      await tell(id, actor, input);
      drained.add(id);
      await holdAll(id);
    },
    async resume(actor, word) {
      const { id } = findAgent(registry(), word);
      permit(deps.acl(), actor, "drain");
      await load();
      if (!drained.has(id)) return;
      resuming.add(id);
      try {
        await Promise.all(holding);
        // In this order, so that after a crash in between nothing says that it waits for what is over.
        await release(id);
        await tell(id, actor, { type: "resume", at: now(), agent: id, by: actorName(actor) });
        drained.delete(id);
      } finally {
        resuming.delete(id);
      }
      deps.ring();
    },
    capacity: (agent, usual) => (drained.has(agent) ? 0 : usual),
    guard: (perform) => async (effect) => {
      const { body } = effect;
      // What may have been sent already is looked into all the same.
      if (body.type !== "dispatch" || effect.begunBefore !== undefined) return perform(effect);
      await load();
      // By the name that it has now. One that was taken out of the file nobody could resume: its work goes on without it.
      const card = registry().find(body.agent);
      if (!card || !(await isDrained(card.id))) return perform(effect);
      return { kind: "again", dueAt: now(), reason: `${body.agent} is drained` };
    },
  };
}
