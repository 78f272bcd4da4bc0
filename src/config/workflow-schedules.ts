import type { InputDefinition, ScheduleDefinition } from "../domain/workflow-types.ts";
import type { Findings } from "./workflow-findings.ts";
import { checkGiven } from "./workflow-inputs.ts";
import { scheduleSchema } from "./workflow-schema.ts";

/** Why a cron expression has no next time, as a sentence; undefined when it has one. */
export type ScheduleProblem = (cron: string, timezone: string) => string | undefined;

export function toSchedules(
  name: string,
  value: unknown,
  inputs: readonly InputDefinition[],
  findings: Findings,
  scheduleProblem?: ScheduleProblem,
): readonly ScheduleDefinition[] {
  return entriesIn(value).map(({ entry, index }) => {
    const path = ["on", "schedule", index];
    const isZone = isTimeZone(entry.timezone);
    if (!isZone)
      findings.problem(
        [...path, "timezone"],
        `"${entry.timezone}" is no time zone`,
        "use an IANA name such as Europe/Berlin or UTC",
      );
    const wrong = fieldsProblem(entry.cron) ?? scheduleProblem?.(entry.cron, isZone ? entry.timezone : "UTC");
    if (wrong !== undefined)
      findings.problem([...path, "cron"], wrong, 'such as "0 7 * * mon-fri": at 7:00 on working days');
    checkGiven(inputs, entry.inputs, { path, key: "inputs", of: name }, findings);
    return {
      cron: entry.cron.trim().replace(/\s+/g, " "),
      timezone: entry.timezone,
      overlap: entry.overlap,
      catchupMs: entry.catchup,
      inputs: entry.inputs,
    };
  });
}

/** The entries that can be read, with their places in the file: a wrong one hides nothing of the others. */
function entriesIn(value: unknown) {
  const list = (value as { readonly on?: { readonly schedule?: unknown } | null } | null)?.on?.schedule;
  return (Array.isArray(list) ? list : []).flatMap((raw: unknown, index) => {
    const parsed = scheduleSchema.safeParse(raw);
    return parsed.success ? [{ entry: parsed.data, index }] : [];
  });
}

function fieldsProblem(cron: string): string | undefined {
  const fields = cron.trim().split(/\s+/).length;
  return fields === 5
    ? undefined
    : `must have five fields (minute, hour, day, month, weekday), has ${fields}`;
}

function isTimeZone(name: string): boolean {
  try {
    return Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch (cause) {
    if (cause instanceof RangeError) return false;
    throw cause;
  }
}
