import type { Log } from "../engine/ports/log.ts";
import type { Part } from "../kernel/lifecycle.ts";
import { isRefusal } from "../kernel/refusal.ts";
import type { Shared } from "./membership.ts";

/** Discord, as it is led: connected while we lead, left at once when that may be over. */
export type Led = {
  readonly connect: () => Promise<void>;
  /** What was not sent is given back before it resolves. */
  readonly leave: () => Promise<void>;
};

/**
 * Of several supervisors on one ledger only the one that leads is on Discord: this follows the lease. Stopped in order,
 * it leaves Discord first and then gives the lease back, so that the next one need not wait for its end.
 */
export function createLeadership(deps: {
  readonly shared: Pick<Shared, "leads" | "onLead" | "resign">;
  readonly discord: Led;
  readonly log: Log;
  readonly onBroken: (error: unknown) => void;
}): Part {
  const { shared, discord, log, onBroken } = deps;
  let unfollow: (() => void) | undefined;
  let leaving: Promise<void> = Promise.resolve();

  function follow(leads: boolean): void {
    if (leads) discord.connect().catch(onBroken);
    else leaving = discord.leave().catch(onBroken);
  }

  return {
    name: "leading on Discord",
    /** Throws `Refusal` when Discord cannot be led from here at all. */
    async start() {
      unfollow = shared.onLead(follow);
      if (!shared.leads()) return;
      try {
        await discord.connect();
      } catch (error) {
        if (isRefusal(error)) throw error;
        onBroken(error);
      }
    },
    async stop() {
      unfollow?.();
      await leaving;
      await discord.leave();
      await shared.resign().catch((error: unknown) => {
        log.warn({ err: error }, "the lease on Discord was not given back; it ends by itself");
      });
    },
  };
}
