import type { Actor } from "./actor.ts";
import type { Outcome, Place, RunOrder, RunStatus } from "./run-types.ts";

/** What happened to a run, as it is kept. */
export type RunEvent =
  | { readonly type: "run.started"; readonly order: RunOrder }
  /** Its condition says yes, but there is no room, or nothing new may begin now. */
  | { readonly type: "step.queued"; readonly at: number; readonly step: string; readonly generation: number }
  /** All its needs are settled and its condition says yes. */
  | {
      readonly type: "step.started";
      readonly at: number;
      readonly step: string;
      readonly generation: number;
      /** The values of a fan-out. */
      readonly items?: readonly unknown[];
    }
  | { readonly type: "item.started"; readonly at: number; readonly of: Place }
  | {
      readonly type: "child.started";
      readonly at: number;
      readonly of: Place;
      readonly child: string;
      readonly agent?: string;
      readonly model?: string;
      readonly stallAt?: number;
    }
  | {
      readonly type: "gate.opened";
      readonly at: number;
      readonly step: string;
      readonly generation: number;
      readonly prompt: string;
      readonly digest: string;
      readonly expiresAt: number;
      readonly remindAt?: number;
    }
  | {
      readonly type: "gate.approval";
      readonly at: number;
      readonly step: string;
      readonly generation: number;
      readonly actor: Actor;
      readonly reason?: string;
    }
  | {
      readonly type: "gate.reminded";
      readonly at: number;
      readonly step: string;
      readonly generation: number;
      readonly remindAt?: number;
    }
  | {
      readonly type: "gate.escalated";
      readonly at: number;
      readonly step: string;
      readonly generation: number;
      readonly expiresAt: number;
      readonly remindAt?: number;
    }
  | {
      readonly type: "gate.decided";
      readonly at: number;
      readonly step: string;
      readonly generation: number;
      readonly status: "approved" | "rejected" | "expired";
      readonly actor?: Actor;
      readonly reason?: string;
    }
  /** A decision after the decision: kept, and changes nothing. */
  | {
      readonly type: "gate.late-decision";
      readonly at: number;
      readonly step: string;
      readonly generation: number;
      readonly decision: "approve" | "reject";
      readonly actor: Actor;
    }
  | {
      readonly type: "wait.started";
      readonly at: number;
      readonly step: string;
      readonly generation: number;
      readonly untilAt: number;
    }
  | {
      readonly type: "work.stalled";
      readonly at: number;
      readonly of: Place;
      readonly text: string;
      readonly againAt: number;
    }
  | { readonly type: "item.settled"; readonly of: Place; readonly outcome: Outcome }
  | {
      readonly type: "step.settled";
      readonly step: string;
      readonly generation: number;
      readonly outcome: Outcome;
    }
  /** The result of a child of a step that was settled or begun anew meanwhile: kept, and changes nothing. */
  | { readonly type: "late-result"; readonly of: Place; readonly child: string; readonly outcome: Outcome }
  | { readonly type: "run.stopped"; readonly at: number; readonly failures: number; readonly asked: number }
  /** It takes long; with a text people are told. */
  | {
      readonly type: "run.progress";
      readonly at: number;
      readonly count: number;
      readonly nextAt: number;
      readonly text?: string;
    }
  | {
      readonly type: "run.canceling";
      readonly at: number;
      readonly by: Actor;
      readonly reason: string;
      readonly expired?: boolean;
    }
  /** A person's answer: these steps begin anew with these generations; a settled run is open again. */
  | {
      readonly type: "run.resumed";
      readonly at: number;
      readonly by: Actor;
      readonly how: "retry" | "rerun" | "accept-partial";
      /** The step that was named. */
      readonly step?: string;
      readonly reset: readonly {
        readonly step: string;
        readonly generation: number;
        readonly task?: string;
        /** Items that came to something stay. */
        readonly keepsItems?: boolean;
      }[];
      /** Children of earlier generations that may still work. */
      readonly abandoned?: readonly { readonly child: string; readonly kind: "delegation" | "run" }[];
      /** Only when a settled run is open again. */
      readonly deadlineAt?: number;
    }
  | {
      readonly type: "run.settled";
      readonly at: number;
      readonly status: Exclude<RunStatus, "running">;
      readonly round: number;
      readonly reason?: string;
      readonly result?: string;
      readonly output?: unknown;
      readonly missing: readonly string[];
    };
