import type { ChartKind, ChartTheme, LiveMetrics, MetricsView } from "../../domain/metrics-types.ts";
import type { Tally } from "../../domain/tally.ts";

/** How figures are shown outside. What that needs is loaded when it is asked for first. */
export type Pictures = {
  /** A PNG. */
  readonly chart: (kind: ChartKind, view: MetricsView, theme: ChartTheme) => Promise<Uint8Array>;
  /** The text that Prometheus reads. */
  readonly exposition: (figures: {
    readonly tallies: readonly Tally[];
    readonly live: LiveMetrics;
  }) => Promise<string>;
};
