import type { Verbs } from "../engine/verbs.ts";
import type { Part } from "../kernel/lifecycle.ts";

const LOOK_MS = 500;
const QUIET_MS = 3000;

/** A temporary supervisor leaves when nothing it accepted is open and nobody has asked for a moment. */
export function leaveWhenIdle(deps: {
  readonly verbs: Verbs;
  readonly now: () => number;
  /** Instant of the latest request of any kind. */
  readonly lastAskedAt: () => number;
  readonly onIdle: () => void;
  readonly onBroken: (error: unknown) => void;
}): Part {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function look(): Promise<void> {
    const open = await Promise.all([
      deps.verbs.delegations({ open: true, limit: 1 }),
      deps.verbs.runs.runs({ open: true, limit: 1 }),
    ]);
    if (stopped) return;
    const isIdle =
      open.every(({ items }) => items.length === 0) && deps.now() - deps.lastAskedAt() > QUIET_MS;
    if (isIdle) deps.onIdle();
    else timer = setTimeout(() => void look().catch(deps.onBroken), LOOK_MS);
  }

  return {
    name: "idle watch",
    async start() {
      await look();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
