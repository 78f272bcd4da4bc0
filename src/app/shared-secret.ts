import { setTimeout as pause } from "node:timers/promises";
import type { Ledger } from "../engine/ports/ledger.ts";

const MEMO = "secret";
const LEASE = "secret";
const LEASE_MS = 5000;
const LOOK_AGAIN_MS = 50;

/**
 * What signs the tokens of agents and of runs, the same for all members: the one of the environment, else the one in
 * the ledger, where the first member puts its own.
 */
export async function sharedSecret(parts: {
  readonly ledger: Pick<Ledger, "recall" | "remember" | "lease">;
  readonly holder: string;
  readonly given: string | undefined;
  readonly own: string;
}): Promise<string> {
  const { ledger, holder, given, own } = parts;
  if (given) return given;
  for (;;) {
    const known = await ledger.recall(MEMO);
    if (known) return known;
    // Of several that come at once, one writes it.
    if (await ledger.lease(LEASE, holder, LEASE_MS)) {
      const meanwhile = await ledger.recall(MEMO);
      if (!meanwhile) await ledger.remember(MEMO, own);
      await ledger.lease(LEASE, holder, 0);
      if (meanwhile) return meanwhile;
      return own;
    }
    await pause(LOOK_AGAIN_MS);
  }
}
