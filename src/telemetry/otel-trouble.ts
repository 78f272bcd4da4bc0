import type { Log } from "../engine/ports/log.ts";

/** How the SDK says that its figures did not get through, at each try. */
const FIGURES = /PeriodicExportingMetricReader: metrics export (.*?)(?:\\n|"|\n|$)/;

/**
 * What the SDK says of itself. Figures that do not get through are told once; the SDK tells of no success, but it collects
 * them only when the export before is over, so silence until then is one.
 */
export function createTrouble(log: Log) {
  let isFailing = false;
  let hasFailed = false;
  return {
    say(text: string): void {
      const figures = FIGURES.exec(text);
      if (!figures) return log.warn({ text }, "telemetry");
      if (!isFailing) log.warn({ text: `export ${figures[1]}` }, "figures cannot be exported; tried again");
      isFailing = hasFailed = true;
    },
    /** To be called when figures are collected. */
    noteCollected(): void {
      if (isFailing && !hasFailed) {
        isFailing = false;
        log.info({}, "figures are exported again");
      }
      hasFailed = false;
    },
  };
}
