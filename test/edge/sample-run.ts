import assert from "node:assert/strict";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { run } from "../../src/domain/run.ts";
import {
  isRunSettled,
  type Outcome,
  type Place,
  type RunInput,
  type RunState,
} from "../../src/domain/run-types.ts";
import { viewOfRun } from "../../src/domain/run-view.ts";
import { childIdOf, composeTask, workAt } from "../../src/domain/run-work.ts";
import { parseResult } from "../../src/domain/step-result.ts";
import { checkInputs } from "../../src/domain/workflow-check.ts";
import type { InputValue, TaskAction, WorkflowDefinition } from "../../src/domain/workflow-types.ts";
import { createCheckSchema } from "../../src/schemas/check-schema.ts";
import { loadFolder, ROOT, shippedConfig } from "../config/workflow-fixtures.ts";
import { orderOf } from "../support/run-law.ts";
import { startSamples } from "./sample-agents-fixture.ts";

const OPERATOR = { kind: "operator" } as const;

/** A shipped workflow, or one that is given, by the rules of runs, each task asked of the sample agents; gates are approved. */
export async function runOnSamples(
  t: TestContext,
  which: string | WorkflowDefinition,
  given: Readonly<Record<string, InputValue>>,
) {
  const definition = typeof which === "string" ? shipped(which) : which;
  const { name } = definition;
  const checked = checkInputs(definition, given);
  assert.ok(checked.ok, JSON.stringify(checked));
  const { ask } = await startSamples(t);
  const { registry } = shippedConfig();
  const check = createCheckSchema();
  const asked: string[] = [];
  const places: Place[] = [];
  let state: RunState | undefined;

  function take(input: RunInput): RunState {
    for (const event of run.decide(state, input)) {
      state = run.evolve(state, event);
      for (const { body } of run.effects(state, event))
        if (body.type === "start-child") places.push(placeOf(body));
    }
    assert.ok(state);
    return state;
  }

  /** Asks whoever the step names, and holds what comes back against the schema that the step expects. */
  async function work(before: RunState, of: Place): Promise<Outcome> {
    const action = definition.steps.find(({ id }) => id === of.step)?.action;
    assert.ok(action?.kind === "task");
    const { objective, attachments } = composeTask(before, of);
    const { expect } = action;
    const child = childIdOf(before.order.id, of);
    const order = { attachments, ...(expect ? { expect } : {}) };
    const { status, result, confidence } = await ask(whoDoes(action, workAt(before, of)?.value), objective, {
      run: child,
      order,
    });
    const parsed = expect ? parseResult(result) : undefined;
    if (expect) {
      assert.ok(parsed?.ok, `${of.step}: ${result}`);
      assert.deepEqual(check(expect.schema, parsed.value), [], of.step);
    }
    const output = parsed?.ok ? { output: parsed.value } : {};
    return {
      status: status === "complete" ? "succeeded" : "failed",
      at: 2000,
      result,
      confidence,
      ...output,
    };
  }

  function whoDoes({ agent, workers, capability = "" }: TaskAction, item: unknown): string {
    if (workers) return (item as { readonly agent: string }).agent;
    return agent ?? registry.able(capability)[0]?.id ?? "";
  }

  take({ type: "start", order: orderOf(definition, { inputs: checked.inputs }) });
  for (let now = state; now && !isRunSettled(now.status); now = state) {
    const of = places.shift();
    if (of) {
      asked.push(of.item === undefined ? of.step : `${of.step}_${of.item}`);
      const outcome = await work(now, of);
      take({ type: "child-settled", of, child: childIdOf(now.order.id, of), outcome });
      continue;
    }
    const gate = viewOfRun(now).steps.find((step) => step.status === "waiting");
    assert.ok(gate, `${name} goes on`);
    const { id: step, generation } = gate;
    take({ type: "decide-gate", at: 2000, step, generation, decision: "approve", actor: OPERATOR });
  }
  assert.ok(state);
  const view = viewOfRun(state);
  const step = (id: string) => {
    const found = view.steps.find((one) => one.id === id);
    assert.ok(found, `${name} has a step ${id}`);
    return found;
  };
  return {
    view,
    /** The steps and items that an agent was asked, in their order. */
    asked,
    step,
    result: (id: string) => step(id).result ?? "",
    statuses: (...ids: readonly string[]) => ids.map((id) => step(id).status),
  };
}

function shipped(name: string): WorkflowDefinition {
  const { entries } = loadFolder(join(ROOT, "workflows"));
  const definition = entries.find((entry) => entry.name === name)?.definition;
  assert.ok(definition, `${name} is shipped and valid`);
  return definition;
}

function placeOf({ step, item, generation }: Place): Place {
  return { step, generation, ...(item === undefined ? {} : { item }) };
}
