import type { Decider } from "../kernel/decider.ts";
import type { Effect } from "./effects.ts";

/** Something people should read in #agent-logs, once. */
export type NoticeState = { readonly id: string; readonly text: string };
export type NoticeInput = {
  readonly type: "notice";
  readonly at: number;
  readonly id: string;
  readonly text: string;
};
export type NoticeEvent = {
  readonly type: "notice.given";
  readonly at: number;
  readonly id: string;
  readonly text: string;
};

export const notice: Decider<NoticeState, NoticeInput, NoticeEvent, Effect> = {
  decide: (state, input) => (state ? [] : [{ ...input, type: "notice.given" }]),
  evolve: (_state, { id, text }) => ({ id, text }),
  effects: ({ id, text }, { at }) => [
    {
      body: {
        type: "post",
        delivery: { id: `${id}/notice`, kind: "notice", to: { role: "agentLogs" }, text },
      },
      lane: "discord",
      dueAt: at,
    },
  ],
};
