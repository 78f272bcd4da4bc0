import { type Actor, actorName } from "../domain/actor.ts";
import { aggregates, type Kind, type Kinds } from "../domain/aggregates.ts";
import type { Receipt } from "../domain/delivery-types.ts";
import { joinFilings } from "../domain/filing.ts";
import { fold } from "../kernel/decider.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Commit, Ledger, Loaded, StoredEvent } from "./ports/ledger.ts";
import type { Crash } from "./ports/log.ts";

/** Event bodies of today's shape; upcasts turn older ones into it. */
export const EVENT_SCHEMA = 1;
const MOST_CACHED = 4096;
const SYSTEM: Actor = { kind: "system", id: "engine" };

export type Acceptance<K extends Kind> = {
  readonly kind: K;
  readonly stream: string;
  readonly input: Kinds[K]["input"];
  /** Id of the input or effect behind it. */
  readonly cause: string;
  /** The id was made just now, so there is no stream to look for. */
  readonly isNew?: boolean;
  readonly actor?: Actor;
  readonly key?: NonNullable<Commit["key"]>;
  readonly settles?: readonly { readonly id: string; readonly outcome: string }[];
  readonly receipts?: readonly Receipt[];
};

export type Accepted<K extends Kind> = {
  readonly state: Kinds[K]["state"] | undefined;
  readonly events: readonly Kinds[K]["event"][];
  /** The key was used before, by this stream. */
  readonly repeats?: { readonly stream: string; readonly same: boolean };
};

export type Engine = {
  /** Load, decide, commit; again on a conflict. Serial per stream; resolves when it is safe. */
  readonly accept: <K extends Kind>(acceptance: Acceptance<K>) => Promise<Accepted<K>>;
  readonly read: <K extends Kind>(kind: K, stream: string) => Promise<Kinds[K]["state"] | undefined>;
  /** Called after each commit with its events; only those of one stream when it is named. */
  readonly watch: (listener: Listener, stream?: string) => () => void;
};

type Listener = (events: readonly StoredEvent[]) => void;
/** Without a state: there is no such stream. */
type Cached = { readonly kind: Kind; readonly state: unknown; readonly version: number };

/** The state of a loaded stream: what was folded, and the events after it. */
export function stateOf<K extends Kind>(kind: K, loaded: Pick<Loaded, "state" | "later">): Kinds[K]["state"] {
  const bodies = loaded.later.map(({ body }) => body as Kinds[K]["event"]);
  const before = loaded.state as Kinds[K]["state"] | undefined;
  const state = fold<Kinds[K]["state"], Kinds[K]["event"]>(aggregates[kind].evolve, before, bodies);
  if (state === undefined) throw new Error(`a stored ${kind} has neither state nor events`);
  return state;
}

export function createEngine(deps: {
  readonly ledger: Ledger;
  readonly now: () => number;
  readonly crash: Crash;
  /** Called as soon as a commit is on its way, so that the loop's claim joins its transaction. */
  readonly onCommit: () => void;
}): Engine {
  const { ledger, now, crash, onCommit } = deps;
  const cache = new Map<string, Cached>();
  const tails = new Map<string, Promise<unknown>>();
  const listeners = new Set<Listener>();
  const listenersOf = new Map<string, Set<Listener>>();

  async function load(kind: Kind, stream: string): Promise<Cached | undefined> {
    const cached = cache.get(stream);
    if (cached) return cached.kind === kind ? cached : undefined;
    const loaded = await ledger.load(stream);
    if (loaded && loaded.kind !== kind) return undefined;
    const entry = loaded
      ? { kind, state: stateOf(kind, loaded), version: loaded.version }
      : { kind, state: undefined, version: 0 };
    // A commit may have come while it was read.
    const newer = cache.get(stream);
    if (newer) return newer.kind === kind ? newer : undefined;
    keep(stream, entry);
    return entry;
  }

  function keep(stream: string, entry: Cached): void {
    cache.delete(stream);
    cache.set(stream, entry);
    if (cache.size > MOST_CACHED) {
      const oldest = cache.keys().next();
      if (!oldest.done) cache.delete(oldest.value);
    }
  }

  async function acceptNow<K extends Kind>(acceptance: Acceptance<K>): Promise<Accepted<K>> {
    const { kind, stream, input } = acceptance;
    const aggregate = aggregates[kind];
    for (let isFirst = true; ; isFirst = false) {
      const before = isFirst && acceptance.isNew ? undefined : await load(kind, stream);
      const state = before?.state as Kinds[K]["state"] | undefined;
      const events = aggregate.decide(state, input);
      const slots = state === undefined ? undefined : aggregate.slots?.(state, input);
      if (events.length === 0) {
        if (slots?.length && state !== undefined)
          await writeQuietly(acceptance, state, before?.version ?? 0, slots);
        else if (acceptance.settles?.length) await ledger.settle(acceptance.settles);
        return { state, events };
      }
      crash("accept:decided");
      const { after, commit } = compose(acceptance, state, before?.version ?? 0, events, slots);
      const written = ledger.commit(commit);
      onCommit();
      const committed = await written.catch((error: unknown) => {
        cache.delete(stream);
        throw error;
      });
      if (committed.ok) {
        crash("accept:committed");
        keep(stream, { kind, state: after, version: committed.version });
        tell(commit, committed.version, committed.position);
        return { state: after, events };
      }
      cache.delete(stream);
      if (committed.reason === "conflict") await refuseForeignKind(kind, stream);
      if (committed.reason === "key") {
        return { state: undefined, events: [], repeats: { stream: committed.stream, same: committed.same } };
      }
    }
  }

  /** An id that something of another kind has would be a conflict for ever. */
  async function refuseForeignKind(kind: Kind, stream: string): Promise<void> {
    const found = await ledger.load(stream);
    if (!found || found.kind === kind) return;
    throw new Refusal("key_reused", `${stream} is the id of a ${found.kind}.`, {
      hint: "Choose another id, or leave it out.",
    });
  }

  /** An input that means nothing to the state may still give capacity back. */
  async function writeQuietly<K extends Kind>(
    acceptance: Acceptance<K>,
    state: Kinds[K]["state"],
    version: number,
    slots: NonNullable<Commit["slots"]>,
  ): Promise<void> {
    const { commit } = compose(acceptance, state, version, [], slots);
    const written = ledger.commit({ ...commit, state: undefined });
    onCommit();
    const committed = await written;
    if (!committed.ok)
      throw new Error(`a write without events met ${committed.reason} on ${acceptance.stream}`);
  }

  function compose<K extends Kind>(
    acceptance: Acceptance<K>,
    state: Kinds[K]["state"] | undefined,
    version: number,
    events: readonly Kinds[K]["event"][],
    slots: Commit["slots"],
  ): { readonly after: Kinds[K]["state"]; readonly commit: Commit } {
    const { kind, stream, cause, actor, key, settles, receipts } = acceptance;
    const aggregate = aggregates[kind];
    const effects = [];
    let after = state;
    for (const event of events) {
      const next: Kinds[K]["state"] = aggregate.evolve(after, event);
      effects.push(...aggregate.effects(next, event));
      after = next;
    }
    if (after === undefined) throw new Error(`nothing to write for ${stream}`);
    const cancels = aggregate.cancels?.(events, state);
    const wakeAt = aggregate.wakeAt?.(after);
    const isKept = aggregate.keeps?.(after, events, version + events.length) ?? true;
    const commit: Commit = {
      stream,
      kind,
      ...aggregate.columns(after),
      ...(wakeAt === undefined ? {} : { wakeAt }),
      expectedVersion: version,
      events: events.map((event) => ({
        type: (event as { type: string }).type,
        schema: EVENT_SCHEMA,
        body: event,
      })),
      state: isKept ? after : undefined,
      effects: joinFilings(effects),
      cause,
      actor: actorName(actor ?? SYSTEM),
      at: now(),
      ...(key ? { key } : {}),
      ...(settles?.length ? { settles } : {}),
      ...(cancels?.length ? { cancels } : {}),
      ...(slots?.length ? { slots } : {}),
      ...(receipts?.length ? { receipts } : {}),
    };
    return { after, commit };
  }

  function tell(commit: Commit, version: number, position: number): void {
    const { stream, cause, actor, at } = commit;
    const own = listenersOf.get(stream);
    if (listeners.size === 0 && !own) return;
    const count = commit.events.length;
    const stored = commit.events.map((event, index) => ({
      ...event,
      stream,
      cause,
      actor,
      at,
      version: version - count + 1 + index,
      position: position - count + 1 + index,
    }));
    for (const listener of listeners) listener(stored);
    if (own) for (const listener of own) listener(stored);
  }

  function watchStream(listener: Listener, stream: string): () => void {
    const own = listenersOf.get(stream) ?? new Set();
    listenersOf.set(stream, own.add(listener));
    return () => {
      own.delete(listener);
      if (own.size === 0 && listenersOf.get(stream) === own) listenersOf.delete(stream);
    };
  }

  return {
    accept(acceptance) {
      const { stream } = acceptance;
      const before = tails.get(stream);
      const run = before ? before.then(() => acceptNow(acceptance)) : acceptNow(acceptance);
      const tail = run.then(
        () => undefined,
        () => undefined,
      );
      tails.set(stream, tail);
      void tail.then(() => {
        if (tails.get(stream) === tail) tails.delete(stream);
      });
      return run;
    },
    async read(kind, stream) {
      // An effect may be performed as soon as its commit is safe, a moment before that commit's accept has gone on.
      await tails.get(stream);
      const cached = await load(kind, stream);
      return cached?.state as never;
    },
    watch(listener, stream) {
      if (stream !== undefined) return watchStream(listener, stream);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
