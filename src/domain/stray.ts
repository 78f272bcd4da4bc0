import type { Decider } from "../kernel/decider.ts";
import type { Problem } from "../kernel/refusal.ts";
import type { Effect } from "./effects.ts";
import { moveFile } from "./filing.ts";
import type { HandoffSource } from "./handoff-types.ts";

/** A document that belongs to no delegation: recorded, set aside, shown, never consumed. */
export type StrayState = { readonly run: string; readonly seen: readonly HandoffSource[] };

export type StrayInput = {
  readonly type: "stray";
  readonly at: number;
  /** What the file name said; "" when it said nothing usable. */
  readonly run: string;
  readonly source: HandoffSource;
  readonly problems: readonly Problem[];
};

export type StrayEvent = {
  readonly type: "handoff.seen";
  readonly at: number;
  readonly run: string;
  readonly source: HandoffSource;
  readonly verdict: "unknown";
  readonly problems: readonly Problem[];
};

function decide(state: StrayState | undefined, input: StrayInput): readonly StrayEvent[] {
  const { source } = input;
  const isKnown = state?.seen.some((before) => before.path === source.path && before.inode === source.inode);
  if (isKnown) return [];
  const reason: Problem = {
    path: "runId",
    message: input.run ? `no delegation ${input.run} is known here` : "the file name holds no run id",
  };
  const problems = input.problems.length > 0 ? input.problems : [reason];
  return [{ type: "handoff.seen", at: input.at, run: input.run, source, verdict: "unknown", problems }];
}

function evolve(state: StrayState | undefined, event: StrayEvent): StrayState {
  return { run: event.run, seen: [...(state?.seen ?? []), event.source] };
}

function effects(_state: StrayState, event: StrayEvent): readonly Effect[] {
  const { path, digest, inode } = event.source;
  if (path === "rest") return [];
  const file = { run: event.run, path, digest, ...(inode === undefined ? {} : { inode }) };
  return [moveFile({ ...file, to: "rejected", problems: event.problems }, event.at)];
}

export const stray: Decider<StrayState, StrayInput, StrayEvent, Effect> = { decide, evolve, effects };
