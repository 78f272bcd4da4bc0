import type { Decider } from "../kernel/decider.ts";
import { canonicalJson } from "../kernel/id.ts";
import type { Effect } from "./effects.ts";
import {
  type Evolved,
  type WorkEvent,
  type WorkInput,
  type WorkNote,
  type WorkState,
  workStream,
} from "./work-types.ts";

const NOTHING: readonly WorkEvent[] = [];
/** Older moments stay in the ledger's events. */
const MOST_HISTORY = 500;
/** The message of proposals and the one that it takes the place of. */
const MOST_ROUNDS = 2;

const NOTE_EVENT = {
  artifact: "work.artifact_added",
  metric: "work.metric_recorded",
  test: "work.test_recorded",
  finding: "work.finding_added",
  followup: "work.followup_added",
} as const satisfies Record<WorkNote["type"], WorkEvent["type"]>;

function decide(state: WorkState | undefined, input: WorkInput): readonly WorkEvent[] {
  if (input.type === "create") return state ? NOTHING : [{ ...input, type: "work.created" }];
  if (input.type === "adopt") return state ? NOTHING : [{ ...input, type: "work.adopted" }];
  if (!state) return NOTHING;
  const { at, actor } = input;
  switch (input.type) {
    // Whether what it waits for is done is not known here: the verb has looked.
    case "start":
      if (isFollowed(state) || state.status === "in_progress" || state.status === "done") return NOTHING;
      return [{ ...input, type: "work.started" }];
    case "review":
      if (isFollowed(state) || state.status !== "in_progress") return NOTHING;
      return [{ type: "work.status_change", from: state.status, to: "review", at, actor }];
    case "complete":
      if (isFollowed(state) || (state.status !== "in_progress" && state.status !== "review")) return NOTHING;
      return [{ ...input, type: "work.completed" }];
    case "fail":
      if (isFollowed(state) || state.status === "done" || state.status === "failed") return NOTHING;
      return [{ ...input, type: "work.failed" }];
    case "handoff":
      if (isFollowed(state) || state.assignee === input.to) return NOTHING;
      return [{ ...input, type: "work.handoff" }];
    case "block":
      if (state.blockers.includes(input.on)) return NOTHING;
      return [{ type: "work.dependency_added", blocker: input.on, at, actor }];
    case "depend":
      if (state.dependents.includes(input.slug)) return NOTHING;
      return [{ ...input, type: "work.dependent_added" }];
    case "note":
      return input.notes.map((note): WorkEvent => ({ type: NOTE_EVENT[note.type], note, at, actor }));
    case "override":
      return state.overridden ? NOTHING : [{ ...input, type: "work.overridden" }];
    case "hooks-run":
      return isKnownSince(state.hooksRunAt, input) ? NOTHING : [{ ...input, type: "work.hooks_run" }];
    case "evolved":
      return isKnownSince(state.evolved?.at, input) && !isOutdated(state.evolved, input)
        ? NOTHING
        : [{ ...input, type: "work.evolved" }];
    case "decide":
      if (!state.evolved?.proposals || state.evolved.decided) return NOTHING;
      if (input.of !== undefined && input.of !== state.evolved.at) return NOTHING;
      return [{ ...input, type: "work.proposals_decided" }];
    case "applied": {
      const { at: of, decided } = state.evolved ?? {};
      if (of !== input.of || !decided?.files || decided.applied) return NOTHING;
      return [{ ...input, type: "work.proposals_applied" }];
    }
  }
}

const isKnownSince = (at: number | undefined, { since }: { readonly since: number }) =>
  at !== undefined && at >= since;

/** The files that they were made from are different ones now, and nothing was written yet. */
function isOutdated(known: Evolved | undefined, { bases }: Pick<Evolved, "bases">): boolean {
  if (!known || (known.decided && known.decided.applied?.problem === undefined)) return false;
  return canonicalJson(known.bases ?? {}) !== canonicalJson(bases ?? {});
}

/** A step's item stands as its run says. */
const isFollowed = ({ adopted }: WorkState) => adopted !== undefined;

function evolve(before: WorkState | undefined, event: WorkEvent): WorkState {
  if (event.type === "work.created") {
    const { type: _, ...order } = event;
    const { slug, assignee, blockers } = order;
    const state = emptyOf(slug, { order, blockers, ...(assignee === undefined ? {} : { assignee }) });
    return remembered(state, event, event.maker, { title: order.title, project: order.project ?? null });
  }
  if (event.type === "work.adopted") {
    const { slug, run, step } = event;
    return emptyOf(slug, { adopted: { run, step } });
  }
  if (!before) throw new Error(`${event.type} before work.created`);
  const { type: _, at: _at, actor, ...payload } = event;
  // What is proposed is in the file and in the message.
  const { proposed: _p, ...rest } = "proposed" in payload ? payload : { ...payload, proposed: undefined };
  const shown = "note" in payload ? payload.note : rest;
  return remembered(folded(before, event), event, actor, { ...shown });
}

function folded(
  state: WorkState,
  event: Exclude<WorkEvent, { type: "work.created" | "work.adopted" }>,
): WorkState {
  const { at } = event;
  switch (event.type) {
    case "work.started": {
      // What was said of an earlier try says nothing of this one.
      const { completedAt: _, failure: _f, overridden: _o, hooksRunAt: _h, evolved: _e, ...rest } = state;
      return {
        ...rest,
        status: "in_progress",
        startedAt: at,
        round: state.round + 1,
        ...(event.skill === undefined ? {} : { assignee: event.skill }),
      };
    }
    case "work.status_change":
      return event.to === "blocked" ? state : { ...state, status: event.to };
    case "work.completed":
      return { ...state, status: "done", completedAt: at };
    case "work.failed":
      return {
        ...state,
        status: "failed",
        completedAt: at,
        ...(event.reason === undefined ? {} : { failure: event.reason }),
      };
    case "work.handoff":
      return { ...state, assignee: event.to };
    case "work.dependency_added":
      return { ...state, blockers: [...state.blockers, event.blocker] };
    case "work.dependent_added":
      return { ...state, dependents: [...state.dependents, event.slug] };
    case "work.artifact_added":
    case "work.metric_recorded":
    case "work.test_recorded":
    case "work.finding_added":
    case "work.followup_added":
      return { ...state, notes: [...state.notes, { ...event.note, at }] };
    case "work.overridden": {
      const { actor: by, reason, issues } = event;
      return { ...state, overridden: { by, at, reason, issues } };
    }
    case "work.hooks_run":
      return { ...state, hooksRunAt: at };
    case "work.evolved": {
      const { type: _, actor: _by, since: _s, ...evolved } = event;
      if (event.proposals === 0) return { ...state, evolved };
      return { ...state, evolved, rounds: [...(state.rounds ?? []), at].slice(-MOST_ROUNDS) };
    }
    case "work.proposals_decided": {
      const { actor: by, decision, child, files } = event;
      if (!state.evolved) return state;
      const decided = {
        decision,
        by,
        at,
        ...(child === undefined ? {} : { child }),
        ...(files === undefined ? {} : { files }),
      };
      return { ...state, evolved: { ...state.evolved, decided } };
    }
    case "work.proposals_applied": {
      const { problem } = event;
      if (!state.evolved?.decided) return state;
      const decided = { ...state.evolved.decided, applied: problem === undefined ? {} : { problem } };
      return { ...state, evolved: { ...state.evolved, decided } };
    }
  }
}

function emptyOf(slug: string, more: Partial<WorkState>): WorkState {
  return { slug, status: "todo", round: 0, blockers: [], dependents: [], notes: [], history: [], ...more };
}

function remembered(
  state: WorkState,
  { type, at }: WorkEvent,
  actor: WorkState["history"][number]["actor"],
  payload: Readonly<Record<string, unknown>>,
): WorkState {
  const moment = { at, event: type.slice("work.".length), actor, payload };
  return { ...state, history: [...state.history, moment].slice(-MOST_HISTORY) };
}

const CHANGES_PROPOSALS: ReadonlySet<WorkEvent["type"]> = new Set([
  "work.started",
  "work.evolved",
  "work.proposals_decided",
  "work.proposals_applied",
]);

/** The messages of what is proposed follow it, and what was accepted is carried out. */
function effects(state: WorkState, event: WorkEvent): readonly Effect[] {
  const { slug, rounds = [] } = state;
  const shown = (at: number) =>
    rounds.map((round): Effect => {
      const body = { type: "card", run: workStream(slug), to: { role: "approvals" }, round } as const;
      return { body, lane: "discord", dueAt: at };
    });
  if (event.type === "work.proposals_decided" && event.decision === "accepted") {
    const carryOut = { type: "carry-out", work: slug } as const;
    return [{ body: carryOut, lane: "host", dueAt: event.at }, ...shown(event.at)];
  }
  return CHANGES_PROPOSALS.has(event.type) ? shown(event.at) : [];
}

export const work: Decider<WorkState, WorkInput, WorkEvent, Effect> = { decide, evolve, effects };
