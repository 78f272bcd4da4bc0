import type { Actor } from "./actor.ts";
import type { Proposal } from "./evolution.ts";

export const WORK_STATUSES = ["todo", "in_progress", "blocked", "review", "done", "failed"] as const;
export type WorkStatus = (typeof WORK_STATUSES)[number];

/** The words of the hook bus; events of a stream are `work.<word>`. */
export const WORK_EVENTS = [
  "created",
  "started",
  "status_change",
  "dependency_added",
  "artifact_added",
  "metric_recorded",
  "test_recorded",
  "finding_added",
  "followup_added",
  "handoff",
  "completed",
  "failed",
] as const;
export type WorkEventName = (typeof WORK_EVENTS)[number];

export const TEST_STATUSES = ["pass", "fail", "skip"] as const;

/** What is noted about the work while and after it is done. */
export type WorkNote =
  | { readonly type: "artifact"; readonly kind: string; readonly label: string; readonly path: string }
  | { readonly type: "metric"; readonly name: string; readonly value: number; readonly unit: string }
  | {
      readonly type: "test";
      readonly name: string;
      readonly status: (typeof TEST_STATUSES)[number];
      readonly evidence: string;
    }
  | { readonly type: "finding"; readonly text: string }
  | { readonly type: "followup"; readonly text: string };

/** What was asked for. */
export type WorkOrder = {
  readonly slug: string;
  readonly title: string;
  readonly project?: string;
  readonly goal?: string;
  readonly criteria: readonly string[];
  readonly constraints: readonly string[];
  /** The skill or agent that is to do it. */
  readonly assignee?: string;
  /** The pipeline that it is a stage of. */
  readonly pipeline?: string;
  readonly source?: string;
  readonly blockers: readonly string[];
  readonly maker: Actor;
  readonly at: number;
};

export type GateVerdict = "pass" | "warn" | "fail";

export type ProposalDecision = "accepted" | "dismissed";

/** A file of an agent that is changed, by the digests of its text before and after. */
export type FileChange = { readonly target: string; readonly before: string; readonly after: string };

/** What the gates said of finished work. */
export type Evolved = {
  readonly at: number;
  readonly verdict: GateVerdict;
  readonly issues: readonly string[];
  readonly proposals: number;
  /** Where the proposals were written. */
  readonly file?: string;
  readonly proposed?: readonly Proposal[];
  /** Whose files they are for, as far as was known. */
  readonly agent?: string;
  /** By file the digest that it had, of the files that are written here when a person accepts. */
  readonly bases?: Readonly<Record<string, string>>;
  /** What a person said of them, and the delegation that took them to their agent. */
  readonly decided?: {
    readonly decision: ProposalDecision;
    readonly by: Actor;
    readonly at: number;
    readonly child?: string;
    /** What is written into the files of the agent. */
    readonly files?: readonly FileChange[];
    /** That was done; with `problem` it was not. */
    readonly applied?: { readonly problem?: string };
  };
};

type By = { readonly at: number; readonly actor: Actor };

/**
 * Who does the work of a step says nothing of its standing here: that is the run's. Its stream, begun by `adopt`,
 * holds only what is noted about it.
 */
export type WorkInput =
  | ({ readonly type: "create" } & WorkOrder)
  | ({ readonly type: "adopt"; readonly slug: string; readonly run: string; readonly step: string } & By)
  | ({ readonly type: "start"; readonly skill?: string } & By)
  | ({ readonly type: "review" } & By)
  | ({ readonly type: "complete" } & By)
  | ({ readonly type: "fail"; readonly reason?: string } & By)
  | ({ readonly type: "handoff"; readonly to: string } & By)
  | ({ readonly type: "block"; readonly on: string } & By)
  /** Another one waits for it. */
  | ({ readonly type: "depend"; readonly slug: string } & By)
  | ({ readonly type: "note"; readonly notes: readonly WorkNote[] } & By)
  /** A person lets it pass although the check says fail. */
  | ({ readonly type: "override"; readonly reason: string; readonly issues: readonly string[] } & By)
  /** `since` is when the work ended: what was said before is about an earlier try. */
  | ({ readonly type: "hooks-run"; readonly since: number } & By)
  | ({ readonly type: "evolved"; readonly since: number } & Omit<Evolved, "at"> & By)
  /** What a person said of the proposals. */
  | ({
      readonly type: "decide";
      readonly decision: ProposalDecision;
      /** When they were proposed: what was proposed since was not decided about. */
      readonly of?: number;
      readonly child?: string;
      readonly files?: readonly FileChange[];
    } & By)
  | ({ readonly type: "applied"; readonly of: number; readonly problem?: string } & By);

export type WorkEvent =
  | ({ readonly type: "work.created" } & WorkOrder)
  | ({
      readonly type: "work.adopted";
      readonly slug: string;
      readonly run: string;
      readonly step: string;
    } & By)
  | ({ readonly type: "work.started"; readonly skill?: string } & By)
  | ({ readonly type: "work.status_change"; readonly from: WorkStatus; readonly to: WorkStatus } & By)
  | ({ readonly type: "work.completed" } & By)
  | ({ readonly type: "work.failed"; readonly reason?: string } & By)
  | ({ readonly type: "work.handoff"; readonly to: string } & By)
  | ({ readonly type: "work.dependency_added"; readonly blocker: string } & By)
  | ({ readonly type: "work.dependent_added"; readonly slug: string } & By)
  | ({ readonly type: "work.artifact_added"; readonly note: WorkNote } & By)
  | ({ readonly type: "work.metric_recorded"; readonly note: WorkNote } & By)
  | ({ readonly type: "work.test_recorded"; readonly note: WorkNote } & By)
  | ({ readonly type: "work.finding_added"; readonly note: WorkNote } & By)
  | ({ readonly type: "work.followup_added"; readonly note: WorkNote } & By)
  | ({ readonly type: "work.overridden"; readonly reason: string; readonly issues: readonly string[] } & By)
  | ({ readonly type: "work.hooks_run"; readonly since: number } & By)
  | ({ readonly type: "work.evolved"; readonly since: number } & Omit<Evolved, "at"> & By)
  | ({
      readonly type: "work.proposals_decided";
      readonly decision: ProposalDecision;
      readonly of?: number;
      readonly child?: string;
      readonly files?: readonly FileChange[];
    } & By)
  | ({ readonly type: "work.proposals_applied"; readonly of: number; readonly problem?: string } & By);

/** One line of an item's history, as `tail` and the hook bus show it. */
export type WorkMoment = {
  readonly at: number;
  readonly event: string;
  readonly actor: Actor;
  readonly payload: Readonly<Record<string, unknown>>;
};

export type WorkState = {
  /** Absent of a step's item: what it is stands in its run. */
  readonly order?: WorkOrder;
  readonly adopted?: { readonly run: string; readonly step: string };
  readonly slug: string;
  readonly status: Exclude<WorkStatus, "blocked">;
  readonly assignee?: string;
  readonly startedAt?: number;
  readonly completedAt?: number;
  readonly failure?: string;
  /** Counts starts, from 1: what the gates said holds for one of them. */
  readonly round: number;
  readonly blockers: readonly string[];
  readonly dependents: readonly string[];
  readonly notes: readonly (WorkNote & { readonly at: number })[];
  /** The check said fail, and a person let it pass. */
  readonly overridden?: {
    readonly by: Actor;
    readonly at: number;
    readonly reason: string;
    readonly issues: readonly string[];
  };
  readonly hooksRunAt?: number;
  readonly evolved?: Evolved;
  /** When something was proposed, the latest last: each has a message. */
  readonly rounds?: readonly number[];
  readonly history: readonly WorkMoment[];
};

export const workStream = (slug: string) => `work-${slug}`;
