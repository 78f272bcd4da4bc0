import { stepDocument, type Whole } from "../domain/run-documents.ts";
import { outputOf } from "../domain/run-end.ts";
import { definitionAt, stepOf } from "../domain/run-tally.ts";
import type { RunState } from "../domain/run-types.ts";
import { kindOfChild, stepAt } from "../domain/run-work.ts";
import { isCut } from "../domain/step-result.ts";
import { valuesOf } from "../kernel/vector.ts";
import type { Engine } from "./accept.ts";
import type { RunFiles } from "./ports/run-files.ts";

export type StepFiles = ReturnType<typeof createStepFiles>;

/** The file of a step with its whole result, of which the run itself remembers only the beginning. */
export function createStepFiles(deps: { readonly engine: Pick<Engine, "read">; readonly files: RunFiles }) {
  const { engine, files } = deps;

  /** The state as it is now; writing it again is the same. */
  async function write(state: RunState, step: string): Promise<void> {
    await files.write(state.order.id, step, stepDocument(state, step, await wholeOf(state, step)));
  }

  async function wholeOf(state: RunState, id: string): Promise<ReadonlyMap<string, Whole>> {
    const step = stepAt(state, id);
    const definition = state.order.definition.steps.find((one) => one.id === id);
    const whole = new Map<string, Whole>();
    if (!step || !definition) return whole;
    const kind = kindOfChild(definition);
    // A step's own handoff says more than its outcome; of many items only those that are cut are looked up.
    const cutItems = step.items
      ? [...valuesOf(step.items)].filter(({ outcome }) => isCut(outcome?.result))
      : [];
    for (const { child } of [step, ...cutItems]) {
      const found = child === undefined ? undefined : await handedIn(kind, child);
      if (child !== undefined && found) whole.set(child, found);
    }
    return whole;
  }

  async function handedIn(kind: "delegation" | "run", child: string): Promise<Whole | undefined> {
    if (kind === "delegation") return (await engine.read("delegation", child))?.outcome?.handoff;
    const run = await engine.read("run", child);
    if (!run || !isCut(run.outcome?.result)) return undefined;
    const index = outputOf(run.order.definition);
    const last = index === undefined ? undefined : stepOf(run, index);
    if (index === undefined || last?.child === undefined) return undefined;
    const whole = await handedIn(kindOfChild(definitionAt(run, index)), last.child);
    return whole?.result === undefined ? undefined : { result: whole.result };
  }

  return { write, pathOf: files.pathOf };
}
