import type { DelegationEvent } from "../domain/delegation-types.ts";
import type { RunEvent } from "../domain/run-types.ts";
import type { TaskEvent } from "../domain/task-events.ts";
import type { WorkerEvent } from "../domain/worker-types.ts";
import { digestOf } from "../kernel/id.ts";

/** A span before it is exported. Ids follow from what it tells about: exporting it twice is the same span. */
export type SpanDraft = {
  readonly trace: string;
  readonly id: string;
  readonly parent?: string;
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** Ids, names, counts and states; never what was asked or answered. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** In a word why it did not succeed. */
  readonly failure?: string;
};

/** Where a stream belongs: the stream at the top, and the span below which its own lies. */
export type SpanPlace = { readonly root: string; readonly parent?: string };

/** What the first event of a stream says of where it belongs. */
export type Above =
  | { readonly stream: string; readonly span: string }
  /** Nobody: it is the top. */
  | undefined;

const traceIdOf = (root: string) => digestOf(`trace ${root}`).slice(0, 32);
const spanIdOf = (what: string) => digestOf(`span ${what}`).slice(0, 16);

export function stepSpan(
  run: string,
  { step, generation }: { readonly step: string; readonly generation: number },
): string {
  return `${run}/step ${step}~${generation}`;
}

/** What it is a part of, from its first event. */
export function aboveOf(first: unknown): Above {
  const event = first as DelegationEvent | RunEvent | TaskEvent | WorkerEvent;
  if (event.type === "delegation.queued") {
    const { childOf, taskOf, parent } = event.order;
    if (childOf) return { stream: childOf.run, span: stepSpan(childOf.run, childOf) };
    if (taskOf) return { stream: taskOf.task, span: taskOf.task };
    return parent && { stream: parent.id, span: parent.id };
  }
  if (event.type === "run.started") {
    const { parent, taskOf } = event.order;
    if (parent) return { stream: parent.run, span: stepSpan(parent.run, parent) };
    return taskOf && { stream: taskOf.task, span: taskOf.task };
  }
  if (event.type === "worker.queued") {
    const { task } = event.work.taskOf;
    return { stream: task, span: task };
  }
  return undefined;
}

type Draft = Omit<SpanDraft, "trace" | "id" | "parent"> & { readonly what: string; readonly under?: string };

function placed(place: SpanPlace, { what, under, ...draft }: Draft): SpanDraft {
  const parent = under ?? place.parent;
  return {
    ...draft,
    trace: traceIdOf(place.root),
    id: spanIdOf(what),
    ...(parent === undefined ? {} : { parent: spanIdOf(parent) }),
  };
}

/** A settled delegation: the whole, its waiting, and each attempt. */
export function delegationSpans(events: readonly unknown[], place: SpanPlace): readonly SpanDraft[] {
  const bodies = events as readonly DelegationEvent[];
  const [first] = bodies;
  const end = bodies.findLast((event) => event.type === "delegation.settled");
  if (first?.type !== "delegation.queued" || end?.type !== "delegation.settled") return [];
  const { order } = first;
  const { id } = order;
  // Each agent that had it is named at its own part, and the last one at the whole.
  let about = { "hq.id": id, "hq.agent": order.agent };
  const drafts: Draft[] = [];
  let waitingSince = order.queuedAt;
  let open: { readonly attempt: number; readonly at: number } | undefined;
  const close = (at: number, outcome: string) => {
    if (open === undefined) return;
    const { attempt, at: from } = open;
    const failure = outcome === "succeeded" || outcome === "partial" ? {} : { failure: outcome };
    drafts.push({
      what: `${id}#${attempt}@${from}`,
      under: id,
      name: "attempt",
      from,
      to: at,
      attributes: { ...about, "hq.attempt": attempt, "hq.outcome": outcome },
      ...failure,
    });
    open = undefined;
    waitingSince = at;
  };
  const waited = (to: number) => {
    const what = `${id}#waiting@${waitingSince}`;
    if (to > waitingSince)
      drafts.push({ what, under: id, name: "waiting", from: waitingSince, to, attributes: about });
  };
  for (const event of bodies) {
    if (event.type === "attempt.dispatched" && open === undefined) {
      waited(event.at);
      open = event;
    } else if (event.type === "attempt.failed") close(event.at, event.reason);
    else if (event.type === "attempt.lost") close(event.at, "lost");
    else if (event.type === "delegation.rerouted") {
      if (open === undefined) {
        waited(event.at);
        waitingSince = event.at;
      }
      close(event.at, "lost");
      about = { ...about, "hq.agent": event.to };
    } else if (event.type === "delegation.settled") {
      if (open === undefined && event === end) waited(event.at);
      close(event.at, event.code ?? event.status);
    }
  }
  const attempts = Math.max(
    1,
    ...bodies.map((event) => (event.type === "attempt.dispatched" ? event.attempt : 1)),
  );
  const { handoff, status, code } = end;
  const usage = handoff?.usage;
  const whole: Draft = {
    what: id,
    name: `delegate ${about["hq.agent"]}`,
    from: order.queuedAt,
    to: end.at,
    attributes: {
      ...about,
      "hq.kind": "delegation",
      "hq.status": status,
      "hq.door": order.origin.door,
      "hq.attempts": attempts,
      ...(order.childOf ? { "hq.run": order.childOf.run, "hq.step": order.childOf.step } : {}),
      ...(handoff?.confidence ? { "hq.confidence": handoff.confidence } : {}),
      ...(usage?.inputTokens === undefined ? {} : { "gen_ai.usage.input_tokens": usage.inputTokens }),
      ...(usage?.outputTokens === undefined ? {} : { "gen_ai.usage.output_tokens": usage.outputTokens }),
      ...(usage?.usd === undefined ? {} : { "hq.usd": usage.usd }),
    },
    ...(status === "succeeded" || status === "partial" ? {} : { failure: code ?? status }),
  };
  return [whole, ...drafts].map((draft) => placed(place, draft));
}

/** A step of a run, which its children lie below. */
export function stepSpanOf(
  run: { readonly id: string; readonly workflow: string },
  event: Extract<RunEvent, { readonly type: "step.settled" }>,
  from: number,
  place: SpanPlace,
  gate?: string,
): SpanDraft {
  const { step, generation, outcome } = event;
  const { status } = outcome;
  return placed(place, {
    what: stepSpan(run.id, event),
    under: run.id,
    name: `step ${step}`,
    from,
    to: outcome.at,
    attributes: {
      "hq.id": run.id,
      "hq.kind": "step",
      "hq.workflow": run.workflow,
      "hq.step": step,
      "hq.generation": generation,
      "hq.status": status,
      ...(gate === undefined ? {} : { "hq.gate": gate }),
    },
    ...(status === "failed" || status === "canceled" ? { failure: status } : {}),
  });
}

/** A run until it was settled; when it was opened again, that part is a span below the first. */
export function runSpan(
  first: Extract<RunEvent, { readonly type: "run.started" }>,
  event: Extract<RunEvent, { readonly type: "run.settled" }>,
  from: number,
  place: SpanPlace,
): SpanDraft {
  const { id, definition, origin } = first.order;
  const { status, round, at } = event;
  return placed(place, {
    what: round > 1 ? `${id}~${round}` : id,
    ...(round > 1 ? { under: id } : {}),
    name: `workflow ${definition.name}`,
    from,
    to: at,
    attributes: {
      "hq.id": id,
      "hq.kind": "run",
      "hq.workflow": definition.name,
      "hq.steps": definition.steps.length,
      "hq.status": status,
      "hq.door": origin.door,
      "hq.round": round,
    },
    ...(status === "failed" || status === "canceled" ? { failure: status } : {}),
  });
}

/** A settled task, or its next try. */
export function taskSpan(
  first: Extract<TaskEvent, { readonly type: "task.seen" }>,
  event: Extract<TaskEvent, { readonly type: "task.settled" }>,
  from: number,
  place: SpanPlace,
): SpanDraft {
  const { id } = first.task;
  const { status, at, childStatus } = event.outcome;
  return placed(place, {
    what: event.try > 1 ? `${id}~${event.try}` : id,
    ...(event.try > 1 ? { under: id } : {}),
    name: "task",
    from: event.try > 1 ? from : first.task.postedAt,
    to: at,
    attributes: {
      "hq.id": id,
      "hq.kind": "task",
      "hq.status": status,
      "hq.try": event.try,
      "hq.outcome": childStatus,
    },
    ...(status === "failed" ? { failure: childStatus } : {}),
  });
}

/** A settled worker: the time that it waited for room, and that its process took. */
export function workerSpans(events: readonly unknown[], place: SpanPlace): readonly SpanDraft[] {
  const bodies = events as readonly WorkerEvent[];
  const [first] = bodies;
  const end = bodies.findLast((event) => event.type === "worker.settled");
  if (first?.type !== "worker.queued" || end?.type !== "worker.settled") return [];
  const { id, worker, model, queuedAt } = first.work;
  const { status } = end.outcome;
  const about = { "hq.id": id, "hq.worker": worker };
  const begun = bodies.find((event) => event.type === "worker.begun");
  const whole: Draft = {
    what: id,
    name: `worker ${worker}`,
    from: queuedAt,
    to: end.at,
    attributes: { ...about, "hq.kind": "worker", "hq.status": status, "hq.model": model },
    ...(status === "succeeded" ? {} : { failure: status }),
  };
  const waiting: readonly Draft[] = begun
    ? [
        {
          what: `${id}#waiting@${queuedAt}`,
          under: id,
          name: "waiting",
          from: queuedAt,
          to: begun.at,
          attributes: about,
        },
      ]
    : [];
  return [whole, ...waiting].map((draft) => placed(place, draft));
}

/** What was settled until people could see it. */
export function postSpan(
  given: {
    readonly subject: string;
    readonly delivery: string;
    readonly from: number;
    readonly to: number;
    readonly parts: number;
  },
  place: SpanPlace,
): SpanDraft {
  const { subject, delivery, from, to, parts } = given;
  const kind = delivery.slice(delivery.lastIndexOf("/") + 1).replace(/[~-]\d+$/, "");
  return placed(place, {
    what: `${delivery}#posted`,
    under: subject,
    name: `post ${kind}`,
    from,
    to,
    attributes: { "hq.id": subject, "hq.delivery": delivery, "hq.parts": parts },
  });
}
