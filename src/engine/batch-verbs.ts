import type { Actor } from "../domain/actor.ts";
import type { OldBatches } from "../domain/batch-import.ts";
import type { BatchChange, BatchType, NewBatchTask } from "../domain/batch-types.ts";
import type { BatchResults, BatchView } from "../domain/batch-view.ts";

export type CreateBatchRequest = {
  readonly type: BatchType;
  readonly tasks: readonly NewBatchTask[];
  /** `expected_minutes` in it is how long a task should take: what is silent for longer is noted. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The same key and content answer the same batch, other content is `key_reused`. */
  readonly key?: { readonly scope: string; readonly key: string };
};

export type ResumeBatchRequest = {
  readonly choice: "retry" | "adjust";
  readonly added: readonly NewBatchTask[];
  readonly reason?: string;
};

export type CleanedBatches = {
  readonly removed: readonly string[];
  /** Of the actor's batches, after it. */
  readonly remaining: number;
};

export type ImportedBatches = {
  readonly imported: readonly string[];
  readonly alreadyThere: readonly string[];
  /** Where the file said something that its tasks do not bear out. */
  readonly corrected: readonly { readonly id: string; readonly said: string; readonly is: string }[];
};

/**
 * Batches that agents spawn and track by hand. An agent sees and changes its own, the operator all of them
 * (`verbs.batch` of config/acl.yaml).
 */
export type BatchVerbs = {
  readonly create: (
    actor: Actor,
    request: CreateBatchRequest,
  ) => Promise<{ readonly batch: BatchView; readonly repeated: boolean }>;
  /** Saying the same again changes nothing. */
  readonly update: (actor: Actor, id: string, change: BatchChange) => Promise<BatchView>;
  readonly status: (actor: Actor, id: string) => Promise<BatchView>;
  readonly aggregate: (actor: Actor, id: string) => Promise<BatchResults>;
  /** Those that changed last come first. */
  readonly list: (actor: Actor, query: { readonly active?: boolean }) => Promise<readonly BatchView[]>;
  /** After too many failures: how to go on. */
  readonly resume: (actor: Actor, id: string, request: ResumeBatchRequest) => Promise<BatchView>;
  /** Takes what there is; what has not ended is cancelled. */
  readonly accept: (actor: Actor, id: string, reason?: string) => Promise<BatchView>;
  /** Takes those out that are over and did not change for so long; a dry run only names them. */
  readonly cleanup: (
    actor: Actor,
    request: { readonly olderThanMs: number; readonly dryRun: boolean },
  ) => Promise<CleanedBatches>;
  /** Each id once: what is there already stays as it is. */
  readonly import: (actor: Actor, old: OldBatches) => Promise<ImportedBatches>;
};
