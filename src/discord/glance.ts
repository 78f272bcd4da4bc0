import { actorName } from "../domain/actor.ts";
import type { DelegationStatus } from "../domain/delegation-types.ts";
import type { RunView } from "../domain/run-view.ts";
import { subjectOf } from "../domain/templates/render-template.ts";
import type { DelegationView } from "../domain/view.ts";
import type { WorkerView } from "../domain/worker-view.ts";
import type { TaskView } from "../engine/task-verbs.ts";
import type { SubjectView } from "./delivery-port.ts";
import { headline, LOOKS } from "./look.ts";
import { runHeadline, runLook } from "./look-run.ts";
import { taskHeadline, taskLook } from "./render-task.ts";
import { finishedLine, spawnedLine, workerHeadline, workerLook, workerReport } from "./render-worker.ts";
import { runReport } from "./run-report.ts";
import { plain } from "./sanitize.ts";

/** What a line or a batch says of a delegation, run, task or worker. */
export type Glance = {
  readonly id: string;
  readonly status: DelegationStatus | "running";
  readonly symbol: string;
  readonly headline: string;
  readonly what: string;
  readonly asker: string;
  readonly reason?: string;
  /** The result, as it was handed in. */
  readonly said: string;
  /** Everything, for a file. */
  readonly report: () => string;
  /** Of a worker: that it began, and that it ended. */
  readonly notices?: { readonly spawned: string; readonly finished: string };
};

export function glanceOf(subject: SubjectView): Glance {
  switch (subject.kind) {
    case "delegation":
      return delegationGlance(subject.view);
    case "run":
      return runGlance(subject.view);
    case "task":
      return taskGlance(subject.view);
    case "worker":
      return workerGlance(subject.view);
    case "proposals":
      throw new Error(`${subject.view.slug} is told of in its own message`);
  }
}

function delegationGlance(view: DelegationView): Glance {
  return {
    id: view.id,
    status: view.status,
    symbol: LOOKS[view.status].symbol,
    headline: headline(view),
    what: subjectOf(view.objective),
    asker: view.asker,
    ...(view.reason === undefined ? {} : { reason: view.reason }),
    said: view.handoff?.result ?? "",
    report: () => delegationReport(view),
  };
}

function runGlance(view: RunView): Glance {
  const reason = view.reason ?? view.missing[0];
  return {
    id: view.id,
    status: view.status,
    symbol: runLook(view).symbol,
    headline: runHeadline(view),
    what: `${view.progress.settled} of ${view.progress.total} steps`,
    asker: view.asker,
    ...(reason === undefined ? {} : { reason }),
    said: view.result ?? "",
    report: () => runReport(view),
  };
}

function taskGlance(view: TaskView): Glance {
  const outcome = view.tries.at(-1)?.outcome;
  const reason = outcome?.reason ?? view.refused?.text;
  return {
    id: view.id,
    status: TASK_STATUS[view.status],
    symbol: taskLook(view).symbol,
    headline: taskHeadline(view),
    what: view.objective,
    asker: actorName(view.task.actor),
    ...(reason === undefined ? {} : { reason }),
    said: outcome?.summary ?? "",
    report: () => `## ${taskHeadline(view)}\n\n${view.id}\n\n${plain(outcome?.summary ?? "")}`,
  };
}

function workerGlance(view: WorkerView): Glance {
  return {
    id: view.id,
    status: WORKER_STATUS[view.status],
    symbol: workerLook(view).symbol,
    headline: workerHeadline(view),
    what: view.objective,
    asker: view.asker,
    ...(view.reason === undefined ? {} : { reason: view.reason }),
    said: view.summary ?? view.result ?? "",
    report: () => workerReport(view),
    notices: { spawned: spawnedLine(view), finished: finishedLine(view) },
  };
}

const TASK_STATUS = {
  open: "queued",
  claimed: "running",
  done: "succeeded",
  failed: "failed",
  withdrawn: "canceled",
} as const satisfies Readonly<Record<TaskView["status"], Glance["status"]>>;

const WORKER_STATUS = {
  queued: "queued",
  running: "running",
  succeeded: "succeeded",
  failed: "failed",
  timed_out: "timed_out",
  canceled: "canceled",
  lost: "failed",
} as const satisfies Readonly<Record<WorkerView["status"], Glance["status"]>>;

function delegationReport(view: DelegationView): string {
  const { handoff, problems } = view;
  return [
    `## ${headline(view)}`,
    "",
    `${view.id} · asked by ${view.asker}${handoff?.confidence ? ` · confidence ${handoff.confidence}` : ""}`,
    "",
    `> ${plain(view.objective).replaceAll("\n", "\n> ")}`,
    "",
    ...(view.reason ? [plain(view.reason), ""] : []),
    ...(view.status === "succeeded" ? [] : problems.map(({ path, message }) => `- ${path} ${message}`)),
    plain(handoff?.result ?? ""),
    ...(handoff?.notes ? ["", `Notes: ${plain(handoff.notes)}`] : []),
    ...(handoff?.artifacts.length ? ["", `Artifacts: ${handoff.artifacts.join(", ")}`] : []),
  ].join("\n");
}
