import type { Ledger } from "../engine/ports/ledger.ts";

const HOLD_MS = 10_000;
const ASK_EVERY_MS = 3000;

/** Whether we are the one of several that does something for all; asked as often as wanted. */
export function createTurn(
  name: string,
  deps: { readonly ledger: Pick<Ledger, "lease">; readonly holder: string; readonly now: () => number },
): () => Promise<boolean> {
  const { ledger, holder, now } = deps;
  let askedAt = Number.NEGATIVE_INFINITY;
  let isOurs = false;

  return async () => {
    // A clock that was set back says nothing of how long ago it was.
    if (Math.abs(now() - askedAt) < ASK_EVERY_MS) return isOurs;
    askedAt = now();
    isOurs = (await ledger.lease(name, holder, HOLD_MS)) !== undefined;
    return isOurs;
  };
}
