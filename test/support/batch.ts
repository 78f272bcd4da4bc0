import assert from "node:assert/strict";
import { batch } from "../../src/domain/batch.ts";
import type { BatchInput, BatchState, BatchTaskStatus } from "../../src/domain/batch-types.ts";
import { viewOfBatch } from "../../src/domain/batch-view.ts";
import { whyNotBatch } from "../../src/domain/batch-why-not.ts";
import { fold } from "../../src/kernel/decider.ts";

export const MINUTE = 60_000;
export const START = 1_700_000_000_000;

/** A batch of so many tasks t1, t2, … that is told things one after the other, a minute between them. */
export function open(count: number, metadata: Record<string, unknown> = {}) {
  let at = START;
  let state: BatchState | undefined;
  const tell = (input: BatchInput) => {
    const events = batch.decide(state, input);
    state = fold(batch.evolve, state, events);
    return events.map(({ type }) => type);
  };
  const tasks = Array.from({ length: count }, (_, i) => ({ id: `t${i + 1}`, label: `Task ${i + 1}` }));
  tell({
    type: "create",
    at,
    id: "wf_0badcafe",
    actor: { kind: "operator" },
    pattern: "fan_out",
    tasks,
    metadata,
  });
  const now = (): BatchState => {
    assert.ok(state);
    return state;
  };
  const next = () => {
    at += MINUTE;
    return at;
  };
  const updateOf = (task: string, status: BatchTaskStatus, result?: string) =>
    ({ type: "update", at: next(), task, status, ...(result === undefined ? {} : { result }) }) as const;
  return {
    now,
    view: (later = 0) => viewOfBatch(now(), at + later),
    update: (...said: Parameters<typeof updateOf>) => tell(updateOf(...said)),
    whyNot: (...said: Parameters<typeof updateOf>) => whyNotBatch(now(), updateOf(...said)),
    resume: (choice: "retry" | "adjust", added: readonly { id: string; label: string }[] = []) =>
      tell({ type: "resume", at: next(), choice, added }),
    accept: () => tell({ type: "accept", at: next() }),
    remove: (unchangedSince?: number) =>
      tell({ type: "remove", at: next(), ...(unchangedSince === undefined ? {} : { unchangedSince }) }),
    fail(...tasks: readonly string[]) {
      for (const task of tasks) {
        this.update(task, "in_progress");
        this.update(task, "failed", `${task} broke`);
      }
    },
  };
}

export const taskIn = (one: ReturnType<typeof open>, id: string) => {
  const found = one.view().subtasks.find((task) => task.id === id);
  assert.ok(found);
  return found;
};
