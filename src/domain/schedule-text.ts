import { formatDuration } from "../kernel/time.ts";
import type { ScheduleDefinition } from "./workflow-types.ts";

/** What holds of a schedule besides its time, in the words of the file: `overlap skip, catch-up 6h 00m, topic=news`. */
export function scheduleFacts({ overlap, catchupMs, inputs }: ScheduleDefinition): string {
  const given = Object.entries(inputs).map(([name, value]) => `${name}=${value}`);
  return [`overlap ${overlap}`, `catch-up ${formatDuration(catchupMs)}`, ...given].join(", ");
}
