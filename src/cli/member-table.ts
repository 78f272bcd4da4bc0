import { standsBackText } from "../domain/member.ts";
import type { MemberView } from "../engine/verbs.ts";
import { formatDuration } from "../kernel/time.ts";
import { table } from "./print.ts";

/** Who works on the ledger with us, and who of them is connected to Discord. */
export function memberTable(members: readonly MemberView[], now: number): string {
  const rows = members.map((member) => {
    const { home, host = "", pid, version, startedAt, seenAt, behind = 0, clockAheadMs = 0 } = member;
    return [
      member.isUs ? `${home} *` : home,
      pid === undefined ? host : `${host} ${pid}`,
      version,
      formatDuration(now - startedAt),
      formatDuration(now - seenAt),
      `${behind}`,
      `${clockAheadMs}ms`,
      [
        ...(member.leads ? ["leads on Discord"] : []),
        ...(member.isTemporary ? ["temporary"] : []),
        ...(member.standsBack ? [`! ${standsBackText(member.standsBack, now)}`] : []),
        ...(member.differs ? [`! other ${member.differs.join(", ")}`] : []),
      ].join(", "),
    ];
  });
  return table([["MEMBER", "HOST", "VERSION", "UP", "HEARD", "BEHIND", "CLOCK", ""], ...rows]);
}
