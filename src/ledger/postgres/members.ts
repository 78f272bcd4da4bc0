import type { Members } from "../../engine/ports/members.ts";
import type { Read } from "./connect.ts";
import type { Writer } from "./writer.ts";

/** A member that was not heard of for so long is over, and what it held is for others to do. */
export const DEAD_AFTER_MS = 15_000;

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
    leave: async (id) => void (await write({ do: "leave", id })),
    list: () =>
      read(
        "members",
        'select id, home, version, started_at as "startedAt", seen_at as "seenAt" from member order by started_at, id',
      ),
    onOthers,
  };
}
