import { type Fact, talliesOf } from "../domain/tally.ts";
import { createOneByOne } from "../kernel/one-by-one.ts";
import type { Ledger } from "./ports/ledger.ts";
import { createFacts, TALLIED_EVENTS } from "./tally-facts.ts";

const PAGE = 100;
/** So many events are looked at before others get their turn. */
const AT_A_TIME = 25;

/** How far the kept figures have come. */
export type Counted = {
  readonly position: number;
  /** Events of any kind that are not looked at yet. */
  readonly behind: number;
};

/** Counts what ended into the kept figures: page by page, from where it left off, in no commit of anybody else. */
export type Tallying = {
  /** Counts at most one page; false when there was nothing left to count. */
  readonly step: () => Promise<boolean>;
  /** Counts on until all is counted or the time is over. */
  readonly catchUp: (withinMs: number) => Promise<Counted>;
};

export function createTallying(deps: { readonly ledger: Ledger; readonly now: () => number }): Tallying {
  const { ledger, now } = deps;
  const { tallies } = ledger;
  const factsOf = createFacts(ledger);
  const oneByOne = createOneByOne();
  /** Looked at up to here: nothing before it is left to count. */
  let seen = 0;

  async function countPage(): Promise<boolean> {
    const from = await tallies.position();
    const last = await lastPosition();
    const after = Math.max(from, seen);
    if (after >= last) return false;
    const events = await ledger.events({ after, types: TALLIED_EVENTS, limit: PAGE });
    const isAll = events.length < PAGE;
    if (events.length > 0) {
      const facts: Fact[] = [];
      for (const [index, event] of events.entries()) {
        if (index % AT_A_TIME === AT_A_TIME - 1) await new Promise(setImmediate);
        facts.push(...(await factsOf(event)));
      }
      const to = events.at(-1)?.position ?? from;
      // Somebody else counted on meanwhile: from there, again.
      if (!(await tallies.add({ from, to, tallies: talliesOf(facts) }))) return true;
    }
    if (isAll) seen = last;
    return !isAll;
  }

  async function lastPosition(): Promise<number> {
    const [last] = await ledger.events({ before: Number.MAX_SAFE_INTEGER, limit: 1 });
    return last?.position ?? 0;
  }

  /** One page after the other, whoever asks. */
  const step = () => oneByOne(countPage);

  return {
    step,
    async catchUp(withinMs) {
      const until = now() + withinMs;
      while (await step()) if (now() >= until) break;
      const position = Math.max(seen, await tallies.position());
      return { position, behind: Math.max(0, (await lastPosition()) - position) };
    },
  };
}
