import type { Receipt } from "./delivery-types.ts";
import type { EffectBody } from "./effects.ts";
import type { FindingAccepted } from "./mend.ts";
import type { Told, TracedEffect, TracedSubject } from "./trace-types.ts";
import { lastPart, targetText } from "./trace-words.ts";

type Line = Told["lines"][number];

/** What followed the commits of a subject: claimed, told, filed, and what is still open. */
export function tellEffects({ effects, receipts }: TracedSubject): readonly Line[] {
  return effects.flatMap((effect): readonly Line[] => {
    const { settledAt, begunAt, createdAt, outcome = "" } = effect;
    if (settledAt === undefined) return [openLine(effect)];
    if (outcome === "canceled by commit") return [];
    const tookMs = settledAt - (begunAt ?? createdAt);
    const again = effect.tries > 1 ? `, the ${ordinal(effect.tries)} time` : "";
    const { body } = effect;
    switch (body.type) {
      case "dispatch":
        return [
          {
            at: begunAt ?? settledAt,
            what: "claimed",
            text: `attempt ${body.attempt} to be sent to ${body.agent}${again}`,
          },
        ];
      case "filing": {
        const files = body.moves.map(({ path, to }) => `${lastPart(path)} to ${to}/`);
        const lines =
          body.lines.length === 0
            ? []
            : [`${body.lines.length} log ${body.lines.length === 1 ? "line" : "lines"}`];
        return [{ at: settledAt, what: "filed", text: `${[...files, ...lines].join(", ")}${again}`, tookMs }];
      }
      case "file-run":
        return [
          {
            at: settledAt,
            what: "filed",
            text: body.step === undefined ? "summary.json" : `${body.step}.json`,
            tookMs,
          },
        ];
      case "tell":
        return [{ at: settledAt, what: "told", text: `${body.run} what it came to${again}`, tookMs }];
      case "tell-task":
        return [{ at: settledAt, what: "told", text: `${body.task} what it came to${again}`, tookMs }];
      case "start-child":
        return [{ at: settledAt, what: "begun", text: placeText(body), tookMs }];
      case "cancel-child":
        return [{ at: settledAt, what: "canceled", text: `${body.child}: ${body.reason}`, tookMs }];
      case "post":
        // What was posted is told by its receipts; without one it is told here.
        return receipts.some(({ delivery }) => delivery === body.delivery.id)
          ? []
          : [
              {
                at: settledAt,
                what: "not posted",
                text: `${lastPart(body.delivery.id)}: ${outcome}`,
                tookMs,
              },
            ];
      case "card":
      case "carry-out":
      case "interaction":
      case "kill-worker":
      case "reconcile":
      case "run-timer":
      case "run-worker":
      case "start-task":
      case "task-check":
      case "task-claim":
        return [];
    }
  });
}

function openLine({ body, begunAt, dueAt, createdAt, reason }: TracedEffect): Line {
  const doing = begunAt === undefined ? "waits" : "is being done";
  const why = reason === undefined ? "" : `: ${reason}`;
  return { at: Math.max(dueAt, createdAt), what: "open", text: `${describe(body)} ${doing}${why}` };
}

function describe(body: EffectBody): string {
  switch (body.type) {
    case "dispatch":
      return `sending attempt ${body.attempt} to ${body.agent}`;
    case "reconcile":
      return `looking whether ${body.agent} took attempt ${body.attempt}`;
    case "post":
      return `posting ${lastPart(body.delivery.id)} to ${targetText(body.delivery.to)}`;
    case "card":
      return body.gate ? `showing the gate ${body.gate.step}` : "bringing the card up to date";
    case "start-child":
      return `beginning ${placeText(body)}`;
    case "run-timer":
      return `the ${body.what} of ${body.step ?? "the run"}`;
    case "tell":
      return `telling ${body.run}`;
    case "tell-task":
      return `telling ${body.task}`;
    case "cancel-child":
    case "carry-out":
    case "file-run":
    case "filing":
    case "interaction":
    case "kill-worker":
    case "run-worker":
    case "start-task":
    case "task-check":
    case "task-claim":
      return body.type;
  }
}

function placeText({
  step,
  item,
  generation,
}: {
  readonly step: string;
  readonly item?: number;
  readonly generation: number;
}): string {
  const which = item === undefined ? step : `${step}, item ${item + 1}`;
  return generation > 1 ? `${which}, generation ${generation}` : which;
}

/** The messages in which people can see it. */
export function tellReceipts(subject: TracedSubject, settledAt: number | undefined): readonly Line[] {
  return subject.receipts.map((receipt): Line => {
    const name = lastPart(receipt.delivery);
    const part = receipt.part === 0 ? "" : `, part ${receipt.part + 1}`;
    const isLate = settledAt !== undefined && receipt.postedAt >= settledAt && !isFace(receipt);
    return {
      at: receipt.postedAt,
      what: isFace(receipt) ? "shown" : "posted",
      text: `${name}${part}`,
      message: { channel: receipt.channel, id: receipt.message },
      ...(isLate ? { tookMs: receipt.postedAt - settledAt } : {}),
    };
  });
}

/** Messages that were deleted, and who said that this is well. */
export function tellAccepted({ accepted = [] }: TracedSubject): readonly Line[] {
  return accepted.map(({ at, body }) => {
    const { finding, by, why } = body as FindingAccepted;
    const name = lastPart(finding.id);
    return { at, what: "accepted", text: `${name}: ${finding.reason}; by ${by}${why ? `: ${why}` : ""}` };
  });
}

/** A message that is kept up to date, not one that tells of an end. */
export function isFace({ delivery }: Pick<Receipt, "delivery">): boolean {
  return /\/(card|gate-[^/]+|proposals-\d+)$/.test(delivery);
}

function ordinal(count: number): string {
  const last = count % 10;
  const suffix = Math.floor((count % 100) / 10) === 1 ? "th" : (["th", "st", "nd", "rd"][last] ?? "th");
  return `${count}${suffix}`;
}
