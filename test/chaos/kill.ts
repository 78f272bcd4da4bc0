import type { Supervisor } from "../support/supervisor.ts";
import type { World } from "./world.ts";

/** How long a supervisor may go on without passing the point it is to die at. */
const GIVE_UP_MS = 30_000;

/**
 * One life: a supervisor that dies at `crashAt` while `work` asks it for things. What `work` is told as `isGone` ends
 * its loops; connections that break under it are what a death looks like. False when the point was not passed in time,
 * and the supervisor was stopped in peace; it may also die before it is ready, of what earlier lives left.
 */
export async function liveUntil(
  world: World,
  crashAt: string,
  work: (supervisor: Supervisor, isGone: () => boolean) => Promise<unknown>,
): Promise<boolean> {
  const supervisor = await world.start(crashAt).catch((error: { exit?: unknown }) => {
    if (Array.isArray(error.exit) && error.exit[1] === "SIGKILL") return undefined;
    throw error;
  });
  if (!supervisor) return true;
  let isGone = false;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), GIVE_UP_MS);
  });
  try {
    const working = work(supervisor, () => isGone).catch((error: unknown) => {
      if (!(error instanceof TypeError)) throw error;
    });
    const end = await Promise.race([supervisor.exited, late]);
    isGone = true;
    await working;
    if (end === "late") await supervisor.stop();
    if (end !== "late" && end[1] !== "SIGKILL")
      throw new Error(`the supervisor left with ${String(end)}:\n${supervisor.stderr()}`);
    return end !== "late";
  } finally {
    isGone = true;
    clearTimeout(timer);
    supervisor.child.kill("SIGKILL");
  }
}

/** Notes how the agents are, so that what is passed later belongs to what is asked. */
export async function firstLife(world: World): Promise<void> {
  const supervisor = await world.start();
  for (;;) {
    const { body } = await supervisor.call("GET", "/agents");
    if (body.items.every(({ state }: { state: string }) => state === "up")) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await supervisor.stop();
}
