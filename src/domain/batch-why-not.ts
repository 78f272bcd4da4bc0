import type { RefusalCode } from "../kernel/refusal.ts";
import { oneLine } from "../kernel/text.ts";
import { failureReport, isBatchActive, rollUp } from "./batch-roll-up.ts";
import {
  type BatchInput,
  type BatchState,
  type BatchTask,
  isTaskEnded,
  MOST_BATCH_TASKS,
} from "./batch-types.ts";

export type WhyNot = { readonly code: RefusalCode; readonly text: string; readonly hint?: string };

/** Why an input is refused; undefined when it is not, which does not mean that it changes anything. */
export function whyNotBatch(
  state: BatchState,
  input: Exclude<BatchInput, { type: "create" | "import" }>,
): WhyNot | undefined {
  const { id, tasks } = state;
  if (state.removedAt !== undefined) {
    const day = new Date(state.removedAt).toISOString().slice(0, 10);
    return {
      code: "not_found",
      text: `${id} was cleaned up on ${day}.`,
      hint: "What there was stays in the ledger's history.",
    };
  }
  switch (input.type) {
    case "update": {
      const task = tasks.find((one) => one.id === input.task);
      if (task) return whyNotUpdate(state, task, input);
      const known = tasks.map((one) => one.id);
      const shown = `${known.slice(0, 20).join(", ")}${known.length > 20 ? ", …" : ""}`;
      return { code: "not_found", text: `${id} has no task ${input.task}.`, hint: `Its tasks are ${shown}.` };
    }
    case "resume":
      if (state.stoppedAt === undefined)
        return { code: "already_settled", text: `${id} is not stopped: there is nothing to decide.` };
      return whyNotAdd(tasks, input.added);
    case "accept":
      if (state.acceptedAt === undefined && (state.stoppedAt !== undefined || isBatchActive(state)))
        return undefined;
      return { code: "already_settled", text: `${id} is ${rollUp(tasks)}: nothing of it is open.` };
    case "remove":
      if (!isBatchActive(state)) return undefined;
      return { code: "already_settled", text: `${id} is ${rollUp(tasks)}: what is open is not cleaned up.` };
  }
}

function whyNotUpdate(
  state: BatchState,
  task: BatchTask,
  { status }: Extract<BatchInput, { type: "update" }>,
): WhyNot | undefined {
  const name = `${state.id}/${task.id}`;
  const isSame = task.status === status;
  if (state.acceptedAt !== undefined && status !== "completed" && !isSame) {
    return {
      code: "already_settled",
      text: `What there was of ${state.id} has been accepted.`,
      hint: "A late result is still taken (completed); for other work register another batch.",
    };
  }
  const begins = !isTaskEnded(status) && !isSame;
  if (begins && state.stoppedAt !== undefined && !(task.status === "in_progress" && status === "pending"))
    return stopped(state);
  if (begins && task.status === "failed" && task.retries >= task.retryLimit) {
    const last = task.error ? ` The last try said: ${oneLine(task.error, 300)}` : "";
    return {
      code: "retries_used",
      text: `${name} was tried ${task.retries + 1} times and is not tried again.${last}`,
      hint: "Go on with the others and name the gap in what you report, or register a smaller task.",
    };
  }
  if (task.status === "completed" && !isSame && status !== "failed") {
    return {
      code: "already_settled",
      text: `${name} is completed.`,
      hint: "When its result is of no use, say first that it failed, and why.",
    };
  }
  return undefined;
}

function stopped({ id, tasks }: BatchState): WhyNot {
  return {
    code: "batch_stopped",
    text: `${id} is stopped: begin nothing more. ${failureReport(tasks)}`,
    hint: `Ask the user, then: hq batch resume --id ${id} --choice retry | hq batch resume --id ${id} --choice adjust | hq batch accept --id ${id}`,
  };
}

function whyNotAdd(
  tasks: readonly BatchTask[],
  added: readonly { readonly id: string }[],
): WhyNot | undefined {
  const known = new Set(tasks.map(({ id }) => id));
  const twice = added.filter(({ id }) => known.has(id)).map(({ id }) => id);
  if (twice.length > 0)
    return {
      code: "invalid_input",
      text: `There is a task ${twice.join(", ")} already.`,
      hint: "Choose other ids.",
    };
  if (tasks.length + added.length > MOST_BATCH_TASKS)
    return {
      code: "invalid_input",
      text: `A batch has at most ${MOST_BATCH_TASKS} tasks.`,
      hint: "Register another batch.",
    };
  return undefined;
}
