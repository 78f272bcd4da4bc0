import type { Receipt } from "../domain/delivery-types.ts";
import { ENDED } from "../domain/prompt.ts";
import { type DelegationView, routeWords } from "../domain/view.ts";
import { cut } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import { headline, LOOKS, relative, usageText, waitingText, warningLines } from "./look.ts";
import { asCode, asLine } from "./sanitize.ts";

/** Everything about a delegation that a person may want to know, for their eyes only. */
export function detailsText(view: DelegationView, receipts: readonly Receipt[], guildId: string): string {
  const usage = usageText(view);
  const messages = receipts.map(
    ({ delivery, channel, message }) =>
      `- ${delivery.split("/").at(-1) ?? delivery}: https://discord.com/channels/${guildId}/${channel}/${message}`,
  );
  return [
    `${LOOKS[view.status].symbol} **${headline(view)}**`,
    cut(asLine(view.objective), 400),
    `-# ${view.id} · asked by ${asLine(view.asker)} ${relative(view.queuedAt)} · ${view.attempt} of ${view.maxAttempts} attempts, ${formatDuration(view.timeoutMs)} each${view.validate ? " · validated" : ""}${view.deliver ? "" : " · not delivered"}`,
    ...warningLines(view),
    ...routeWords(view).map((line) => cut(asLine(line), 300)),
    ...(view.waiting ? [`Waiting: ${waitingText(view.waiting)}`] : []),
    ...(view.settledAt === undefined && view.deadlineAt !== undefined
      ? [`Deadline ${relative(view.deadlineAt)}`]
      : []),
    ...(view.reason ? [`Reason: ${cut(asLine(view.reason), 300)}`] : []),
    ...attemptLines(view),
    ...view.problems
      .slice(0, 10)
      .map(
        ({ path, message }) => `- ${path ? `${asCode(cut(path, 60))}: ` : ""}${cut(asLine(message), 150)}`,
      ),
    ...(view.handoff
      ? [
          `Handoff: ${view.handoff.status}${view.handoff.confidence ? `, confidence ${view.handoff.confidence}` : ""}${usage ? `, ${usage}` : ""}`,
        ]
      : []),
    ...(messages.length > 0 ? ["Messages:", ...messages] : []),
  ].join("\n");
}

function attemptLines(view: DelegationView): readonly string[] {
  return view.attempts.map((attempt) => {
    const words = [
      attempt.dispatchedAt === undefined ? "not sent yet" : `sent ${relative(attempt.dispatchedAt)}`,
      ...(attempt.sends > 1 ? [`${attempt.sends} requests, because one answer was unclear`] : []),
      ...(attempt.reason ? [ENDED[attempt.reason]] : []),
    ];
    return `- attempt ${attempt.attempt}: ${words.join(" · ")}`;
  });
}

/** One line of a list. */
export function statusLine(view: DelegationView): string {
  const since = view.settledAt ?? view.dispatchedAt ?? view.queuedAt;
  return `${LOOKS[view.status].symbol} **${headline(view)}** · ${cut(asLine(view.objective), 80)} · ${relative(since)}\n-# ${view.id}`;
}

/** `webster · running · Find the CTE…`, for suggestions of ids. */
export function suggestion(view: DelegationView): { readonly name: string; readonly value: string } {
  return { name: cut(`${headline(view)} · ${view.objective.replace(/\s+/g, " ")}`, 100), value: view.id };
}
