import { GONE_MS } from "../engine/lost-runs.ts";
import type { Part } from "../kernel/lifecycle.ts";
import type { Stage } from "./stage.ts";

/** Gone for as long as it takes to be believed, and a little more. */
const AFTER_MS = GONE_MS + 250;

/** Looks for lost runs when an agent is seen to be back, and when one has been gone for long enough. */
export function watchLostRuns({
  engine,
  lookForLostRuns,
  onBroken,
}: Stage): Part & { readonly look: () => void } {
  const waiting = new Set<NodeJS.Timeout>();
  const looks = new Set<Promise<void>>();
  const look = () => {
    const current: Promise<void> = lookForLostRuns()
      .catch(onBroken)
      .finally(() => looks.delete(current));
    looks.add(current);
  };
  function lookLater(): void {
    const timer = setTimeout(() => {
      waiting.delete(timer);
      look();
    }, AFTER_MS);
    waiting.add(timer);
  }
  const unwatch = engine.watch((events) => {
    for (const { type, body } of events) {
      if (type !== "agent.seen") continue;
      const { state } = body as { readonly state: string };
      if (state === "up") look();
      if (state === "down") lookLater();
    }
  });
  return {
    name: "lost runs",
    look,
    async stop() {
      unwatch();
      for (const timer of waiting) clearTimeout(timer);
      await Promise.all(looks);
    },
  };
}
