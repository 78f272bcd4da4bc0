import type { Ledger } from "../engine/ports/ledger.ts";
import { isTaskOver } from "../engine/queue-verbs.ts";
import type { Verbs } from "../engine/verbs.ts";
import type { Part } from "../kernel/lifecycle.ts";

const LOOK_MS = 500;
const QUIET_MS = 3000;
/** With these no work begins. */
const POSTS: ReadonlySet<string> = new Set(["post", "card", "task-check"]);
const DISCORD_WORK: ReadonlySet<string> = new Set([...POSTS, "task-claim"]);

/** A temporary supervisor leaves when nothing it accepted is open and nobody has asked for a moment. */
export function leaveWhenIdle(deps: {
  readonly verbs: Verbs;
  readonly ledger: Pick<Ledger, "backlog">;
  /** Whether Discord can be reached: without it tasks cannot be begun, nor anything posted. */
  readonly isConnected: () => boolean;
  readonly now: () => number;
  /** Whether everything was stopped: what is open waits for `hq start`, which must find nobody in its way. */
  readonly isHeld: () => Promise<boolean>;
  /** Whether other supervisors work on the same ledger, and go on with what is open. */
  readonly othersWork: () => Promise<boolean>;
  /** Instant of the latest request of any kind. */
  readonly lastAskedAt: () => number;
  readonly onIdle: () => void;
  readonly onBroken: (error: unknown) => void;
}): Part {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  /** Where Discord is connected: tasks that can be begun, and what is to be posted now. */
  async function hasMoreToDo(): Promise<boolean> {
    if (!deps.isConnected()) return false;
    const [tasks, isToPost] = await Promise.all([
      deps.verbs.tasks.tasks({ open: true, limit: 200 }),
      isDue(DISCORD_WORK),
    ]);
    return isToPost || tasks.items.some((task) => !isTaskOver(task));
  }

  async function isDue(types: ReadonlySet<string>): Promise<boolean> {
    const backlog = await deps.ledger.backlog();
    const at = deps.now();
    return backlog.some(({ type, oldestDueAt }) => types.has(type) && oldestDueAt <= at);
  }

  async function isAllDone(): Promise<boolean> {
    if (await deps.isHeld()) return !(deps.isConnected() && (await isDue(POSTS)));
    const open = await Promise.all([
      deps.verbs.delegations({ open: true, limit: 1 }),
      deps.verbs.runs.runs({ open: true, limit: 1 }),
      deps.verbs.tasks.tasks({ status: ["claimed"], limit: 1 }),
    ]);
    return open.every(({ items }) => items.length === 0) && !(await hasMoreToDo());
  }

  async function look(): Promise<void> {
    const isQuiet = (await isAllDone()) || (await deps.othersWork());
    if (stopped) return;
    if (isQuiet && deps.now() - deps.lastAskedAt() > QUIET_MS) deps.onIdle();
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
