import type { Part } from "../kernel/lifecycle.ts";
import type { Engine } from "./accept.ts";
import type { MetricsVerbs } from "./metrics-verbs.ts";
import { createQuietWork } from "./quiet-work.ts";
import { TALLIED_EVENTS } from "./tally-facts.ts";

const COUNTED: ReadonlySet<string> = new Set(TALLIED_EVENTS);

/** Counts in quiet moments what ended. */
export function createKeepTallies(deps: {
  readonly engine: Pick<Engine, "watch">;
  readonly countOn: MetricsVerbs["countOn"];
  readonly now: () => number;
  readonly onBroken: (error: unknown) => void;
}): Part {
  const isNews = (type: string) => COUNTED.has(type);
  return createQuietWork({ ...deps, name: "kept figures", step: deps.countOn, isNews });
}
