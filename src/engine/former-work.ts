import type { AgentCard, Registry } from "../domain/agent-card.ts";
import type { DelegationEvent } from "../domain/delegation-types.ts";
import type { Engine } from "./accept.ts";
import type { Ledger, StoredEvent } from "./ports/ledger.ts";

const AFTER_FAILURE_MS = 1000;
const OPEN = ["queued", "dispatched"];
const PAGE = 200;

/** A delegation that is open under an id from now on, or under none. */
type Change = { readonly stream: string; readonly agent?: string };

/**
 * What is open under an id that its agent had before. That waits in a lane of its own, and was asked for first: so much
 * less room there is under the id that the agent has now, until it is over.
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
  /** The ids under which streams are open, as they stand by the names of `known`. */
  let open = new Map<string, string>();
  let known: Registry | undefined;
  /** What begins and ends meanwhile may not be in what is read. */
  let looking: { readonly registry: Registry; readonly changes: Change[] } | undefined;

  deps.engine.watch((events) => {
    for (const event of events) {
      const change = changeOf(event);
      if (!change) continue;
      looking?.changes.push(change);
      if (known && apply(open, change, known) && change.agent === undefined) deps.ring();
    }
  });

  /** Once for each registry, and before anything is sent by its names. */
  function look(): void {
    if (looking?.registry === registry()) return;
    const own = { registry: registry(), changes: [] as Change[] };
    looking = own;
    openUnderFormerIds(own.registry)
      .then((found) => {
        if (looking !== own) return;
        for (const change of own.changes) apply(found, change, own.registry);
        [open, known, looking] = [found, own.registry, undefined];
        deps.ring();
      })
      .catch((error: unknown) => {
        if (looking === own) looking = undefined;
        setTimeout(deps.ring, AFTER_FAILURE_MS).unref();
        deps.onBroken(error);
      });
  }

  async function openUnderFormerIds(now: Registry): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    const counts = await ledger.openByAgent("delegation", OPEN);
    for (const agent of new Set(counts.map((count) => count.agent))) {
      if (!isFormer(agent, now)) continue;
      for (let before: string | undefined; ; ) {
        const query = { kind: "delegation", agent, status: OPEN, limit: PAGE } as const;
        const page = await ledger.list({ ...query, ...(before ? { before } : {}) });
        for (const { stream } of page.items) found.set(stream, agent);
        before = page.next;
        if (!before) break;
      }
    }
    return found;
  }

  return {
    /** The room of an agent for work that was given to it under this id. */
    capacity(agent: string, { id, concurrency }: AgentCard): number {
      if (registry() !== known) {
        look();
        return 0;
      }
      if (agent !== id || open.size === 0) return concurrency;
      const before = [...open.values()].filter((former) => registry().find(former)?.id === id);
      return Math.max(0, concurrency - before.length);
    },
  };
}

function changeOf({ type, stream, body }: StoredEvent): Change | undefined {
  const event = body as DelegationEvent;
  if (type === "delegation.settled" || type === "delegation.rerouted") return { stream };
  return event.type === "delegation.queued" ? { stream, agent: event.order.agent } : undefined;
}

/** Whether it changed anything. */
function apply(open: Map<string, string>, { stream, agent }: Change, names: Registry): boolean {
  if (agent === undefined) return open.delete(stream);
  if (!isFormer(agent, names)) return false;
  open.set(stream, agent);
  return true;
}

function isFormer(agent: string, names: Registry): boolean {
  const card = names.find(agent);
  return card !== undefined && card.id !== agent;
}
