import { type Actor, actorName } from "../domain/actor.ts";
import { aggregates, type Kind, type Kinds } from "../domain/aggregates.ts";
import type { Receipt } from "../domain/delivery-types.ts";
import { joinFilings } from "../domain/filing.ts";
import { fold } from "../kernel/decider.ts";
import { Refusal } from "../kernel/refusal.ts";
import { createListeners, type Listener } from "./listeners.ts";
import { createNewer } from "./newer.ts";
import type { Commit, Ledger, Loaded } from "./ports/ledger.ts";
import type { Crash } from "./ports/log.ts";
import { createRemembered, type Remembered } from "./remembered.ts";

/** Event bodies of today's shape; upcasts turn older ones into it. */
const EVENT_SCHEMA = 1;
/** So often somebody else may be quicker; and from the fourth time on we wait a little longer each time. */
const MOST_CONFLICTS = 200;
const PATIENT_CONFLICTS = 3;
const LONGEST_PAUSE_MS = 50;
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
  /** It counts only while this one holds all that it settles; throws when another one does. */
  readonly heldBy?: string;
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
  /** Called after each commit, also of other members, with its events; only those of one stream when it is named. */
  readonly watch: (listener: Listener, stream?: string) => () => void;
};

/** The state of a loaded stream: what was folded, and the events after it. */
export function stateOf<K extends Kind>(kind: K, loaded: Pick<Loaded, "state" | "later">): Kinds[K]["state"] {
  const bodies = loaded.later.map(({ body }) => body as Kinds[K]["event"]);
  const before = loaded.state as Kinds[K]["state"] | undefined;
  const state = fold<Kinds[K]["state"], Kinds[K]["event"]>(aggregates[kind].evolve, before, bodies);
  if (state === undefined) throw new Error(`a stored ${kind} has neither state nor events`);
  return state;
}

const entryOf = (kind: Kind, state: unknown, version: number): Remembered => ({
  kind,
  state,
  version,
  length: JSON.stringify(state).length,
});

const isOver = ({ kind, state }: Remembered): boolean =>
  state !== undefined && aggregates[kind].isOver?.(state as never) === true;

export function createEngine(deps: {
  readonly ledger: Ledger;
  readonly now: () => number;
  readonly crash: Crash;
  /** Called as soon as a commit is on its way, so that the loop's claim joins its transaction. */
  readonly onCommit: () => void;
  readonly onBroken?: (error: unknown) => void;
}): Engine & Pick<ReturnType<typeof createListeners>, "follower" | "behind"> {
  const { ledger, now, crash, onCommit, onBroken = () => undefined } = deps;
  const remembered = createRemembered();
  /** Loads under way; old when what was written meanwhile is not remembered. */
  const looks = new Set<{ readonly stream: string; isOld: boolean }>();
  const tails = new Map<string, Promise<unknown>>();
  const { tell, watch, follower, behind } = createListeners({ ledger, onBroken });
  /** Only where others write too. */
  const newer = ledger.later && createNewer(ledger.later);

  async function load(kind: Kind, stream: string): Promise<Remembered | undefined> {
    const known = remembered.get(stream);
    if (known) return known.kind === kind ? known : undefined;
    const look = { stream, isOld: false };
    looks.add(look);
    const loaded = await ledger.load(stream).finally(() => looks.delete(look));
    if (look.isOld) return load(kind, stream);
    if (loaded && loaded.kind !== kind) return undefined;
    const entry = loaded
      ? entryOf(kind, stateOf(kind, loaded), loaded.version)
      : { kind, state: undefined, version: 0, length: 0 };
    // A commit may have come while it was read.
    const written = remembered.get(stream);
    if (written) return written.kind === kind ? written : undefined;
    // What is not there may be made by others.
    if ((loaded || !newer) && !isOver(entry)) keep(stream, entry);
    return entry;
  }

  /** The same with what others have written since. */
  async function loadNewest(kind: Kind, stream: string): Promise<Remembered | undefined> {
    const isKnown = remembered.get(stream) !== undefined;
    const entry = await load(kind, stream);
    if (!newer || !entry || !isKnown) return entry;
    const events = await newer(stream, entry.version);
    const known = remembered.get(stream) ?? entry;
    const fresh = events.filter(({ version }) => version > known.version);
    if (fresh.length === 0) return known;
    if (fresh[0]?.version !== known.version + 1) {
      remembered.forget(stream);
      return load(kind, stream);
    }
    const later = { state: known.state, later: fresh };
    const next = entryOf(kind, stateOf(kind, later), known.version + fresh.length);
    keep(stream, next);
    return next;
  }

  function keep(stream: string, entry: Remembered): void {
    const known = remembered.get(stream);
    // Others went on while we heard that ours is safe, and that was read already.
    if (newer && known?.kind === entry.kind && known.version > entry.version) return;
    if (!isOver(entry)) return remembered.put(stream, entry);
    remembered.forget(stream);
    for (const look of looks) if (look.stream === stream) look.isOld = true;
  }

  async function acceptNow<K extends Kind>(acceptance: Acceptance<K>): Promise<Accepted<K>> {
    const { kind, stream, input } = acceptance;
    const aggregate = aggregates[kind];
    let before = acceptance.isNew ? undefined : await load(kind, stream);
    let isNewest = !newer;
    for (let conflicts = 0; ; ) {
      const state = before?.state as Kinds[K]["state"] | undefined;
      const events = aggregate.decide(state, input);
      if (events.length === 0 && !isNewest) {
        // It may only mean nothing to what we remember.
        const newest = await loadNewest(kind, stream);
        isNewest = newest?.version === before?.version;
        before = newest;
        if (!isNewest) continue;
      }
      const slots = state === undefined ? undefined : aggregate.slots?.(state, input);
      if (events.length === 0) {
        if (slots?.length && state !== undefined) {
          const version = before?.version ?? 0;
          if (!(await writeQuietly(acceptance, state, version, slots))) {
            before = await loadAgain(kind, stream, ++conflicts);
            continue;
          }
        } else if (acceptance.settles?.length) await ledger.settle(acceptance.settles);
        return { state, events };
      }
      crash("accept:decided");
      const { after, commit } = compose(acceptance, state, before?.version ?? 0, events, slots);
      const written = ledger.commit(commit);
      onCommit();
      const committed = await written.catch((error: unknown) => {
        remembered.forget(stream);
        throw error;
      });
      if (committed.ok) {
        crash("accept:committed");
        const length =
          commit.state === undefined ? (before?.length ?? 0) + committed.length : committed.length;
        keep(stream, { kind, state: after, version: committed.version, length });
        tell(commit, committed.version, committed.position);
        return { state: after, events };
      }
      remembered.forget(stream);
      if (committed.reason === "key") {
        return { state: undefined, events: [], repeats: { stream: committed.stream, same: committed.same } };
      }
      if (committed.reason === "lost") throw new Error(`another one holds what ${stream} was to end`);
      await refuseForeignKind(kind, stream);
      before = await loadAgain(kind, stream, ++conflicts);
      isNewest = !newer;
    }
  }

  /** Somebody else was quicker. */
  async function loadAgain(kind: Kind, stream: string, conflicts: number): Promise<Remembered | undefined> {
    remembered.forget(stream);
    if (conflicts > MOST_CONFLICTS) throw new Error(`others wrote to ${stream} ${conflicts} times meanwhile`);
    if (conflicts > PATIENT_CONFLICTS) {
      // No two members ask for the time at quite the same instant.
      const pauseMs = now() % Math.min(LONGEST_PAUSE_MS, conflicts);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    return load(kind, stream);
  }

  /** An id that something of another kind has would be a conflict for ever. */
  async function refuseForeignKind(kind: Kind, stream: string): Promise<void> {
    const found = await ledger.load(stream);
    if (!found || found.kind === kind) return;
    throw new Refusal("key_reused", `${stream} is the id of a ${found.kind}.`, {
      hint: "Choose another id, or leave it out.",
    });
  }

  /** An input that means nothing to the state may still give capacity back. False when somebody else was quicker. */
  async function writeQuietly<K extends Kind>(
    acceptance: Acceptance<K>,
    state: Kinds[K]["state"],
    version: number,
    slots: NonNullable<Commit["slots"]>,
  ): Promise<boolean> {
    const { commit } = compose(acceptance, state, version, [], slots);
    const written = ledger.commit({ ...commit, state: undefined });
    onCommit();
    const committed = await written;
    if (committed.ok || (committed.reason === "conflict" && newer)) return committed.ok;
    throw new Error(`a write without events met ${committed.reason} on ${acceptance.stream}`);
  }

  function compose<K extends Kind>(
    acceptance: Acceptance<K>,
    state: Kinds[K]["state"] | undefined,
    version: number,
    events: readonly Kinds[K]["event"][],
    slots: Commit["slots"],
  ): { readonly after: Kinds[K]["state"]; readonly commit: Commit } {
    const { kind, stream, cause, actor, key, settles, heldBy, receipts } = acceptance;
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
      ...(heldBy === undefined ? {} : { heldBy }),
      ...(cancels?.length ? { cancels } : {}),
      ...(slots?.length ? { slots } : {}),
      ...(receipts?.length ? { receipts } : {}),
    };
    return { after, commit };
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
      const newest = await loadNewest(kind, stream);
      return newest?.state as never;
    },
    watch,
    follower,
    behind,
  };
}
