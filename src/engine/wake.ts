import { aggregates, isWaking, type Kind, type Kinds } from "../domain/aggregates.ts";
import { type Engine, stateOf } from "./accept.ts";
import type { Inbox } from "./ports/handoffs.ts";
import type { Ledger, Wake } from "./ports/ledger.ts";
import type { Log } from "./ports/log.ts";

/** How long a stream is left alone that was woken in vain, or could not be. */
const IN_VAIN_MS = 60_000;

/** An instant that a stream asked for has come: it is told so, and asks for the next one with what it decides. */
export function createWake(deps: {
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly inbox: Pick<Inbox, "lookFor">;
  readonly now: () => number;
  readonly log: Log;
}) {
  const { engine, ledger, inbox, now, log } = deps;

  return async function wake(due: Wake): Promise<void> {
    const { stream, kind, wakeAt } = due;
    const at = now();
    let next: number | undefined;
    try {
      if (!isWaking(kind)) throw new Error(`nobody knows how to wake a ${kind}`);
      // What was handed in while nobody looked counts before its deadline does.
      if (kind === "delegation") await inbox.lookFor(stream);
      const cause = `wake:${stream}@${wakeAt}`;
      const { events } = await engine.accept({ kind, stream, input: { type: "wake", at }, cause });
      if (events.length > 0) return;
      const loaded = await ledger.load(stream);
      next = loaded && wakeAtOf(kind, stateOf(kind, loaded));
      if (next !== undefined && next <= at) throw new Error(`${stream} was due and decided nothing`);
    } catch (error) {
      log.error({ stream, wakeAt, err: error }, "a stream could not be woken and will be tried again");
      next = at + IN_VAIN_MS;
    }
    // Else the loop would find it due again at once, and for ever.
    await ledger.putOff(due, next);
  };
}

function wakeAtOf<K extends Kind>(kind: K, state: Kinds[K]["state"]): number | undefined {
  return aggregates[kind].wakeAt?.(state);
}
