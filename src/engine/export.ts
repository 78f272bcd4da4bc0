import type { DelegationState } from "../domain/delegation-types.ts";
import { csvLine, DELEGATION_COLUMNS, delegationCells, EVENT_COLUMNS, eventCells } from "../domain/export.ts";
import { viewOf } from "../domain/view.ts";
import type { Page } from "./ports/ledger.ts";
import type { Upkeep } from "./ports/upkeep.ts";
import type { ExportQuery } from "./upkeep-verbs.ts";

const PAGE = 500;

/** Everything as text, a page at a time; each line holds the cursor from which one can go on. */
export async function* exportLines(
  upkeep: Pick<Upkeep, "events" | "streams">,
  { what, format, after, since }: ExportQuery,
): AsyncGenerator<string> {
  const isCsv = format === "csv";
  if (isCsv && after === undefined) yield csvLine(what === "events" ? EVENT_COLUMNS : DELEGATION_COLUMNS);
  const more = since === undefined ? {} : { since };
  for (let cursor = after; ; ) {
    const query = { limit: PAGE, ...more, ...(cursor === undefined ? {} : { after: cursor }) };
    const page: Page<string> = what === "events" ? await eventPage(query) : await delegationPage(query);
    if (page.items.length > 0) yield page.items.join("");
    cursor = page.next;
    if (cursor === undefined) return;
  }

  type Query = Parameters<Upkeep["events"]>[0];

  async function eventPage(query: Query): Promise<Page<string>> {
    const { items, next } = await upkeep.events(query);
    const texts = items.map((event) => (isCsv ? csvLine(eventCells(event)) : jsonLine(event)));
    return { items: texts, ...(next === undefined ? {} : { next }) };
  }

  async function delegationPage(query: Query): Promise<Page<string>> {
    const { items, next } = await upkeep.streams({ ...query, kind: "delegation" });
    const texts = items.map(({ seq, state }) => {
      const view = viewOf(state as DelegationState);
      return isCsv ? csvLine(delegationCells(seq, view)) : jsonLine({ cursor: seq, ...view });
    });
    return { items: texts, ...(next === undefined ? {} : { next }) };
  }
}

function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
