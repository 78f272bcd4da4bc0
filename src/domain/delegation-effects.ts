import { oneLine } from "../kernel/text.ts";
import { callerOf } from "./actor.ts";
import {
  type AttemptState,
  type DelegationEvent,
  type DelegationState,
  delayBefore,
} from "./delegation-types.ts";
import type { Effect, LogLine } from "./effects.ts";
import { moveFile, writeLines } from "./filing.ts";

type State = DelegationState;
type EventOf<Type extends DelegationEvent["type"]> = Extract<DelegationEvent, { type: Type }>;

const LANE = "agent:";

/** The slot lane of an agent: its capacity. */
function slotLaneOf(agent: string): string {
  return `${LANE}${agent}`;
}

/** Whose lane it is, by the id that the work was given to. */
export function agentOfLane(lane: string): string {
  return lane.slice(LANE.length);
}

/** What follows each fact of a delegation. */
export function delegationEffects(state: State, event: DelegationEvent): readonly Effect[] {
  switch (event.type) {
    case "delegation.queued":
      return [dispatch(state, 1, event.order.queuedAt), ...card(state, event.order.queuedAt)];
    case "attempt.dispatched": {
      const { at, attempt, deadlineAt } = event;
      const start = { event: "start", attempt, deadlineAt: new Date(deadlineAt).toISOString() };
      return [writeLines([attemptLine(state, at, start)], at), ...card(state, at)];
    }
    case "attempt.deferred":
      return [dispatch(state, event.attempt, event.untilAt, event.again), ...card(state, event.at)];
    case "attempt.uncertain": {
      const { attempt, sentAt, lookAt } = event;
      const { id, agent } = state.order;
      return [
        { body: { type: "reconcile", run: id, agent, attempt, sentAt }, lane: "any", dueAt: lookAt },
        ...card(state, event.at),
      ];
    }
    case "delegation.rerouted":
    case "attempt.lost":
      return [dispatch(state, event.attempt, event.at, true), ...card(state, event.at)];
    case "attempt.held":
    case "attempt.released":
      return card(state, event.at);
    case "attempt.failed": {
      const { at, attempt, reason, text, next } = event;
      const end = { event: "end", attempt, status: "failed", reason, text: oneLine(text) };
      const filing = writeLines([attemptLine(state, at, end)], at);
      if (next === undefined) return [filing];
      return [filing, dispatch(state, next, at + delayBefore(state.order, next)), ...card(state, at)];
    }
    case "handoff.seen":
      return [...begun(state, event), ...archive(state, event)];
    case "artifact.uploaded":
      return [];
    case "delegation.settled":
      return settled(state, event);
  }
}

function dispatch(state: State, attempt: number, dueAt: number, again = false): Effect {
  const { id, agent } = state.order;
  return {
    body: { type: "dispatch", run: id, agent, attempt, again },
    lane: "any",
    dueAt,
    slot: { lane: slotLaneOf(agent), attempt },
  };
}

function card(state: State, dueAt: number): readonly Effect[] {
  const { id, card, taskOf } = state.order;
  const run = taskOf?.task ?? id;
  return card ? [{ body: { type: "card", run, to: card }, lane: "discord", dueAt }] : [];
}

function attemptLine(state: State, at: number, fields: object): LogLine {
  const { id, agent, actor, workflow } = state.order;
  const line = JSON.stringify({
    at: new Date(at).toISOString(),
    runId: id,
    agent,
    caller: callerOf(actor),
    ...(workflow?.run ? { workflowId: workflow.run } : {}),
    ...(workflow?.step ? { stepId: workflow.step } : {}),
    ...fields,
  });
  return { file: "attempts", line };
}

/** Whether the agent's hook said that it has the work, now or before it was lost. */
const isAcknowledged = ({ sends, ambiguous }: AttemptState) => sends > (ambiguous ? 1 : 0);

/** The documents that ended an attempt. */
function endings({ handoffs }: State, attempt: number) {
  return handoffs.filter((seen) => seen.attempt === attempt && isEnding(seen));
}

const isEnding = ({ verdict }: { readonly verdict: string }) =>
  verdict === "accepted" || verdict === "rejected";

/** An agent may hand in before the answer of its hook is recorded: it had begun all the same. */
function begun(state: State, { source, verdict, at }: EventOf<"handoff.seen">): readonly Effect[] {
  const { attempt } = source;
  const now = state.attempts.find((one) => one.attempt === attempt);
  if (!now || !isEnding({ verdict })) return [];
  return endings(state, attempt).length === 1 && !isAcknowledged(now)
    ? [writeLines([attemptLine(state, at, { event: "start", attempt })], at)]
    : [];
}

/** Accepted files go to accepted/; everything else is set aside with the reason beside it. Posted documents have no file. */
function archive(state: State, event: EventOf<"handoff.seen">): readonly Effect[] {
  const { source, verdict, problems, at } = event;
  if (source.path === "rest") return [];
  const reasons =
    verdict === "accepted" || problems.length > 0
      ? problems
      : [
          {
            path: "",
            message: `${verdict}: ${state.order.id} was already ${state.status} when this arrived`,
          },
        ];
  const { path, digest, inode } = source;
  const file = { run: state.order.id, path, digest, ...(inode === undefined ? {} : { inode }) };
  const to = verdict === "accepted" ? "accepted" : "rejected";
  return [moveFile({ ...file, to, problems: reasons }, at)];
}

function settled(state: State, event: EventOf<"delegation.settled">): readonly Effect[] {
  const { order } = state;
  const { at, status, handoff } = event;
  const lines: LogLine[] = [];
  const last = state.attempts.at(-1);
  // What failed has its line from its attempt. What never began has none to end: it was canceled before, or the document
  // was of an earlier attempt.
  const hasBegun = last && (isAcknowledged(last) || endings(state, last.attempt).length > 0);
  if (hasBegun && (status === "canceled" || (handoff && status !== "failed"))) {
    lines.push(
      attemptLine(state, at, {
        event: "end",
        attempt: last.attempt,
        status,
        ...(handoff?.confidence ? { confidence: handoff.confidence } : {}),
      }),
    );
  }
  if (status === "succeeded" || status === "partial") {
    const day = new Date(at).toISOString().slice(0, 16).replace("T", " ");
    const what = oneLine(order.objective, 120);
    const line = `[${day}] ${order.agent}: Completed — ${what}${status === "partial" ? " (partial)" : ""} [${order.id}]`;
    lines.push({ file: "project", line });
  }
  const effects: Effect[] = lines.length > 0 ? [writeLines(lines, at)] : [];
  if (order.deliver && status !== "canceled") effects.push(post(order.id, "result", at));
  effects.push(post(order.id, "log", at), ...card(state, at));
  if (order.childOf) {
    const body = { type: "tell", run: order.childOf.run, child: order.id, kind: "delegation" } as const;
    effects.push({ body, lane: "any", dueAt: at });
  }
  if (order.taskOf) {
    const body = { type: "tell-task", ...order.taskOf, child: order.id, kind: "delegation" } as const;
    effects.push({ body, lane: "any", dueAt: at });
  }
  return effects;
}

function post(run: string, kind: "result" | "log", dueAt: number): Effect {
  const role = kind === "result" ? "results" : "agentLogs";
  return {
    body: { type: "post", delivery: { id: `${run}/${kind}`, kind, to: { role }, subject: run } },
    lane: "discord",
    dueAt,
  };
}
