import { at as itemAt, valuesOf } from "../kernel/vector.ts";
import { draftOf, say } from "./run-draft.ts";
import { goOn } from "./run-go-on.ts";
import { graphOf } from "./run-graph.ts";
import { definitionAt, stepOf } from "./run-tally.ts";
import { isRunSettled, type RunEvent, type RunInput, type RunState, type StepState } from "./run-types.ts";
import { childIdOf, kindOfChild } from "./run-work.ts";

type InputOf<Type extends RunInput["type"]> = Extract<RunInput, { type: Type }>;
type Resumed = Extract<RunEvent, { type: "run.resumed" }>;
const NOTHING: readonly RunEvent[] = [];

/** What failed begins anew, and what came to nothing because of it; what was done stays. */
export function retry(state: RunState, input: InputOf<"retry">): readonly RunEvent[] {
  const { step, tasks = {} } = input;
  const chosen = chosenToRetry(state, step);
  if (unusedTasks(state, input).length > 0) return NOTHING;
  return resume(state, input, "retry", chosen, (index) => {
    const task = tasks[definitionAt(state, index).id];
    return {
      ...(task === undefined ? {} : { task }),
      ...(chosen.has(index) && stepOf(state, index).items ? { keepsItems: true } : {}),
    };
  });
}

type Retried = Pick<InputOf<"retry">, "step" | "tasks">;

/** Whether people had it go on, or begin anew, since whoever asks looked at it. */
export function hasGoneOn(
  state: RunState,
  { resumes }: Pick<InputOf<"retry" | "rerun">, "resumes">,
): boolean {
  return resumes !== undefined && resumes !== (state.resumes ?? 0);
}

/** Whether the one thing that people did since then is what is asked. */
export function isDoneAlready(
  { order, steps, resumed, resumes = 0 }: RunState,
  asked: Retried & { readonly how: "retry" | "rerun"; readonly resumes?: number },
): boolean {
  const { how, step, tasks = {} } = asked;
  if (asked.resumes === undefined || resumes !== asked.resumes + 1) return false;
  const { indexOf } = graphOf(order.definition);
  const textOf = (id: string) => itemAt(steps, indexOf.get(id) ?? -1)?.task;
  const isSame = resumed?.how === how && resumed.step === step;
  return isSame && Object.entries(tasks).every(([id, task]) => textOf(id) === task);
}

/** Whether a retry finds something to do, were the run not being canceled. */
export function hasWhatToRetry(state: RunState, { step }: Retried): boolean {
  return chosenToRetry(state, step).size > 0;
}

/** The steps whose changed texts a retry would lose, with the reason: nothing is retried then. */
export function unusedTasks(
  state: RunState,
  { step, tasks = {} }: Retried,
): readonly { readonly step: string; readonly why: string }[] {
  const { indexOf } = graphOf(state.order.definition);
  const chosen = chosenToRetry(state, step);
  const anew = new Set([...chosen, ...cleanupAgain(state, chosen)]);
  return Object.keys(tasks).flatMap((id) => {
    const index = indexOf.get(id);
    if (index === undefined) return [{ step: id, why: "is no step of it" }];
    const { kind } = definitionAt(state, index).action;
    if (kind !== "task") return [{ step: id, why: WITHOUT_TASK[kind] }];
    if (anew.has(index)) return [];
    const { status } = stepOf(state, index);
    return [{ step: id, why: `is ${status}, and this retry does not do it once more` }];
  });
}

const WITHOUT_TASK = {
  approval: "is a gate and has no task",
  workflow: "is a nested workflow and has no task of its own",
  wait: "is a wait and has no task",
  conclusion: "is concluded by rule and has no task",
} as const;

function chosenToRetry(state: RunState, step: string | undefined): ReadonlySet<number> {
  const { indexOf, dependents } = graphOf(state.order.definition);
  const asked =
    step === undefined ? [...indexOf.values()] : withWhatItConcludes(state, indexOf.get(step) ?? -1);
  const failed = asked.filter((index) => index >= 0 && canBeRetried(state, stepOf(state, index)));
  const chosen = new Set(failed);
  for (const index of reachedFrom(failed, dependents))
    if (cameToNothing(stepOf(state, index)) || isMadeAnew(state, index)) chosen.add(index);
  return chosen;
}

/** A step and all that hangs on it, whatever they came to. */
export function rerun(state: RunState, input: InputOf<"rerun">): readonly RunEvent[] {
  const { indexOf, dependents } = graphOf(state.order.definition);
  const from = indexOf.get(input.from);
  if (from === undefined) return NOTHING;
  const all = [from, ...reachedFrom([from], dependents)];
  const begun = all.filter((index) => stepOf(state, index).status !== "pending");
  return resume(state, input, "rerun", new Set(begun), () => ({}));
}

/** It came to nothing, in part or in whole; so did what was given up when a person accepted what there was. */
function canBeRetried(state: RunState, step: StepState): boolean {
  const { accepted } = state;
  const { status, outcome, items, itemCounts } = step;
  if (isHalted(state, step)) return itemCounts?.running === 0;
  if (status === "failed" || status === "canceled") return true;
  if (status === "skipped") return accepted === true && !outcome?.by;
  if (status !== "partial" || !items || !itemCounts) return false;
  return itemCounts.failed + itemCounts.canceled > 0 || itemCounts.settled < items.size;
}

/** A fan-out whose failures stopped the run: none of its other items begins until a person answers. */
function isHalted({ stopped }: RunState, { status, itemCounts }: StepState): boolean {
  return stopped !== undefined && status === "running" && (itemCounts?.failed ?? 0) > 0;
}

/** The first step that a retry would take, were items of it not at work still. */
export function stillAtWork(state: RunState, { step }: Retried): string | undefined {
  const { steps } = state.order.definition;
  return steps.find(({ id }, index) => (step ?? id) === id && isHalted(state, stepOf(state, index)))?.id;
}

/** A conclusion is made anew of whatever it concludes. */
function isConclusion(state: RunState, index: number): boolean {
  const { status } = stepOf(state, index);
  return definitionAt(state, index).action.kind === "conclusion" && status !== "pending";
}

/** A conclusion, and the words that an agent has found for one: they speak of what is not so any more. */
function isMadeAnew(state: RunState, index: number): boolean {
  const { status, outcome } = stepOf(state, index);
  const { id } = definitionAt(state, index);
  const isWritten = (dependent: number) => {
    const { action } = definitionAt(state, dependent);
    return action.kind === "conclusion" && action.of.kind === "panel" && action.of.consensus === id;
  };
  if (isConclusion(state, index)) return true;
  if (status === "pending" || outcome?.by !== undefined) return false;
  return (graphOf(state.order.definition).dependents[index] ?? []).some(isWritten);
}

/** Of the same steps a conclusion would be the same again: what failed of them is done again with it. */
function withWhatItConcludes(state: RunState, index: number): readonly number[] {
  if (index < 0 || !isConclusion(state, index)) return [index];
  return [...(graphOf(state.order.definition).needs[index] ?? []), index];
}

function cameToNothing({ status, outcome }: StepState): boolean {
  return status === "canceled" || (status === "skipped" && !outcome?.by);
}

/** Everything that hangs on some steps, at any distance, without those themselves unless they hang on each other. */
function reachedFrom(
  from: readonly number[],
  dependents: readonly (readonly number[])[],
): ReadonlySet<number> {
  const reached = new Set<number>();
  const open = [...from];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    for (const dependent of dependents[index] ?? []) {
      if (reached.has(dependent)) continue;
      reached.add(dependent);
      open.push(dependent);
    }
  }
  return reached;
}

function resume(
  state: RunState,
  input: InputOf<"retry" | "rerun">,
  how: "retry" | "rerun",
  chosen: ReadonlySet<number>,
  more: (index: number) => Partial<Resumed["reset"][number]>,
): readonly RunEvent[] {
  const { at, actor: by } = input;
  const named = input.type === "retry" ? input.step : input.from;
  const isOpen = !isRunSettled(state.status);
  const { resumed } = state;
  const isSame = resumed?.at === at && resumed.how === how && resumed.step === named;
  if (chosen.size === 0 || isSame || hasGoneOn(state, input) || (isOpen && state.canceling)) return NOTHING;
  const cleanups = cleanupAgain(state, chosen);
  const all = [...chosen].toSorted((a, b) => a - b);
  const reset = [
    ...all.map((index) => ({ ...afresh(state, index), ...more(index) })),
    ...cleanups.map((index) => ({ ...afresh(state, index), ...more(index) })),
  ];
  const abandoned = [...all, ...cleanups].flatMap((index) => childrenAt(state, index));
  const draft = draftOf(state);
  say(draft, {
    type: "run.resumed",
    at,
    by,
    how,
    ...(named === undefined ? {} : { step: named }),
    reset,
    ...(abandoned.length > 0 ? { abandoned } : {}),
    ...(isOpen ? {} : { deadlineAt: at + state.order.definition.limits.timeoutMs }),
  });
  return goOn(draft, at);
}

/** Cleanup follows whatever is done, so it follows once more. */
function cleanupAgain(state: RunState, chosen: ReadonlySet<number>): readonly number[] {
  const isMain = [...chosen].some((index) => !definitionAt(state, index).cleanup);
  if (!isMain) return [];
  return state.order.definition.steps.flatMap(({ cleanup }, index) =>
    cleanup && !chosen.has(index) && stepOf(state, index).status !== "pending" ? [index] : [],
  );
}

/** What never began keeps its number: no child of that number was made. */
function afresh(state: RunState, index: number): Resumed["reset"][number] {
  const { status, startedAt, generation } = stepOf(state, index);
  const hasBegun = startedAt !== undefined || status === "failed" || isConclusion(state, index);
  return { step: definitionAt(state, index).id, generation: hasBegun ? generation + 1 : generation };
}

/** Children of a step that may still work. */
export function childrenAt(state: RunState, index: number): NonNullable<Resumed["abandoned"]> {
  const definition = definitionAt(state, index);
  const step = stepOf(state, index);
  const { generation, items } = step;
  const kind = kindOfChild(definition);
  const place = { step: definition.id, generation };
  const named = (item?: number) => ({
    child: childIdOf(state.order.id, item === undefined ? place : { ...place, item }),
    kind,
  });
  if (!items) return step.status === "running" && !definition.forEach ? [named()] : [];
  return Array.from(valuesOf(items)).flatMap(({ status }, item) =>
    status === "running" ? [named(item)] : [],
  );
}
