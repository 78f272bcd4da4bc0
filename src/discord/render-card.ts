import { type APIComponentInContainer, ButtonStyle, ComponentType } from "discord.js";
import { isSettled } from "../domain/delegation-types.ts";
import { type DelegationView, routeWords } from "../domain/view.ts";
import { cut } from "../kernel/text.ts";
import { customId } from "./custom-id.ts";
import { headline, LOOKS, relative, waitingText } from "./look.ts";
import { markOf } from "./marks.ts";
import { type Payload, text } from "./payload.ts";
import { asLine } from "./sanitize.ts";

export type CardPlace = {
  /** Number of the card: above 0 after it rolled over. */
  readonly part: number;
  /** Where the result goes, a channel id. */
  readonly results?: string;
  /** The newer card's address, when this one was replaced. */
  readonly movedTo?: string;
};

export function cardDelivery(run: string): string {
  return `${run}/card`;
}

/** The live card of a delegation: what, who, how far, what it waits for, and the two buttons that make sense now. */
export function renderCard(view: DelegationView, place: CardPlace): Payload {
  const { colour } = LOOKS[view.status];
  const lines = [`### ${headline(view)}`, cut(asLine(view.objective), 300)];
  const route = routeWords(view).map((line) => cut(asLine(line), 300));
  const small = place.movedTo ? [`continued in ${place.movedTo}`] : [...route, ...progress(view, place)];
  const footer = `asked by ${asLine(view.asker)} · ${markOf(cardDelivery(view.id), place.part)}`;
  const body = [...lines, ...[...small, footer].map((line) => `-# ${line}`)].join("\n");
  return {
    components: [
      {
        type: ComponentType.Container,
        accent_color: colour,
        components: [text(body), ...(place.movedTo ? [] : [buttons(view)])],
      },
    ],
    files: [],
  };
}

function progress(view: DelegationView, place: CardPlace): readonly string[] {
  const attempt = view.maxAttempts > 1 ? `attempt ${view.attempt} of ${view.maxAttempts} · ` : "";
  if (view.settledAt !== undefined) {
    const where =
      view.deliver && place.results && view.status !== "canceled" ? ` · result in <#${place.results}>` : "";
    return [
      ...(view.reason ? [cut(asLine(view.reason), 300)] : []),
      `${attempt}finished ${relative(view.settledAt)}${where}`,
    ];
  }
  const last = view.problems[0];
  const again = view.attempt > 1 && last ? [`last attempt: ${cut(asLine(last.message), 200)}`] : [];
  if (view.waiting) return [`${attempt}waiting: ${waitingText(view.waiting)}`, ...again];
  if (view.dispatchedAt === undefined)
    return [`${attempt}queued ${relative(view.queuedAt)}, for its turn at ${view.agent}`, ...again];
  const deadline = view.deadlineAt === undefined ? "" : ` · deadline ${relative(view.deadlineAt)}`;
  return [`${attempt}sent ${relative(view.dispatchedAt)}${deadline}`, ...again];
}

function buttons(view: DelegationView): APIComponentInContainer {
  const cancel = {
    type: ComponentType.Button as const,
    style: ButtonStyle.Danger as const,
    label: "Cancel",
    custom_id: customId("cancel", view.id),
  };
  return {
    type: ComponentType.ActionRow,
    components: [...(isSettled(view.status) ? [] : [cancel]), detailsButton(view.id)],
  };
}

export function detailsButton(run: string) {
  return {
    type: ComponentType.Button as const,
    style: ButtonStyle.Secondary as const,
    label: "Details",
    custom_id: customId("details", run),
  };
}
