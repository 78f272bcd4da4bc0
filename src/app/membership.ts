import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lane } from "../domain/effects.ts";
import type { Lease, Ledger } from "../engine/ports/ledger.ts";
import type { Members } from "../engine/ports/members.ts";
import { newId } from "../kernel/id.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { AppOptions, Base, Begin } from "./base.ts";
import type { OpenStore } from "./store.ts";

/** A third of what ends a member and its leases: two beats may be missed. */
const BEAT_MS = 5000;
const LEASE_MS = 15_000;
/** Whoever posts to Discord holds this lease; its number goes into every claim of that work. */
const DISCORD = "discord";
const CLOCK_TRIES = 3;

/**
 * Works on a ledger that others may share: enters as a member, says now and then that it lives, goes by the database's
 * clock, and does Discord's work only while it holds the lease.
 */
export async function joinLedger(parts: {
  readonly options: AppOptions;
  readonly base: Base;
  readonly begin: Begin;
  readonly ledger: Ledger;
  readonly holder: string;
}): Promise<OpenStore> {
  const { options, base, begin, ledger, holder } = parts;
  const { log } = base;
  const members = membersOf(ledger);
  const self = { id: holder, home: homeId(options.home, base.now()), version: options.version };
  await followClock(base, ledger);
  let { epoch } = await members.join(self);
  // Those that died without a word are forgotten first, as with every beat.
  await members.beat(holder);
  const others = (await members.list()).filter(({ id }) => id !== holder);
  if (others.length > 0) {
    await members.leave(holder);
    throw new Refusal("locked", `Another supervisor (${others[0]?.home}) already works on this database.`, {
      hint: "Stop it first. One that was cut off is forgotten 15 seconds after it was last heard of.",
    });
  }
  let lease = await ledger.lease(DISCORD, holder, LEASE_MS);
  let timer: NodeJS.Timeout | undefined;
  let beating = Promise.resolve();
  let isStopped = false;

  async function beat(): Promise<void> {
    const { alive, given } = await members.beat(holder);
    if (given > 0) log.warn({ effects: given }, "another supervisor is gone; what it held is done here");
    if (!alive) {
      ({ epoch } = await members.join(self));
      log.warn({ epoch }, "this supervisor was away for so long that others gave up on it; it joined again");
    }
    lease = await ledger.lease(DISCORD, holder, LEASE_MS);
    await followClock(base, ledger);
  }

  function next(): void {
    if (isStopped) return;
    timer = setTimeout(() => {
      beating = beat()
        .catch((error: unknown) => log.error({ err: error }, "the database could not be told that we live"))
        .finally(next);
    }, BEAT_MS);
  }

  next();
  await begin({
    name: "membership",
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await beating;
      // Where the database is away, the others notice by themselves.
      await members.leave(holder).catch((error: unknown) => log.warn({ err: error }, "left without a word"));
    },
  });
  const held = () => (lease && lease.expiresAt > base.now() ? lease : undefined);
  return { ledger: onlyLeader(ledger, held), epoch: () => epoch, holder };
}

/** Discord's work is claimed under the lease's number, and by nobody who knows that it has none. */
export function onlyLeader(ledger: Ledger, lease: () => Lease | undefined): Ledger {
  const permitted = (lanes: readonly Lane[]) => (lease() ? lanes : lanes.filter((lane) => lane !== DISCORD));
  return {
    ...ledger,
    async claim(request) {
      const held = lease();
      if (!request.lanes.includes(DISCORD)) return ledger.claim(request);
      if (held) return ledger.claim({ ...request, fence: { lease: DISCORD, epoch: held.epoch } });
      const lanes = permitted(request.lanes);
      return lanes.length === 0 ? [] : ledger.claim({ ...request, lanes });
    },
    nextDue: (lanes, capacity) => ledger.nextDue(permitted(lanes), capacity),
  };
}

function membersOf({ members }: Ledger): Members {
  if (!members) throw new Error("this store cannot be shared");
  return members;
}

/** The name of this folder among the members, made once. */
function homeId(home: string, now: number): string {
  const path = join(home, "member");
  if (!existsSync(path)) writeFileSync(path, `${newId("home", now)}\n`, { mode: 0o600 });
  return readFileSync(path, "utf8").trim();
}

/** Compares the clocks by the quickest of a few questions. */
async function followClock(base: Base, ledger: Ledger): Promise<void> {
  let best: { readonly tookMs: number; readonly aheadMs: number } | undefined;
  for (let tries = 0; tries < CLOCK_TRIES; tries++) {
    const askedAt = base.now();
    const theirs = await ledger.now();
    const tookMs = base.now() - askedAt;
    if (!best || tookMs < best.tookMs) best = { tookMs, aheadMs: theirs - askedAt - tookMs / 2 };
  }
  if (best) base.shiftClock(best.aheadMs);
}
