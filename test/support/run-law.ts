import assert from "node:assert/strict";
import type { Actor } from "../../src/domain/actor.ts";
import type { Effect, EffectBody, EffectType } from "../../src/domain/effects.ts";
import { run } from "../../src/domain/run.ts";
import type {
  Outcome,
  Place,
  RunEvent,
  RunInput,
  RunOrder,
  RunState,
  StepState,
} from "../../src/domain/run-types.ts";
import { type RunView, viewOfRun } from "../../src/domain/run-view.ts";
import { childIdOf, stepAt } from "../../src/domain/run-work.ts";
import type { StepDefinition, WorkflowDefinition } from "../../src/domain/workflow-types.ts";
import { fold } from "../../src/kernel/decider.ts";
import { workflowOf } from "./workflow.ts";

export const OPERATOR: Actor = { kind: "operator" };
export const ADA: Actor = { kind: "person", id: "1", name: "ada", rights: ["operate"] };
export const BEN: Actor = { kind: "person", id: "2", name: "ben", rights: ["operate"] };

export function orderOf(definition: WorkflowDefinition, more: Partial<RunOrder> = {}): RunOrder {
  return {
    id: "wf-1",
    definition,
    nested: {},
    inputs: {},
    actor: OPERATOR,
    origin: { door: "cli" },
    deliver: true,
    startedAt: 1000,
    deadlineAt: 1000 + definition.limits.timeoutMs,
    depth: 1,
    ...more,
  };
}

export type Law = ReturnType<typeof begin>;

/** A run under its law, with what was decided and what follows. */
export function begin(
  steps: readonly StepDefinition[],
  more: Partial<WorkflowDefinition> = {},
  order: Partial<RunOrder> = {},
) {
  let state: RunState | undefined;
  let now = 1000;
  const events: RunEvent[] = [];
  const effects: Effect[] = [];

  /** What one input leads to. */
  function take(input: RunInput): readonly RunEvent[] {
    const made = run.decide(state, input);
    for (const event of made) {
      state = run.evolve(state, event);
      effects.push(...run.effects(state, event));
    }
    events.push(...made);
    return made;
  }

  function current(): RunState {
    assert.ok(state);
    return state;
  }

  function step(id: string): StepState {
    const found = stepAt(current(), id);
    assert.ok(found, `there is a step ${id}`);
    return found;
  }

  function placeOf(id: string, item?: number): Place {
    return { step: id, generation: step(id).generation, ...(item === undefined ? {} : { item }) };
  }

  function end(of: Place, status: Outcome["status"], more: Partial<Outcome> = {}) {
    const outcome: Outcome = { status, at: ++now, result: `${of.step} ${status}`, ...more };
    return take({ type: "child-settled", of, child: childIdOf(current().order.id, of), outcome });
  }

  const definition = workflowOf("law", steps, more);
  take({ type: "start", order: orderOf(definition, order) });

  return {
    take,
    events,
    effects,
    step,
    placeOf,
    get state() {
      return current();
    },
    get view(): RunView {
      return viewOfRun(current());
    },
    get now() {
      return now;
    },
    pass: (ms: number) => {
      now += ms;
    },
    /** The process died: the next one knows what the ledger keeps. */
    crash: () => {
      state = JSON.parse(JSON.stringify(current())) as RunState;
    },
    /** The statuses of all steps, in order. */
    get statuses(): readonly string[] {
      return viewOfRun(current()).steps.map(({ id, status }) => `${id} ${status}`);
    },
    started: (id: string, item?: number) => {
      const of = placeOf(id, item);
      const child = childIdOf(current().order.id, of);
      return take({ type: "child-started", at: ++now, of, child, agent: "webster", stallAt: now + 1000 });
    },
    succeed: (id: string, item?: number, more: Partial<Outcome> = {}) =>
      end(placeOf(id, item), "succeeded", more),
    fail: (id: string, item?: number, more: Partial<Outcome> = {}) =>
      end(placeOf(id, item), "failed", { reason: "it went wrong", ...more }),
    end,
    decide: (
      id: string,
      decision: "approve" | "reject",
      actor: Actor = OPERATOR,
      more: { reason?: string } = {},
    ) => take({ type: "decide-gate", at: ++now, ...gateOf(placeOf(id)), decision, actor, ...more }),
    cancel: () => take({ type: "cancel", at: ++now, actor: ADA, reason: "not needed" }),
    skip: (id: string) => take({ type: "skip", at: ++now, step: id, actor: ADA }),
    retry: (id?: string, tasks?: Readonly<Record<string, string>>) =>
      take({
        type: "retry",
        at: ++now,
        actor: ADA,
        ...(id === undefined ? {} : { step: id }),
        ...(tasks ? { tasks } : {}),
      }),
    rerun: (from: string) => take({ type: "rerun", at: ++now, actor: ADA, from }),
    accept: () => take({ type: "accept-partial", at: ++now, actor: ADA }),
    deadline: () => {
      now = current().order.deadlineAt;
      return take({ type: "deadline", at: now });
    },
    typesOf: (made: readonly RunEvent[]) => made.map(({ type }) => type),
    /** Bodies of the effects of one type since the beginning. */
    bodies: <T extends EffectType>(type: T) =>
      effects.flatMap(({ body }) => (body.type === type ? [body as Extract<EffectBody, { type: T }>] : [])),
  };
}

function gateOf({ step, generation }: Place) {
  return { step, generation };
}

/** The kept state is what the events say, also when both went through JSON. */
export function assertReloads(law: Pick<Law, "state" | "events">): void {
  const reloaded = fold(run.evolve, undefined, JSON.parse(JSON.stringify(law.events)) as readonly RunEvent[]);
  assert.deepEqual(reloaded, JSON.parse(JSON.stringify(law.state)));
}
