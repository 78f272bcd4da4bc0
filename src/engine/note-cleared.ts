import { newId } from "../kernel/id.ts";
import { counted } from "../kernel/text.ts";
import type { Engine } from "./accept.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { QueueChannel } from "./ports/queue-channel.ts";

const PAGE = 500;

/** Which messages somebody had removed is kept, so that nobody misses them later. */
export function notingCleared(deps: {
  readonly channel: () => Promise<QueueChannel>;
  readonly engine: Pick<Engine, "accept">;
  readonly now: () => number;
}): () => Promise<QueueChannel> {
  return async () => {
    const port = await deps.channel();
    return {
      ...port,
      async clear(channel, messages) {
        const done = await port.clear(channel, messages);
        if (done.removed.length === 0) return done;
        const at = deps.now();
        const stream = newId("mend", at);
        const finding = { fault: "unseen", id: channel, reason: "messages were cleared on request" } as const;
        const what = `${counted(done.removed.length, "message was", "messages were")} cleared`;
        const input = {
          type: "mend",
          at,
          id: stream,
          by: "operator",
          finding,
          done: what,
          cleared: done.removed,
        } as const;
        await deps.engine.accept({ kind: "mend", stream, input, cause: "queue clear", isNew: true });
        return done;
      },
    };
  };
}

/** The messages that were removed on request. */
export async function clearedMessages(ledger: Pick<Ledger, "events">): Promise<ReadonlySet<string>> {
  const cleared = new Set<string>();
  for (let after = 0; ; ) {
    const events = await ledger.events({ types: ["mend.made"], after, limit: PAGE });
    for (const { body } of events) {
      for (const message of (body as { cleared?: readonly string[] }).cleared ?? []) cleared.add(message);
    }
    after = events.at(-1)?.position ?? after;
    if (events.length < PAGE) return cleared;
  }
}
