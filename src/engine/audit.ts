import { auditFile } from "../domain/audit-files.ts";
import { FAULTS, type Fault, type Finding } from "../domain/audit-types.ts";
import type { Engine } from "./accept.ts";
import { type AcceptedGap, apartFromAccepted } from "./accept-missing.ts";
import { createDiscordAudit } from "./audit-discord.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { Leftovers } from "./ports/leftovers.ts";
import type { PostedMessages } from "./ports/posted.ts";

const PAGE = 500;
/** Of more, the report says how many there are. */
const MOST_TOLD = 10_000;

export type AuditReport = {
  readonly at: number;
  readonly since?: number;
  readonly counts: Readonly<Record<Fault, number>>;
  readonly findings: readonly Finding[];
  /** What was found gone, and somebody said that this is well: it counts nowhere. */
  readonly accepted: readonly AcceptedGap[];
  /** Findings beyond those that are listed. */
  readonly more: number;
  /** Streams, effects and keys; files and folders; our messages in Discord. */
  readonly looked: { readonly rows: number; readonly files: number; readonly messages: number };
  /** Why a part was not looked at; absent = everything was. */
  readonly notLooked?: string;
};

export type AuditOptions = {
  readonly since?: number;
  readonly onProgress?: (text: string) => void;
  readonly signal?: AbortSignal;
};

/** The part of the comparison that needs nobody but the files: the ledger with itself and with the folders. */
export function createFileAudit(deps: {
  readonly upkeep: Pick<Ledger["upkeep"], "audit" | "standings">;
  readonly leftovers: Leftovers;
  readonly isRunning: boolean;
  readonly now: () => number;
}) {
  const { upkeep, now } = deps;

  return async function auditFiles({ since, onProgress, signal }: AuditOptions) {
    const findings: Finding[] = [];
    let rows = 0;
    for (let after: string | undefined; ; ) {
      signal?.throwIfAborted();
      const page = await upkeep.audit({
        now: now(),
        isRunning: deps.isRunning,
        limit: PAGE,
        ...(since === undefined ? {} : { since }),
        ...(after === undefined ? {} : { after }),
      });
      findings.push(...page.findings);
      rows += page.looked;
      onProgress?.(`${rows} rows of the ledger`);
      after = page.next;
      if (after === undefined) break;
    }
    let files = 0;
    for await (const batch of deps.leftovers.all(since)) {
      signal?.throwIfAborted();
      const names = batch.flatMap(({ stream, orElse }) => (orElse ? [stream, orElse] : [stream]));
      const standings = await upkeep.standings([...new Set(names)]);
      for (const file of batch) findings.push(...auditFile(file, (id) => standings.get(id), now()));
      files += batch.length;
      onProgress?.(`${files} files`);
    }
    return { findings, rows, files };
  };
}

/** Compares ledger, outbox, folders and Discord, and mends what can be mended without doing work twice. */
export function createAudit(deps: {
  readonly ledger: Ledger;
  readonly engine: Engine;
  readonly leftovers: Leftovers;
  readonly posted: () => PostedMessages | undefined;
  /** Takes what lies in the inbox the ordinary way first. */
  readonly sweep: () => Promise<void>;
  readonly now: () => number;
}) {
  const { ledger, engine, now } = deps;
  const auditFiles = createFileAudit({ ...deps, upkeep: ledger.upkeep, isRunning: true });

  /** All that is found, however much it is. */
  async function look(options: AuditOptions): Promise<Look> {
    await deps.sweep();
    const { findings, rows, files } = await auditFiles(options);
    const posted = deps.posted();
    if (!posted?.isConnected()) {
      const looked = { rows, files, messages: 0 };
      return { findings, accepted: [], looked, notLooked: "Discord, which is not connected" };
    }
    options.onProgress?.("the messages in Discord");
    const seen = await createDiscordAudit({ ledger, engine, posted, now })(options.since);
    // A message that is there explains what the ledger misses.
    const found = new Map(seen.findings.map((finding) => [finding.id, finding]));
    const rest = findings.filter(({ fault, id }) => fault !== "unseen" || !found.has(id));
    const { left, accepted } = await apartFromAccepted(ledger, [...rest, ...seen.findings]);
    return { findings: left, accepted, looked: { rows, files, messages: seen.messages } };
  }

  return {
    look,
    async prove(options: AuditOptions): Promise<AuditReport> {
      const at = now();
      return reportOf(at, options, await look(options));
    },
  };
}

export type Audit = ReturnType<typeof createAudit>;

type Look = Pick<AuditReport, "findings" | "looked" | "notLooked"> & Partial<Pick<AuditReport, "accepted">>;

export function reportOf(
  at: number,
  { since }: AuditOptions,
  { findings: all, accepted = [], looked, notLooked }: Look,
): AuditReport {
  const counts = Object.fromEntries(
    FAULTS.map((fault) => [fault, all.filter((finding) => finding.fault === fault).length]),
  ) as Record<Fault, number>;
  const findings = all.slice(0, MOST_TOLD);
  return {
    at,
    ...(since === undefined ? {} : { since }),
    counts,
    findings,
    accepted,
    more: all.length - findings.length,
    looked,
    ...(notLooked === undefined ? {} : { notLooked }),
  };
}
