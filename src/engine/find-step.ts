import { type Actor, actorName } from "../domain/actor.ts";
import { keyOfActor } from "../domain/run-evolve-gate.ts";
import type { RunInput, RunState } from "../domain/run-types.ts";
import { stepAt } from "../domain/run-work.ts";
import { Refusal } from "../kernel/refusal.ts";
import { nearest } from "../kernel/text.ts";

export function stepOrRefuse(state: RunState, step: string): void {
  if (stepAt(state, step)) return;
  const ids = state.order.definition.steps.map(({ id }) => id);
  const near = nearest(step, ids);
  throw new Refusal("not_found", `${state.order.id} has no step "${step}".`, {
    hint: `${near ? `Did you mean ${near}? ` : ""}Its steps are ${ids.slice(0, 20).join(", ")}.`,
  });
}

/** The gate that is meant: the named one, or the only one that waits. */
export function gateOf(state: RunState, named: string | undefined) {
  const gates = state.order.definition.steps.flatMap(({ id, action }) =>
    action.kind === "approval" ? [{ step: id, gate: action.gate }] : [],
  );
  const seen = gates.flatMap(({ step, gate }) => {
    const found = stepAt(state, step);
    if (!found?.gate) return [];
    // The gate of a step that was canceled or skipped waits no more.
    const isOpen = found.gate.status === "open" && found.status === "waiting";
    return [{ step, gate, shown: { ...found.gate, isOpen, generation: found.generation } }];
  });
  if (named !== undefined) {
    stepOrRefuse(state, named);
    const found = seen.find(({ step }) => step === named);
    if (found) return found;
    const isGate = gates.some(({ step }) => step === named);
    throw new Refusal("not_found", isGate ? `${named} does not wait yet.` : `${named} is not a gate.`, {
      hint: `The gates are ${gates.map(({ step }) => step).join(", ") || "none"}.`,
    });
  }
  const open = seen.filter(({ shown }) => shown.isOpen);
  const [only] = open;
  if (only && open.length === 1) return only;
  throw new Refusal(
    open.length === 0 ? "already_settled" : "invalid_input",
    open.length === 0
      ? `No gate of ${state.order.id} waits.`
      : `${open.length} gates of ${state.order.id} wait: ${open.map(({ step }) => step).join(", ")}.`,
    {
      hint:
        open.length === 0
          ? `\`hq workflow status ${state.order.id}\` shows what it waits for.`
          : "Name the one that is meant.",
    },
  );
}

export function notWhatWasShown(step: string): Refusal {
  return new Refusal("already_settled", `What waits at ${step} now is not what you were shown.`, {
    hint: "Open the run, look at the gate that waits now, and decide there.",
  });
}

type Decided = Pick<Extract<RunInput, { type: "decide-gate" }>, "step" | "generation" | "decision" | "actor">;

/** Nothing when a decision stands as it was given, by this one or when the same was said before. */
export function whyNotDecided(state: RunState, decided: Decided): Refusal | undefined {
  const { step, generation, decision, actor } = decided;
  const found = stepAt(state, step);
  // It begins anew since.
  if (!found?.gate || found.generation !== generation) return notWhatWasShown(step);
  const { approvals, status, decidedBy } = found.gate;
  const isTheirs = (one: Actor | undefined) => one && keyOfActor(one) === keyOfActor(actor);
  const stands =
    decision === "approve"
      ? (found.status === "waiting" || status === "approved") && approvals.some((one) => isTheirs(one.actor))
      : status === "rejected" && isTheirs(decidedBy);
  return stands ? undefined : decidedAlready(state, step);
}

export function decidedAlready(state: RunState, step: string): Refusal {
  const found = stepAt(state, step);
  const by = found?.gate?.decidedBy ?? found?.outcome?.by;
  const status = found?.gate?.status === "open" ? found.status : found?.gate?.status;
  const who = by ? ` by ${actorName(by)}` : "";
  const { id } = state.order;
  return new Refusal("already_settled", `${step} is already ${status ?? "decided"}${who}.`, {
    hint: `\`hq workflow status ${id}\` shows how it goes on; \`hq workflow rerun ${id} --from ${step}\` asks once more.`,
  });
}
