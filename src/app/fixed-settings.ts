import type { Settings } from "../domain/settings.ts";

/** What is taken once, at the start: by its key in config/hq.yaml. docs/specs/config.md names the same. */
const FIXED: readonly (readonly [string, (settings: Settings) => string | number | undefined])[] = [
  ["database", ({ database }) => database],
  ["api.host", ({ api }) => api.host],
  ["api.body_limit", ({ api }) => api.bodyLimit],
];

/** The keys that say something else than at the start, and so hold from the next one on. */
export function waitingForStart(atStart: Settings, now: Settings): readonly string[] {
  return FIXED.flatMap(([key, read]) => (read(atStart) === read(now) ? [] : [key]));
}
