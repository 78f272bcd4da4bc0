import type { StoredEvent } from "../engine/ports/ledger.ts";
import type { Verbs } from "../engine/verbs.ts";
import { createBell } from "../kernel/bell.ts";

const PAGE = 200;

/** How an event is written: `message` = without its name, `brief` = without its body. */
export type Framing = { readonly as?: "event" | "message"; readonly brief?: boolean };

function frameOf(event: StoredEvent, { as, brief }: Framing): string {
  const { position, stream, type, at, actor } = event;
  const name = as === "message" ? "" : `event: ${type}\n`;
  return `id: ${position}\n${name}data: ${JSON.stringify(brief ? { position, stream, type, at, actor } : event)}\n\n`;
}

/**
 * Events as text/event-stream, in order and without gaps: commits only ring, everything is read from the ledger
 * when the reader has room, so a slow reader falls behind there and not in our memory.
 *
 * `after` undefined, or beyond the last event = only what happens from now on. Ends when `closing` aborts or the reader goes.
 */
export function eventStream(parts: {
  readonly verbs: Pick<Verbs, "watch" | "eventsAfter">;
  readonly first: readonly StoredEvent[];
  readonly after: number | undefined;
  readonly shows: (event: StoredEvent) => boolean;
  readonly framing: Framing;
  readonly heartbeatMs: number;
  readonly closing: AbortSignal;
  readonly onEnd: () => void;
}): ReadableStream<Uint8Array> {
  const { verbs, shows, closing, framing } = parts;
  const frame = (event: StoredEvent) => frameOf(event, framing);
  const bell = createBell();
  const encoder = new TextEncoder();
  let position = parts.after;
  /** The first of what was told since: where who has no position begins. */
  let firstTold: number | undefined;
  let isLookedAt = false;
  let isStirred = false;
  const gone = new AbortController();
  const over = AbortSignal.any([closing, gone.signal]);

  const unwatch = verbs.watch((events) => {
    firstTold ??= Math.min(...events.map((event) => event.position));
    isStirred = true;
    bell.ring();
  });
  over.addEventListener("abort", bell.ring, { once: true });

  function end(): void {
    gone.abort();
    unwatch();
    parts.onEnd();
  }

  /** An older ledger was restored since: what it writes from now on has smaller numbers than those that were seen. */
  async function isBeyond(last: number): Promise<boolean> {
    return last > 0 && (await verbs.eventsAfter(last - 1, 1)).length === 0;
  }

  /** The next piece of text; undefined = it is over. */
  async function next(): Promise<string | undefined> {
    while (!over.aborted) {
      if (!isLookedAt && position !== undefined && (await isBeyond(position))) position = undefined;
      isLookedAt = true;
      if (firstTold !== undefined) position ??= firstTold - 1;
      if (position !== undefined) {
        isStirred = false;
        const page = await verbs.eventsAfter(position, PAGE);
        position = page.at(-1)?.position ?? position;
        const text = page.filter(shows).map(frame).join("");
        if (text) return text;
        if (page.length > 0) continue;
      }
      await bell.sleep(parts.heartbeatMs);
      if (!isStirred && !over.aborted) return ": still here\n\n";
    }
    return undefined;
  }

  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(`retry: 1000\n\n${parts.first.map(frame).join("")}`));
    },
    async pull(controller) {
      const text = await next();
      if (gone.signal.aborted) return;
      if (text !== undefined) return controller.enqueue(encoder.encode(text));
      end();
      controller.close();
    },
    cancel: end,
  });
}
