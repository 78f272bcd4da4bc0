import { oneLine } from "../kernel/text.ts";
import type { ChannelRole, Delivery, DeliveryTarget, Effect, GateRef, Lane } from "./effects.ts";
import { childrenAt } from "./run-decide-again.ts";
import { graphOf } from "./run-graph.ts";
import { FIRST_PROGRESS_MS, progressEffects, progressTimer } from "./run-progress.ts";
import { definitionAt, stepOf } from "./run-tally.ts";
import type { Place, RunEvent, RunState } from "./run-types.ts";
import { childIdOf, kindOfChild, workAt } from "./run-work.ts";

type EventOf<Type extends RunEvent["type"]> = Extract<RunEvent, { type: Type }>;
const NOTHING: readonly Effect[] = [];

/** What follows each fact of a run; the state is the one after it. */
export function runEffects(state: RunState, event: RunEvent): readonly Effect[] {
  switch (event.type) {
    case "run.started":
      return [
        deadlineTimer(state),
        ...progressTimer(state.order, event.order.startedAt + FIRST_PROGRESS_MS),
        ...card(state, event.order.startedAt),
      ];
    case "run.progress":
      return progressEffects(state, event);
    case "step.started":
      // A fan-out begins with its items, a gate and a wait have events of their own.
      return event.items || stepIn(state, event.step).items ? NOTHING : [startChild(state, event, event.at)];
    case "item.started":
      return [startChild(state, event.of, event.at)];
    case "child.started":
      return childStarted(state, event);
    case "work.stalled":
      return [timer(state, "stall", event.of, event.againAt), ...card(state, event.at)];
    case "wait.started":
      return [timer(state, "wait", event, event.untilAt), ...card(state, event.at)];
    case "gate.opened":
    case "gate.approval":
    case "gate.reminded":
    case "gate.escalated":
    case "gate.decided":
      return gate(state, event);
    case "item.settled":
      return card(state, event.outcome.at);
    case "step.settled":
      return stepSettled(state, event);
    case "run.stopped": {
      const { card: shown, id } = state.order;
      const to: DeliveryTarget = shown ? { channel: shown.channel } : { role: "results" };
      const ask = { id: `${id}/ask-${event.asked}`, kind: "ask", to, subject: id } as const;
      return [post(ask, event.at), ...card(state, event.at)];
    }
    case "run.canceling":
      return [...canceling(state, event), ...card(state, event.at)];
    case "run.resumed":
      return resumed(state, event);
    case "run.settled":
      return runSettled(state, event);
    case "step.queued":
    case "late-result":
    case "gate.late-decision":
      return NOTHING;
  }
}

function stepIn(state: RunState, id: string) {
  return stepOf(state, graphOf(state.order.definition).indexOf.get(id) ?? -1);
}

function effect(body: Effect["body"], lane: Lane, dueAt: number): Effect {
  return { body, lane, dueAt };
}

function post(delivery: Delivery, dueAt: number): Effect {
  return effect({ type: "post", delivery }, "discord", dueAt);
}

function card({ order }: RunState, dueAt: number): readonly Effect[] {
  if (!order.card) return NOTHING;
  const run = order.taskOf?.task ?? order.id;
  return [effect({ type: "card", run, to: { channel: order.card.channel } }, "discord", dueAt)];
}

function deadlineTimer({ order }: RunState): Effect {
  return effect({ type: "run-timer", run: order.id, what: "deadline" }, "any", order.deadlineAt);
}

function timer(
  { order }: RunState,
  what: "wait" | "remind" | "expire" | "stall",
  { step, item, generation }: Place,
  dueAt: number,
): Effect {
  const place = { step, generation, ...(item === undefined ? {} : { item }) };
  return effect({ type: "run-timer", run: order.id, what, ...place }, "any", dueAt);
}

function startChild({ order }: RunState, { step, item, generation }: Place, dueAt: number): Effect {
  const place = { step, generation, ...(item === undefined ? {} : { item }) };
  return effect({ type: "start-child", run: order.id, ...place }, "any", dueAt);
}

/** A child that nobody waits for any more is told to stop, however late the news of it is. */
function childStarted(
  state: RunState,
  { of, child, at, stallAt }: EventOf<"child.started">,
): readonly Effect[] {
  const work = workAt(state, of);
  const isEnding = state.canceling !== undefined && stepIn(state, of.step).ending === true;
  const isWanted = work?.child === child && !isEnding;
  if (!isWanted) return [cancelChild(state, of, child, "its step no longer wants it", at)];
  if (work.status !== "running") return card(state, at);
  const stall = stallAt === undefined ? NOTHING : [timer(state, "stall", of, stallAt)];
  return [...stall, ...card(state, at)];
}

function cancelChild(state: RunState, of: Place, child: string, reason: string, at: number): Effect {
  const index = graphOf(state.order.definition).indexOf.get(of.step) ?? -1;
  const kind = kindOfChild(definitionAt(state, index));
  return effect({ type: "cancel-child", child, kind, reason }, "any", at);
}

function canceling(state: RunState, { at, reason }: EventOf<"run.canceling">): readonly Effect[] {
  return state.order.definition.steps.flatMap((_, index) =>
    childrenAt(state, index).map((child) => effect({ type: "cancel-child", ...child, reason }, "any", at)),
  );
}

/** The message in which people decide, which shows each turn of it. */
function gateCard({ order }: RunState, { step, generation }: GateRef, dueAt: number): Effect {
  const body = { type: "card", run: order.id, to: APPROVALS, gate: { step, generation } } as const;
  return effect(body, "discord", dueAt);
}

const APPROVALS = { role: "approvals" } as const;

function gate(
  state: RunState,
  event: EventOf<"gate.opened" | "gate.approval" | "gate.reminded" | "gate.escalated" | "gate.decided">,
): readonly Effect[] {
  const { at, step, generation } = event;
  const shown = [gateCard(state, event, at), ...card(state, at)];
  const remind =
    "remindAt" in event && event.remindAt !== undefined
      ? [timer(state, "remind", event, event.remindAt)]
      : [];
  switch (event.type) {
    case "gate.opened":
      return [...shown, timer(state, "expire", event, event.expiresAt), ...remind];
    case "gate.escalated": {
      const name = `escalation-${step}~${generation}`;
      return [
        ...shown,
        reminder(state, event, name),
        timer(state, "expire", event, event.expiresAt),
        ...remind,
      ];
    }
    case "gate.reminded": {
      const count = stepIn(state, step).gate?.reminders ?? 1;
      return [...shown, reminder(state, event, `reminder-${step}~${generation}-${count}`), ...remind];
    }
    case "gate.approval":
    case "gate.decided":
      return shown;
  }
}

function reminder({ order }: RunState, event: GateRef & { readonly at: number }, name: string): Effect {
  const { step, generation, at } = event;
  const id = `${order.id}/${name}`;
  return post({ id, kind: "reminder", to: APPROVALS, subject: order.id, gate: { step, generation } }, at);
}

function stepSettled(state: RunState, event: EventOf<"step.settled">): readonly Effect[] {
  const { outcome, step, generation } = event;
  const { at } = outcome;
  const now = stepIn(state, step);
  const file = effect({ type: "file-run", run: state.order.id, step }, "host", at);
  // A gate that was decided has shown it already.
  const gate = now.gate?.status === "open" ? [gateCard(state, { step, generation }, at)] : [];
  // What is skipped by rule follows something else, which shows it too.
  const shown = outcome.status === "skipped" && !outcome.by ? NOTHING : card(state, at);
  return [
    file,
    ...gate,
    ...(outcome.by && outcome.status === "skipped" ? skippedChildren(state, event) : []),
    ...shown,
  ];
}

/** A person skipped it while it may have run. */
function skippedChildren(
  state: RunState,
  { step, generation, outcome }: EventOf<"step.settled">,
): readonly Effect[] {
  const index = graphOf(state.order.definition).indexOf.get(step) ?? -1;
  const { startedAt, items } = stepOf(state, index);
  const { action } = definitionAt(state, index);
  const reason = outcome.reason ?? "skipped";
  const hasChildren = action.kind === "task" || action.kind === "workflow";
  if (!hasChildren || startedAt === undefined) return NOTHING;
  if (items)
    return childrenAt(state, index).map((child) =>
      effect({ type: "cancel-child", ...child, reason }, "any", outcome.at),
    );
  const of = { step, generation };
  return [cancelChild(state, of, childIdOf(state.order.id, of), reason, outcome.at)];
}

function resumed(state: RunState, event: EventOf<"run.resumed">): readonly Effect[] {
  const { at, reset, abandoned = [], deadlineAt } = event;
  const reason = "its step begins anew";
  const gates = reset.filter(({ step, generation }) => {
    const index = graphOf(state.order.definition).indexOf.get(step) ?? -1;
    return generation > 1 && definitionAt(state, index).action.kind === "approval";
  });
  return [
    ...abandoned.map((child) => effect({ type: "cancel-child", ...child, reason }, "any", at)),
    ...gates.map(({ step, generation }) => gateCard(state, { step, generation: generation - 1 }, at)),
    ...(deadlineAt === undefined
      ? []
      : [deadlineTimer(state), ...progressTimer(state.order, at + FIRST_PROGRESS_MS)]),
    ...card(state, at),
  ];
}

/** What people are told of a settled run: a nested one has only its line in the log. */
export function runDeliveries({
  order,
  status,
  round,
}: Pick<RunState, "order" | "status" | "round">): readonly Delivery[] {
  const { id, parent, definition, deliver } = order;
  const suffix = round > 1 ? `~${round}` : "";
  const log: Delivery = { id: `${id}/log${suffix}`, kind: "log", to: { role: "agentLogs" }, subject: id };
  const result: Delivery = {
    id: `${id}/result${suffix}`,
    kind: "result",
    to: targetOf(definition.output?.channel),
    subject: id,
  };
  return deliver && status !== "canceled" && !parent ? [result, log] : [log];
}

function runSettled(state: RunState, { at, status, round }: EventOf<"run.settled">): readonly Effect[] {
  const { order } = state;
  const { id, parent } = order;
  return [
    effect({ type: "file-run", run: id }, "host", at),
    ...(status === "succeeded" || status === "partial" ? [projectLine(state, at, status)] : []),
    ...runDeliveries({ order, status, round }).map((delivery) => post(delivery, at)),
    ...card(state, at),
    ...(parent ? [effect({ type: "tell", run: parent.run, child: id, kind: "run" }, "any", at)] : []),
    ...(order.taskOf
      ? [effect({ type: "tell-task", ...order.taskOf, child: id, kind: "run" }, "any", at)]
      : []),
  ];
}

function projectLine({ order }: RunState, at: number, status: "succeeded" | "partial"): Effect {
  const { definition, inputs, id } = order;
  const day = new Date(at).toISOString().slice(0, 16).replace("T", " ");
  const given = Object.entries(inputs).map(([name, value]) => `${name}=${value}`);
  const what = oneLine(given.length > 0 ? given.join(", ") : definition.description, 120);
  const line = `[${day}] workflow ${definition.name}: Completed — ${what}${status === "partial" ? " (partial)" : ""} [${id}]`;
  return effect({ type: "filing", moves: [], lines: [{ file: "project", line }] }, "host", at);
}

const ROLES: Readonly<Record<string, ChannelRole>> = {
  results: "results",
  "agent-logs": "agentLogs",
  "task-queue": "taskQueue",
  "worker-pool": "workerPool",
  "inter-agent": "interAgent",
  approvals: "approvals",
};

/** A logical channel by its name, else a channel of the guild. */
function targetOf(channel = "results"): DeliveryTarget {
  const role = ROLES[channel.replace(/^#/, "")];
  return role ? { role } : { channel };
}
