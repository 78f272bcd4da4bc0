import type { Share, ShareStatus } from "../domain/share.ts";
import { oneLine } from "../kernel/text.ts";
import type { Io } from "./io.ts";

const EXITS: Readonly<Record<ShareStatus, number>> = {
  ok: 0,
  partial: 0,
  accepted: 0,
  blocked: 1,
  failed: 1,
  canceled: 1,
  timeout: 4,
  not_taken: 4,
  instance_down: 5,
  instance_draining: 5,
  unauthorized: 5,
  refused: 3,
};
/** What weighs more comes first. */
const WEIGHT = [1, 4, 5, 3];

type Brought = Pick<Share, "instance" | "agent" | "status" | "error" | "notes">;

/** The exit code of an aggregate; says on stderr what is not plain success. */
export function exitOfShares(io: Io, shares: readonly Brought[]): number {
  for (const { instance, agent, status, error, notes } of shares) {
    const who = instance === agent ? agent : `${instance} (${agent})`;
    if (status === "partial") io.err(`Warning: ${who} did a part of it: ${oneLine(notes ?? "", 500)}\n`);
    if (error) io.err(`${who}: ${status}: ${oneLine(error.message, 500)}\n`);
  }
  const exits = new Set(shares.map(({ status }) => EXITS[status]));
  return WEIGHT.find((code) => exits.has(code)) ?? 0;
}
