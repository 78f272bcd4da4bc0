import type { WorkflowDefinition } from "./workflow-types.ts";

/** The steps of a definition by their places in the file, and what hangs on what. */
export type RunGraph = {
  readonly indexOf: ReadonlyMap<string, number>;
  /** Of each step; a cleanup step needs cleanup steps only, since all others are over when it begins. */
  readonly needs: readonly (readonly number[])[];
  readonly dependents: readonly (readonly number[])[];
  /** Every step after all that it needs, cleanup steps last. */
  readonly order: readonly number[];
  readonly mainCount: number;
};

const known = new WeakMap<WorkflowDefinition, RunGraph>();

/** Made once for each definition, in linear time. */
export function graphOf(definition: WorkflowDefinition): RunGraph {
  const before = known.get(definition);
  if (before) return before;
  const made = makeGraph(definition);
  known.set(definition, made);
  return made;
}

function makeGraph({ steps }: WorkflowDefinition): RunGraph {
  const indexOf = new Map(steps.map(({ id }, index) => [id, index]));
  const dependents: number[][] = steps.map(() => []);
  const needs = steps.map((step, index) => {
    const own = [...new Set(step.needs)].flatMap((id) => {
      const need = indexOf.get(id);
      return need === undefined || steps[need]?.cleanup !== step.cleanup ? [] : [need];
    });
    for (const need of own) dependents[need]?.push(index);
    return own;
  });
  return {
    indexOf,
    needs,
    dependents,
    order: inOrder(steps, needs, dependents),
    mainCount: steps.reduce((count, { cleanup }) => (cleanup ? count : count + 1), 0),
  };
}

/** Kahn's order: a step is taken when the last of its needs was. */
function inOrder(
  steps: WorkflowDefinition["steps"],
  needs: readonly (readonly number[])[],
  dependents: readonly (readonly number[])[],
): readonly number[] {
  const unmet = needs.map(({ length }) => length);
  const order: number[] = [];
  let next = 0;
  for (const isCleanup of [false, true]) {
    for (const [index, step] of steps.entries())
      if (step.cleanup === isCleanup && needs[index]?.length === 0) order.push(index);
    for (; next < order.length; next++) {
      for (const dependent of dependents[order[next] as number] ?? []) {
        const left = (unmet[dependent] ?? 0) - 1;
        unmet[dependent] = left;
        if (left === 0) order.push(dependent);
      }
    }
  }
  return order;
}

/** The wave of each step: one after the last of its needs, and cleanup after everything else. */
export function levelsOf(definition: WorkflowDefinition): readonly number[] {
  const { order, needs } = graphOf(definition);
  const level = definition.steps.map(() => 0);
  let mainLevels = 0;
  for (const index of order) {
    const isCleanup = definition.steps[index]?.cleanup === true;
    let wave = isCleanup ? mainLevels : 0;
    for (const need of needs[index] ?? []) wave = Math.max(wave, (level[need] ?? 0) + 1);
    level[index] = wave;
    if (!isCleanup) mainLevels = Math.max(mainLevels, wave + 1);
  }
  return level;
}
