import type { Decider } from "../kernel/decider.ts";
import { deliverySubject, deliveryWhat } from "./delivery-id.ts";
import type { DeliveryEvent, DeliveryInput, DeliveryState, Question } from "./delivery-types.ts";
import type { Delivery, Effect } from "./effects.ts";

/** A question whose message is deleted comes back at once so often; then #agent-logs says that somebody keeps deleting it. */
const MOST_ANEW = 3;

/**
 * One thing people must see. It exists from the commit that put its `post` effect into the outbox;
 * its stream begins with the first thing that happens to it.
 */
function decide(state: DeliveryState | undefined, input: DeliveryInput): readonly DeliveryEvent[] {
  switch (input.type) {
    case "batch":
      return state ? [] : [{ ...input, type: "delivery.batched" }];
    case "part-posted":
      if (state?.parts.some(({ part }) => part === input.receipt.part)) return [];
      return [{ ...input, type: "delivery.part-posted" }];
    case "trouble":
      if (state?.status === "posted" || state?.trouble === input.text) return [];
      return [{ ...input, type: "delivery.troubled" }];
    case "gone": {
      // Of earlier messages nothing is missed: another one took their place.
      if (state?.parts.at(-1)?.message !== input.message || state.gone?.includes(input.message)) return [];
      const { at, message, question } = input;
      const times = askedBefore(state.delivery) + (state.gone?.length ?? 0) + 1;
      return times > MOST_ANEW + 1 ? [] : [{ type: "delivery.gone", at, message, question, times }];
    }
  }
}

/** Words that ask once more are a delivery of their own, counted in its name: `ask-1`, `ask-1~2`, … */
function askedBefore({ id, kind }: Delivery): number {
  return kind === "ask" ? Number(/~(\d+)$/.exec(id)?.[1] ?? 1) - 1 : 0;
}

function evolve(state: DeliveryState | undefined, event: DeliveryEvent): DeliveryState {
  if (event.type === "delivery.gone") {
    if (!state) throw new Error("only what was posted can be deleted");
    return { ...state, gone: [...(state.gone ?? []), event.message] };
  }
  const { trouble: _, ...before } = state ?? {
    delivery: event.delivery,
    status: "pending" as const,
    parts: [],
  };
  switch (event.type) {
    case "delivery.batched":
      return { ...before, status: "pending", body: event.body };
    case "delivery.part-posted": {
      const parts = [...before.parts, event.receipt];
      return { ...before, parts, of: event.of, status: parts.length >= event.of ? "posted" : "pending" };
    }
    case "delivery.troubled":
      return { ...before, status: "troubled", trouble: event.text };
  }
}

function effects({ delivery: { id } }: DeliveryState, event: DeliveryEvent): readonly Effect[] {
  switch (event.type) {
    case "delivery.batched":
      return [{ body: { type: "post", delivery: event.delivery }, lane: "discord", dueAt: event.at }];
    case "delivery.gone": {
      const { question, times, at } = event;
      const body = times > MOST_ANEW ? toldOf(id, times) : askAgain(question, times);
      return [{ body, lane: "discord", dueAt: at }];
    }
    case "delivery.part-posted":
    case "delivery.troubled":
      return [];
  }
}

/** A message that is kept up to date is posted as its next part; words are posted under their next name. */
function askAgain(question: Question, times: number): Question {
  if (question.type === "card") return question;
  const { delivery: asked } = question;
  return { ...question, delivery: { ...asked, id: `${asked.id.replace(/~\d+$/, "")}~${times + 1}` } };
}

function toldOf(id: string, times: number): Question {
  const subject = deliverySubject(id);
  const name = `${subject}/deleted-${id.slice(id.lastIndexOf("/") + 1)}`;
  const text = `⚠️ ${subject} waits for people, and its message (${deliveryWhat(id)}) was deleted ${times} times. It is not posted anew at once any more; ${elsewhere(id, subject)}.`;
  return { type: "post", delivery: { id: name, kind: "notice", to: { role: "agentLogs" }, subject, text } };
}

function elsewhere(id: string, subject: string): string {
  const decides = decidedElsewhere(id, subject);
  const isGate = deliveryWhat(id).startsWith("gate-");
  return isGate ? `it comes with the gate's next change or reminder. ${decides} too` : decides;
}

/** The commands that do what the message's buttons do. */
export function decidedElsewhere(id: string, subject: string): string {
  if (deliveryWhat(id).startsWith("gate-"))
    return `\`/workflow approve\` and \`/workflow reject\` with ${subject} decide it`;
  if (deliveryWhat(id).startsWith("ask-"))
    return `\`/workflow retry\` or \`/workflow cancel\` with ${subject} answer it`;
  const slug = subject.replace(/^work-/, "");
  return `\`hq evolve accept ${slug}\` and \`hq evolve dismiss ${slug}\` decide it`;
}

export const delivery: Decider<DeliveryState, DeliveryInput, DeliveryEvent, Effect> = {
  decide,
  evolve,
  effects,
};
