import type { Finding, Standing } from "../../domain/audit-types.ts";
import type { Receipt } from "../../domain/delivery-types.ts";
import type { Page, StoredEvent } from "./ledger.ts";

export type AuditQuery = {
  readonly now: number;
  /** Only what was written to since; what is open counts always. */
  readonly since?: number;
  /** Nothing is late while no supervisor is there to do it. */
  readonly isRunning: boolean;
  /** `next` of the page before. */
  readonly after?: string;
  readonly limit: number;
};

/** `looked`: how many streams, effects and keys this page covered. */
export type AuditPage = {
  readonly findings: readonly Finding[];
  readonly looked: number;
  readonly next?: string;
};

export type PageQuery = { readonly after?: string; readonly since?: number; readonly limit: number };

/** A stream as it is handed out; `state` is the folded one where it is kept. */
export type ExportedStream = {
  readonly seq: number;
  readonly stream: string;
  readonly kind: string;
  readonly status: string;
  readonly open: boolean;
  readonly agent?: string;
  readonly parent?: string;
  readonly version: number;
  readonly beganAt: number;
  readonly changedAt: number;
  readonly state?: unknown;
};

export type PruneQuery = {
  /** Whatever was written to at or after this instant stays. */
  readonly before: number;
  /** `next` of the page before. */
  readonly after?: string;
  /** Streams to look at in this page. */
  readonly limit: number;
};

/** What may go: settled, old, and nothing that stays refers to it. */
export type Prunable = { readonly streams: readonly string[]; readonly next?: string };

export type Pruned = {
  readonly streams: number;
  readonly events: number;
  readonly effects: number;
  readonly receipts: number;
};

export type LedgerSize = { readonly bytes: number; readonly freeBytes: number };

/** The ledger read as a whole, page by page beside the work, and what is too old taken out of it. */
export type Upkeep = {
  /** The first page without `next` was the last. Each page is of one instant. */
  readonly audit: (query: AuditQuery) => Promise<AuditPage>;
  /** All receipts, by delivery and part. */
  readonly receipts: (query: PageQuery) => Promise<Page<Receipt>>;
  /** How these streams stand; those that are not there are left out. */
  readonly standings: (streams: readonly string[]) => Promise<ReadonlyMap<string, Standing>>;
  /** Oldest first. */
  readonly events: (query: PageQuery) => Promise<Page<StoredEvent>>;
  readonly streams: (query: PageQuery & { readonly kind: string }) => Promise<Page<ExportedStream>>;
  readonly prunable: (query: PruneQuery) => Promise<Prunable>;
  /**
   * Takes these streams out with all that is theirs, in transactions so small that work goes on between them. What a
   * broken-off one left is finished by the next. Streams that were written to since `before` stay.
   */
  readonly prune: (streams: readonly string[], before: number) => Promise<Pruned>;
  /** Takes out the idempotency keys of streams that are gone. Returns how many. */
  readonly pruneKeys: () => Promise<number>;
  /** What the ledger takes of the disk, and how much of that is free for new rows. */
  readonly size: () => Promise<LedgerSize>;
  /** Ends what reads beside the work. */
  readonly close: () => Promise<void>;
};
