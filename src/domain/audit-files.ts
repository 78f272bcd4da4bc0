import type { Finding, StandingOf } from "./audit-types.ts";
import { MEND } from "./audit-ways.ts";

/** What the rules look at of a file or folder. */
type Found = {
  readonly where: "inbox" | "accepted" | "rejected" | "run" | "worker";
  readonly path: string;
  readonly stream: string;
  readonly orElse?: string;
  readonly modifiedAt: number;
  readonly isKept?: boolean;
};

/** Whoever watches the folder may be about to take it. */
const YOUNG_MS = 60_000;

/** A file that belongs to nobody, or lies where only open work is looked for. */
export function auditFile(file: Found, standing: StandingOf, now: number): readonly Finding[] {
  const { where, path, stream, modifiedAt } = file;
  const found = standing(stream) ?? (file.orElse === undefined ? undefined : standing(file.orElse));
  switch (where) {
    case "inbox": {
      if (found?.open || file.isKept || now - modifiedAt < YOUNG_MS) return [];
      const reason = found
        ? `a handoff of ${stream} lies in the inbox, and that is ${found.status}`
        : `a handoff of ${stream} lies in the inbox, and there is no such delegation`;
      return [orphan(file, reason, true)];
    }
    case "accepted":
      return found ? [] : [orphan(file, `the handoff was accepted for ${stream}, which is not there`, true)];
    case "rejected":
      // What belongs to nobody is set aside here, with the reason beside it.
      return [];
    case "run":
      return found ? [] : [orphan(file, `files of the run ${stream}, which is not there`, false)];
    case "worker":
      return found ? [] : [orphan(file, `the folder of a worker for ${stream}, which is not there`, false)];
  }
  return [];

  function orphan({ path: id }: Found, reason: string, isHandoff: boolean): Finding {
    const about = { fault: "orphaned", id, of: stream, reason } as const;
    return isHandoff
      ? { ...about, mend: MEND, act: { type: "file", path, run: stream } }
      : { ...about, mend: "look at it, then remove it by hand" };
  }
}
