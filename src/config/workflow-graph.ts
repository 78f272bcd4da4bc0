import type { StepDefinition } from "../domain/workflow-types.ts";

type Node = Pick<StepDefinition, "id" | "needs">;

/** How the steps hang together: whether one is before another, and the circles. */
export type StepGraph = {
  /** Whether `id` needs `other`, at any distance. */
  readonly isBefore: (other: string, id: string) => boolean;
  /** Each circle as its ids in order, beginning with the first in the file. At most ten. */
  readonly circles: readonly (readonly string[])[];
  /** Steps that no other needs. */
  readonly last: readonly string[];
};

const MOST_CIRCLES = 10;

export function createStepGraph(steps: readonly Node[]): StepGraph {
  const nodes = new Map(steps.map((step) => [step.id, step]));
  const needsOf = (id: string) => (nodes.get(id)?.needs ?? []).filter((need) => nodes.has(need));
  const needed = new Set(steps.flatMap(({ needs }) => needs));
  const { order, stuck } = sorted(steps, needsOf);

  function isBefore(other: string, id: string): boolean {
    const earliest = order.get(other) ?? 0;
    const seen = new Set([id]);
    const open = [id];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const need of needsOf(next)) {
        if (need === other) return true;
        if (seen.has(need) || (order.get(need) ?? Infinity) < earliest) continue;
        seen.add(need);
        open.push(need);
      }
    }
    return false;
  }

  return {
    isBefore,
    circles: circlesIn(stuck, needsOf),
    last: steps.filter(({ id }) => !needed.has(id)).map(({ id }) => id),
  };
}

/** By counts of open needs: each step's place in an order that respects needs, and those that have none. */
function sorted(steps: readonly Node[], needsOf: (id: string) => readonly string[]) {
  const open = new Map<string, number>();
  const dependents = new Map<string, string[]>();
  for (const { id } of steps) {
    const needs = new Set(needsOf(id));
    open.set(id, needs.size);
    for (const need of needs) {
      const known = dependents.get(need);
      if (known) known.push(id);
      else dependents.set(need, [id]);
    }
  }
  const ready = steps.filter(({ id }) => open.get(id) === 0).map(({ id }) => id);
  const order = new Map<string, number>();
  for (let at = 0; at < ready.length; at++) {
    const id = ready[at] as string;
    order.set(id, at);
    for (const dependent of dependents.get(id) ?? []) {
      const left = (open.get(dependent) ?? 0) - 1;
      open.set(dependent, left);
      if (left === 0) ready.push(dependent);
    }
  }
  return { order, stuck: steps.map(({ id }) => id).filter((id) => !order.has(id)) };
}

/** Every stuck step waits for a stuck one: going on from any ends in a circle. */
function circlesIn(
  stuck: readonly string[],
  needsOf: (id: string) => readonly string[],
): readonly (readonly string[])[] {
  const left = new Set(stuck);
  const circles: string[][] = [];
  for (const start of stuck) {
    if (circles.length >= MOST_CIRCLES) break;
    const way: string[] = [];
    const places = new Map<string, number>();
    let next: string | undefined = start;
    while (next !== undefined && left.has(next) && !places.has(next)) {
      places.set(next, way.length);
      way.push(next);
      next = needsOf(next).find((need) => left.has(need));
    }
    const from = next === undefined ? undefined : places.get(next);
    if (from !== undefined) circles.push(fromFirst(way.slice(from), stuck));
    for (const id of way) left.delete(id);
  }
  return circles;
}

function fromFirst(circle: readonly string[], order: readonly string[]): string[] {
  const first = order.find((id) => circle.includes(id)) ?? "";
  const at = Math.max(0, circle.indexOf(first));
  return [...circle.slice(at), ...circle.slice(0, at)];
}
