/** Names of files to be looked at: each once however often it is named, never two looks at one file at a time. */
export type LookQueue = {
  /** Looks now when there is room, else as soon as there is. */
  readonly offer: (path: string) => void;
  /** Resolves when nothing is under way or waiting for this path. */
  readonly done: (path: string) => Promise<void>;
  /** Resolves when nothing is under way; what waits is dropped. */
  readonly close: () => Promise<void>;
};

/** Looks in a row before others get their turn. */
const SLICE = 256;

/**
 * `look` works synchronously and returns a promise only when it handed something on.
 * At most `width` of those are open at a time: it bounds the memory of a burst.
 */
export function createLookQueue(deps: {
  readonly look: (path: string) => Promise<void> | undefined;
  readonly width: number;
}): LookQueue {
  const waiting = new Set<string>();
  const running = new Map<string, { isAskedAgain: boolean }>();
  const listeners = new Map<string, (() => void)[]>();
  let isClosed = false;
  let isPumpSet = false;
  let emptied: (() => void) | undefined;

  function start(path: string): void {
    const work = deps.look(path);
    if (!work) return settle(path);
    running.set(path, { isAskedAgain: false });
    void work.finally(() => finish(path));
  }

  function finish(path: string): void {
    const isAskedAgain = running.get(path)?.isAskedAgain ?? false;
    running.delete(path);
    if (isAskedAgain && !isClosed) waiting.add(path);
    else settle(path);
    if (running.size === 0) emptied?.();
    pump();
  }

  function settle(path: string): void {
    const waiters = listeners.get(path);
    listeners.delete(path);
    for (const resolve of waiters ?? []) resolve();
  }

  function pump(): void {
    if (isPumpSet || isClosed) return;
    let looks = 0;
    for (const path of waiting) {
      if (running.size >= deps.width) return;
      if (++looks > SLICE) {
        isPumpSet = true;
        setImmediate(() => {
          isPumpSet = false;
          pump();
        });
        return;
      }
      waiting.delete(path);
      start(path);
    }
  }

  return {
    offer(path) {
      if (isClosed) return;
      const current = running.get(path);
      if (current) {
        current.isAskedAgain = true;
      } else if (waiting.size === 0 && running.size < deps.width) {
        start(path);
      } else {
        waiting.add(path);
        pump();
      }
    },
    done(path) {
      if (!running.has(path) && !waiting.has(path)) return Promise.resolve();
      return new Promise((resolve) => listeners.set(path, [...(listeners.get(path) ?? []), resolve]));
    },
    async close() {
      isClosed = true;
      for (const path of waiting) settle(path);
      waiting.clear();
      if (running.size > 0) {
        await new Promise<void>((resolve) => {
          emptied = resolve;
        });
      }
    },
  };
}
