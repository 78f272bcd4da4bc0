/** Where an effect may be performed: anywhere, by the holder of the Discord lease, or on the machine with the files. */
export type Lane = "any" | "discord" | "host";

/** Logical channels; config maps them to the guild's. */
export type ChannelRole = "results" | "agentLogs" | "taskQueue" | "workerPool" | "interAgent" | "approvals";

export type DeliveryTarget = { readonly role: ChannelRole } | { readonly channel: string };

/** One thing people must see in Discord. `subject` is the stream it tells about. */
export type Delivery = {
  readonly id: string;
  readonly kind: "result" | "log" | "notice" | "batch";
  readonly to: DeliveryTarget;
  readonly subject?: string;
  /** Only for `notice`: the text itself, agreed before the first POST. */
  readonly text?: string;
  /** Only for `batch`: the deliveries that it carries. */
  readonly members?: readonly string[];
};

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
  | { readonly type: "post"; readonly delivery: Delivery }
  | { readonly type: "card"; readonly run: string; readonly to: DeliveryTarget }
  | { readonly type: "interaction"; readonly interaction: string };

export type EffectType = EffectBody["type"];

/** An effect before it is stored. `slot` names an agent's capacity that it needs while it is performed and after. */
export type Effect = {
  readonly body: EffectBody;
  readonly lane: Lane;
  /** Epoch ms; due at once when in the past. */
  readonly dueAt: number;
  readonly slot?: { readonly lane: string; readonly attempt: number };
};
