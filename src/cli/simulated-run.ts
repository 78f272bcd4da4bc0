import type { Effect } from "../domain/effects.ts";
import { ExpressionError } from "../domain/expression.ts";
import { run } from "../domain/run.ts";
import type { Outcome, Place, RunInput, RunOrder, RunState } from "../domain/run-types.ts";
import { type RunView, viewOfRun } from "../domain/run-view.ts";
import { childIdOf, composeInputs, composeTask, stepAt } from "../domain/run-work.ts";
import { parseResult } from "../domain/step-result.ts";
import type { StepDefinition } from "../domain/workflow-types.ts";
import { fold } from "../kernel/decider.ts";
import type { Problem } from "../kernel/refusal.ts";
import type { CheckSchema } from "../schemas/check-schema.ts";
import type { Stub, Stubs } from "./stubs.ts";

/**
 * A whole run by the real rules on given outcomes: agents are not asked, waits are over at once, gates are decided
 * as given. `problems` names the steps that came to their turn and have no stub; gates without one stay open.
 */
export function simulateRun(
  order: RunOrder,
  stubs: Stubs,
  checkSchema: CheckSchema,
): { readonly view: RunView; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const work: Effect[] = [];
  const steps = new Map(order.definition.steps.map((step) => [step.id, step]));
  let at = order.startedAt;
  let state = accept(undefined, { type: "start", order });

  function accept(before: RunState | undefined, input: RunInput): RunState {
    const events = run.decide(before, input);
    let after = before;
    for (const event of events) {
      after = run.evolve(after, event);
      work.push(...run.effects(after, event));
    }
    return after ?? (fold(run.evolve, before, events) as RunState);
  }

  const tell = (input: RunInput) => {
    state = accept(state, input);
  };

  function child(of: Place, step: StepDefinition): void {
    const given = stubs.steps[step.id];
    const one = Array.isArray(given) ? given[of.item ?? 0] : given;
    const path = of.item === undefined ? `steps.${step.id}` : `steps.${step.id}.${of.item}`;
    if (!one) {
      problems.push({ path, message: "has no stub" });
      return;
    }
    const name = childIdOf(order.id, of);
    const { action } = step;
    const agent = action.kind === "task" ? (action.agent ?? action.capability) : undefined;
    try {
      if (action.kind === "task") composeTask(state, of);
      else composeInputs(state, of);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      tell({ type: "child-refused", at, of, text: error.message });
      return;
    }
    tell({ type: "child-started", at, of, child: name, ...(agent === undefined ? {} : { agent }) });
    tell({ type: "child-settled", of, child: name, outcome: outcomeOf(one, step, at, checkSchema) });
  }

  function decide(step: StepDefinition): boolean {
    const decision = stubs.gates[step.id];
    const shown = stepAt(state, step.id);
    if (decision === undefined || shown?.status !== "waiting" || shown.gate?.status !== "open") return false;
    const needed = step.action.kind === "approval" ? step.action.gate.min : 1;
    for (let n = 1; n <= needed; n++) {
      const actor = { kind: "person", id: `stub-${n}`, name: `stub ${n}`, rights: [] } as const;
      const { generation } = shown;
      tell({ type: "decide-gate", at, step: step.id, generation, decision, actor });
    }
    return true;
  }

  do {
    for (let i = 0; i < work.length; i++) {
      const { body, dueAt } = work[i] as Effect;
      if (body.type === "start-child") {
        const { type: _, run: __, ...of } = body;
        const step = steps.get(of.step);
        if (step) child(of, step);
      } else if (body.type === "run-timer" && body.what === "wait" && body.step !== undefined) {
        at = Math.max(at, dueAt);
        tell({ type: "wait-over", at, step: body.step, generation: body.generation ?? 1 });
      }
    }
    work.length = 0;
  } while (order.definition.steps.filter(decide).length > 0);
  return { view: viewOfRun(state), problems };
}

/** A stub in the words of a run, its result held against the schema that the step expects. */
function outcomeOf(stub: Stub, { action }: StepDefinition, at: number, checkSchema: CheckSchema): Outcome {
  const { output, ...said } = stub;
  const known = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  const outcome = { ...known, status: stub.status, at } as Outcome;
  const expect = action.kind === "task" ? action.expect : undefined;
  if (!expect || stub.status === "failed") return output === undefined ? outcome : { ...outcome, output };
  const parsed = output === undefined ? parseResult(stub.result ?? "") : { ok: true as const, value: output };
  const problems = parsed.ok
    ? checkSchema(expect.schema, parsed.value)
    : [{ path: "", message: `must be JSON: ${parsed.message}` }];
  if (parsed.ok && problems.length === 0) {
    const result = stub.result ?? JSON.stringify(parsed.value);
    return { ...outcome, result, output: parsed.value };
  }
  const reason = `the stub does not fit ${expect.file}: ${problems.map(({ message }) => message).join("; ")}`;
  return { status: "failed", at, reason, problems };
}
