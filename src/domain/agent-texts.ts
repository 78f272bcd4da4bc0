import { oneLine } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import type { AgentState, Draining } from "./agent-types.ts";

/** What people read of an agent's changes. */
export function toldText(state: AgentState, at: number): string {
  const { agent, seen, told } = state;
  if (seen?.state === "down") return `🔴 ${agent} is down: ${whyOf(state)}. Its work waits.`;
  if (seen?.state === "unauthorized") {
    return `⛔ ${agent} is stopped: ${whyOf(state)}. Its work waits. Mend the token and restart, or save config/agents.yaml to try again.`;
  }
  if (told?.state === "unauthorized") return `✅ ${agent} takes work again.`;
  return `🟢 ${agent} is up again${told ? `, after ${formatDuration(at - told.since)}` : ""}.`;
}

export function unsteadyText(state: AgentState): string {
  const { agent, seen } = state;
  const now =
    seen?.state === "up" ? "up" : `${seen?.state === "down" ? "down" : "stopped"} (${whyOf(state)})`;
  return `🟠 ${agent} is unsteady: it comes and goes, and is ${now} just now. You are told again when it has stayed the same for a minute.`;
}

export function steadyText(state: AgentState, at: number): string {
  const { agent, seen } = state;
  if (seen?.state === "unauthorized") return toldText(state, at);
  const span = formatDuration(at - (seen?.since ?? at));
  if (seen?.state === "up") return `🟢 ${agent} is steady again: up for ${span}.`;
  return `🔴 ${agent} stays down, for ${span} now: ${whyOf(state)}. Its work waits.`;
}

export function drainedText(agent: string, { by, reason }: Omit<Draining, "at">): string {
  const why = reason === undefined ? "" : `: ${oneLine(reason).replace(/\.$/, "")}`;
  return `⏸️ ${agent} is drained by ${by}${why}. It finishes what it has; new work waits until \`hq agents resume ${agent}\` on the command line.`;
}

export function resumedText(agent: string, by: string): string {
  return `▶️ ${agent} gets new work again (${by}).`;
}

/** The reason, without the agent's name in front and the full stop at its end. */
function whyOf({ agent, seen }: AgentState): string {
  const text = seen?.text ?? "";
  const bare = text.startsWith(`${agent}: `) ? text.slice(agent.length + 2) : text;
  return bare.replace(/\.$/, "");
}
