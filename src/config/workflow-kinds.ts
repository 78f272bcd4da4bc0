import type { Findings, Path } from "./workflow-findings.ts";
import type { StepEntry } from "./workflow-schema.ts";

export type StepKind = "task" | "approval" | "workflow" | "wait" | "panel" | "supervise";
type Key = keyof StepEntry;

const EVERYWHERE: readonly Key[] = ["needs", "depends_on", "if", "continue_on_error", "cleanup"];
const FAN_OUT: readonly Key[] = ["for_each", "max_parallel"];
const PER_TASK: readonly Key[] = [
  "channel_context",
  "model",
  "timeout",
  "start_within",
  "retry",
  "validate",
  "fallback",
];
const OF_KIND: Readonly<Record<StepKind, readonly Key[]>> = {
  task: [
    ...FAN_OUT,
    "agent",
    "capability",
    "task",
    "template",
    "with",
    ...PER_TASK,
    "format",
    "expect",
    "approval_gate",
    "post_hooks",
  ],
  approval: ["approval"],
  workflow: [...FAN_OUT, "workflow", "with"],
  wait: ["wait"],
  panel: ["panel", ...PER_TASK, "approval_gate"],
  supervise: ["supervise", ...PER_TASK, "approval_gate"],
};

/** What a step is by its keys; undefined when they name no kind or several. */
export function kindOf(entry: StepEntry, path: Path, { problem }: Findings): StepKind | undefined {
  const kinds = (["approval", "workflow", "wait", "panel", "supervise"] as const).filter(
    (kind) => entry[kind] !== undefined,
  );
  const isTask = (["agent", "capability", "task", "template"] as const).some(
    (key) => entry[key] !== undefined,
  );
  const named: readonly StepKind[] = isTask ? ["task", ...kinds] : kinds;
  const [kind, other] = named;
  if (kind === undefined) {
    problem(
      path,
      "says nothing to do",
      "add agent and task, approval, workflow, wait, panel, or supervise",
      "key",
    );
    return undefined;
  }
  if (other !== undefined) {
    problem(path, `is both ${spoken(kind)} and ${spoken(other)}`, "make two steps of it", "key");
    return undefined;
  }
  const meant = [...EVERYWHERE, ...OF_KIND[kind]];
  for (const key of Object.keys(entry) as Key[]) {
    if (entry[key] === undefined || meant.includes(key)) continue;
    const advice = FAN_OUT.includes(key) ? fanOutAdvice(kind) : undefined;
    problem([...path, key], `has no meaning for ${spoken(kind)}`, advice, "key");
  }
  if (entry.max_parallel !== undefined && entry.for_each === undefined)
    problem([...path, "max_parallel"], "has no meaning without for_each", undefined, "key");
  if (entry.post_hooks !== undefined && entry.for_each !== undefined)
    problem(
      [...path, "post_hooks"],
      "has no meaning with for_each",
      "put them on the step that sums up",
      "key",
    );
  if (kind === "task") checkTask(entry, path, problem);
  return kind;
}

function fanOutAdvice(kind: StepKind): string {
  const also = kind === "panel" || kind === "supervise" ? `: make a workflow of ${spoken(kind)}` : "";
  return `for_each is for tasks and workflows${also}`;
}

function checkTask(entry: StepEntry, path: Path, problem: Findings["problem"]): void {
  if (entry.task === undefined && entry.template === undefined)
    problem(path, '"task" is missing', "say what is to be done", "key");
  if (entry.template !== undefined)
    for (const key of ["task", "expect"] as const)
      if (entry[key] !== undefined)
        problem([...path, key], "is what the template says", "keep one of them", "key");
  if (entry.with !== undefined && entry.template === undefined)
    problem([...path, "with"], "has no meaning without template or workflow", undefined, "key");
  if (entry.agent === undefined && entry.capability === undefined)
    problem(path, "names nobody to do it", "add agent or capability", "key");
  if (entry.agent !== undefined && entry.capability !== undefined)
    problem([...path, "capability"], "agent and capability are both given", "keep one of them", "key");
}

function spoken(kind: StepKind): string {
  return {
    task: "a task",
    approval: "an approval",
    workflow: "a nested workflow",
    wait: "a wait",
    panel: "a panel",
    supervise: "supervised work",
  }[kind];
}
