import type { Problem } from "../kernel/refusal.ts";

export const HANDOFF_STATUSES = ["complete", "partial", "blocked", "failed"] as const;
export type HandoffStatus = (typeof HANDOFF_STATUSES)[number];
export const CONFIDENCES = ["high", "medium", "low"] as const;
export type Confidence = (typeof CONFIDENCES)[number];

export type Usage = {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly usd?: number;
  readonly source?: string;
};

/** The document by which an agent gives the work back, after the checks. Absent = the agent did not say. */
export type Handoff = {
  readonly schemaVersion: string;
  readonly runId: string;
  readonly agent: string;
  readonly status: HandoffStatus;
  readonly result: string;
  readonly artifacts: readonly string[];
  readonly confidence?: Confidence;
  readonly notes: string;
  readonly timestamp?: string;
  readonly usage?: Usage;
  /** What was filled in or repaired while reading, a sentence each. */
  readonly remarks: readonly string[];
};

/** Where a handoff came from and what identifies it. */
export type HandoffSource = {
  /** Absolute path, or `rest` for a document that was posted. */
  readonly path: string;
  /** SHA-256 of the text without the white space around it; of a description when it is not a readable file. */
  readonly digest: string;
  /** Inode as text; tells the same file from a second one with the same bytes. */
  readonly inode?: string;
  /** From the file name `{runId}.{n}.json`; 1 for `{runId}.json`. */
  readonly attempt: number;
};

export type CheckedHandoff =
  | { readonly ok: true; readonly handoff: Handoff }
  | { readonly ok: false; readonly problems: readonly Problem[] };
