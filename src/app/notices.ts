import type { Engine } from "../engine/accept.ts";
import type { Ledger } from "../engine/ports/ledger.ts";
import { digestOf, newId } from "../kernel/id.ts";

const HOUR_MS = 3_600_000;

/** Notices in #agent-logs. Members that share the ledger find the same: it is said once an hour. */
export function createTellPeople(deps: {
  readonly engine: Pick<Engine, "accept">;
  readonly ledger: Pick<Ledger, "members">;
  readonly now: () => number;
}): (text: string) => Promise<void> {
  const { engine, ledger, now } = deps;
  const isShared = ledger.members !== undefined;
  return async (text) => {
    const at = now();
    const said = digestOf(`${Math.floor(at / HOUR_MS)}\n${text}`).slice(0, 20);
    const stream = isShared ? `notice-${said}` : newId("notice", at);
    const input = { type: "notice", at, id: stream, text } as const;
    await engine.accept({ kind: "notice", stream, input, cause: "configuration", isNew: !isShared });
  };
}
