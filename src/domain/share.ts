import type { DelegationView } from "./view.ts";

/**
 * What one instance brought to a call. `ok`, `partial`: a result. `accepted`: handed over, not waited for.
 * Everything else is an error with the same code.
 */
export const SHARE_STATUSES = [
  "ok",
  "partial",
  "accepted",
  "blocked",
  "failed",
  "canceled",
  "timeout",
  "not_taken",
  "instance_down",
  "instance_draining",
  "unauthorized",
  "refused",
] as const;
export type ShareStatus = (typeof SHARE_STATUSES)[number];

/** One line of an aggregate. */
export type Share = {
  /** The word by which the instance was asked for. */
  readonly instance: string;
  /** The agent that has the work, which is another one after a rerouting. */
  readonly agent: string;
  readonly status: ShareStatus;
  readonly result?: string;
  readonly notes?: string;
  readonly artifacts?: readonly string[];
  /** `code` is the status, or for `refused` the code of the refusal. */
  readonly error?: { readonly code: string; readonly message: string };
  readonly rerouted?: { readonly from: string; readonly to: string; readonly why: string };
  readonly durationMs: number;
  /** It goes on, and may still bring something. */
  readonly open?: true;
  /** Absent when nothing was begun. */
  readonly delegation?: string;
};

/** What an open delegation waits for when the time limit is over. */
const WAITS_FOR: Readonly<Record<string, ShareStatus>> = {
  agent_down: "instance_down",
  agent_unauthorized: "unauthorized",
  agent_draining: "instance_draining",
  agent_busy: "not_taken",
  rate_limited: "not_taken",
};

/** What an instance has brought by now. With `isWaited` false, what is open was not waited for. */
export function shareOf(
  instance: string,
  view: DelegationView,
  { now, isWaited }: { readonly now: number; readonly isWaited: boolean },
): Share {
  const { handoff } = view;
  const status = statusOf(view, isWaited);
  const isBrought = status === "ok" || status === "partial";
  const last = view.reroutes?.at(-1);
  const from = view.reroutes?.[0]?.from;
  return {
    instance,
    agent: view.agent,
    status,
    ...(isBrought && handoff ? { result: handoff.result } : {}),
    ...(isBrought && handoff?.notes ? { notes: handoff.notes } : {}),
    ...(isBrought && handoff && handoff.artifacts.length > 0 ? { artifacts: handoff.artifacts } : {}),
    ...(isBrought || status === "accepted"
      ? {}
      : { error: { code: status, message: messageOf(view, status) } }),
    ...(last && from ? { rerouted: { from, to: last.to, why: last.why } } : {}),
    ...(view.settledAt === undefined ? { open: true } : {}),
    durationMs: Math.max(0, (view.settledAt ?? now) - view.queuedAt),
    delegation: view.id,
  };
}

function statusOf(view: DelegationView, isWaited: boolean): ShareStatus {
  switch (view.status) {
    case "succeeded":
      return "ok";
    case "timed_out":
      return "timeout";
    case "partial":
    case "blocked":
    case "failed":
    case "canceled":
      return view.status;
    case "queued":
    case "dispatched":
      if (!isWaited) return "accepted";
      return WAITS_FOR[view.waiting?.reason ?? ""] ?? "timeout";
  }
}

function messageOf(view: DelegationView, status: ShareStatus): string {
  if (view.settledAt !== undefined) return view.reason ?? view.handoff?.result ?? `It is ${view.status}.`;
  const later = `It goes on: read it later with \`hq wait ${view.id}\` or GET /api/v1/delegations/${view.id}.`;
  const why = view.waiting?.text ?? "there is no answer yet";
  const sentence =
    status === "timeout" && !view.waiting ? "The time limit is over and there is no answer yet" : why;
  return `${sentence.replace(/\.$/, "")}. ${later}`;
}

/** Whether waiting longer for it is useless: people have to do something first. */
export function isStuck({ waiting, settledAt }: Pick<DelegationView, "waiting" | "settledAt">): boolean {
  return settledAt === undefined && waiting?.reason === "agent_unauthorized";
}
