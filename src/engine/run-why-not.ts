import { actorName } from "../domain/actor.ts";
import {
  hasGoneOn,
  hasWhatToRetry,
  isDoneAlready,
  stillAtWork,
  unusedTasks,
} from "../domain/run-decide-again.ts";
import { isRunSettled, type RunState } from "../domain/run-types.ts";
import { stepAt } from "../domain/run-work.ts";
import { Refusal } from "../kernel/refusal.ts";
import { problemsRefusal } from "./agree.ts";
import type { RetryOptions } from "./run-verbs.ts";

/** Why a retry led to nothing, and what does; absent = it was asked before, and is done. */
export function whyNotRetried(state: RunState, options: RetryOptions): Refusal | undefined {
  const { id } = state.order;
  const { step } = options;
  if (isDoneAlready(state, { how: "retry", ...options })) return undefined;
  if (hasGoneOn(state, options)) return goneOn(state);
  if (isBeingCanceled(state)) return beingCanceled(state, "retry");
  if (!hasWhatToRetry(state, options)) {
    const busy = stillAtWork(state, options);
    if (busy !== undefined) return afterItsItems(id, busy);
    if (step !== undefined) return notFailed(state, step);
    return new Refusal("already_settled", `Nothing of ${id} has failed; there is nothing to retry.`, {
      hint: "`hq workflow rerun <run> --from <step>` does a step and all that follows once more.",
    });
  }
  const problems = unusedTasks(state, options).map(({ step: path, why }) => ({
    path: `tasks.${path}`,
    message: why,
  }));
  const hint =
    "Leave these out; `hq workflow rerun <run> --from <step>` does a step once more with the text that it has.";
  return problemsRefusal("invalid_input", `${id} is not retried, since texts would be lost`, problems, hint);
}

/** Why a rerun led to nothing; absent = it was asked before, or at the same moment, and is done. */
export function whyNotRerun(
  state: RunState,
  { from, at, ...seen }: { readonly from: string; readonly at: number; readonly resumes?: number },
): Refusal | undefined {
  const { id } = state.order;
  const { resumed } = state;
  if (resumed?.at === at && resumed.how === "rerun" && resumed.step === from) return undefined;
  if (isDoneAlready(state, { how: "rerun", step: from, ...seen })) return undefined;
  if (hasGoneOn(state, seen)) return goneOn(state);
  if (isBeingCanceled(state)) return beingCanceled(state, "rerun");
  return new Refusal("already_settled", `${from} of ${id} has not begun; there is nothing to do once more.`, {
    hint: `\`hq workflow status ${id}\` shows what it waits for.`,
  });
}

function afterItsItems(id: string, step: string): Refusal {
  const text = `Items of ${step} of ${id} still run; what failed of it is retried after them.`;
  return new Refusal("already_settled", text, {
    hint: `\`hq workflow status ${id}\` shows how far they are; then retry it.`,
  });
}

function notFailed(state: RunState, step: string): Refusal {
  const { id } = state.order;
  const status = stepAt(state, step)?.status ?? "pending";
  const hint =
    status === "pending"
      ? `It begins by itself; \`hq workflow status ${id}\` shows what it waits for.`
      : `\`hq workflow rerun ${id} --from ${step}\` does it and all that follows once more.`;
  const text = `${step} of ${id} is ${status}; only what has failed can be retried.`;
  return new Refusal("already_settled", text, { hint });
}

/** Somebody else was faster, or the same person in another way. */
function goneOn({ order: { id }, resumed }: RunState): Refusal {
  const who = resumed?.by === undefined ? "Somebody" : actorName(resumed.by);
  const what =
    resumed === undefined || resumed.how === "accept-partial"
      ? "accepted what there is"
      : `asked for a ${resumed.how}${resumed.step === undefined ? "" : ` of ${resumed.step}`}`;
  return new Refusal("already_settled", `${id} is not as you saw it: meanwhile ${who} ${what}.`, {
    hint: `\`hq workflow status ${id}\` shows how it goes on; ask again if that is still to be done.`,
  });
}

const isBeingCanceled = ({ status, canceling }: RunState) => canceling !== undefined && !isRunSettled(status);

function beingCanceled({ order: { id }, canceling }: RunState, what: "retry" | "rerun"): Refusal {
  const why = canceling?.expired ? `The time of ${id} is over` : `${id} is being canceled`;
  return new Refusal("already_settled", `${why}; nothing of it begins anew until it is settled.`, {
    hint: `\`hq workflow status ${id}\` shows what still runs; then ${what} it.`,
  });
}
