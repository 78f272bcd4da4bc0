import type { Ledger, StoredEvent } from "./ports/ledger.ts";

const PAGE = 1000;
/** More than that no work posts. */
const MOST_EFFECTS = 100_000;

/** What happened to one thing that people asked for. `refuse` throws unless it is known. */
export function createHistory(ledger: Ledger, refuse: (id: string) => Promise<unknown>) {
  async function history(id: string): Promise<readonly StoredEvent[]> {
    const events = await allEvents(ledger, id);
    if (events.length === 0) await refuse(id);
    return events;
  }

  return {
    history,
    async wholeHistory(id: string) {
      // What comes while it is being read is behind this position.
      const [latest] = await ledger.events({ before: Number.MAX_SAFE_INTEGER, limit: 1 });
      const upTo = latest?.position ?? 0;
      const told = [await history(id)];
      for (const delivery of await deliveriesOf(ledger, id)) told.push(await allEvents(ledger, delivery));
      const events = told.flat().filter(({ position }) => position <= upTo);
      return { events: events.sort((a, b) => a.position - b.position), upTo };
    },
  };
}

/** Those that were posted, and those that were to be. */
async function deliveriesOf(ledger: Ledger, id: string): Promise<ReadonlySet<string>> {
  const effects = await ledger.trail.effectsOf(id, MOST_EFFECTS);
  const receipts = await ledger.receiptsOf(id);
  const named = [
    ...receipts.map(({ delivery }) => delivery),
    ...effects.flatMap(({ body }) => (body.type === "post" ? [body.delivery.id] : [])),
  ];
  return new Set(named.filter((delivery) => delivery.startsWith(`${id}/`)));
}

async function allEvents(ledger: Ledger, stream: string): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (let after = -1; ; ) {
    const page = await ledger.events({ stream, after, limit: PAGE });
    events.push(...page);
    const last = page.at(-1);
    if (!last || page.length < PAGE) return events;
    after = last.position;
  }
}
