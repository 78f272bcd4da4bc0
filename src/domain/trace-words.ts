import type { Problem } from "../kernel/refusal.ts";
import { oneLine } from "../kernel/text.ts";
import type { Origin } from "./actor.ts";
import type { DeliveryTarget } from "./effects.ts";
import type { TracedEvent, TraceLine } from "./trace-types.ts";

const DOORS: Readonly<Record<Origin["door"], string>> = {
  discord: "in Discord",
  cli: "by the command line",
  rest: "over REST",
  system: "by itself",
};

/** Who asked, through which door, under which key; with the message that it was, where there is one. */
export function askedText(
  who: string,
  origin: Origin,
  cause: string,
  id: string,
): Pick<TraceLine, "text" | "message"> {
  const { door, channel, message } = origin;
  // Without a key of the caller's own the id is the key.
  const key = cause === `${door}:${id}` ? "" : `, key ${oneLine(cause, 120)}`;
  return {
    text: `${who} ${DOORS[door]}${key}`,
    ...(channel !== undefined && message !== undefined ? { message: { channel, id: message } } : {}),
  };
}

export function problemsText(problems: readonly Problem[] = []): string {
  if (problems.length === 0) return "";
  const told = problems.slice(0, 3).map(({ path, message }) => (path ? `${path}: ${message}` : message));
  const more = problems.length > 3 ? ` and ${problems.length - 3} more` : "";
  return ` (${oneLine(told.join("; "), 400)}${more})`;
}

export function targetText(to: DeliveryTarget): string {
  return "role" in to ? `the channel for ${WORDS[to.role] ?? to.role}` : `channel ${to.channel}`;
}

const WORDS: Readonly<Record<string, string>> = {
  agentLogs: "logs of agents",
  itOps: "IT operations",
  taskQueue: "tasks",
  workerPool: "workers",
  interAgent: "agents among themselves",
};

/** The last part of a path or id. */
export function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** What a stream began with. */
export function opening(events: readonly TracedEvent[]): unknown {
  const [first] = events;
  if (!first) throw new Error("a stream without events has no story");
  return first.body;
}
