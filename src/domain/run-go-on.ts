import { canonicalJson, digestOf } from "../kernel/id.ts";
import { cut } from "../kernel/text.ts";
import { at } from "../kernel/vector.ts";
import { ExpressionError, evaluate, renderText } from "./expression.ts";
import { conclude } from "./run-conclude.ts";
import { contextFor, failedBy, judge } from "./run-conditions.ts";
import { type Draft, say, settle } from "./run-draft.ts";
import { endOf } from "./run-end.ts";
import { finishFanOut } from "./run-fan-out.ts";
import { graphOf } from "./run-graph.ts";
import { nextHeld, nextReady, roomIn } from "./run-queue.ts";
import { definitionAt, stepOf } from "./run-tally.ts";
import { isRunSettled, type Outcome, type Place, type RunState } from "./run-types.ts";
import { composeInputs, composeTask } from "./run-work.ts";
import type { GateDefinition } from "./workflow-types.ts";

const MOST_ITEMS = 1000;
const LONGEST_PROMPT = 16 * 1024;

/** Begins, skips and ends whatever can be now, one after the other, until nothing moves by itself. */
export function goOn(draft: Draft, now: number): readonly Draft["events"][number][] {
  for (;;) {
    const { state } = draft;
    if (isRunSettled(state.status)) return draft.events;
    const held = nextHeld(state);
    if (held !== undefined && roomIn(state) > 0 && !isBlocked(state, held)) {
      begin(draft, held, now);
      continue;
    }
    const ready = nextReady(state);
    if (ready !== undefined) look(draft, ready, now);
    else if (hasTooManyFailures(state) && !state.stopped) stop(draft, now);
    else if (state.counts.settled === state.steps.size) say(draft, endOf(state, now));
    else return draft.events;
  }
}

/** Enough has failed, and something of the main part has not begun. */
function hasTooManyFailures({ order, counts, canceling, accepted }: RunState): boolean {
  if (canceling || accepted || counts.unbegun === 0) return false;
  return counts.failures >= order.definition.limits.maxFailures;
}

/** Nothing new of the main part begins until a person has answered. */
function isBlocked(state: RunState, index: number): boolean {
  if (definitionAt(state, index).cleanup) return false;
  return state.stopped !== undefined || hasTooManyFailures(state);
}

function stop(draft: Draft, at: number): void {
  const { counts, asked } = draft.state;
  say(draft, { type: "run.stopped", at, failures: counts.failures, asked: asked + 1 });
}

/** What becomes of a step whose needs are settled. */
function look(draft: Draft, index: number, now: number): void {
  const { id, action, forEach } = definitionAt(draft.state, index);
  const step = stepOf(draft.state, index);
  const verdict = judge(draft.state, index, now);
  if (verdict !== "begins") return settle(draft, id, step, verdict);
  const takesRoom = (action.kind === "task" || action.kind === "workflow") && !forEach;
  const mustWait = isBlocked(draft.state, index) || (takesRoom && roomIn(draft.state) <= 0);
  if (mustWait) return say(draft, { type: "step.queued", at: now, step: id, generation: step.generation });
  begin(draft, index, now);
}

/** Begins a step, or the next item of a fan-out that runs. */
function begin(draft: Draft, index: number, now: number): void {
  const { id, action, forEach } = definitionAt(draft.state, index);
  const step = stepOf(draft.state, index);
  const { generation } = step;
  if (step.status === "running") return beginItem(draft, index, now);
  switch (action.kind) {
    case "approval":
      return openGate(draft, index, action.gate, now);
    case "conclusion":
      return settle(draft, id, step, conclude(draft.state, action.of, now));
    case "wait":
      return say(draft, { type: "wait.started", at: now, step: id, generation, untilAt: now + action.ms });
    case "task":
    case "workflow": {
      if (forEach) return beginFanOut(draft, index, forEach.expression, now);
      const wrong = whatIsWrong(draft.state, { step: id, generation }, now);
      if (wrong) return settle(draft, id, step, wrong);
      return say(draft, { type: "step.started", at: now, step: id, generation });
    }
  }
}

/** Whether the texts of a step or item can be made; an expression in them may fail. */
function whatIsWrong(state: RunState, of: Place, now: number): Outcome | undefined {
  try {
    const index = graphOf(state.order.definition).indexOf.get(of.step) ?? -1;
    const { action } = definitionAt(state, index);
    if (action.kind === "workflow") composeInputs(state, of);
    else if (action.kind === "task" && (stepOf(state, index).task ?? action.task).includes("${{"))
      composeTask(state, of);
    return undefined;
  } catch (error) {
    return failedBy(error, now);
  }
}

function beginFanOut(draft: Draft, index: number, expression: string, now: number): void {
  const { id } = definitionAt(draft.state, index);
  const step = stepOf(draft.state, index);
  const { generation } = step;
  // After a retry the items are those of the first time: what was done of them stays.
  const items = step.items ? undefined : itemsOf(draft.state, index, expression, now);
  if (items && "status" in items) return settle(draft, id, step, items);
  say(draft, {
    type: "step.started",
    at: now,
    step: id,
    generation,
    ...(items ? { items: items.values } : {}),
  });
  finishFanOut(draft, index, now);
}

function itemsOf(
  state: RunState,
  index: number,
  expression: string,
  now: number,
): Outcome | { readonly values: readonly unknown[] } {
  try {
    const values = evaluate(expression, contextFor(state, index));
    if (!Array.isArray(values))
      throw new ExpressionError(expression, `must give a list for for_each, not ${wordFor(values)}`);
    if (values.length > MOST_ITEMS)
      throw new ExpressionError(
        expression,
        `gives ${values.length} items; at most ${MOST_ITEMS} are allowed`,
      );
    return { values };
  } catch (error) {
    return failedBy(error, now);
  }
}

function wordFor(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  return typeof value === "object" ? "a map" : `a ${typeof value}`;
}

function beginItem(draft: Draft, index: number, now: number): void {
  const { id } = definitionAt(draft.state, index);
  const { generation, items, itemCounts } = stepOf(draft.state, index);
  const item = itemCounts?.next ?? 0;
  if (!items || at(items, item)?.status !== "pending") throw new Error(`${id} has no item to begin`);
  const of = { step: id, item, generation };
  const wrong = whatIsWrong(draft.state, of, now);
  if (wrong) say(draft, { type: "item.settled", of, outcome: wrong });
  else say(draft, { type: "item.started", at: now, of });
  finishFanOut(draft, index, now);
}

function openGate(draft: Draft, index: number, gate: GateDefinition, now: number): void {
  const { state } = draft;
  const { id } = definitionAt(state, index);
  const step = stepOf(state, index);
  const prompt = promptOf(state, index, gate, now);
  if (typeof prompt !== "string") return settle(draft, id, step, prompt);
  const { generation } = step;
  const expiresAt = now + gate.timeoutMs;
  const remindAt = now + (gate.remindEveryMs ?? gate.timeoutMs);
  say(draft, {
    type: "gate.opened",
    at: now,
    step: id,
    generation,
    prompt,
    digest: digestOf(canonicalJson(whatIsShown(state, index, prompt))).slice(0, 12),
    expiresAt,
    ...(remindAt < expiresAt ? { remindAt } : {}),
  });
}

function promptOf(state: RunState, index: number, gate: GateDefinition, now: number): string | Outcome {
  try {
    return cut(renderText(gate.prompt, contextFor(state, index), { inline: true }).text, LONGEST_PROMPT);
  } catch (error) {
    return failedBy(error, now);
  }
}

/** What a person decides about: the prompt and what the steps before it came to. */
function whatIsShown(state: RunState, index: number, prompt: string) {
  const { id } = definitionAt(state, index);
  const needs = (graphOf(state.order.definition).needs[index] ?? []).map((need) => {
    const { status, outcome } = stepOf(state, need);
    return { step: definitionAt(state, need).id, status, result: outcome?.result };
  });
  return { run: state.order.id, step: id, generation: stepOf(state, index).generation, prompt, needs };
}
