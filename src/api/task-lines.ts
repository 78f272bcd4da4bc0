import { actorName } from "../domain/actor.ts";
import type { TaskTry } from "../domain/task-types.ts";
import type { TaskView } from "../engine/task-verbs.ts";

export type ExportFormat = "jsonl" | "csv";

const HEAD = [
  "id",
  "status",
  "posted_at",
  "author",
  "task",
  "executor",
  "model",
  "thinking",
  "tries",
  "child",
  "outcome",
  "settled_at",
  "summary",
];

/** Tasks as lines of text, one a task. */
export async function* taskLines(
  tasks: AsyncIterable<TaskView>,
  format: ExportFormat,
): AsyncGenerator<string> {
  if (format === "csv") yield csvLine(HEAD);
  for await (const view of tasks)
    yield format === "csv" ? csvLine(cellsOf(view)) : `${JSON.stringify(view)}\n`;
}

function cellsOf(view: TaskView): readonly string[] {
  const last = view.tries.at(-1);
  const executor = last?.executor;
  return [
    view.id,
    view.status,
    instant(view.task.postedAt),
    view.task.actor.kind === "person" ? view.task.author.name : actorName(view.task.actor),
    view.objective,
    executor ? whoOf(executor) : "",
    executor?.kind === "worker" ? executor.model : (view.tags.model ?? ""),
    executor?.kind === "worker" ? executor.thinking : (view.tags.thinking ?? ""),
    String(view.tries.length),
    last?.child ?? "",
    last?.outcome?.childStatus ?? "",
    last?.outcome ? instant(last.outcome.at) : "",
    last?.outcome?.summary ?? last?.outcome?.reason ?? "",
  ];
}

export function whoOf(executor: TaskTry["executor"]): string {
  if (executor.kind === "agent") return executor.agent;
  return executor.kind === "worker" ? `worker ${executor.worker}` : `workflow ${executor.workflow}`;
}

function instant(at: number): string {
  return new Date(at).toISOString();
}

/** RFC 4180; what a spreadsheet would take for a formula is marked as text. */
function csvLine(cells: readonly string[]): string {
  const safe = cells.map((cell) => {
    const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${safe.join(",")}\r\n`;
}
