import type { CrashPoint } from "../../src/engine/ports/log.ts";
import type { LocalGuild } from "../../src/local/local-guild.ts";
import { type Supervisor, temporaryFolder } from "../support/supervisor.ts";
import { firstLife, liveUntil } from "./kill.ts";
import { askAll, untilQuiet } from "./load.ts";
import { judge, type Verdict } from "./verdict.ts";
import { createWorld } from "./world.ts";

export type Round = Verdict & {
  readonly kills: number;
  readonly points: ReadonlyMap<CrashPoint, number>;
  readonly notPassed: readonly CrashPoint[];
  /** How many were committed and never answered: asked again, they were there. */
  readonly repeated: number;
  readonly interactions: number;
  readonly wrongInteractions: readonly string[];
};

/**
 * One folder, one guild, one set of gateways; a supervisor that is killed at each of `points` in turn while
 * delegations are asked through REST and /delegate. At the end one that is not killed finishes what is open.
 */
export async function runRound(plan: {
  readonly points: readonly CrashPoint[];
  readonly perKill: number;
  /** Where the ledger is; a file without it. */
  readonly database?: string;
  /** At which passing of its point the n-th supervisor dies. */
  readonly nth: (index: number, point: CrashPoint) => number;
  readonly log?: (text: string) => void;
  /** Over REST alone: nobody types /delegate. */
  readonly isQuiet?: true;
  /** Trouble that Discord makes in each life. */
  readonly trouble?: (guild: LocalGuild) => void;
}): Promise<Round> {
  const folder = temporaryFolder("hq-chaos-");
  const world = await createWorld(folder.path, plan.database ? { database: plan.database } : {});
  const ids = new Map<string, string>();
  const clicks: { id: string; objective: string }[] = [];
  const points = new Map<CrashPoint, number>();
  const notPassed: CrashPoint[] = [];
  let living: Supervisor | undefined;
  let kills = 0;
  let repeated = 0;
  const onRepeated = () => void repeated++;
  try {
    await firstLife(world);
    for (const [index, point] of plan.points.entries()) {
      const crashAt = `${point}#${plan.nth(index, point)}`;
      if (!(await liveUntil(world, crashAt, (supervisor) => load(supervisor, index)))) {
        notPassed.push(point);
        continue;
      }
      kills++;
      points.set(point, (points.get(point) ?? 0) + 1);
      plan.log?.(`${kills} ${point}`);
    }
    world.guild.faults.clear();
    const last = await world.start();
    living = last;
    await askAll([...missing(plan, ids)], async () => last, ids, { onRepeated });
    const fromDiscord = await settleClicks(last);
    await untilQuiet(last, [...ids.values(), ...fromDiscord.ids]);
    const verdict = await judge(world, last, [...ids.values(), ...fromDiscord.ids]);
    await last.stop();
    return {
      ...verdict,
      kills,
      points,
      notPassed,
      repeated,
      interactions: clicks.length,
      wrongInteractions: fromDiscord.wrong,
    };
  } finally {
    living?.child.kill("SIGKILL");
    await world.stop();
    if (!process.env.HQ_CHAOS_KEEP) folder.remove();
  }

  async function load(supervisor: Supervisor, index: number): Promise<void> {
    plan.trouble?.(world.guild);
    const asking = askAll(keysOf(index, plan.perKill), async () => supervisor, ids, {
      isDone: () => supervisor.child.exitCode !== null || supervisor.child.signalCode !== null,
    });
    await Promise.all([asking, ...(plan.isQuiet ? [] : [click(`click ${index}`)])]);
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
    const told = new Set(ids.values());
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
    // Asked again under its key until it was answered: what nobody was told of is the same work twice.
    for (const { id, objective, origin } of all)
      if (origin.door !== "discord" && !told.has(id)) wrong.push(`${objective}: ${id} is there as well`);
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
    `kills ${round.kills} at ${round.points.size} points · delegations ${round.asked} (${round.interactions} clicks) · marked ambiguous ${round.ambiguous} · answers lost ${round.repeated}`,
    `lost ${round.lost.length} · sent twice unmarked ${round.doubled.length} · unseen ${round.unseen.length} · seen twice ${round.seenTwice.length} · wrong clicks ${round.wrongInteractions.length}`,
    ...(round.notPassed.length > 0 ? [`not passed in time: ${round.notPassed.join(", ")}`] : []),
    ...bad.slice(0, 20),
  ].join("\n");
  return { text, isClean: bad.length === 0 };
}
