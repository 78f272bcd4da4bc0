import { valuesOf } from "../kernel/vector.ts";
import { graphOf } from "./run-graph.ts";
import { stepOf } from "./run-tally.ts";
import type { Outcome, RunState, StepState } from "./run-types.ts";
import { type Piece, readSay, supervised, supervisedText } from "./supervise.ts";
import type { SuperviseDefinition } from "./workflow-types.ts";

/** What supervised work has come to: what is not finished is never called so, and what there is of it is kept. */
export function supervisedOutcome(state: RunState, { rounds }: SuperviseDefinition, at: number): Outcome {
  const asks = rounds.map(({ ask }) => stepIn(state, ask));
  const pieces = rounds.flatMap(({ work }, index) => piecesOf(stepIn(state, work), index + 1));
  const answered = asks.filter(({ outcome }) => readSay(outcome?.output));
  const last = readSay(answered.at(-1)?.outcome?.output);
  const all = supervised(last, answered.length, pieces);
  const why = whyNotDone(asks, rounds.length);
  const told = { at, result: supervisedText(all, why), output: all };
  if (all.done) return { ...told, status: answered.at(-1)?.status === "partial" ? "partial" : "succeeded" };
  const isThere = pieces.length > all.failed.length;
  return { ...told, status: isThere ? "partial" : "failed", reason: why };
}

function whyNotDone(asks: readonly StepState[], most: number): string {
  const broken = asks.findIndex(({ status }) => status === "failed" || status === "canceled");
  if (broken >= 0)
    return `nobody led round ${broken + 1}: ${asks[broken]?.outcome?.reason ?? "the supervising agent failed"}`;
  const skipped = asks.findIndex(({ status }) => status === "skipped");
  if (skipped >= 0) return `round ${skipped + 1} was skipped`;
  return `max_rounds (${most}) is reached, and the supervising agent was not done`;
}

function piecesOf({ items }: StepState, round: number): readonly Piece[] {
  return Array.from(items ? valuesOf(items) : [], ({ value, status, agent, outcome }) => {
    const asked = (value ?? {}) as { readonly agent?: string; readonly task?: string };
    return {
      round,
      agent: outcome?.agent ?? agent ?? asked.agent ?? "",
      task: asked.task ?? "",
      status,
      result: outcome?.result ?? outcome?.reason ?? "",
    };
  });
}

function stepIn(state: RunState, id: string): StepState {
  return stepOf(state, graphOf(state.order.definition).indexOf.get(id) ?? -1);
}
