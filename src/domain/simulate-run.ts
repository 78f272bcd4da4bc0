import { nearest } from "../kernel/text.ts";
import { at, valuesOf } from "../kernel/vector.ts";
import type { Actor } from "./actor.ts";
import { run } from "./run.ts";
import { graphOf } from "./run-graph.ts";
import { definitionAt, stepOf } from "./run-tally.ts";
import {
  isRunSettled,
  type Outcome,
  type Place,
  type RunInput,
  type RunOrder,
  type RunState,
} from "./run-types.ts";
import { type RunView, viewOfRun } from "./run-view.ts";
import { childIdOf, stepAt } from "./run-work.ts";
import { cutResult, parseResult } from "./step-result.ts";
import type { GateDefinition, StepAction } from "./workflow-types.ts";

/** What a step, or an item of it, would hand in. `status` in our words or in those of a handoff; absent = it succeeded. */
export type Stub = {
  readonly status?: string;
  readonly result?: string;
  readonly output?: unknown;
  readonly confidence?: string;
  readonly reason?: string;
};
export type Stubs = {
  /** A list gives the items of a fan-out in their order. */
  readonly steps?: Readonly<Record<string, Stub | readonly Stub[]>>;
  readonly gates?: Readonly<Record<string, "approve" | "reject">>;
};

export type Simulated = {
  readonly view: RunView;
  readonly state: RunState;
  /** What the stubs lack or have too much, a sentence each. */
  readonly problems: readonly string[];
  /** Gates that no stub decides: the run would wait there. */
  readonly waiting: readonly string[];
};

const STATUSES: Readonly<Record<string, Outcome["status"]>> = {
  succeeded: "succeeded",
  complete: "succeeded",
  partial: "partial",
  failed: "failed",
  blocked: "failed",
  canceled: "canceled",
};

/** A run on given outputs by the same rules, without agents: time passes only in its waits. */
export function simulateRun(order: RunOrder, stubs: Stubs, now: number): Simulated {
  const problems = [...strangers(order, stubs)];
  const places: Place[] = [];
  let state: RunState | undefined;
  let time = now;

  function take(input: RunInput): boolean {
    const events = run.decide(state, input);
    for (const event of events) {
      state = run.evolve(state, event);
      for (const { body } of run.effects(state, event)) {
        if (body.type !== "start-child") continue;
        const { step, item, generation } = body;
        places.push({ step, generation, ...(item === undefined ? {} : { item }) });
      }
    }
    return events.length > 0;
  }

  take({ type: "start", order });
  for (let next = 0; state && !isRunSettled(state.status); ) {
    const of = places[next];
    if (of) {
      next++;
      take(endOf(state, of, stubs, time, problems));
    } else if (!decideGate(state)) {
      const until = nextInstant(state);
      if (until === undefined) break;
      time = Math.max(time, until);
      take(time >= order.deadlineAt ? { type: "deadline", at: time } : waitOver(state, time));
    }
  }
  if (!state) throw new Error("a run that was started has a state");
  problems.push(...surplus(state, stubs));
  return { view: viewOfRun(state), state, problems, waiting: openGates(state) };

  function decideGate(before: RunState): boolean {
    for (const step of openGates(before)) {
      const decision = stubs.gates?.[step];
      if (decision === undefined) continue;
      const index = graphOf(order.definition).indexOf.get(step) ?? -1;
      const { action } = definitionAt(before, index);
      const { generation } = stepOf(before, index);
      const deciders = action.kind === "approval" ? decidersOf(action.gate, order.actor) : [];
      const about = { step, generation, decision, at: time } as const;
      for (const actor of deciders) {
        take({ type: "decide-gate", ...about, actor });
        if (state && stepOf(state, index).status !== "waiting") return true;
      }
    }
    return false;
  }
}

/** The child of a place ends as its stub says; without one it cannot be made. */
function endOf(state: RunState, of: Place, stubs: Stubs, at: number, problems: string[]): RunInput {
  const given = stubs.steps?.[of.step];
  const isList = Array.isArray(given);
  const stub = (isList && of.item !== undefined ? given[of.item] : given) as Stub | undefined;
  const name = of.item === undefined ? of.step : `item ${of.item} of ${of.step}`;
  const word = stub?.status ?? "succeeded";
  const status = STATUSES[word];
  if (!stub || Array.isArray(stub)) {
    const text = `There is no stub for ${name}.`;
    problems.push(text);
    return { type: "child-refused", at, of, text };
  }
  if (!status) {
    const text = `The stub for ${name} has the status "${word}"; it can be ${Object.keys(STATUSES).join(", ")}.`;
    problems.push(text);
    return { type: "child-refused", at, of, text };
  }
  const { result, confidence, reason } = stub;
  const output = stub.output ?? parsed(state, of, result);
  const outcome: Outcome = {
    status,
    at,
    ...(result === undefined ? {} : { result: cutResult(result) }),
    ...(output === undefined ? {} : { output }),
    ...(confidence === undefined ? {} : { confidence }),
    ...(reason === undefined ? {} : { reason }),
  };
  return { type: "child-settled", of, child: childIdOf(state.order.id, of), outcome };
}

/** Like the result of an agent: its JSON counts only where the step expects some. */
function parsed(state: RunState, of: Place, result: string | undefined): unknown {
  const { action } = definitionAt(state, graphOf(state.order.definition).indexOf.get(of.step) ?? -1);
  if (action.kind !== "task" || !action.expect || result === undefined) return undefined;
  const read = parseResult(result);
  return read.ok ? read.value : undefined;
}

function openGates({ steps, order }: RunState): readonly string[] {
  return Array.from(valuesOf(steps)).flatMap(({ status, gate }, index) =>
    status === "waiting" && gate ? [order.definition.steps[index]?.id ?? ""] : [],
  );
}

function nextInstant({ steps }: RunState): number | undefined {
  const instants = Array.from(valuesOf(steps)).flatMap(({ status, untilAt }) =>
    status === "waiting" && untilAt !== undefined ? [untilAt] : [],
  );
  return instants.length > 0 ? Math.min(...instants) : undefined;
}

function waitOver({ steps, order }: RunState, now: number): RunInput {
  const index = Array.from(valuesOf(steps)).findIndex(
    ({ status, untilAt }) => status === "waiting" && untilAt !== undefined && untilAt <= now,
  );
  const { generation } = at(steps, index) ?? { generation: 1 };
  return { type: "wait-over", at: now, step: order.definition.steps[index]?.id ?? "", generation };
}

/** The operator, and as many people as the gate may need. */
function decidersOf({ approvers, min }: GateDefinition, asker: Actor): readonly Actor[] {
  const people = Array.from({ length: min }, (_, n): Actor => {
    const id = `stub-${n + 1}`;
    const roles = approvers.flatMap((one) =>
      one.startsWith("role:") ? [{ id: one.slice(5), name: one.slice(5) }] : [],
    );
    return { kind: "person", id, name: id, rights: ["operate"], roles };
  });
  const users = approvers.flatMap((one): readonly Actor[] =>
    one.startsWith("user:") ? [{ kind: "person", id: one.slice(5), name: one.slice(5), rights: [] }] : [],
  );
  const operator: Actor = asker.kind === "operator" ? asker : { kind: "operator" };
  return [operator, ...users, ...people];
}

/** Of a fan-out that did not begin nobody knows its items. */
function surplus(state: RunState, { steps = {} }: Stubs): readonly string[] {
  return Object.entries(steps).flatMap(([name, given]) => {
    const items = stepAt(state, name)?.items?.size;
    const stubs = Array.isArray(given) ? given.length : 0;
    if (items === undefined || stubs <= items) return [];
    const has = items === 0 ? "no items" : items === 1 ? "1 item" : `${items} items`;
    return [
      `${name} has ${has} and ${stubs === 1 ? "1 stub" : `${stubs} stubs`}; take ${stubs - items} away.`,
    ];
  });
}

/** Why a step of this kind takes no stub. */
const STUBLESS: Readonly<Partial<Record<StepAction["kind"], string>>> = {
  approval: "a gate; its decision belongs under gates",
  wait: "a wait, which hands nothing in; take its stub away",
  conclusion: "made of what other steps hand in; take its stub away",
};

function strangers({ definition }: RunOrder, { steps = {}, gates = {} }: Stubs): readonly string[] {
  const { indexOf } = graphOf(definition);
  return [
    ...Object.keys(steps).flatMap((name) => {
      const action = definition.steps[indexOf.get(name) ?? -1]?.action;
      if (!action) return [unknown("step", name)];
      const why = STUBLESS[action.kind];
      return why === undefined ? [] : [`${name} is ${why}.`];
    }),
    ...Object.keys(gates).flatMap((name) => {
      const action = definition.steps[indexOf.get(name) ?? -1]?.action;
      if (!action) return [unknown("gate", name)];
      return action.kind === "approval" ? [] : [`${name} is no gate; its stub belongs under steps.`];
    }),
  ];

  function unknown(what: string, name: string): string {
    const near = nearest(name, indexOf.keys());
    return `There is no ${what} "${name}" in ${definition.name}.${near ? ` Did you mean ${near}?` : ""}`;
  }
}
