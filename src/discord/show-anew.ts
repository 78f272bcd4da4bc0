import type { Log } from "../engine/ports/log.ts";
import type { Verbs } from "../engine/verbs.ts";
import type { Cards } from "./cards.ts";

const PAGE = 100;

/**
 * Shows the cards of all that is open as it is now, one after the other, so that they are in nobody's way: whoever led
 * before us may have written its last word late. A card that was never posted has an effect of its own.
 */
export function showOpenCards(deps: ShowOpenCards): void {
  showAll(deps).then(
    (count) => deps.log.info({ count }, "open cards were shown anew"),
    (error: unknown) => deps.log.error({ err: error }, "not all open cards were shown anew"),
  );
}

type ShowOpenCards = {
  readonly verbs: Pick<Verbs, "delegations" | "runs" | "tasks">;
  readonly cards: Pick<Cards, "showAnew">;
  readonly isOver: () => boolean;
  readonly log: Log;
};

async function showAll(deps: ShowOpenCards): Promise<number> {
  const { verbs, cards, isOver } = deps;
  const lists = [verbs.delegations, verbs.runs.runs, verbs.tasks.tasks] as const;
  let shown = 0;
  for (const list of lists) {
    let before: string | undefined;
    do {
      const page = await list({ open: true, limit: PAGE, ...(before === undefined ? {} : { before }) });
      for (const { id } of page.items) {
        if (isOver()) return shown;
        await cards.showAnew({ type: "card", run: id, to: { role: "results" } });
        shown++;
      }
      before = page.next;
    } while (before !== undefined);
  }
  return shown;
}
