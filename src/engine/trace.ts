import type { RunEvent } from "../domain/run-types.ts";
import type { TaskEvent } from "../domain/task-events.ts";
import { taskIdOf } from "../domain/task-types.ts";
import { traceOf } from "../domain/trace.ts";
import { TRACED_KINDS, type Trace, type TracedKind, type TracedSubject } from "../domain/trace-types.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Ledger, StoredEvent, StreamKind } from "./ports/ledger.ts";
import { toldElsewhere } from "./told-elsewhere.ts";

/** A story longer than this is told in parts: each child has one of its own. */
const MOST_SUBJECTS = 200;
const MOST_EVENTS = 5000;
const LATEST_EVENTS = 500;
const MOST_EFFECTS = 5000;

export type TraceVerb = (id: string) => Promise<Trace>;

/** Tells the story of one id, of whatever kind: also of a message, a command or a delivery. Reads and changes nothing. */
export function createTrace(deps: {
  readonly ledger: Pick<Ledger, "load" | "events" | "receiptsOf" | "keyOf" | "trail">;
  readonly now: () => number;
}): TraceVerb {
  const { ledger, now } = deps;

  /** The delegation, run, task or worker that a word leads to. */
  async function find(word: string): Promise<string | undefined> {
    const known = await ledger.load(word);
    if (known && isTraced(known.kind)) return word;
    // A delivery is named after what it tells of.
    const slash = word.lastIndexOf("/");
    if (slash > 0) return find(word.slice(0, slash));
    if (!/^\d{17,20}$/.test(word)) return undefined;
    const asked = (await ledger.keyOf("interaction", word))?.stream;
    if (asked !== undefined) return find(asked);
    if (await ledger.load(taskIdOf(word))) return taskIdOf(word);
    const shown = await ledger.trail.receiptsAt(word);
    for (const { delivery } of [...shown].sort((a, b) => a.delivery.length - b.delivery.length)) {
      const found = delivery.includes("/") ? await find(delivery) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  return async (word) => {
    const id = await find(word);
    if (id === undefined) {
      const elsewhere = await toldElsewhere(ledger, word);
      if (elsewhere) throw elsewhere;
      throw new Refusal("not_found", `Nothing here is named ${word}.`, {
        hint: "Give the id of a delegation, run, task, worker, delivery, command or message; `hq status` and `hq queue list` show them.",
      });
    }
    const room = { left: MOST_SUBJECTS };
    const subject = await gather(ledger, id, room);
    if (!subject) throw new Refusal("not_found", `Nothing here is named ${word}.`);
    return traceOf(subject, now());
  };
}

type Reader = Parameters<typeof createTrace>[0]["ledger"];

/** Its history and that of its children, as far as there is `room`. */
async function gather(
  ledger: Reader,
  id: string,
  room: { left: number },
): Promise<TracedSubject | undefined> {
  const loaded = await ledger.load(id);
  if (!loaded || !isTraced(loaded.kind)) return undefined;
  room.left--;
  const { kind, status, version } = loaded;
  const events = await eventsOf(ledger, id);
  const effects = await ledger.trail.effectsOf(id, MOST_EFFECTS);
  const receipts = await ledger.receiptsOf(id);
  const command = commandOf(events[0]);
  const interaction = command === undefined ? [] : await eventsOf(ledger, command);
  const naming = await ledger.trail.childrenOf(id, MOST_SUBJECTS);
  const mends = naming.filter((child) => child.kind === "mend");
  const accepted = (await Promise.all(mends.map(({ stream }) => eventsOf(ledger, stream)))).flat();
  const named = childrenOf(kind, events, naming);
  const children: TracedSubject[] = [];
  let untold = 0;
  for (const child of named) {
    const told = room.left > 0 ? await gather(ledger, child, room) : undefined;
    if (told) children.push(told);
    else if (room.left <= 0) untold++;
  }
  const omitted = version - events.length;
  return { id, kind, status, events, effects, receipts, interaction, accepted, children, untold, omitted };
}

/** The first events, and of a very long history the last ones. */
async function eventsOf(ledger: Reader, stream: string): Promise<readonly StoredEvent[]> {
  const first = await ledger.events({ stream, after: -1, limit: MOST_EVENTS });
  const last = first.at(-1);
  if (!last || first.length < MOST_EVENTS) return first;
  const latest = await ledger.events({ stream, before: Number.MAX_SAFE_INTEGER, limit: LATEST_EVENTS });
  return [...first, ...latest.filter(({ position }) => position > last.position).reverse()];
}

/** What was begun for it: a run and a task name their children, a delegation is named by them. */
function childrenOf(
  kind: TracedKind,
  events: readonly StoredEvent[],
  naming: readonly { readonly stream: string; readonly kind: StreamKind }[],
): readonly string[] {
  const named = events.flatMap(({ body }) => {
    const event = body as RunEvent | TaskEvent;
    if (event.type === "child.started" || event.type === "task.started") return [event.child];
    return event.type === "task.started-late" ? [event.child.id] : [];
  });
  const isNaming = kind === "delegation" || kind === "run";
  const others = naming.filter((child) => isNaming && isTraced(child.kind)).map(({ stream }) => stream);
  return [...new Set([...named, ...others])];
}

/** The stream of the command or button in Discord that asked for it. */
function commandOf(first: StoredEvent | undefined): string | undefined {
  const key = /^interaction:(\d+)$/.exec(first?.cause ?? "")?.[1];
  return key === undefined ? undefined : `int-${key}`;
}

function isTraced(kind: StreamKind): kind is TracedKind {
  return TRACED_KINDS.some((traced) => traced === kind);
}
