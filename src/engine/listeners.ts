import type { Commit, Ledger, StoredEvent } from "./ports/ledger.ts";

const PAGE = 200;
const AFTER_FAILURE_MS = 1000;

export type Listener = (events: readonly StoredEvent[]) => void;

/**
 * Tells of every commit. Where others write to the same ledger, theirs are read back: everybody hears each event once,
 * in the order of positions. Our own are told at once unless something of others comes before them.
 */
export function createListeners(deps: {
  readonly ledger: Pick<Ledger, "events" | "members">;
  readonly onBroken: (error: unknown) => void;
}) {
  const { ledger } = deps;
  const listeners = new Set<Listener>();
  const listenersOf = new Map<string, Set<Listener>>();
  /** The last position of ours, and, where others write too, up to where everything was told. */
  let own = 0;
  let told: number | undefined;
  let reading: Promise<void> | undefined;
  let isRung = false;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let unlisten: () => void = () => undefined;

  function call(events: readonly StoredEvent[]): void {
    for (const listener of listeners) listener(events);
    if (listenersOf.size === 0) return;
    for (const [stream, part] of Map.groupBy(events, (event) => event.stream)) {
      for (const listener of listenersOf.get(stream) ?? []) listener(part);
    }
  }

  function tell(commit: Commit, version: number, position: number): void {
    own = Math.max(own, position);
    if (told !== undefined) {
      // It was read back before we knew that it is safe.
      if (position <= told) return;
      if (position - commit.events.length !== told) return ring();
      told = position;
    }
    if (listeners.size > 0 || listenersOf.has(commit.stream)) call(storedOf(commit, version, position));
  }

  function ring(): void {
    isRung = true;
    if (isStopped || reading || timer) return;
    reading = readOn()
      .catch((error: unknown) => {
        deps.onBroken(error);
        timer = setTimeout(() => {
          timer = undefined;
          ring();
        }, AFTER_FAILURE_MS);
      })
      .finally(() => {
        reading = undefined;
        if (isRung) ring();
      });
  }

  async function readOn(): Promise<void> {
    for (let isAll = false; !isAll && !isStopped; ) {
      isRung = false;
      const page = await ledger.events({ after: told ?? 0, limit: PAGE });
      const news = page.filter(({ position }) => position > (told ?? 0));
      told = news.at(-1)?.position ?? told;
      if (news.length > 0) call(news);
      isAll = page.length < PAGE && !isRung;
    }
  }

  async function head(): Promise<number> {
    const [last] = await ledger.events({ before: Number.MAX_SAFE_INTEGER, limit: 1 });
    return last?.position ?? 0;
  }

  return {
    tell,
    watch(listener: Listener, stream?: string): () => void {
      if (stream === undefined) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      }
      const those = listenersOf.get(stream) ?? new Set();
      listenersOf.set(stream, those.add(listener));
      return () => {
        those.delete(listener);
        if (those.size === 0 && listenersOf.get(stream) === those) listenersOf.delete(stream);
      };
    },
    /** How many events were not told here yet; 0 where nobody else writes. */
    behind: async () => (told === undefined ? 0 : Math.max(0, (await head()) - told)),
    /** Hears the others from now on. */
    follower: {
      name: "what others write",
      async start(): Promise<void> {
        const { members } = ledger;
        if (!members) return;
        const last = await head();
        told = Math.max(last, own);
        unlisten = members.onOthers(ring);
      },
      async stop(): Promise<void> {
        isStopped = true;
        unlisten();
        clearTimeout(timer);
        await reading;
      },
    },
  };
}

function storedOf(commit: Commit, version: number, position: number): readonly StoredEvent[] {
  const { stream, cause, actor, at, events } = commit;
  return events.map((event, index) => ({
    ...event,
    stream,
    cause,
    actor,
    at,
    version: version - events.length + 1 + index,
    position: position - events.length + 1 + index,
  }));
}
