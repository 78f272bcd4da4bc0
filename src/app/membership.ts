import { hostname } from "node:os";
import { join } from "node:path";
import type { Lease, Ledger } from "../engine/ports/ledger.ts";
import type { Members } from "../engine/ports/members.ts";
import { isRunId, newId } from "../kernel/id.ts";
import type { AppOptions, Base, Begin } from "./base.ts";
import { createGoneHomes } from "./gone-homes.ts";
import { hostLanes } from "./host-lanes.ts";
import { keptLine } from "./kept-line.ts";
import { DISCORD, onlyAlive, onlyLeader } from "./permitted-claims.ts";
import { createRoster, type Roster } from "./roster.ts";
import { sharedSecret } from "./shared-secret.ts";
import { canOthersLead, createStandBack, type StandBack } from "./stand-back.ts";
import type { OpenStore } from "./store.ts";
import { watchVacancy } from "./vacancy.ts";

/** A quarter of what ends a member and its leases: others notice within 12.5 s that one is gone. */
const BEAT_MS = 2500;
const LEASE_MS = 10_000;
const AGAIN_MS = 500;
/** So long before it ends for others the lease has ended for us: what was just sent arrives in that time. */
const MARGIN_MS = 1000;
const CLOCK_TRIES = 3;
/** What ends only with its holder. */
const FOREVER_MS = 100 * 365 * 86_400_000;

type Instant = { readonly steady: number; readonly wall: number };

/** What a supervisor knows that works on a ledger with others. */
export type Shared = {
  /** The name of our folder among the members. */
  readonly home: string;
  /** Of this machine: HQ_HOST, or what it calls itself. */
  readonly host: string;
  /** The same for all members. */
  readonly secret: string;
  /** Whether we hold Discord's lease, as far as we know. */
  readonly leads: () => boolean;
  /** The lease's number while it is ours by our own clocks, which go on while the process stands still. */
  readonly term: () => number | undefined;
  /** Takes it from now on when nobody has it: for a temporary supervisor that was asked for Discord. */
  readonly lead: () => Promise<void>;
  /** Gives it back for good: others need not wait for its end. */
  readonly resign: () => Promise<void>;
  /** Gives it back, to take it again when it is our turn. */
  readonly giveBack: () => Promise<void>;
  /** While it is on, what we have of the lead is held, and it is not taken anew as long as others can. */
  readonly standBack: StandBack;
  /** Called when that changes. */
  readonly onLead: (listener: (leads: boolean) => void) => () => void;
  /**
   * The number of our life as a member. What was claimed in an earlier one may be another's by now; without a number
   * others may just be taking us for gone.
   */
  readonly life: () => number | undefined;
  readonly roster: Roster;
};

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
  const { log, now } = base;
  const members = membersOf(ledger);
  // Its name among the members.
  const home = keptLine(join(options.home, "member"), isRunId, () => newId("home", now()));
  const host = options.env["HQ_HOST"] || hostname();
  const self = { id: holder, home, version: options.version };
  const takeOverMs = () => base.config.current().settings.takeOverMs;
  const goneHomes = createGoneHomes({ afterMs: takeOverMs, now: () => performance.now() });
  const standBack = createStandBack({ now });
  const isTemporary = options.isEmbedded;
  const roster = createRoster({
    ledger,
    members,
    home,
    host,
    holder,
    isTemporary,
    standsBack: standBack.told,
  });
  const listeners = new Set<(leads: boolean) => void>();
  /** A temporary supervisor is here for one question, and seldom for one about Discord. */
  let isWilling = !options.isEmbedded;
  let aheadMs = await followClock(base, ledger);
  // What its clock was before says nothing of the database's.
  await lookAtClock(0);
  let heardAt = instant();
  let leasedAt = heardAt;
  let endTimer: NodeJS.Timeout | undefined;
  let { epoch } = await members.join(self);
  let place = await takePlace();
  const given = options.env["HQ_SECRET"];
  const own = base.credentials.secret;
  const secret = await sharedSecret({ ledger, holder, given, own });
  let [lease] = await Promise.all([takeLease(), roster.note({ clockAheadMs: aheadMs, behind: 0 })]);
  let timer: NodeJS.Timeout | undefined;
  let beating: Promise<void> | undefined;
  let isStopped = false;
  let didLead = held() !== undefined;

  function instant(): Instant {
    return { steady: performance.now(), wall: base.wall() };
  }

  /** One clock goes on while the process stands still, the other one also while the machine does. */
  function sinceMs({ steady, wall }: Instant): number {
    return Math.max(performance.now() - steady, base.wall() - wall);
  }

  function held(): Lease | undefined {
    const isOurs = lease && lease.expiresAt - MARGIN_MS > now() && sinceMs(leasedAt) < LEASE_MS - MARGIN_MS;
    return isOurs ? lease : undefined;
  }

  async function lookAtClock(followedMs: number): Promise<void> {
    const backMs = await members.lookAtClock(followedMs);
    if (backMs > 0)
      log.warn({ backMs }, "the database's clock was set back; what waits comes earlier by as much");
  }

  /** A member's own lease, which ends with it: its number goes into every claim. */
  function takePlace(): Promise<Lease | undefined> {
    return ledger.lease(`member:${home}`, holder, FOREVER_MS);
  }

  /** Counted from before it is asked for, our time is over before the database's is. */
  async function takeLease(): Promise<Lease | undefined> {
    if (!isWilling) return undefined;
    const askedAt = instant();
    const taken = await ledger.lease(DISCORD, holder, LEASE_MS);
    if (!taken || !isWilling) return undefined;
    leasedAt = askedAt;
    clearTimeout(endTimer);
    endTimer = setTimeout(tellLead, Math.max(0, LEASE_MS - MARGIN_MS - sinceMs(askedAt)) + 1);
    endTimer.unref();
    return taken;
  }

  async function beat(): Promise<void> {
    const at = instant();
    await lookAtClock(0);
    const behind = await roster.behind();
    // One transaction: all three are asked for in one tick.
    const [{ alive, given: freed }, taken] = await Promise.all([
      members.beat(holder),
      held() || !standBack.isOn() ? takeLease() : undefined,
      roster.note({ clockAheadMs: aheadMs, behind }),
    ]);
    lease = taken;
    tellLead();
    if (freed > 0) log.warn({ effects: freed }, "another supervisor is gone; what it held is done here");
    if (!alive) {
      place = undefined;
      ({ epoch } = await members.join(self));
      log.warn({ epoch }, "this supervisor was away for so long that others gave up on it; it joined again");
    }
    place ??= await takePlace();
    heardAt = at;
    aheadMs = await followClock(base, ledger);
    if (aheadMs <= -MARGIN_MS) await lookAtClock(-aheadMs);
    const alives = new Set((await members.list()).map((member) => member.home));
    goneHomes.look(alives, await members.homesWithWork());
  }

  function tellLead(): void {
    const leads = held() !== undefined;
    if (leads === didLead) return;
    didLead = leads;
    log.info(
      { leads },
      leads ? "this supervisor leads on Discord" : "this supervisor leads on Discord no more",
    );
    for (const listener of listeners) listener(leads);
  }

  function next(ms: number): void {
    if (isStopped) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      let again = BEAT_MS;
      beating = beat()
        .catch((error: unknown) => {
          again = AGAIN_MS;
          log.error({ err: error }, "the database could not be told that we live");
        })
        .finally(() => {
          beating = undefined;
          tellLead();
          next(again);
        });
    }, ms);
  }

  async function giveBack(): Promise<void> {
    await beating;
    lease = undefined;
    tellLead();
    // Also where a beat took it just now; where another one has it, nothing changes.
    await ledger.lease(DISCORD, holder, 0);
  }

  next(BEAT_MS);
  const watching = watchVacancy({
    onFailed: (error) => log.warn({ err: error }, "it could not be seen whether anybody leads"),
    async isOpen() {
      if ((await members.list()).some(({ leads }) => leads.includes(DISCORD))) return false;
      return !standBack.isOn() || !canOthersLead(await roster.list(), now());
    },
    isOurBusiness: () => isWilling && held() === undefined,
    async onVacant() {
      if (beating || isStopped) return;
      lease = await takeLease();
      tellLead();
      // The beat ends whoever led, so that what it held goes on with us.
      if (!beating) next(0);
    },
  });
  await begin({
    name: "membership",
    async stop() {
      isStopped = true;
      watching.stop();
      clearTimeout(timer);
      clearTimeout(endTimer);
      await beating;
      // Where the database is away, the others notice by themselves.
      await members.leave(holder).catch((error: unknown) => log.warn({ err: error }, "left without a word"));
    },
  });
  const life = () => (sinceMs(heardAt) < LEASE_MS ? epoch : undefined);
  const ours = hostLanes(ledger, { home, holder, gone: goneHomes.list });
  return {
    ledger: onlyLeader(onlyAlive(ours, { life, place: () => place, now }), held),
    epoch: () => epoch,
    holder,
    shared: {
      home,
      host,
      secret,
      leads: () => held() !== undefined,
      term: () => held()?.epoch,
      async lead() {
        isWilling = true;
        lease = await takeLease();
        tellLead();
      },
      async resign() {
        isWilling = false;
        await giveBack();
      },
      giveBack,
      standBack,
      onLead(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      life,
      roster,
    },
  };
}

function membersOf({ members }: Ledger): Members {
  if (!members) throw new Error("this store cannot be shared");
  return members;
}

/** Compares the clocks by the quickest of a few questions; returns by how much the database's is ahead of ours. */
async function followClock(base: Base, ledger: Ledger): Promise<number> {
  let best: { readonly tookMs: number; readonly aheadMs: number } | undefined;
  for (let tries = 0; tries < CLOCK_TRIES; tries++) {
    const askedAt = base.now();
    const theirs = await ledger.now();
    const tookMs = base.now() - askedAt;
    if (!best || tookMs < best.tookMs) best = { tookMs, aheadMs: theirs - askedAt - tookMs / 2 };
  }
  const aheadMs = best?.aheadMs ?? 0;
  base.shiftClock(aheadMs);
  return Math.round(aheadMs);
}
