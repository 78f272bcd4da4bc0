import { cut } from "../kernel/text.ts";
import { type DelegationState, isSettled } from "./delegation-types.ts";
import { isRunSettled, type RunState } from "./run-types.ts";
import type { TaskOutcome } from "./task-types.ts";
import { isWorkerSettled, type WorkerState } from "./worker-types.ts";

const LONGEST_SUMMARY = 2000;

/** What a task's child came to, in the words of a task; undefined while it is open. What is partial is done. */
export function taskOutcomeOfDelegation({ status, outcome }: DelegationState): TaskOutcome | undefined {
  if (!isSettled(status) || !outcome) return undefined;
  return outcomeOf(outcome.at, status, outcome.handoff?.result, outcome.reason);
}

export function taskOutcomeOfRun({ status, outcome }: RunState): TaskOutcome | undefined {
  if (!isRunSettled(status) || !outcome) return undefined;
  return outcomeOf(outcome.at, status, outcome.result, outcome.reason);
}

export function taskOutcomeOfWorker({ status, outcome, settledAt }: WorkerState): TaskOutcome | undefined {
  if (!isWorkerSettled(status) || !outcome || settledAt === undefined) return undefined;
  return outcomeOf(settledAt, status, outcome.summary ?? outcome.result, outcome.reason);
}

function outcomeOf(
  at: number,
  childStatus: string,
  text: string | undefined,
  reason: string | undefined,
): TaskOutcome {
  return {
    at,
    status: childStatus === "succeeded" || childStatus === "partial" ? "done" : "failed",
    childStatus,
    ...(text === undefined ? {} : { summary: cut(text, LONGEST_SUMMARY) }),
    ...(reason === undefined ? {} : { reason }),
  };
}
