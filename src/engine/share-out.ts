import { type Acl, mayAsk } from "../domain/acl.ts";
import type { Actor } from "../domain/actor.ts";
import { type Load, pickBalanced } from "../domain/balance.ts";
import type { Instance } from "../domain/instances.ts";
import { createOneByOne } from "../kernel/one-by-one.ts";
import { Refusal } from "../kernel/refusal.ts";
import { stateOf } from "./accept.ts";
import type { Conditions } from "./conditions.ts";
import type { AgentHealth, Agents } from "./ports/agents.ts";
import type { Ledger } from "./ports/ledger.ts";

/** What a gateway said of itself lately is believed for so long. */
const FRESH_MS = 10_000;

export type ShareOutDeps = {
  readonly ledger: Pick<Ledger, "list">;
  readonly agents: Pick<Agents, "probe" | "health">;
  readonly acl: () => Acl;
  readonly conditions: Conditions;
  readonly now: () => number;
};

export type ShareOut = ReturnType<typeof createShareOut>;

/** Chooses one of several instances: the first healthy one, or turn about among the least busy. */
export function createShareOut(deps: ShareOutDeps) {
  const { now } = deps;
  const turns = new Map<string, number>();
  /** Chosen, and not in the ledger's count yet. */
  const pending = new Map<string, number>();
  let latest = 0;
  const oneByOne = createOneByOne();

  /** The first of the list that is allowed, answers now and takes work. */
  async function first(actor: Actor, among: readonly Instance[]): Promise<Instance> {
    const lacks: string[] = [];
    const conditionOf = await deps.conditions(among.map(({ card }) => card));
    for (const instance of among) {
      const { card } = instance;
      const asked = mayAsk(deps.acl(), actor, card.id);
      if (!asked.allowed) lacks.push(asked.text);
      else if (conditionOf(card.id)?.isDraining) lacks.push(`${card.id} is being drained.`);
      else {
        const health = await deps.agents.probe(card);
        if (canWork(health)) return instance;
        lacks.push(`${card.id} is ${health.state}: ${health.text}`);
      }
    }
    throw nobody(actor, deps.acl(), among, lacks);
  }

  /** One choice at a time, so that each counts for the next. Call `begun` when its delegation is in the ledger, or will never be. */
  const balanced = (actor: Actor, among: readonly Instance[]) => oneByOne(() => pickOne(actor, among));

  async function pickOne(actor: Actor, among: readonly Instance[]) {
    const silent = new Set<string>();
    for (;;) {
      const loads = await loadsOf(actor, among, silent);
      const best = pickBalanced(loads);
      const instance = among.find(({ card }) => card.id === best?.agent);
      if (!instance) {
        const lacks = among.map(({ card }) => `${card.id} takes no work now.`);
        throw nobody(actor, deps.acl(), among, lacks);
      }
      const { card } = instance;
      if (isFresh(deps.agents.health(card.id)) || canWork(await deps.agents.probe(card)))
        return { instance, begun: take(card.id) };
      silent.add(card.id);
    }
  }

  function isFresh(health: AgentHealth | undefined): boolean {
    return health?.state === "up" && now() - health.checkedAt < FRESH_MS;
  }

  async function loadsOf(
    actor: Actor,
    among: readonly Instance[],
    silent: ReadonlySet<string>,
  ): Promise<readonly Load[]> {
    // Read before the ledger is: what is written in between counts twice rather than not at all.
    const before = new Map(pending);
    const conditionOf = await deps.conditions(among.map(({ card }) => card));
    return Promise.all(
      among.map(async ({ card: { id, concurrency } }): Promise<Load> => {
        const found = conditionOf(id);
        const isAble = !found?.isDraining && !["down", "unauthorized"].includes(found?.state ?? "unknown");
        const turnAt = await turnOf(id);
        return {
          agent: id,
          canTake: isAble && !silent.has(id) && mayAsk(deps.acl(), actor, id).allowed,
          open: (found?.running ?? 0) + (found?.queued ?? 0) + (before.get(id) ?? 0),
          concurrency,
          ...(turnAt === undefined ? {} : { turnAt }),
        };
      }),
    );
  }

  /** After a restart the ledger says when it was asked last, so that the turns go on where they were. */
  async function turnOf(agent: string): Promise<number | undefined> {
    const known = turns.get(agent);
    if (known !== undefined) return known;
    const { items } = await deps.ledger.list({ kind: "delegation", agent, limit: 1 });
    const last = items[0] && stateOf("delegation", items[0]).order.queuedAt;
    if (last !== undefined) turns.set(agent, last);
    return last;
  }

  function take(agent: string): () => void {
    latest = Math.max(latest + 1, now());
    turns.set(agent, latest);
    pending.set(agent, (pending.get(agent) ?? 0) + 1);
    let isOpen = true;
    return () => {
      if (isOpen) pending.set(agent, (pending.get(agent) ?? 1) - 1);
      isOpen = false;
    };
  }

  return { first, balanced };
}

export function canWork({ state }: Pick<AgentHealth, "state">): boolean {
  return state === "up";
}

function nobody(actor: Actor, acl: Acl, among: readonly Instance[], lacks: readonly string[]): Refusal {
  const answers = among.map(({ card }) => mayAsk(acl, actor, card.id));
  const isForbidden = answers.every(({ allowed }) => !allowed);
  const words = among.map(({ word }) => word).join(", ");
  return new Refusal(
    isForbidden ? "not_allowed" : "agent_down",
    isForbidden ? `You may ask none of ${words}.` : `None of ${words} takes work now.`,
    { hint: lacks.join(" ") },
  );
}
