import type { CrashPoint } from "../../src/engine/ports/log.ts";
import { type Supervisor, temporaryFolder } from "../support/supervisor.ts";
import { askAll, untilQuiet } from "./load.ts";
import { judge, type Verdict } from "./verdict.ts";
import { createWorld } from "./world.ts";

export type Round = Verdict & {
  readonly kills: number;
  readonly points: ReadonlyMap<CrashPoint, number>;
  readonly notPassed: readonly CrashPoint[];
  readonly interactions: number;
  readonly wrongInteractions: readonly string[];
};

/** How long a supervisor may go on without passing the point it is to die at. */
const GIVE_UP_MS = 12_000;

/**
 * One folder, one guild, one set of gateways; a supervisor that is killed at each of `points` in turn while
 * delegations are asked through REST and /delegate. At the end one that is not killed finishes what is open.
 */
export async function runRound(plan: {
  readonly points: readonly CrashPoint[];
  readonly perKill: number;
  /** At which passing of its point the n-th supervisor dies. */
  readonly nth: (index: number, point: CrashPoint) => number;
  readonly log?: (text: string) => void;
}): Promise<Round> {
  const folder = temporaryFolder("hq-chaos-");
  const world = await createWorld(folder.path);
  const ids = new Map<string, string>();
  const clicks: { id: string; objective: string }[] = [];
  const points = new Map<CrashPoint, number>();
  const notPassed: CrashPoint[] = [];
  let living: Supervisor | undefined;
  let kills = 0;
  try {
    for (const [index, point] of plan.points.entries()) {
      const supervisor = await world
        .start(`${point}#${plan.nth(index, point)}`)
        .catch((error: { exit?: unknown }) => {
          // It may die before it is ready, while it finishes what earlier lives left.
          if (Array.isArray(error.exit) && error.exit[1] === "SIGKILL") return undefined;
          throw error;
        });
      living = supervisor;
      if (supervisor) {
        const died = await load(supervisor, index);
        if (!died) {
          notPassed.push(point);
          await supervisor.stop();
          continue;
        }
      }
      kills++;
      points.set(point, (points.get(point) ?? 0) + 1);
      plan.log?.(`${kills} ${point}`);
    }
    const last = await world.start();
    living = last;
    await askAll([...missing(plan, ids)], async () => last, ids);
    const fromDiscord = await settleClicks(last);
    await untilQuiet(last, [...ids.values(), ...fromDiscord.ids]);
    const verdict = await judge(world, last, [...ids.values(), ...fromDiscord.ids]);
    await last.stop();
    return {
      ...verdict,
      kills,
      points,
      notPassed,
      interactions: clicks.length,
      wrongInteractions: fromDiscord.wrong,
    };
  } finally {
    living?.child.kill("SIGKILL");
    await world.stop();
    if (!process.env.HQ_CHAOS_KEEP) folder.remove();
  }

  /** True when the supervisor died of its crash point. */
  async function load(supervisor: Supervisor, index: number): Promise<boolean> {
    const keys = keysOf(index, plan.perKill);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), GIVE_UP_MS);
    });
    const asking = askAll(keys, async () => supervisor, ids, {
      isDone: () => supervisor.child.exitCode !== null || supervisor.child.signalCode !== null,
    });
    const clicking = click(`click ${index}`);
    const end = await Promise.race([supervisor.exited, late]);
    clearTimeout(timer);
    await Promise.all([asking, clicking]);
    if (end !== "late" && end[1] !== "SIGKILL")
      throw new Error(`the supervisor left with ${String(end)}:\n${supervisor.stderr()}`);
    return end !== "late";
  }

  async function click(objective: string): Promise<void> {
    const id = await world.slash("webster", objective).catch((error: Error) => {
      // No bot, no commands, or one that went offline in between: the person sees that and nothing was asked.
      if (/: (404|503|504|400) /.test(error.message)) return undefined;
      throw error;
    });
    if (id) clicks.push({ id, objective });
  }

  /** What was acknowledged is carried out soon after Discord is connected again: looked at until it is so. */
  async function settleClicks(supervisor: Supervisor) {
    for (let tries = 0; ; tries++) {
      const found = await lookAtClicks(supervisor);
      if (found.wrong.length === 0 || tries > 300) return found;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** An acknowledged click is one delegation, in the end; one that Discord called failed is none or one. */
  async function lookAtClicks(supervisor: Supervisor) {
    const wrong: string[] = [];
    const found: string[] = [];
    const all: { id: string; objective: string; origin: { door: string } }[] = [];
    for (let before = ""; ; ) {
      const { body } = await supervisor.call(
        "GET",
        `/delegations?limit=200${before ? `&before=${encodeURIComponent(before)}` : ""}`,
      );
      all.push(...body.items);
      before = body.next;
      if (!before) break;
    }
    for (const { id, objective } of clicks) {
      const made = all.filter((one) => one.objective === objective && one.origin.door === "discord");
      const { state } = await world.interaction(id);
      const wasAnswered = state === "thinking" || state === "replied" || state === "deferred";
      if (made.length > 1 || (wasAnswered && made.length === 0))
        wrong.push(`${objective}: ${state}, ${made.length} delegations`);
      found.push(...made.map((one) => one.id));
    }
    return { ids: found, wrong };
  }
}

function keysOf(index: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `${index}-${n}`);
}

function missing(
  plan: { readonly points: readonly CrashPoint[]; readonly perKill: number },
  ids: ReadonlyMap<string, string>,
): readonly string[] {
  return plan.points.flatMap((_, index) => keysOf(index, plan.perKill)).filter((key) => !ids.has(key));
}

/** The verdict as lines for a table, and whether it is what was promised. */
export function summary(round: Round): { readonly text: string; readonly isClean: boolean } {
  const bad = [
    ...round.lost,
    ...round.doubled,
    ...round.unseen,
    ...round.seenTwice,
    ...round.wrongInteractions,
  ];
  const text = [
    `kills ${round.kills} at ${round.points.size} points · delegations ${round.asked} (${round.interactions} clicks) · marked ambiguous ${round.ambiguous}`,
    `lost ${round.lost.length} · sent twice unmarked ${round.doubled.length} · unseen ${round.unseen.length} · seen twice ${round.seenTwice.length} · wrong clicks ${round.wrongInteractions.length}`,
    ...(round.notPassed.length > 0 ? [`not passed in time: ${round.notPassed.join(", ")}`] : []),
    ...bad.slice(0, 20),
  ].join("\n");
  return { text, isClean: bad.length === 0 };
}
