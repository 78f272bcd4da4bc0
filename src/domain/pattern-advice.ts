import { formatDuration } from "../kernel/time.ts";
import { expressionsIn, referencesOf } from "./expression.ts";
import { MOST_PROMPT_WORDS, wordsIn } from "./templates/render-template.ts";
import type { StepDefinition, TaskAction, WorkflowDefinition } from "./workflow-types.ts";

/** What is expected of one worker, and how many watch well side by side. */
const LONGEST_WORK_MS = 15 * 60_000;
const MOST_WORKERS = 6;

export type PatternName =
  | "context dump"
  | "monolith spawn"
  | "more than 6 workers"
  | "recursive dream"
  | "fire and forget";

/** A known mistake of plans, by its name. It never stops anything. */
export type Advice = {
  readonly name: PatternName;
  /** Nothing is wrong with it here: it is only good to know. */
  readonly isNote: boolean;
  /** Absent = it is about the whole workflow. */
  readonly step?: string;
  /** Where it stands below the step, or in the file. */
  readonly keys: readonly string[];
  readonly message: string;
  readonly fix: string;
};

/** Whom those who may do a task may ask in turn; empty = nobody. */
export type MayDelegateOn = (
  action: TaskAction,
) => { readonly agent: string; readonly to: readonly string[] } | undefined;

/** The anti-patterns that a workflow shows, in the order of its steps. */
export function adviceOn(
  definition: WorkflowDefinition,
  mayDelegateOn: MayDelegateOn = () => undefined,
): readonly Advice[] {
  const told = new Set<string>();
  const used = usedIn(definition);
  const ofSteps = definition.steps.flatMap((step) => [
    ...contextDump(step),
    ...monolith(step),
    ...crowd(step),
    ...recursion(step, mayDelegateOn, told),
    ...forgotten(step, used, definition.output?.step),
  ]);
  const { maxParallel } = definition.limits;
  const isCrowded = maxParallel > MOST_WORKERS && !ofSteps.some(({ name }) => name === "more than 6 workers");
  return isCrowded ? [...ofSteps, tooMany(maxParallel, ["limits", "max_parallel"])] : ofSteps;
}

/** One line for people: `context dump: …`, with the fix. */
export function adviceText({ name, isNote, step, message, fix }: Advice): string {
  const place = step === undefined ? "" : `${step}: `;
  return `${place}${name}${isNote ? " (only a note)" : ""}: ${message} (${fix})`;
}

function taskWords({ action }: StepDefinition): number {
  return action.kind === "task" ? wordsIn(action.task) : 0;
}

function contextDump(step: StepDefinition): readonly Advice[] {
  const words = taskWords(step);
  if (words <= MOST_PROMPT_WORDS) return [];
  return [
    {
      name: "context dump",
      isNote: false,
      step: step.id,
      keys: ["task"],
      message: `its prompt has ${words} words before anything is attached`,
      fix: `keep what this one task needs, at most ${MOST_PROMPT_WORDS} words`,
    },
  ];
}

function monolith(step: StepDefinition): readonly Advice[] {
  const { action, forEach } = step;
  if (action.kind !== "task" || forEach) return [];
  const isLong = action.timeoutMs > LONGEST_WORK_MS;
  const words = taskWords(step);
  if (!isLong && words <= MOST_PROMPT_WORDS) return [];
  const what = isLong
    ? `one worker may take ${formatDuration(action.timeoutMs)}`
    : `one worker gets a task of ${words} words`;
  return [
    {
      name: "monolith spawn",
      isNote: false,
      step: step.id,
      keys: isLong ? ["timeout"] : ["task"],
      message: what,
      fix: "make steps with one deliverable each of it, or for_each over its parts; 15m or less",
    },
  ];
}

function crowd({ id, forEach }: StepDefinition): readonly Advice[] {
  if (!forEach || forEach.maxParallel <= MOST_WORKERS) return [];
  return [{ ...tooMany(forEach.maxParallel, ["max_parallel"]), step: id }];
}

function tooMany(count: number, keys: readonly string[]): Advice {
  return {
    name: "more than 6 workers",
    isNote: false,
    keys,
    message: `up to ${count} work at once, which costs more than it brings`,
    fix: "max_parallel: 3 to 6",
  };
}

/** Each agent once: it is the same for all its steps. */
function recursion(
  { id, action }: StepDefinition,
  mayDelegateOn: MayDelegateOn,
  told: Set<string>,
): readonly Advice[] {
  const found = action.kind === "task" ? mayDelegateOn(action) : undefined;
  if (!found || found.to.length === 0 || told.has(found.agent)) return [];
  told.add(found.agent);
  return [
    {
      name: "recursive dream",
      isNote: true,
      step: id,
      keys: [],
      message: `${found.agent} may delegate on to ${found.to.length > 3 ? `${found.to.length} others` : found.to.join(", ")}`,
      fix: "what can be planned stands better as steps of this workflow",
    },
  ];
}

/** Its result goes nowhere. Where it is not said whose result the run's is, that is told by itself. */
function forgotten(
  { id, action, cleanup }: StepDefinition,
  used: ReadonlySet<string>,
  output: string | undefined,
): readonly Advice[] {
  const isWork = action.kind === "task" || action.kind === "workflow";
  if (!isWork || cleanup || output === undefined || output === id || used.has(id.toLowerCase())) return [];
  return [
    {
      name: "fire and forget",
      isNote: false,
      step: id,
      keys: [],
      message: "no step uses its result, and it is not the run's",
      fix: `use steps.${id}.result in a step that needs it, name it in output, or take it out`,
    },
  ];
}

/** Steps that others need, and those that cleanup steps name, which need no others. A check uses no result. */
function usedIn({ steps }: WorkflowDefinition): ReadonlySet<string> {
  return new Set(
    steps.flatMap((step) => [
      ...(step.passesWhenSkipped ? [] : step.needs.map((need) => need.toLowerCase())),
      ...(step.cleanup ? namesIn(step) : []),
    ]),
  );
}

function namesIn({ action, if: condition }: StepDefinition): readonly string[] {
  const text = action.kind === "task" ? action.task : "";
  const sources = expressionsIn(text).map(({ source }) => source);
  return [...sources, ...(condition === undefined ? [] : [condition])].flatMap((source) =>
    referencesOf(source).steps.map(({ id }) => id),
  );
}
