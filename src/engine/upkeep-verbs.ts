import type { Actor } from "../domain/actor.ts";
import type { AcceptedNow } from "./accept-missing.ts";
import type { AuditOptions, AuditReport } from "./audit.ts";
import type { Mended } from "./mend.ts";
import type { PruneOptions, PruneReport } from "./prune.ts";

export type ExportQuery = {
  readonly what: "events" | "delegations";
  readonly format: "jsonl" | "csv";
  readonly after?: string;
  readonly since?: number;
};

/** Looking after the ledger as a whole: what only the operator does. */
export type UpkeepVerbs = {
  readonly audit: (
    actor: Actor,
    options: AuditOptions & { readonly mend?: boolean; readonly dry?: boolean },
  ) => Promise<AuditReport & { readonly mended?: readonly Mended[] }>;
  /** That messages which somebody deleted are not missed; `ids` name deliveries, what they tell of, or messages. */
  readonly accept: (
    actor: Actor,
    options: AuditOptions & { readonly ids: readonly string[]; readonly reason?: string },
  ) => Promise<{ readonly accepted: readonly AcceptedNow[] }>;
  /** Lines of text, some at a time. */
  readonly export: (query: ExportQuery) => AsyncGenerator<string>;
  readonly prune: (actor: Actor, options: PruneOptions) => Promise<PruneReport>;
};
