import type { TaskStatus, TaskTry } from "../../src/domain/task-types.ts";
import type { WorkerStatus, WorkerView } from "../../src/domain/worker-view.ts";
import type { TaskView } from "../../src/engine/task-verbs.ts";
import { AT } from "./view-fixture.ts";

export const KIMI = "openrouter/moonshotai/kimi-k2.5";
const WORKER = {
  kind: "worker",
  worker: "standard",
  model: KIMI,
  alias: "primary",
  thinking: "high",
} as const;

/** A task that ada posted at AT; once claimed, a worker has it, and it took 4 min 12 s. */
export function taskWith(status: TaskStatus, more: Partial<TaskView> = {}): TaskView {
  const message = more.task?.place.message ?? "1440000000000000001";
  const id = `task-${message}`;
  const begun: TaskTry = { number: 1, claimedAt: AT, executor: WORKER, child: `${id}.w1` };
  const isOver = status === "done" || status === "failed";
  const outcome = {
    at: AT + 252_000,
    status: status === "failed" ? "failed" : "done",
    childStatus: status === "failed" ? "timed_out" : "succeeded",
  } as const;
  return {
    id,
    task: {
      id,
      place: { channel: "100000000000000007", message },
      author: { id: "100000000000000008", name: "Ada", isBot: false },
      actor: { kind: "person", id: "100000000000000008", name: "ada", rights: ["delegate"] },
      text: "Compare Zerodur and ULE [thinking:high]",
      attachments: [],
      postedAt: AT - 5000,
      hops: 0,
    },
    status,
    objective: "Compare Zerodur and ULE",
    tags: { thinking: "high" },
    graceUntil: AT - 3000,
    graceMs: 2000,
    wordsAt: AT - 5000,
    plan: { executor: WORKER, text: "Compare Zerodur and ULE" },
    tries: status === "open" || status === "withdrawn" ? [] : [isOver ? { ...begun, outcome } : begun],
    refusals: 0,
    ...more,
  };
}

/** A worker that was begun at AT and, when settled, took 4 min 12 s. */
export function workerWith(status: WorkerStatus, more: Partial<WorkerView> = {}): WorkerView {
  const isOpen = status === "queued" || status === "running";
  return {
    id: "task-1440000000000000001.w1",
    task: "task-1440000000000000001",
    agent: "agent-1771500000-1a2b3c",
    worker: "standard",
    model: KIMI,
    thinking: "high",
    asker: "@ada",
    objective: "Compare Zerodur and ULE",
    status,
    again: false,
    queuedAt: AT - 1000,
    ...(status === "queued"
      ? {}
      : { begunAt: AT, folder: "/srv/hq/workers/agent-1771500000-1a2b3c/tasks/1" }),
    ...(isOpen ? {} : { settledAt: AT + 252_000 }),
    ...(status === "succeeded"
      ? {
          result: "Zerodur expands less at room temperature.",
          summary: "Zerodur wins.",
          files: ["RESULT.txt", "SUMMARY.txt"],
          usage: { inputTokens: 1234, outputTokens: 567, usd: 0.00183105 },
        }
      : { files: [] }),
    ...more,
  };
}
