import type { ScheduleDefinition } from "../domain/workflow-types.ts";
import type { Ledger } from "../engine/ports/ledger.ts";
import type { Log } from "../engine/ports/log.ts";
import type { RunVerbs } from "../engine/run-verbs.ts";
import { isRefusal } from "../kernel/refusal.ts";
import { dueFirings } from "../triggers/schedule.ts";

/** What is remembered of a schedule: up to where was looked, and a firing that waits for an earlier run. */
type Memory = { readonly since: number; readonly queuedAt?: number };

const ACTOR = { kind: "system", id: "schedule" } as const;

/**
 * Starts what its workflow's schedules say. A firing has a key of its own, so looking twice, or dying between the
 * start and its note, starts it once; what was missed while nobody looked is made up for once, within its catch-up.
 */
export function createSchedules(deps: {
  readonly runs: Pick<RunVerbs, "workflows" | "startRun" | "runs">;
  readonly ledger: Pick<Ledger, "recall" | "remember">;
  readonly tellPeople: (text: string) => Promise<void>;
  readonly now: () => number;
  readonly log: Log;
}) {
  const { runs, ledger, now, log } = deps;
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    for (const { name, definition } of runs.workflows()) {
      for (const [index, schedule] of (definition?.schedules ?? []).entries())
        await lookAt(name, index, schedule);
    }
  }

  async function lookAt(workflow: string, index: number, schedule: ScheduleDefinition): Promise<void> {
    const memo = `schedule/${workflow}#${index}`;
    const at = now();
    const text = await ledger.recall(memo);
    // A schedule that was never seen before begins now: it makes up for nothing.
    const memory: Memory = text === undefined ? { since: at } : (JSON.parse(text) as Memory);
    const { due } = dueFirings({ schedules: [schedule], since: memory.since, now: at });
    const firing = due[0]?.at ?? memory.queuedAt;
    const next = firing === undefined ? {} : await fire(workflow, index, schedule, firing);
    const after: Memory = { since: Math.max(at, memory.since), ...next };
    // Each minute without a firing would be a write for nothing; the catch-up bounds what is looked at again.
    if (text === undefined || firing !== undefined) await ledger.remember(memo, JSON.stringify(after));
  }

  /** What stays to be done of this firing. */
  async function fire(
    workflow: string,
    index: number,
    { overlap, inputs }: ScheduleDefinition,
    firing: number,
  ): Promise<{ readonly queuedAt?: number }> {
    const instant = new Date(firing).toISOString();
    const earlier = await openRun(workflow);
    if (earlier !== undefined && overlap === "queue") return { queuedAt: firing };
    if (earlier !== undefined) {
      log.warn(
        { workflow, run: earlier, firing: instant },
        "a scheduled run is skipped: the one before is open",
      );
      return {};
    }
    try {
      const { run } = await runs.startRun(ACTOR, {
        workflow,
        inputs,
        key: { scope: "schedule", key: `${workflow}#${index}@${instant}` },
        origin: { door: "system" },
      });
      log.info({ workflow, run: run.id, firing: instant }, "a scheduled run was started");
    } catch (error) {
      // With the same key, but other inputs since: it was started before the file was edited.
      if (!isRefusal(error)) throw error;
      if (error.code === "key_reused") return {};
      log.error({ workflow, firing: instant, failure: error.message }, "a scheduled run cannot be started");
      await deps.tellPeople(
        `⚠️ The scheduled run of ${workflow} (${instant}) was not started: ${error.message}`,
      );
    }
    return {};
  }

  async function openRun(workflow: string): Promise<string | undefined> {
    const { items } = await runs.runs({ workflow, open: true, limit: 200 });
    return items.find(({ asker, parent }) => asker === "system schedule" && !parent)?.id;
  }

  return {
    /** One look at a time; a look that is asked for meanwhile is covered by the next minute's. */
    look(): Promise<void> {
      looking ??= look().finally(() => {
        looking = undefined;
      });
      return looking;
    },
  };
}
