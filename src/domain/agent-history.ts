import type { AgentEvent, SeenState } from "./agent-types.ts";

/** One change of how an agent is, for people. */
export type AgentChange = {
  readonly at: number;
  readonly what:
    | "seen"
    | "told"
    | "forgiven"
    | "unsteady"
    | "steady"
    | "drained"
    | "resumed"
    | "unauthorized"
    | "well";
  readonly state?: SeenState;
  readonly by?: string;
  readonly text?: string;
};

/** How it was between two instants; the last one still lasts. */
export type AgentSpan = {
  readonly from: number;
  readonly to?: number;
  readonly state: SeenState | "draining" | "unknown";
};

export function changeOf(event: AgentEvent): AgentChange {
  const what = event.type.slice("agent.".length) as AgentChange["what"];
  const text = "text" in event ? event.text : undefined;
  const state = seenIn(event);
  // A look and a dispatch are how it was seen, and no person.
  const by = event.type === "agent.drained" || event.type === "agent.resumed" ? event.by : undefined;
  return {
    at: event.at,
    what,
    ...(state === undefined ? {} : { state }),
    ...(by === undefined ? {} : { by }),
    ...(text === undefined ? {} : { text }),
  };
}

function seenIn(event: AgentEvent): SeenState | undefined {
  if (event.type === "agent.seen") return event.state;
  if (event.type === "agent.unauthorized") return "unauthorized";
  return event.type === "agent.well" || event.type === "agent.forgiven" ? "up" : undefined;
}

/** How it was from an instant on, oldest first; `events` begin before it where there are any. */
export function spansFrom(events: readonly AgentEvent[], from: number): readonly AgentSpan[] {
  let seen: AgentSpan["state"] = "unknown";
  let isDraining = false;
  const spans: { from: number; to?: number; state: AgentSpan["state"] }[] = [];
  for (const event of events) {
    seen = seenIn(event) ?? seen;
    if (event.type === "agent.drained") isDraining = true;
    if (event.type === "agent.resumed") isDraining = false;
    const isGone = seen === "down" || seen === "unauthorized";
    const state = isDraining && !isGone ? "draining" : seen;
    const last = spans.at(-1);
    if (last?.state === state) continue;
    const at = Math.max(from, event.at);
    if (last) last.to = at;
    // What was over before the beginning leaves no trace.
    if (last?.from === at) spans.pop();
    if (spans.at(-1)?.state === state) {
      const before = spans.at(-1);
      if (before) delete before.to;
    } else spans.push({ from: at, state });
  }
  const first = spans[0];
  if (!first) return [{ from, state: "unknown" }];
  if (first.from > from) spans.unshift({ from, to: first.from, state: "unknown" });
  return spans;
}
