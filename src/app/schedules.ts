import type { ScheduleDefinition } from "../domain/workflow-types.ts";
import type { Ledger } from "../engine/ports/ledger.ts";
import type { Log } from "../engine/ports/log.ts";
import type { RunVerbs } from "../engine/run-verbs.ts";
import { isRefusal } from "../kernel/refusal.ts";
import { dueFirings } from "../triggers/schedule.ts";
import {
  areSame,
  broughtUp,
  isAhead,
  recognize,
  type SeenSchedule,
  setBack,
} from "../triggers/seen-schedules.ts";

/** What is remembered of the schedules of all workflows, by the workflows' names. */
type Seen = ReadonlyMap<string, readonly SeenSchedule[]>;

const MEMO = "schedules";
const MINUTE_MS = 60_000;
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
  let lookedAt: number | undefined;
  /** What this process looked at, which is written with the next firing only: each minute would be too much. */
  let own: Seen = new Map();

  async function look(): Promise<void> {
    const at = now();
    // Saved within the last minute and due in it: that time was meant. Asleep for hours, it was not.
    const beginsAt = Math.max(lookedAt ?? at, at - MINUTE_MS);
    const workflows = runs.workflows();
    const text = await ledger.recall(MEMO);
    const noted = text ? readSeen(text) : await olderNotes(workflows);
    const known = new Map<string, readonly SeenSchedule[]>();
    for (const { name, definition } of workflows) {
      const before = setBack(broughtUp(noted.get(name) ?? [], own.get(name) ?? []), at);
      // Of a file that cannot be read it is not known what it left out.
      const seen = definition ? recognize(definition.schedules, before, beginsAt) : before;
      if (seen.length > 0) known.set(name, seen);
    }
    const names = new Set([...noted.keys(), ...known.keys()]);
    const wasSetBack = [...noted.values()].flat().some((one) => isAhead(one, at));
    if (
      !text ||
      wasSetBack ||
      [...names].some((name) => !areSame(noted.get(name) ?? [], known.get(name) ?? []))
    )
      await note(known);
    for (const { name, definition } of workflows) {
      for (const [index, schedule] of (definition?.schedules ?? []).entries()) {
        const seen = known.get(name) ?? [];
        const { after, hasFired } = await lookAt(name, schedule, seen[index] as SeenSchedule);
        known.set(name, seen.with(index, after));
        if (hasFired) await note(known);
      }
    }
    own = known;
    lookedAt = at;
  }

  function note(seen: Seen): Promise<void> {
    return ledger.remember(MEMO, JSON.stringify([...seen]));
  }

  /** Earlier versions noted each schedule by its place in the file, without what it says. */
  async function olderNotes(workflows: ReturnType<RunVerbs["workflows"]>): Promise<Seen> {
    const found = new Map<string, readonly SeenSchedule[]>();
    for (const { name, definition } of workflows) {
      for (const [slot, { cron, timezone }] of (definition?.schedules ?? []).entries()) {
        const text = await ledger.recall(`schedule/${name}#${slot}`);
        if (!text) continue;
        const noted = JSON.parse(text) as Pick<SeenSchedule, "since" | "queuedAt">;
        found.set(name, [...(found.get(name) ?? []), { cron, timezone, slot, ...noted }]);
      }
    }
    return found;
  }

  async function lookAt(workflow: string, schedule: ScheduleDefinition, seen: SeenSchedule) {
    const { queuedAt, ...rest } = seen;
    const at = now();
    const { due } = dueFirings({ schedules: [schedule], since: seen.since, now: at });
    const firing = due[0]?.at ?? queuedAt;
    const next = firing === undefined ? {} : await fire(workflow, seen.slot, schedule, firing);
    const after: SeenSchedule = { ...rest, since: Math.max(at, seen.since), ...next };
    return { after, hasFired: firing !== undefined };
  }

  /** What stays to be done of this firing. */
  async function fire(
    workflow: string,
    slot: number,
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
        key: { scope: "schedule", key: `${workflow}#${slot}@${instant}` },
        origin: { door: "system" },
      });
      log.info({ workflow, run: run.id, firing: instant }, "a scheduled run was started");
    } catch (error) {
      // With the same key, but other inputs since: it was started before the file was edited.
      if (!isRefusal(error) || error.code === "ledger_trouble" || isOfStop(error)) throw error;
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
      looking ??= look()
        // Everything is stopped: a look after `hq start` makes up for what falls due until then.
        .catch((error: unknown) => {
          if (!isOfStop(error)) throw error;
        })
        .finally(() => {
          looking = undefined;
        });
      return looking;
    },
  };
}

const isOfStop = (error: unknown) => isRefusal(error) && error.code === "held";

function readSeen(text: string): Seen {
  return new Map(JSON.parse(text) as [string, readonly SeenSchedule[]][]);
}
