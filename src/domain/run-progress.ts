import { formatDuration } from "../kernel/time.ts";
import type { DeliveryTarget, Effect } from "./effects.ts";
import { isRunSettled, type RunEvent, type RunInput, type RunOrder, type RunState } from "./run-types.ts";
import { type StepView, viewOfRun } from "./run-view.ts";

type Progress = Extract<RunEvent, { type: "run.progress" }>;

/** Whoever waits longer than this is told how far it is; then after twice the time, and so on. */
export const FIRST_PROGRESS_MS = 10 * 60_000;
const MOST_NAMED = 5;

/** What is said of a run that takes long: nothing while it only waits, for people know that already. */
export function progress(
  state: RunState,
  { at }: Extract<RunInput, { type: "progress" }>,
): readonly RunEvent[] {
  const since = state.progress?.at ?? state.order.startedAt;
  if (isRunSettled(state.status) || at < since + FIRST_PROGRESS_MS) return [];
  const count = (state.progress?.count ?? 0) + 1;
  const nextAt = at + Math.max(FIRST_PROGRESS_MS, at - state.order.startedAt);
  const text = state.counts.running > 0 ? { text: textOf(state, at) } : {};
  return [{ type: "run.progress", at, count, nextAt, ...text }];
}

function textOf(state: RunState, at: number): string {
  const { workflow, id, steps, progress: done } = viewOfRun(state);
  const running = steps.filter(({ status }) => status === "running");
  const named = running.slice(0, MOST_NAMED).map(stepWords);
  const more = running.length > MOST_NAMED ? [`${running.length - MOST_NAMED} more`] : [];
  const failed = steps.filter(({ status }) => status === "failed").length;
  const facts = [
    `${done.settled} of ${done.total} steps after ${formatDuration(at - state.order.startedAt)}`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    `now: ${[...named, ...more].join(", ")}`,
  ];
  return `⏳ **${workflow}** still runs · ${facts.join(" · ")} · ${id}`;
}

function stepWords({ id, agent, items }: StepView): string {
  const far = items ? ` ${items.settled}/${items.total}` : "";
  return `${id}${agent === undefined ? "" : ` (${agent})`}${far}`;
}

/** Nested runs and those whose result is not posted say nothing on their way either. */
export function progressTimer({ id, parent, deliver }: RunOrder, dueAt: number): readonly Effect[] {
  if (parent || !deliver) return [];
  return [{ body: { type: "run-timer", run: id, what: "progress" }, lane: "any", dueAt }];
}

export function progressEffects(
  { order }: RunState,
  { at, count, nextAt, text }: Progress,
): readonly Effect[] {
  const to: DeliveryTarget = order.card ? { channel: order.card.channel } : { role: "results" };
  const delivery = { id: `${order.id}/progress-${count}`, kind: "notice", to, subject: order.id } as const;
  const post: readonly Effect[] =
    text === undefined
      ? []
      : [{ body: { type: "post", delivery: { ...delivery, text } }, lane: "discord", dueAt: at }];
  return [...post, ...progressTimer(order, nextAt)];
}
