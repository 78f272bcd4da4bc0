import type { Decider } from "../kernel/decider.ts";
import type { Effect } from "./effects.ts";

/** An agent that refuses our token: said once where people read, and once more when it works again. */
export type AgentTroubleState = {
  readonly agent: string;
  readonly status: "well" | "unauthorized";
  readonly times: number;
};

export type AgentTroubleInput =
  | { readonly type: "unauthorized"; readonly at: number; readonly agent: string; readonly text: string }
  | { readonly type: "well"; readonly at: number; readonly agent: string };

export type AgentTroubleEvent =
  | {
      readonly type: "agent.unauthorized";
      readonly at: number;
      readonly agent: string;
      readonly text: string;
    }
  | { readonly type: "agent.well"; readonly at: number; readonly agent: string };

function decide(
  state: AgentTroubleState | undefined,
  input: AgentTroubleInput,
): readonly AgentTroubleEvent[] {
  if (input.type === "unauthorized") {
    return state?.status === "unauthorized" ? [] : [{ ...input, type: "agent.unauthorized" }];
  }
  return state?.status === "unauthorized" ? [{ ...input, type: "agent.well" }] : [];
}

function evolve(state: AgentTroubleState | undefined, event: AgentTroubleEvent): AgentTroubleState {
  const times = state?.times ?? 0;
  if (event.type === "agent.unauthorized")
    return { agent: event.agent, status: "unauthorized", times: times + 1 };
  return { agent: event.agent, status: "well", times };
}

function effects(state: AgentTroubleState, event: AgentTroubleEvent): readonly Effect[] {
  const isDown = event.type === "agent.unauthorized";
  const text = isDown
    ? `⛔ ${event.agent} is stopped: ${event.text.replace(/\.$/, "")}. Its work waits. Mend the token and restart, or save config/agents.yaml to try again.`
    : `✅ ${event.agent} takes work again.`;
  const id = `agent-${event.agent}/${isDown ? "unauthorized" : "well"}-${state.times}`;
  return [
    {
      body: { type: "post", delivery: { id, kind: "notice", to: { role: "agentLogs" }, text } },
      lane: "discord",
      dueAt: event.at,
    },
  ];
}

export const agentTrouble: Decider<AgentTroubleState, AgentTroubleInput, AgentTroubleEvent, Effect> = {
  decide,
  evolve,
  effects,
};
