import { oneLine } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import { actorName } from "./actor.ts";
import type { DelegationEvent, Order } from "./delegation-types.ts";
import type { Interval, Told, TracedEvent, TracedSubject } from "./trace-types.ts";
import { askedText, lastPart, opening, problemsText } from "./trace-words.ts";

type Line = Told["lines"][number];

const ENDS_AN_ATTEMPT: ReadonlySet<DelegationEvent["type"]> = new Set([
  "attempt.failed",
  "attempt.lost",
  "delegation.rerouted",
  "delegation.settled",
]);

/** What a delegation tells: from the question to its end, attempt by attempt. */
export function tellDelegation({ events, effects }: TracedSubject, nowMs: number): Told {
  const first = opening(events) as Extract<DelegationEvent, { type: "delegation.queued" }>;
  const { order } = first;
  const lines: Line[] = [];
  const working: Interval[] = [];
  let since: number | undefined;
  let settledAt: number | undefined;
  let attempts = 1;
  const ended = (at: number) => {
    if (since !== undefined) working.push([since, at]);
    since = undefined;
  };

  for (const event of events) {
    const body = event.body as DelegationEvent;
    const from = since;
    if (body.type === "attempt.dispatched") {
      const sent = effects.findLast(
        ({ body: effect, begunAt }) =>
          (effect.type === "dispatch" || effect.type === "reconcile") &&
          effect.attempt === body.attempt &&
          begunAt !== undefined &&
          begunAt <= body.at,
      );
      attempts = Math.max(attempts, body.attempt);
      since ??= body.at;
      const tookMs = sent?.begunAt === undefined ? undefined : body.at - sent.begunAt;
      lines.push({ ...lineOf(body, event), ...(tookMs === undefined ? {} : { tookMs }) });
      continue;
    }
    if (body.type === "delegation.settled") settledAt = body.at;
    if (ENDS_AN_ATTEMPT.has(body.type)) ended(event.at);
    const tookMs = from === undefined || since !== undefined ? undefined : event.at - from;
    if (body.type === "delegation.queued") lines.push(...asking(order, event));
    else lines.push({ ...lineOf(body, event), ...(tookMs === undefined ? {} : { tookMs }) });
  }
  ended(nowMs);
  const parent = order.childOf?.run ?? order.taskOf?.task ?? order.parent?.id;
  return {
    title: `${order.agent}: ${oneLine(order.objective, 80)}`,
    askedAt: order.queuedAt,
    ...(settledAt === undefined ? {} : { settledAt }),
    ...(parent === undefined ? {} : { parent }),
    lines,
    working,
    people: [],
    attempts,
  };
}

function asking(order: Order, { at, cause }: TracedEvent): readonly Line[] {
  const { agent, capability, choice, insteadOf, timeoutMs, maxAttempts } = order;
  const why = choice === undefined ? "" : `; it was chosen: ${choice}`;
  const instead = insteadOf ? `; ${insteadOf.agent} was named: ${insteadOf.why}` : "";
  const what = capability === undefined ? agent : `${agent}, for ${capability}`;
  return [
    { at: order.queuedAt, what: "asked", ...askedBy(order, cause) },
    {
      at,
      what: "queued",
      text: `for ${what}, ${maxAttempts} ${maxAttempts === 1 ? "attempt" : "attempts"} of ${formatDuration(timeoutMs)}${why}${instead}`,
    },
  ];
}

function askedBy({ id, actor, origin, childOf, taskOf, parent }: Order, cause: string) {
  if (childOf) return { text: `for the step ${childOf.step} of ${childOf.run}` };
  if (taskOf) return { text: `for try ${taskOf.try} of ${taskOf.task}` };
  const asked = askedText(actorName(actor), origin, cause, id);
  return parent ? { ...asked, text: `${asked.text}, on behalf of ${parent.id}` } : asked;
}

function lineOf(body: DelegationEvent, { at, actor }: TracedEvent): Line {
  switch (body.type) {
    case "delegation.queued":
      return { at, what: "queued", text: body.order.agent };
    case "attempt.dispatched": {
      const as = body.agentRunId === undefined ? "" : ` as ${body.agentRunId}`;
      const again = body.again ? ", sent once more" : "";
      const deadline = `deadline in ${formatDuration(body.deadlineAt - body.at)}`;
      return { at, what: "acknowledged", text: `attempt ${body.attempt}${as}${again}; ${deadline}` };
    }
    case "attempt.deferred":
      return {
        at,
        what: "put off",
        text: `attempt ${body.attempt} for ${formatDuration(body.untilAt - body.at)}: ${body.text}`,
      };
    case "attempt.uncertain":
      return {
        at,
        what: "uncertain",
        text: `attempt ${body.attempt} may have been taken: ${body.text}; looked at again in ${formatDuration(body.lookAt - body.at)}`,
      };
    case "attempt.lost":
      return { at, what: "lost", text: `attempt ${body.attempt}: ${body.text}; it is sent again` };
    case "attempt.held":
      return { at, what: "held", text: `attempt ${body.attempt}: ${body.text}` };
    case "attempt.released":
      return { at, what: "released", text: `attempt ${body.attempt} may be sent` };
    case "delegation.rerouted":
      return { at, what: "rerouted", text: `from ${body.from} to ${body.to}: ${body.why}` };
    case "attempt.failed": {
      const next = body.next === undefined ? "no attempt is left" : `attempt ${body.next} follows`;
      return {
        at,
        what: "failed",
        text: `attempt ${body.attempt}: ${body.text}; ${next}${problemsText(body.problems)}`,
      };
    }
    case "handoff.seen": {
      const status = body.status === undefined ? "" : `, status ${body.status}`;
      const from = body.source.path === "rest" ? "posted over REST" : lastPart(body.source.path);
      return { at, what: "handoff", text: `${from}: ${body.verdict}${status}${problemsText(body.problems)}` };
    }
    case "artifact.uploaded": {
      const { attempt, name, bytes } = body.upload;
      return { at, what: "uploaded", text: `${name}, ${bytes} bytes, with attempt ${attempt}` };
    }
    case "delegation.settled": {
      const by = body.by ? ` by ${actor}` : "";
      const why = body.reason === undefined ? "" : `: ${body.reason}`;
      return { at, what: "settled", text: `${body.status}${by}${why}${problemsText(body.problems)}` };
    }
  }
}
