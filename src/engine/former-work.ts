import type { AgentCard, Registry } from "../domain/agent-card.ts";
import { currentAttempt } from "../domain/delegation.ts";
import {
  type DelegationEvent,
  type DelegationState,
  delayBefore,
  type Order,
} from "../domain/delegation-types.ts";
import { type Engine, stateOf } from "./accept.ts";
import type { Ledger, StoredEvent } from "./ports/ledger.ts";

const AFTER_FAILURE_MS = 1000;
const OPEN = ["queued", "dispatched"];
const PAGE = 200;

/** `later`: it waits for its next attempt, and keeps nobody waiting until that has begun. */
type Phase = "waits" | "runs" | "later";
type Open = { readonly id: string; readonly phase: Phase; readonly isPatient: boolean };
/** What is open under one id of an agent. */
type Lane = { readonly card: string; readonly isFormer: boolean; since: number; waits: number; runs: number };

/** Everything that is open for agents with work under an id that they had before, by the names of a registry. */
type Known = {
  readonly registry: Registry;
  readonly open: Map<string, Open>;
  readonly lanes: Map<string, Lane>;
  /** Those agents, by the id that they have now. */
  readonly cards: ReadonlySet<string>;
};

/**
 * What is open under an id that its agent had before waits in a lane of its own, and was asked for first: so much less
 * room there is in the lanes after it, until it is over. What runs takes a place of every lane.
 */
export function createFormerWork(deps: {
  readonly engine: Pick<Engine, "watch">;
  readonly ledger: Pick<Ledger, "list" | "openByAgent">;
  readonly registry: () => Registry;
  /** Something may be due again. */
  readonly ring: () => void;
  readonly onBroken: (error: unknown) => void;
}) {
  const { ledger, registry } = deps;
  let known: Known | undefined;
  /** What begins and ends meanwhile may not be in what is read. */
  let looking: { readonly registry: Registry; readonly events: StoredEvent[] } | undefined;

  deps.engine.watch((events) => {
    for (const event of events) {
      if (!/^(delegation|attempt)\./.test(event.type)) continue;
      looking?.events.push(event);
      follow(event);
    }
  });

  function follow({ stream, body }: StoredEvent): void {
    if (!known) return;
    const event = body as DelegationEvent;
    if (event.type === "delegation.queued")
      begin(known, stream, openOf(event.order, "waits"), event.order.queuedAt);
    if (event.type === "delegation.rerouted") {
      const isPatient = known.open.get(stream)?.isPatient ?? false;
      put(known, stream, undefined);
      begin(known, stream, { id: event.to, phase: "waits", isPatient }, event.at);
      return deps.ring();
    }
    const before = known?.open.get(stream);
    if (!known || !before) return;
    const phase = phaseAfter(event, before);
    if (phase === before.phase) return;
    put(known, stream, phase && { ...before, phase });
    if (phase !== "runs") deps.ring();
  }

  function begin(of: Known, stream: string, open: Open, since: number): void {
    const card = of.registry.find(open.id)?.id;
    if (card === undefined) return;
    if (of.cards.has(card)) put(of, stream, open, since);
    // Asked for by somebody who had the names from before: what else its agent has is not known.
    else if (card !== open.id) known = undefined;
  }

  /** Once for each registry, and before anything is sent by its names. */
  function look(): void {
    if (looking?.registry === registry()) return;
    const own = { registry: registry(), events: [] as StoredEvent[] };
    looking = own;
    whatIsOpen(own.registry)
      .then((found) => {
        if (looking !== own) return;
        [known, looking] = [found, undefined];
        own.events.forEach(follow);
        deps.ring();
      })
      .catch((error: unknown) => {
        if (looking === own) looking = undefined;
        setTimeout(deps.ring, AFTER_FAILURE_MS).unref();
        deps.onBroken(error);
      });
  }

  async function whatIsOpen(names: Registry): Promise<Known> {
    const counts = await ledger.openByAgent("delegation", OPEN);
    const ids = [...new Set(counts.map(({ agent }) => agent))];
    const cardOf = (id: string) => names.find(id)?.id;
    const cards = new Set(ids.flatMap((id) => (cardOf(id) === id ? [] : (cardOf(id) ?? []))));
    const found = { registry: names, open: new Map(), lanes: new Map(), cards };
    for (const agent of ids) {
      if (!cards.has(cardOf(agent) ?? "")) continue;
      for (let before: string | undefined; ; ) {
        const query = { kind: "delegation", agent, status: OPEN, limit: PAGE } as const;
        const page = await ledger.list({ ...query, ...(before ? { before } : {}) });
        for (const loaded of page.items) {
          const state = stateOf("delegation", loaded);
          put(found, loaded.stream, openOf(state.order, phaseOf(state)), state.order.queuedAt);
        }
        before = page.next;
        if (!before) break;
      }
    }
    return found;
  }

  return {
    /** The room of an agent for work that was given to it under this id. */
    capacity(agent: string, { id, concurrency }: AgentCard): number {
      if (registry() !== known?.registry) {
        look();
        return 0;
      }
      if (!known.cards.has(id)) return concurrency;
      const own = known.lanes.get(agent);
      let room = concurrency;
      for (const lane of known.lanes.values()) {
        if (lane === own || lane.card !== id) continue;
        room -= lane.runs + (goesBefore(lane, own) ? lane.waits : 0);
      }
      return Math.max(0, room);
    },
  };
}

/** Former ids before the one that it has now; among them the one with the oldest work. */
function goesBefore(lane: Lane, other: Lane | undefined): boolean {
  if (!other?.isFormer) return lane.isFormer;
  return lane.isFormer && lane.since < other.since;
}

function openOf(order: Order, phase: Phase): Open {
  return { id: order.agent, phase, isPatient: delayBefore(order, 2) > 0 };
}

function phaseOf(state: DelegationState): Phase {
  if (state.status === "dispatched" || state.waiting?.reason === "uncertain") return "runs";
  return delayBefore(state.order, currentAttempt(state).attempt) > 0 ? "later" : "waits";
}

/** undefined = it is over here. */
function phaseAfter(event: DelegationEvent, { phase, isPatient }: Open): Phase | undefined {
  switch (event.type) {
    case "delegation.settled":
      return undefined;
    case "attempt.dispatched":
    case "attempt.uncertain":
      return "runs";
    case "attempt.deferred":
    case "attempt.lost":
      return "waits";
    case "attempt.failed":
      return isPatient ? "later" : "waits";
    case "delegation.queued":
    case "delegation.rerouted":
    case "attempt.held":
    case "attempt.released":
    case "artifact.uploaded":
    case "handoff.seen":
      return phase;
  }
}

function put(
  { registry, open, lanes }: Known,
  stream: string,
  next: Open | undefined,
  since = Number.POSITIVE_INFINITY,
): void {
  const before = open.get(stream);
  if (before) count(lanes.get(before.id), before.phase, -1);
  open.delete(stream);
  if (!next) return;
  const { id, phase } = next;
  const card = registry.find(id)?.id ?? id;
  const lane = lanes.get(id) ?? { card, isFormer: card !== id, since, waits: 0, runs: 0 };
  lane.since = Math.min(lane.since, since);
  lanes.set(id, lane);
  open.set(stream, next);
  count(lane, phase, 1);
}

function count(lane: Lane | undefined, phase: Phase, by: number): void {
  if (lane && phase === "waits") lane.waits += by;
  if (lane && phase === "runs") lane.runs += by;
}
