import { existsSync } from "node:fs";
import { join } from "node:path";
import { credentialOf, findHome } from "./home.ts";
import type { Io } from "./io.ts";
import { findRunning, noSupervisor } from "./running.ts";
import { startTemporary } from "./temporary.ts";

export type Endpoint = { readonly url: string; readonly key: string };

/** Finds the supervisor anew each time it is asked: it may have been restarted on another port. */
export type Link = { readonly find: (signal: AbortSignal) => Promise<Endpoint> };

/**
 * `none`: without a running supervisor it is a refusal. `always`: a temporary one is started. `if-used`: one is
 * started when this folder holds work already, so that what a temporary one did can still be read.
 * Where a lasting supervisor was seen, it is waited for: a temporary one would take its place.
 */
export function createLink(io: Io, starts: "none" | "if-used" | "always"): Link {
  const place = findHome(io);
  let hasSeenLasting = false;
  return {
    async find(signal) {
      let running = await findRunning(place.home);
      if (!running) {
        const isWanted =
          starts === "always" || (starts === "if-used" && existsSync(join(place.home, "ledger.db")));
        if (!isWanted || hasSeenLasting) throw noSupervisor(place.home);
        running = await startTemporary(io, place, signal);
      }
      hasSeenLasting = running.mode !== "embedded";
      return { url: `${running.api}/api/v1`, key: credentialOf(io, place) };
    },
  };
}
