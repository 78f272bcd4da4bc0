import type { Lease } from "../engine/ports/ledger.ts";
import type { Statements } from "./statements.ts";

/** Takes or renews a lease; the epoch tells a holder from all before it. Undefined while another holds it. */
export function takeLease(
  sql: Statements,
  name: string,
  holder: string,
  now: number,
  ttlMs: number,
): Lease | undefined {
  const row = sql.lease.get(name);
  const isOurs = row?.["holder"] === holder;
  if (row && !isOurs && Number(row["expires_at"]) > now) return undefined;
  const epoch = Number(row?.["epoch"] ?? 0) + (isOurs ? 0 : 1);
  const expiresAt = now + ttlMs;
  sql.putLease.run(name, holder, epoch, expiresAt);
  return { name, holder, epoch, expiresAt };
}

/** Whether a lease still has this number and is not over. */
export function isLeased(
  sql: Statements,
  { lease, epoch }: { readonly lease: string; readonly epoch: number },
  now: number,
): boolean {
  const row = sql.lease.get(lease);
  return row?.["epoch"] === epoch && Number(row["expires_at"]) > now;
}
