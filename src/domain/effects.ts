import type { TaskChildKind, TaskOf } from "./task-types.ts";

/** Where an effect may be performed: anywhere, by the holder of the Discord lease, or on the machine with the files. */
export type Lane = "any" | "discord" | "host";

/** Logical channels; config maps them to the guild's. */
export type ChannelRole =
  | "results"
  | "agentLogs"
  | "itOps"
  | "taskQueue"
  | "workerPool"
  | "interAgent"
  | "approvals";

export type DeliveryTarget = { readonly role: ChannelRole } | { readonly channel: string };

/** One thing people must see in Discord. `subject` is the stream it tells about. */
export type Delivery = {
  readonly id: string;
  readonly kind: "result" | "log" | "notice" | "batch" | "reminder" | "ask" | "spawned" | "finished";
  readonly to: DeliveryTarget;
  readonly subject?: string;
  /** Only for `reminder`: the gate that still waits. */
  readonly gate?: GateRef;
  /** Only for `notice`: the text itself, agreed before the first POST. */
  readonly text?: string;
  /** Only for `notice`: the message that it answers. */
  readonly replyTo?: string;
  /** Only for `batch`: the deliveries that it carries. */
  readonly members?: readonly string[];
};

/** A gate of a run; a rerun opens another one. */
export type GateRef = { readonly step: string; readonly generation: number };

/** A handoff file that goes to accepted/, or to rejected/ with its problems beside it. */
export type FileMove = {
  readonly run: string;
  readonly path: string;
  readonly digest: string;
  readonly inode?: string;
  readonly to: "accepted" | "rejected";
  readonly problems: readonly { readonly path: string; readonly message: string }[];
};

/** A line for people and old tools. */
export type LogLine = { readonly file: "attempts" | "project"; readonly line: string };

/** Work that follows a commit. What is not in the body is looked up when it is done. */
export type EffectBody =
  | {
      readonly type: "dispatch";
      readonly run: string;
      readonly agent: string;
      readonly attempt: number;
      readonly again: boolean;
    }
  | {
      readonly type: "reconcile";
      readonly run: string;
      readonly agent: string;
      readonly attempt: number;
      readonly sentAt: number;
    }
  /** What a commit changes in the files of this machine. */
  | { readonly type: "filing"; readonly moves: readonly FileMove[]; readonly lines: readonly LogLine[] }
  /** `mayBeThereSince`: its receipt is missing, not surely its message, so the channel's history is asked first. */
  | { readonly type: "post"; readonly delivery: Delivery; readonly mayBeThereSince?: number }
  /** The live card of a delegation or run, or with `gate` or `round` the message in which people decide. */
  | {
      readonly type: "card";
      readonly run: string;
      readonly to: DeliveryTarget;
      readonly gate?: GateRef;
      /** When what is decided was proposed: `run` is then the stream of a work item. */
      readonly round?: number;
    }
  /** What a person accepted of a work item's proposals: written, or sent to the agent. */
  | { readonly type: "carry-out"; readonly work: string }
  /** Makes the delegation or nested run of a step or item. */
  | {
      readonly type: "start-child";
      readonly run: string;
      readonly step: string;
      readonly item?: number;
      readonly generation: number;
    }
  /** Tells a run what its child came to. */
  | {
      readonly type: "tell";
      readonly run: string;
      readonly child: string;
      readonly kind: "delegation" | "run";
    }
  | {
      readonly type: "cancel-child";
      readonly child: string;
      readonly kind: TaskChildKind;
      readonly reason: string;
    }
  | {
      readonly type: "run-timer";
      readonly run: string;
      readonly what: "deadline" | "wait" | "remind" | "expire" | "stall" | "progress";
      readonly step?: string;
      readonly item?: number;
      readonly generation?: number;
    }
  /** Writes a step's file, or without `step` the summary, for people and old tools. */
  | { readonly type: "file-run"; readonly run: string; readonly step?: string }
  | { readonly type: "interaction"; readonly interaction: string }
  /** Takes the claim of a task on Discord itself, and shows it by our ✅. */
  | { readonly type: "task-claim"; readonly task: string; readonly try: number }
  /** Puts our ✅ on a task's message (again), or takes it away. */
  | { readonly type: "task-check"; readonly task: string; readonly wanted: boolean }
  /** Makes the delegation, run or worker that does a task. */
  | { readonly type: "start-task"; readonly task: string; readonly try: number }
  /** Tells a task what its child came to. */
  | ({ readonly type: "tell-task"; readonly child: string; readonly kind: TaskChildKind } & TaskOf)
  /** Begins a worker, or finds the one that an earlier life began, and waits for its end. */
  | { readonly type: "run-worker"; readonly worker: string; readonly attempt: number }
  /** `home`: where it runs, when several members share the ledger. */
  | { readonly type: "kill-worker"; readonly worker: string; readonly home?: string };

export type EffectType = EffectBody["type"];

/** An effect before it is stored. `slot` names an agent's capacity that it needs while it is performed and after. */
export type Effect = {
  readonly body: EffectBody;
  readonly lane: Lane;
  /** Epoch ms; due at once when in the past. */
  readonly dueAt: number;
  readonly slot?: { readonly lane: string; readonly attempt: number };
};
