import { existsSync } from "node:fs";
import { join } from "node:path";
import { Refusal } from "../kernel/refusal.ts";
import { type Credential, credentialOf, findHome } from "./home.ts";
import type { Io } from "./io.ts";
import { findAnswering, noSupervisor } from "./running.ts";
import { startTemporary } from "./temporary.ts";

export type Endpoint = Credential & { readonly url: string };

/** Finds the supervisor anew each time it is asked: it may have been restarted on another port. */
export type Link = { readonly find: (signal: AbortSignal) => Promise<Endpoint> };

/**
 * `none`: without a running supervisor it is a refusal. `always`: a temporary one is started. `if-used`: one is
 * started when this folder holds work already, so that what a temporary one did can still be read.
 * Where a lasting supervisor was seen, it is waited for: a temporary one would take its place. The token of a run
 * (`runToken`, else HQ_RUN_TOKEN) means nothing to any but the supervisor that sent it: none is started for it.
 */
export function createLink(given: Io, starts: "none" | "if-used" | "always", runToken?: string): Link {
  const io = runToken === undefined ? given : { ...given, env: { ...given.env, HQ_RUN_TOKEN: runToken } };
  const place = findHome(io);
  let hasSeenLasting = false;
  return {
    async find(signal) {
      let running = await findAnswering(place.home, signal);
      if (!running) {
        if (io.env.HQ_RUN_TOKEN) throw notHere(place.home);
        // Where the ledger is a database, the folder has the name of a member of it.
        const wasUsed = ["ledger.db", "member"].some((name) => existsSync(join(place.home, name)));
        const isWanted = starts === "always" || (starts === "if-used" && wasUsed);
        if (!isWanted || hasSeenLasting) throw noSupervisor(place.home);
        running = await startTemporary(io, place, signal);
      }
      hasSeenLasting = running.mode !== "embedded";
      const credential = credentialOf(io, place);
      const from = runToken === undefined ? credential.from : "--token";
      return { ...credential, from, url: `${running.api}/api/v1` };
    },
  };
}

function notHere(home: string): Refusal {
  return new Refusal("no_supervisor", `The supervisor that sent this token does not run for ${home}.`, {
    hint: "Set HQ_HOME to its folder, or use the other line of the prompt, which names its address.",
  });
}
