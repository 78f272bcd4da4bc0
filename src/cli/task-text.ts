import { whoOf } from "../api/task-lines.ts";
import { actorName } from "../domain/actor.ts";
import type { TaskTry } from "../domain/task-types.ts";
import type { WorkerView } from "../domain/worker-view.ts";
import type { TaskView } from "../engine/task-verbs.ts";
import { cut, forTerminal, oneLine } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import { instant, plainText, table } from "./print.ts";

/** Tasks as a table, newest first. */
export function taskTable(tasks: readonly TaskView[], nowMs: number): string {
  const rows = tasks.map((view) => [
    view.id,
    view.status,
    authorOf(view),
    formatDuration(nowMs - view.task.postedAt),
    executorOf(view, nowMs) ?? "–",
    reasonOf(view) || view.objective,
  ]);
  return table(
    [["ID", "STATUS", "POSTED BY", "AGE", "DONE BY", "TASK, OR WHY IT IS NOT DONE"], ...rows],
    160,
  );
}

/** Who does it, and for how long already while it is not over. */
function executorOf({ tries }: TaskView, nowMs: number): string | undefined {
  const last = tries.at(-1);
  if (!last) return undefined;
  const who = whoOf(last.executor);
  return last.outcome ? who : `${who}, for ${formatDuration(nowMs - last.claimedAt)}`;
}

/** Why it is not done, or not done well; empty when there is nothing to say. */
export function reasonOf(view: TaskView): string {
  const { status, refused, handledBy, takenBy, deletedAt, withdrawn, tries } = view;
  const outcome = tries.at(-1)?.outcome;
  if (status === "failed") return `failed: ${outcome?.reason ?? outcome?.childStatus ?? "no reason given"}`;
  if (status === "withdrawn" && handledBy) return `handled by hand: ✅ of the user ${handledBy.user}`;
  if (status === "withdrawn" && deletedAt !== undefined) return "its message was deleted";
  if (status === "withdrawn" && refused) return `refused: ${refused.text}`;
  if (status === "withdrawn") return withdrawn ? withdrawn.reason : "";
  if (status !== "open") return "";
  if (takenBy) return `taken by another supervisor: ${takenBy.text}`;
  const why = refused ?? view.refusal;
  return why ? `not taken: ${why.text}` : "";
}

/** Everything about one task, for people; `worker` = what did its last try, where that was one. */
export function describeTask(view: TaskView, nowMs: number, worker?: WorkerView): string {
  const { task, tags } = view;
  const said = Object.entries(tags).map(([name, value]) =>
    name === "timeoutMs" ? `timeout ${formatDuration(Number(value))}` : `${name} ${String(value)}`,
  );
  const rows: (readonly [string, string])[] = [
    ["id", view.id],
    ["status", view.status],
  ];
  const reason = reasonOf(view);
  if (reason !== "") rows.push(["reason", reason]);
  rows.push([
    "posted by",
    `${authorOf(view)}, as the message ${task.place.message} in ${task.place.channel}`,
  ]);
  rows.push(["posted at", `${instant(task.postedAt)}, ${formatDuration(nowMs - task.postedAt)} ago`]);
  if (said.length > 0) rows.push(["tags", said.join(", ")]);
  for (const { name, bytes } of task.attachments) rows.push(["attached", `${name} (${bytes} bytes)`]);
  for (const one of view.tries) rows.push([`try ${one.number}`, tryText(one)]);
  if (worker) rows.push(...workerRows(worker));
  const summary = view.tries.at(-1)?.outcome?.summary;
  const head = rows.map(([name, value]) => `${name.padEnd(11)} ${oneLine(value, 600)}\n`).join("");
  const parts = [forTerminal(head), plainText(cut(view.objective, 4000))];
  if (summary !== undefined) parts.push(`→ ${plainText(cut(summary, 4000))}`);
  return parts.join("\n");
}

function workerRows(worker: WorkerView): readonly (readonly [string, string])[] {
  const { folder, files, usage, agent, again } = worker;
  const cost = usage?.usd === undefined ? "cost n/a" : `$${usage.usd.toFixed(6)}`;
  return [
    ["worker", `${agent}${again ? " (second process: the first one was lost)" : ""}`],
    ...(folder === undefined
      ? []
      : [["folder", folder] as const, ["log", `${folder}/agent-output.log`] as const]),
    ...(files.length > 0 ? [["files", files.join(", ")] as const] : []),
    ["tokens", usage ? `${usage.inputTokens} in, ${usage.outputTokens} out, ${cost}` : "n/a"],
  ];
}

function authorOf({ task: { actor, author } }: TaskView): string {
  return actor.kind === "person" ? author.name : actorName(actor);
}

function tryText({ executor, claimedAt, child, outcome }: TaskTry): string {
  const model = executor.kind === "worker" ? ` with ${executor.model}, thinking ${executor.thinking}` : "";
  const end = outcome
    ? `${outcome.childStatus} after ${formatDuration(outcome.at - claimedAt)}${outcome.reason ? `: ${outcome.reason}` : ""}`
    : `since ${instant(claimedAt)}`;
  return `${whoOf(executor)}${model}, ${end}${child ? ` (${child})` : ""}`;
}
