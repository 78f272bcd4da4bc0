import { counted, oneLine } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import { actorName } from "./actor.ts";
import type { Place, RunEvent, RunOrder } from "./run-types.ts";
import type { Interval, Told, TracedSubject } from "./trace-types.ts";
import { askedText, opening } from "./trace-words.ts";

type Line = Told["lines"][number];

/** What a run tells: its steps in the order in which they happened; its children tell of themselves. */
export function tellRun({ events }: TracedSubject, nowMs: number): Told {
  const { order } = opening(events) as Extract<RunEvent, { type: "run.started" }>;
  const started = new Map<string, number>();
  const gates = new Map<string, number>();
  const people: Interval[] = [];
  const lines: Line[] = [];
  let settledAt: number | undefined;

  const since = (name: string, at: number) => {
    const from = started.get(name);
    return from === undefined ? {} : { tookMs: at - from };
  };
  for (const { at, body, cause } of events) {
    const event = body as RunEvent;
    switch (event.type) {
      case "run.started":
        lines.push({
          at: order.startedAt,
          what: "asked",
          ...askedBy(order, cause),
        });
        lines.push({
          at,
          what: "started",
          text: `${order.definition.name}, ${counted(order.definition.steps.length, "step")}, at most ${formatDuration(order.deadlineAt - order.startedAt)}`,
        });
        break;
      case "step.queued":
        lines.push({ at, what: "ready", text: `${nameOf(event)} waits for room` });
        break;
      case "step.started": {
        started.set(nameOf(event), at);
        const items = event.items ? ` with ${counted(event.items.length, "item")}` : "";
        lines.push({ at, what: "step", text: `${nameOf(event)} begins${items}` });
        break;
      }
      case "item.started":
        started.set(placeName(event.of), at);
        break;
      case "child.started": {
        const by = event.agent === undefined ? "" : ` by ${event.agent}`;
        lines.push({ at, what: "child", text: `${placeName(event.of)}${by}: ${event.child}` });
        break;
      }
      case "gate.opened":
        gates.set(nameOf(event), at);
        lines.push({
          at,
          what: "gate",
          text: `${nameOf(event)} asks people, until ${formatDuration(event.expiresAt - at)} from now`,
        });
        break;
      case "gate.approval":
        lines.push({
          at,
          what: "gate",
          text: `${nameOf(event)}: ${actorName(event.actor)} approves${reason(event.reason)}`,
        });
        break;
      case "gate.reminded":
        lines.push({ at, what: "gate", text: `${nameOf(event)}: people were reminded` });
        break;
      case "gate.escalated":
        lines.push({ at, what: "gate", text: `${nameOf(event)}: nobody decided in time, others are asked` });
        break;
      case "gate.decided": {
        const from = gates.get(nameOf(event));
        gates.delete(nameOf(event));
        if (from !== undefined) people.push([from, at]);
        const by = event.actor ? ` by ${actorName(event.actor)}` : "";
        const why = event.reason === undefined ? "" : `: ${event.reason}`;
        lines.push({
          at,
          what: "decided",
          text: `${nameOf(event)} ${event.status}${by}${why}`,
          ...(from === undefined ? {} : { tookMs: at - from }),
        });
        break;
      }
      case "gate.late-decision":
        lines.push({
          at,
          what: "late",
          text: `${nameOf(event)}: ${actorName(event.actor)} said ${event.decision} when it was decided`,
        });
        break;
      case "wait.started":
        started.set(nameOf(event), at);
        lines.push({
          at,
          what: "step",
          text: `${nameOf(event)} waits for ${formatDuration(event.untilAt - at)}`,
        });
        break;
      case "work.stalled":
        lines.push({ at, what: "slow", text: `${placeName(event.of)}: ${event.text}` });
        break;
      case "item.settled":
        lines.push({
          at,
          what: "item",
          text: `${placeName(event.of)} ${event.outcome.status}${reason(event.outcome.reason)}`,
          ...since(placeName(event.of), at),
        });
        break;
      case "step.settled": {
        const from = gates.get(nameOf(event));
        gates.delete(nameOf(event));
        if (from !== undefined) people.push([from, at]);
        const by = event.outcome.by ? ` by ${actorName(event.outcome.by)}` : "";
        lines.push({
          at,
          what: "step",
          text: `${nameOf(event)} ${event.outcome.status}${by}${reason(event.outcome.reason)}`,
          ...since(nameOf(event), at),
        });
        break;
      }
      case "late-result":
        lines.push({
          at,
          what: "late",
          text: `${placeName(event.of)}: ${event.child} came to ${event.outcome.status}, which nobody waited for`,
        });
        break;
      case "run.stopped":
        lines.push({
          at,
          what: "stopped",
          text: `${event.failures} failures: nothing new begins until a person answers`,
        });
        break;
      case "run.progress":
        if (event.text !== undefined) lines.push({ at, what: "progress", text: event.text });
        break;
      case "run.canceling":
        lines.push({ at, what: "canceling", text: `${actorName(event.by)}: ${event.reason}` });
        break;
      case "run.resumed":
        settledAt = undefined;
        lines.push({
          at,
          what: "resumed",
          text: `${event.how} by ${actorName(event.by)}${event.step === undefined ? "" : `, from ${event.step}`}: ${event.reset.map(({ step }) => step).join(", ") || "nothing begins anew"}`,
        });
        break;
      case "run.settled": {
        settledAt = at;
        const missing = event.missing.length === 0 ? "" : `; missing: ${event.missing.join(" ")}`;
        lines.push({
          at,
          what: "settled",
          text: oneLine(`${event.status}${reason(event.reason)}${missing}`, 600),
        });
        break;
      }
    }
  }
  for (const from of gates.values()) people.push([from, settledAt ?? nowMs]);
  const parent = order.parent?.run ?? order.taskOf?.task;
  return {
    title: `workflow ${order.definition.name}`,
    askedAt: order.startedAt,
    ...(settledAt === undefined ? {} : { settledAt }),
    ...(parent === undefined ? {} : { parent }),
    lines,
    working: [],
    people,
    attempts: 0,
  };
}

function askedBy({ id, actor, origin, parent, taskOf }: RunOrder, cause: string) {
  if (parent) return { text: `for the step ${parent.step} of ${parent.run}` };
  if (taskOf) return { text: `for try ${taskOf.try} of ${taskOf.task}` };
  return askedText(actorName(actor), origin, cause, id);
}

function nameOf({ step, generation }: { readonly step: string; readonly generation: number }): string {
  return generation > 1 ? `${step}~${generation}` : step;
}

function placeName(of: Place): string {
  return of.item === undefined ? nameOf(of) : `${nameOf(of)} item ${of.item + 1}`;
}

function reason(text: string | undefined): string {
  return text === undefined ? "" : `: ${oneLine(text, 300)}`;
}
