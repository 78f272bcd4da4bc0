import { valuesOf } from "../kernel/vector.ts";
import type { Handoff } from "./handoff-types.ts";
import { isStepSettled } from "./run-tally.ts";
import type { RunState, StepStatus, WorkState } from "./run-types.ts";
import { viewOfRun } from "./run-view.ts";
import { stepAt } from "./run-work.ts";
import { WORDS_OF_STEP } from "./status-words.ts";

/** The run's own file lies beside those of its steps, so none of them may have its name. */
export const SUMMARY_FILE = "summary";

/** What a child handed in as a whole, where it is known. */
export type Whole = Partial<Pick<Handoff, "result" | "artifacts" | "confidence" | "notes">>;

/** One step of a run as a file, in the form of a handoff. `whole` has what its children handed in, by their ids. */
export function stepDocument(
  state: RunState,
  step: string,
  whole: ReadonlyMap<string, Whole> = new Map(),
): object {
  const found = stepAt(state, step);
  const view = viewOfRun(state).steps.find(({ id }) => id === step);
  if (!found || !view) throw new Error(`${state.order.id} has no step ${step}`);
  const { outcome } = found;
  const handoff = found.child === undefined ? undefined : whole.get(found.child);
  return {
    schemaVersion: "1.0",
    runId: view.child ?? state.order.id,
    workflowRunId: state.order.id,
    workflow: state.order.definition.name,
    step,
    kind: view.kind,
    agent: view.agent ?? null,
    status: WORDS_OF_STEP[found.status].handoff,
    result: handoff?.result ?? outcome?.result ?? "",
    artifacts: handoff?.artifacts ?? outcome?.artifacts ?? [],
    confidence: handoff?.confidence ?? outcome?.confidence ?? null,
    notes: handoff?.notes ?? "",
    timestamp: isoOf(outcome?.at),
    startedAt: isoOf(found.startedAt),
    generation: found.generation,
    needs: view.needs,
    ...(outcome?.reason === undefined ? {} : { reason: outcome.reason }),
    ...(outcome?.problems ? { problems: outcome.problems } : {}),
    ...(outcome?.output === undefined ? {} : { output: outcome.output }),
    ...(view.by === undefined ? {} : { by: view.by }),
    ...gateOf(view.gate),
    ...(found.items ? { items: Array.from(valuesOf(found.items), (item) => itemOf(item, whole)) } : {}),
  };
}

function gateOf(gate: ReturnType<typeof viewOfRun>["steps"][number]["gate"]): object {
  if (!gate) return {};
  const { status, prompt, digest, approvals, decidedBy, decidedAt, reason } = gate;
  const given = approvals.map((one) => ({ ...one, at: isoOf(one.at) }));
  return {
    gate: { status, prompt, digest, approvals: given, decidedBy, decidedAt: isoOf(decidedAt), reason },
  };
}

function itemOf(
  { value, status, child, agent, outcome }: WorkState,
  whole: ReadonlyMap<string, Whole>,
): object {
  const { result = "", output, confidence = null, reason, at } = outcome ?? {};
  return {
    item: value ?? null,
    status: WORDS_OF_STEP[status].handoff,
    runId: child ?? null,
    agent: agent ?? null,
    result: (child === undefined ? undefined : whole.get(child)?.result) ?? result,
    confidence,
    timestamp: isoOf(at),
    ...(output === undefined ? {} : { output }),
    ...(reason === undefined ? {} : { reason }),
  };
}

const isoOf = (at: number | undefined) => (at === undefined ? null : new Date(at).toISOString());

/** The whole run as a file; each step's own file has its whole result. */
export function summaryDocument(state: RunState): object {
  const view = viewOfRun(state);
  const count = (status: StepStatus) => view.steps.filter((step) => step.status === status).length;
  return {
    schemaVersion: "1.0",
    runId: view.id,
    workflow: view.workflow,
    status: WORDS_OF_STEP[view.status].handoff,
    caller: view.caller,
    inputs: view.inputs,
    result: view.result ?? "",
    ...(view.output === undefined ? {} : { output: view.output }),
    notes: [...(view.reason === undefined ? [] : [view.reason]), ...view.missing].join("\n"),
    missing: view.missing,
    startedAt: isoOf(view.startedAt),
    timestamp: isoOf(view.settledAt),
    round: view.round,
    counts: {
      total: view.steps.length,
      complete: count("succeeded"),
      partial: count("partial"),
      failed: count("failed"),
      skipped: count("skipped"),
      canceled: count("canceled"),
    },
    steps: view.steps.map((step) => ({
      step: step.id,
      kind: step.kind,
      agent: step.agent ?? null,
      status: WORDS_OF_STEP[step.status].handoff,
      confidence: step.confidence ?? null,
      generation: step.generation,
      timestamp: isoOf(step.settledAt),
      file: isStepSettled(step.status) ? `${step.id}.json` : null,
      ...(step.reason === undefined ? {} : { reason: step.reason }),
    })),
  };
}
