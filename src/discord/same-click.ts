import { isRefusal } from "../kernel/refusal.ts";

/** A second click within this time after the end of what the last one began is the same click. */
const SAME_CLICK_MS = 10_000;
const MOST_TIMES = 100;

type Begun<T> = { readonly made: T; readonly repeated: boolean; readonly settledAt?: number | undefined };

/**
 * Begins something once more, by numbered keys. Clicking twice, or while the last one is open, leads to that one; so
 * does a click that is carried out again, whatever became of that one since it was taken. Undefined when it was done
 * too often.
 */
export async function onceMore<T>(
  clickedAt: number,
  begin: (time: number) => Promise<Begun<T>>,
): Promise<T | undefined> {
  for (let time = 1; time <= MOST_TIMES; time++) {
    const begun = await begin(time).catch(refusedForAnother);
    if (!begun) continue;
    const { made, repeated, settledAt } = begun;
    if (!repeated || settledAt === undefined || clickedAt - settledAt <= SAME_CLICK_MS) return made;
  }
  return undefined;
}

/** What is asked for was changed since, as a workflow that takes another input now: that key is used up. */
function refusedForAnother(thrown: unknown): undefined {
  if (!isRefusal(thrown) || thrown.code !== "key_reused") throw thrown;
}
