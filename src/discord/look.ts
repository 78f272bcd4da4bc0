import type { DelegationStatus } from "../domain/delegation-types.ts";
import type { DelegationView } from "../domain/view.ts";
import { cut } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import { inDiscordWords } from "./in-discord-words.ts";
import { asLine, asMarkdown } from "./sanitize.ts";
import { leadingText } from "./split-text.ts";

/** How a status looks and reads, everywhere. Colours are 0xRRGGBB. */
export type Look = { readonly symbol: string; readonly colour: number; readonly word: string };

export const BLUE = 0x2f81f7;
export const GREEN = 0x2ea043;
export const AMBER = 0xd29922;
export const RED = 0xda3633;
export const GREY = 0x6e7681;

export const LOOKS: Readonly<Record<DelegationStatus, Look>> = {
  queued: { symbol: "⚪", colour: GREY, word: "queued" },
  dispatched: { symbol: "🔵", colour: BLUE, word: "running" },
  succeeded: { symbol: "✅", colour: GREEN, word: "done" },
  partial: { symbol: "🟡", colour: AMBER, word: "partly done" },
  blocked: { symbol: "⛔", colour: AMBER, word: "blocked" },
  failed: { symbol: "❌", colour: RED, word: "failed" },
  timed_out: { symbol: "⌛", colour: RED, word: "timed out" },
  canceled: { symbol: "🚫", colour: GREY, word: "canceled" },
};

export const STATUS_ORDER = Object.keys(LOOKS) as readonly DelegationStatus[];

/** `webster · done in 4m 12s`, `webster · failed after 30s`, `webster · waiting`. */
export function headline(view: DelegationView): string {
  const { word } = LOOKS[view.status];
  if (view.settledAt === undefined) return `${view.agent} · ${view.waiting ? "waiting" : word}`;
  const took = formatDuration(view.settledAt - view.queuedAt);
  const isDone = view.status === "succeeded" || view.status === "partial";
  return `${view.agent} · ${word} ${isDone ? "in" : "after"} ${took}`;
}

/** An instant as Discord shows it in the reader's own words: "in 3 minutes". */
export function relative(at: number): string {
  return `<t:${Math.floor(at / 1000)}:R>`;
}

/** What is not as whoever asked would think, a line each. */
export function warningLines({ warnings = [] }: Pick<DelegationView, "warnings">): readonly string[] {
  return warnings.map((warning) => `⚠️ ${leadingText(asMarkdown(inDiscordWords(warning)), 500).text}`);
}

/** Why a delegation waits, and until when: for the next try, or for good. */
export function waitingText({ reason, text, untilAt }: NonNullable<DelegationView["waiting"]>): string {
  const until = reason === "agent_draining" ? "given up" : "next look";
  return `${cut(asLine(text), 200)} · ${until} ${relative(untilAt)}`;
}

/** `41k tok · $0.12`; undefined when the agent did not say. */
export function usageText(view: DelegationView): string | undefined {
  const usage = view.handoff?.usage;
  if (!usage) return undefined;
  const { inputTokens, outputTokens, usd } = usage;
  const tokens =
    inputTokens === undefined && outputTokens === undefined
      ? undefined
      : (inputTokens ?? 0) + (outputTokens ?? 0);
  const words = [
    ...(tokens === undefined ? [] : [`${tokens < 1000 ? tokens : `${Math.round(tokens / 1000)}k`} tok`]),
    ...(usd === undefined ? [] : [`$${usd.toFixed(usd < 0.01 ? 4 : 2)}`]),
  ];
  return words.length > 0 ? words.join(" · ") : undefined;
}
