import type { Members } from "../../engine/ports/members.ts";
import type { Read } from "./connect.ts";
import type { Writer } from "./writer.ts";

/** A member that was not heard of for so long is over, and what it held is for others to do. */
export const DEAD_AFTER_MS = 10_000;

/** Who works on this ledger, and the bell between them. */
export function createMembers(deps: {
  readonly write: Writer["write"];
  readonly read: Read;
  readonly onOthers: Members["onOthers"];
}): Members {
  const { write, read, onOthers } = deps;
  return {
    join: ({ id, home, version }) => write({ do: "join", id, home, version }),
    beat: (id) => write({ do: "beat", id, deadAfterMs: DEAD_AFTER_MS }),
    async lookAtClock(followedMs) {
      const text = "select set_back_1($1) as back";
      const [row] = await read<{ readonly back: number }>("set-back", text, [Math.round(followedMs)]);
      return row?.back ?? 0;
    },
    leave: async (id) => void (await write({ do: "leave", id })),
    list: () =>
      read(
        "members",
        `select id, home, version, started_at as "startedAt", seen_at as "seenAt",
          array(select l.name from lease l where l.holder = member.id and l.expires_at > now_ms() order by l.name) as leads
        from member order by started_at, id`,
      ),
    async homesWithWork() {
      const open = "select lane from outbox where settled_at is null and lane > 'host:' and lane < 'host;'";
      const text = `${open} and slot is null union ${open} and slot is not null order by lane`;
      const rows = await read<{ readonly lane: string }>("homes", text);
      return rows.map(({ lane }) => lane.slice("host:".length));
    },
    onOthers,
  };
}
