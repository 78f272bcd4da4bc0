import { actorName } from "./actor.ts";
import type { WorkMoment, WorkState, WorkStatus } from "./work-types.ts";

/** A work item as it is shown; its names are those of the original's files. Instants are ISO 8601. */
export type WorkItem = {
  readonly slug: string;
  readonly title: string;
  readonly project: string;
  readonly source_task_id: string;
  readonly intent: {
    readonly goal: string;
    readonly success_criteria: readonly string[];
    readonly constraints: readonly string[];
  };
  readonly lifecycle: {
    readonly status: WorkStatus;
    readonly assignee_skill: string;
    /** Who does it, where that is known. */
    readonly agent?: string;
    /** Its model and why, when one was asked for. */
    readonly model?: string;
    readonly orchestrator_workflow: string;
    /** Why it failed. */
    readonly reason?: string;
    readonly timestamps: {
      readonly created_at: string;
      readonly started_at: string | null;
      readonly completed_at: string | null;
    };
  };
  readonly dependencies: { readonly blockers: readonly string[]; readonly dependents: readonly string[] };
  readonly telemetry: {
    readonly metrics: readonly {
      readonly name: string;
      readonly value: number;
      readonly unit: string;
      readonly timestamp: string;
    }[];
    readonly tests: readonly {
      readonly name: string;
      readonly status: string;
      readonly evidence: string;
      readonly timestamp: string;
    }[];
    readonly logs: readonly string[];
  };
  readonly artifacts: readonly { readonly type: string; readonly label: string; readonly path: string }[];
  readonly lessons: { readonly findings: readonly string[]; readonly followups: readonly string[] };
  readonly history: readonly {
    readonly event: string;
    readonly timestamp: string;
    readonly author: string;
    readonly payload: Readonly<Record<string, unknown>>;
  }[];
};

export const isoOf = (at: number) => new Date(at).toISOString();
export const isoOrNull = (at: number | undefined) => (at === undefined ? null : isoOf(at));

/** What is noted, in the shape of an item. */
export function notesOf(
  state: Pick<WorkState, "notes"> | undefined,
): Pick<WorkItem, "telemetry" | "artifacts" | "lessons"> {
  const notes = state?.notes ?? [];
  return {
    telemetry: {
      metrics: notes.flatMap((note) =>
        note.type === "metric"
          ? [{ name: note.name, value: note.value, unit: note.unit, timestamp: isoOf(note.at) }]
          : [],
      ),
      tests: notes.flatMap((note) =>
        note.type === "test"
          ? [{ name: note.name, status: note.status, evidence: note.evidence, timestamp: isoOf(note.at) }]
          : [],
      ),
      logs: [],
    },
    artifacts: notes.flatMap((note) =>
      note.type === "artifact" ? [{ type: note.kind, label: note.label, path: note.path }] : [],
    ),
    lessons: {
      findings: notes.flatMap((note) => (note.type === "finding" ? [note.text] : [])),
      followups: notes.flatMap((note) => (note.type === "followup" ? [note.text] : [])),
    },
  };
}

export const historyOf = (moments: readonly WorkMoment[]): WorkItem["history"] =>
  moments
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, event, actor, payload }) => ({
      event,
      timestamp: isoOf(at),
      author: actorName(actor),
      payload,
    }));

/** An item that stands for itself. `open` are those of its blockers that are not done. */
export function itemOf(
  state: WorkState,
  about: { readonly openBlockers: readonly string[]; readonly dependents: readonly string[] },
): WorkItem {
  const { order, slug } = state;
  if (!order) throw new Error(`${slug} has no order of its own`);
  const isBlocked = state.status === "todo" && about.openBlockers.length > 0;
  return {
    slug,
    title: order.title,
    project: order.project ?? "",
    source_task_id: order.source ?? "",
    intent: {
      goal: order.goal ?? "",
      success_criteria: order.criteria,
      constraints: order.constraints,
    },
    lifecycle: {
      status: isBlocked ? "blocked" : state.status,
      assignee_skill: state.assignee ?? "",
      orchestrator_workflow: order.pipeline ?? "",
      ...(state.failure === undefined ? {} : { reason: state.failure }),
      timestamps: {
        created_at: isoOf(order.at),
        started_at: isoOrNull(state.startedAt),
        completed_at: isoOrNull(state.completedAt),
      },
    },
    dependencies: { blockers: state.blockers, dependents: about.dependents },
    ...notesOf(state),
    history: historyOf(state.history),
  };
}

/** `[in_progress ] slug  (skill)  2026-02-14`, one line an item. */
export function lineOfWork({ slug, lifecycle }: WorkItem): string {
  const { status, assignee_skill: skill, timestamps } = lifecycle;
  return `[${status.padEnd(12)}] ${slug}  (${skill || "unassigned"})  ${timestamps.created_at.slice(0, 10)}`;
}
