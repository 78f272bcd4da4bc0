import type { DelegationStatus, WaitingReason } from "./delegation-types.ts";
import type { NeededResult } from "./needed-results.ts";
import type { ApprovalView, RunView } from "./run-view.ts";
import type { TaskChildKind } from "./task-types.ts";

/** `late`: past its deadline, stalled, or longer at work than is usual; `lateWhy` says which. */
export type Lateness = { readonly late: boolean; readonly lateWhy?: string };

export type NowRun = Pick<
  RunView,
  "id" | "workflow" | "status" | "waiting" | "asker" | "deadlineAt" | "progress" | "stopped" | "parent"
> & { readonly since: number } & Lateness;

export type NowDelegation = {
  readonly id: string;
  readonly agent: string;
  readonly status: DelegationStatus;
  /** One line, cut. */
  readonly objective: string;
  readonly asker: string;
  readonly queuedAt: number;
  /** Since when it is queued, or with its agent. */
  readonly since: number;
  readonly deadlineAt?: number;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly waiting?: { readonly reason: WaitingReason; readonly text: string; readonly untilAt: number };
  readonly run?: string;
  readonly step?: string;
  readonly task?: string;
} & Lateness;

export type NowTask = {
  readonly id: string;
  readonly status: "open" | "claimed";
  readonly objective: string;
  readonly author: string;
  readonly postedAt: number;
  readonly since: number;
  readonly waiting?: { readonly text: string };
  /** `webster`, `worker codex`, `workflow design-review`. */
  readonly executor?: string;
  readonly child?: string;
  readonly childKind?: TaskChildKind;
} & Lateness;

export type NowGate = {
  readonly run: string;
  readonly workflow: string;
  readonly step: string;
  readonly prompt: string;
  /** What the steps before it came to. */
  readonly results: readonly NeededResult[];
  readonly digest: string;
  readonly openedAt: number;
  readonly expiresAt: number;
  readonly asker: string;
  readonly approvers: readonly string[];
  readonly min: number;
  readonly approvals: readonly ApprovalView[];
  readonly escalated: boolean;
  readonly late: boolean;
};
