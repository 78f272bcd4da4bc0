import type { ClaimedEffect, ClaimRequest, Committed, Ledger } from "../../engine/ports/ledger.ts";
import { newId } from "../../kernel/id.ts";
import { lengthOf } from "../commit.ts";
import { type EffectRow, toClaimed } from "../rows.ts";
import { createBells } from "./bells.ts";
import { createRead, endSoon, openConnections } from "./connect.ts";
import { firstDue } from "./due.ts";
import { createMembers, DEAD_AFTER_MS } from "./members.ts";
import { createQueries } from "./queries.ts";
import { createSearchIndex } from "./search.ts";
import { createTallies } from "./tallies.ts";
import { createTrail } from "./trail.ts";
import { blobUnit, claimUnit, commitUnit, postponeUnit, rememberUnit, settleUnit } from "./units.ts";
import { createUpkeep } from "./upkeep.ts";
import { createWriter } from "./writer.ts";

/** How long a call waits for a database that is gone before it says so. */
const RIDE_OUT_MS = 3000;
const MOST_SLOT_LANES = 10_000;

export type PostgresLedgerOptions = {
  /** postgres://user:password@host:port/database?sslmode=… */
  readonly url: string;
  readonly rideOutMs?: number;
  /** How long one write may take. */
  readonly writeMs?: number;
};

type Claim = { readonly effects: readonly EffectRow[]; readonly unknown: readonly string[] };

/** Opens the ledger that several coordinators may share, and makes it where there is none. */
export async function openPostgresLedger(options: PostgresLedgerOptions): Promise<Ledger> {
  const { url, rideOutMs = RIDE_OUT_MS } = options;
  const connections = await openConnections(
    url,
    options.writeMs === undefined ? {} : { writeMs: options.writeMs },
  );
  const read = createRead(connections, rideOutMs);
  const name = newId("writer", Date.now());
  const { write, close } = createWriter({ connections, name, rideOutMs });
  const bells = createBells(connections, name);
  /** Slot lanes that were seen: a claim tells the capacity of each. */
  const slotLanes = new Set<string>();
  let closing: Promise<void> | undefined;

  function note(lanes: readonly (string | undefined)[]): void {
    if (slotLanes.size > MOST_SLOT_LANES) slotLanes.clear();
    for (const lane of lanes) if (lane !== undefined) slotLanes.add(lane);
  }

  async function claim(request: ClaimRequest): Promise<readonly ClaimedEffect[]> {
    const capacity = Object.fromEntries([...slotLanes].map((lane) => [lane, request.capacity(lane)]));
    const { effects, unknown } = await write<Claim>(claimUnit(request, capacity));
    const claimed = effects.map((row) => toClaimed({ ...row, tries: row.tries - 1 }, row.begun_before));
    if (unknown.length === 0) return claimed;
    note(unknown);
    // What was taken is told first: a second question may fail, and nobody would begin it.
    return claimed.length > 0 ? claimed : claim(request);
  }

  return {
    ...createQueries(read),
    async commit(commit) {
      const unit = commitUnit(commit);
      note(commit.effects.map(({ slot }) => slot?.lane));
      const bodies = unit.events.map(([, , body]) => body);
      return committed(await write(unit), lengthOf(unit.state, bodies));
    },
    claim,
    settle: async (effects) => void (await write(settleUnit(effects))),
    async postpone(id, dueAt, reason, more) {
      await write(postponeUnit(id, dueAt, reason, more));
    },
    async release(epoch) {
      return (await write<{ count: number }>({ do: "release", epoch, deadAfterMs: DEAD_AFTER_MS })).count;
    },
    nextDue: (lanes, capacity) => firstDue(read, lanes, capacity),
    async putOff({ stream, wakeAt }, until) {
      await write({ do: "put-off", stream, wakeAt, until });
    },
    putBlob: async (digest, body) => void (await write(blobUnit(digest, body))),
    remember: async (key, value) => void (await write(rememberUnit(key, value))),
    async lease(key, holder, ttlMs) {
      const taken = await write<{ epoch?: number; expiresAt?: number }>({
        do: "lease",
        name: key,
        holder,
        ttlMs,
      });
      const { epoch, expiresAt } = taken;
      return epoch === undefined || expiresAt === undefined
        ? undefined
        : { name: key, holder, epoch, expiresAt };
    },
    trail: createTrail(read),
    tallies: createTallies({ read, write }),
    search: createSearchIndex({ read, write }),
    upkeep: createUpkeep({ connections, write }),
    members: createMembers({ write, read, onOthers: bells.onOthers }),
    close() {
      closing ??= Promise.all([close(), bells.stop()]).then(() => endSoon(connections.pool.end()));
      return closing;
    },
  };
}

/** Without what the counters were told. */
function committed(answer: Record<string, unknown>, length: number): Committed {
  const { ok, reason, stream, same, version, position } = answer;
  if (ok === true) return { ok, version: Number(version), position: Number(position), length };
  if (reason === "key") return { ok: false, reason, stream: String(stream), same: same === true };
  return { ok: false, reason: reason === "lost" ? reason : "conflict" };
}
