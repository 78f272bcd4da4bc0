import { oneLine } from "../kernel/text.ts";

/** What of an event's body is told in its line, in this order. */
const TOLD = [
  "step",
  "item",
  "generation",
  "child",
  "attempt",
  "status",
  "verdict",
  "decision",
  "reason",
  "text",
  "agentRunId",
  "next",
  "channel",
] as const;
type Known = Readonly<Record<string, unknown>>;

/** One event as a line of a log: when, of what, what, the facts that tell most, by whom. */
export function eventLine(event: {
  readonly at: number;
  readonly type: string;
  readonly stream: string;
  readonly actor: string;
  readonly body: unknown;
}): string {
  const { at, type, stream, actor } = event;
  const own = event.body as Known;
  // Events of a run name the place and what came of it in objects of their own.
  const known: Known = { ...(own["outcome"] as Known), ...(own["of"] as Known), ...own };
  const told = TOLD.filter((name) => known[name] !== undefined).map(
    (name) => `${name}=${wordOf(known[name])}`,
  );
  return oneLine([new Date(at).toISOString(), stream, type, ...told, `by=${actor}`].join("  "), 1000);
}

function wordOf(value: unknown): string {
  return typeof value === "string" && !/[\s"]/.test(value) ? value : JSON.stringify(value);
}
