import type { Receipt } from "./delivery-types.ts";
import type { Delivery, Effect, EffectType } from "./effects.ts";

export const FAULTS = ["lost", "doubled", "stuck", "orphaned", "unseen"] as const;
/** What an audit looks for: work that cannot go on, work or words twice, work that rests, things of nobody, words of which nobody can know. */
export type Fault = (typeof FAULTS)[number];

/** What `hq audit --mend` does about a finding; none of it repeats an agent's work. */
export type MendAct =
  /** Work of the ordinary kind that is missing: posting, telling a run, making a child whose id is derived. */
  | { readonly type: "effect"; readonly effect: Effect }
  /** An attempt that was never sent and that nothing would send is put back into its queue. */
  | {
      readonly type: "put-back";
      readonly run: string;
      readonly attempt: number;
      /** How often it had been put off: when that is more by now, somebody was quicker. */
      readonly deferrals: number;
      /** How often it had gone to another agent, which counts from none again. */
      readonly reroutes: number;
    }
  /** An effect that rests is taken up again; what it may have done is looked into first. */
  | { readonly type: "take-up"; readonly effect: string }
  | { readonly type: "wake"; readonly stream: string; readonly wakeAt: number }
  /** The message is there, and its receipt is not. */
  | {
      readonly type: "receipt";
      readonly delivery: Delivery;
      readonly receipt: Receipt;
      readonly of: number;
    }
  /** Goes to rejected/ with the reason beside it. */
  | { readonly type: "file"; readonly path: string; readonly run: string };

export type Finding = {
  readonly fault: Fault;
  /** The stream, delivery, effect, key, message or file that it is about. */
  readonly id: string;
  /** The stream whose story explains it, when that is another one. */
  readonly of?: string;
  /** A sentence for people. */
  readonly reason: string;
  /** What mends it, as a command or as what a person does. */
  readonly mend: string;
  readonly act?: MendAct;
  /** The message in which people could read it, and that is gone or does not say it any more: somebody may accept that. */
  readonly gone?: string;
};

/** How a stream stands, for whatever refers to it. */
export type Standing = { readonly kind: string; readonly status: string; readonly open: boolean };
export type StandingOf = (stream: string) => Standing | undefined;

export type OpenEffect = {
  readonly id: string;
  readonly stream: string;
  readonly type: EffectType;
  readonly dueAt: number;
  /** When it may be claimed; the end of the hold while somebody holds it. */
  readonly readyAt: number;
  readonly begunAt?: number;
  /** It waits for an agent's capacity. */
  readonly isInTurn: boolean;
  readonly body: Effect["body"];
};

/** A stream with all that the rules look at; of one instant. */
export type AuditedStream = {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly open: boolean;
  readonly version: number;
  readonly parent?: string;
  readonly wakeAt?: number;
  /** Of its last event. */
  readonly at: number;
  /** How many of its events there are, by type. */
  readonly counts: Readonly<Record<string, number>>;
  readonly effects: readonly OpenEffect[];
  /** Deliveries about it of which a message is known. */
  readonly seen: ReadonlySet<string>;
  /** Folded; absent where no rule needs it. */
  readonly state?: unknown;
  /** Attempts that were sent more than once with nothing that says why. */
  readonly sentAgain?: readonly number[];
};

export type AuditContext = {
  readonly now: number;
  /** Only a supervisor that runs can be late. */
  readonly isRunning: boolean;
  readonly standing: StandingOf;
  /** Open effects of another stream. */
  readonly effectsOf: (stream: string) => readonly OpenEffect[];
  /** Whether a delivery waits inside a message for many that is not posted yet. */
  readonly isBatched: (delivery: string) => boolean;
};
