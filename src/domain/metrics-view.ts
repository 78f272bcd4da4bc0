import { delegationRollOf, gathered, groupsOf, only, rollOf, seriesItems } from "./metrics.ts";
import type { MetricsView } from "./metrics-types.ts";
import type { Tally } from "./tally.ts";

/** What ended, without how it stands now: also figures that come from no ledger have that. */
export type EndedView = Omit<MetricsView, "now" | "behind">;

/** Puts kept figures into the form in which they are shown. `line` is what the time line is made from. */
export function endedView(figures: {
  readonly at: number;
  readonly since?: number;
  readonly agent?: string;
  readonly workflow?: string;
  readonly tallies: readonly Tally[];
  readonly line: readonly Tally[];
  /** How the time line is cut. */
  readonly cut: { readonly every: "hour" | "day"; readonly from: number };
}): EndedView {
  const { at, since, agent, workflow, tallies } = figures;
  const { every, from } = figures.cut;
  const filter = {
    ...(agent === undefined ? {} : { agent }),
    ...(workflow === undefined ? {} : { workflow }),
  };
  const delegations = gathered(only(tallies, { kind: "delegation", ...filter }));
  const line = only(figures.line, { kind: "delegation", ...filter });
  return {
    at,
    ...(since === undefined ? {} : { since }),
    ...filter,
    delegations: delegationRollOf(delegations),
    agents: groupsOf(delegations, "agent", delegationRollOf),
    workflows: groupsOf(delegations, "workflow", delegationRollOf),
    // A run is no agent's: with one agent asked for, no kept run is meant.
    runs: groupsOf(only(tallies, { kind: "run", ...filter }), "workflow", rollOf),
    tasks: rollOf(only(tallies, { kind: "task", ...filter })),
    workers: delegationRollOf(only(tallies, { kind: "worker", ...filter })),
    series: { every, items: seriesItems(line, every, from, at) },
  };
}
