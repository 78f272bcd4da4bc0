import { oneLine } from "../kernel/text.ts";
import { type Ballot, concludePanel, readVote, verdictText } from "./panel.ts";
import { supervisedOutcome } from "./run-conclude-supervise.ts";
import { graphOf } from "./run-graph.ts";
import { stepOf } from "./run-tally.ts";
import type { Outcome, RunState, StepState } from "./run-types.ts";
import type { Conclusion, PanelDefinition } from "./workflow-types.ts";

/** What a step comes to that the coordinator makes itself of other steps: no agent is asked for it. */
export function conclude(state: RunState, of: Conclusion, now: number): Outcome {
  switch (of.kind) {
    case "panel":
      return inWords(state, of, byTheRule(state, of, now));
    case "votes":
      return counted(byTheRule(state, of, now));
    case "supervise":
      return supervisedOutcome(state, of, now);
  }
}

/** Too few votes fail the panel, which says so; that they were counted is no second failure. */
function counted(outcome: Outcome): Outcome {
  return outcome.status === "failed" ? { ...outcome, status: "partial" } : outcome;
}

/** The result as an agent has put it. The verdict, the votes and the dissent stay those of the rule. */
function inWords(state: RunState, { consensus }: PanelDefinition, ruled: Outcome): Outcome {
  if (consensus === undefined || ruled.status === "failed") return ruled;
  const { status, outcome } = stepNamed(state, consensus);
  const isDone = status === "succeeded" || status === "partial";
  const result = isDone ? (outcome?.result ?? "").trim() : "";
  if (result !== "" && status === "succeeded") return { ...ruled, result };
  const why = isDone && result === "" ? "it is empty" : oneLine(outcome?.reason ?? `it was ${status}`, 300);
  const told =
    result === ""
      ? `no consensus was written: ${why}; the rule's own words stand`
      : `the consensus is partial: ${why}`;
  const reason = [ruled.reason, told].filter(Boolean).join("; ");
  return { ...ruled, ...(result === "" ? {} : { result }), status: "partial", reason };
}

function byTheRule(
  state: RunState,
  { experts, quorum }: Pick<PanelDefinition, "experts" | "quorum">,
  at: number,
): Outcome {
  const ballots = experts.map(({ role, step }) => ballotOf(role, stepNamed(state, step)));
  const panel = concludePanel(ballots, quorum);
  const { verdict, confidence, missing } = panel;
  const gone = missing.map(({ role, why }) => `${role} (${why})`).join("; ");
  const counts = `${panel.quorum.answered} of ${panel.quorum.asked} experts have voted`;
  const told = { at, result: verdictText(panel), output: panel };
  if (verdict === undefined)
    return { ...told, status: "failed", reason: `${counts}, and ${quorum} are needed; missing: ${gone}` };
  return {
    ...told,
    status: missing.length > 0 ? "partial" : "succeeded",
    ...(missing.length > 0 ? { reason: `${counts}; missing: ${gone}` } : {}),
    ...(confidence === undefined ? {} : { confidence }),
  };
}

function stepNamed(state: RunState, id: string): StepState {
  return stepOf(state, graphOf(state.order.definition).indexOf.get(id) ?? -1);
}

/** A vote counts when it can be read, also of an answer that calls itself partial. */
function ballotOf(role: string, step: StepState): Ballot {
  const agent = step.outcome?.agent ?? step.agent;
  const who = { role, ...(agent === undefined ? {} : { agent }) };
  const vote = readVote(step.outcome?.output);
  if (vote && (step.status === "succeeded" || step.status === "partial")) return { ...who, vote };
  return { ...who, missing: oneLine(whyMissing(step), 300) };
}

function whyMissing({ status, outcome }: StepState): string {
  const { reason, problems = [] } = outcome ?? {};
  if (status === "succeeded" || status === "partial") return "its answer is no vote";
  const said = reason ?? (status === "failed" ? "it failed" : `it was ${status}`);
  const wrong = problems.filter(({ message }) => !said.includes(message));
  const told = wrong.map(({ path, message }) => (path ? `${path}: ${message}` : message));
  return [said, ...(told.length > 0 ? [told.join(", ")] : [])].join(": ");
}
