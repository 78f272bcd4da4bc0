import type { Log } from "../engine/ports/log.ts";
import { inTime } from "../kernel/in-time.ts";
import type { Part } from "../kernel/lifecycle.ts";
import { isRefusal } from "../kernel/refusal.ts";
import { formatDuration } from "../kernel/time.ts";
import type { Shared } from "./membership.ts";
import { canOthersLead, createPatience, REACHED_WITHIN_MS } from "./stand-back.ts";

const LOOK_MS = 1000;
/** What is on its way to a Discord that is not reached is not waited for: permits and nonces see to it that it does no harm. */
const LEFT_WITHIN_MS = 5000;

/** Discord, as it is led: connected while we lead, left at once when that may be over. */
export type Led = {
  readonly connect: () => Promise<void>;
  /** What was not sent is given back before it resolves. */
  readonly leave: () => Promise<void>;
  /** Connected, and requests are answered too. */
  readonly isReached: () => boolean;
  /** What is in the way, where that is known. */
  readonly trouble: () => string | undefined;
};

/**
 * Of several supervisors on one ledger only the one that leads is on Discord: this follows the lease. Stopped in order,
 * it leaves Discord first and then gives the lease back, so that the next one need not wait for its end. The same when
 * it does not reach Discord and somebody else is there who may.
 */
export function createLeadership(deps: {
  readonly shared: Pick<Shared, "leads" | "onLead" | "resign" | "giveBack" | "standBack" | "roster">;
  readonly discord: Led;
  readonly log: Log;
  readonly now: () => number;
  readonly onBroken: (error: unknown) => void;
}): Part {
  const { shared, discord, log, now, onBroken } = deps;
  const patience = createPatience(() => performance.now());
  let unfollow: (() => void) | undefined;
  let leaving: Promise<void> = Promise.resolve();
  let looking: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  /** Said once, until that is over. */
  let isAlone = false;

  function follow(leads: boolean): void {
    // Also where it was lost and won again between two looks.
    patience.look({ leads: false, isReached: false });
    if (leads) discord.connect().catch(onBroken);
    else leaving = discord.leave().catch(onBroken);
  }

  async function look(): Promise<void> {
    const isReached = discord.isReached();
    const waitedMs = patience.look({ leads: shared.leads(), isReached });
    if (isReached) shared.standBack.forget();
    if (waitedMs < REACHED_WITHIN_MS) {
      isAlone = false;
      return;
    }
    const isRelieved = canOthersLead(await shared.roster.list(), now());
    if (discord.isReached() || !shared.leads()) return;
    if (isRelieved) return standDown(waitedMs);
    if (!isAlone) log.warn({ waitedMs }, "Discord is not reached from here, and nobody else can lead now");
    isAlone = true;
  }

  async function standDown(waitedMs: number): Promise<void> {
    const forMs = patience.end();
    const why = discord.trouble() ?? `not connected for ${formatDuration(REACHED_WITHIN_MS)}`;
    log.warn(
      { waitedMs, forMs, why },
      "Discord is not reached from here: another supervisor is to lead, and this one leaves it to others for a while",
    );
    // First of all: between leaving and giving back, the lease is still held.
    shared.standBack.begin(forMs, why);
    await inTime(LEFT_WITHIN_MS, discord.leave().catch(onBroken), undefined);
    await shared.giveBack().catch(endsByItself);
  }

  function endsByItself(error: unknown): void {
    log.warn({ err: error }, "the lease on Discord was not given back; it ends by itself");
  }

  function lookSoon(): void {
    timer = setTimeout(() => {
      looking = look()
        .catch((error: unknown) => {
          log.warn({ err: error }, "it could not be seen whether another supervisor can lead on Discord");
        })
        .finally(() => {
          looking = undefined;
          if (unfollow) lookSoon();
        });
    }, LOOK_MS);
  }

  return {
    name: "leading on Discord",
    /** Throws `Refusal` when Discord cannot be led from here at all. */
    async start() {
      unfollow = shared.onLead(follow);
      lookSoon();
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
      unfollow = undefined;
      clearTimeout(timer);
      await looking;
      await leaving;
      await discord.leave();
      await shared.resign().catch(endsByItself);
    },
  };
}
