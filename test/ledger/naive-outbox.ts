import type { ClaimRequest } from "../../src/engine/ports/ledger.ts";

type NaiveEffect = {
  readonly id: string;
  readonly stream: string;
  readonly lane: string;
  readonly slot?: { readonly lane: string; readonly attempt: number };
  readyAt: number;
  dueAt: number;
  begunAt?: number | undefined;
  begunBefore?: number | undefined;
  isHeld: boolean;
  epoch: number;
};
type NaiveSlot = { lane: string; stream: string; attempt: number; until: number; effect: string };

const DAY_MS = 24 * 3_600_000;

/** The outbox as one would write it without caring for speed: what the real one is compared with. */
export function createNaiveOutbox() {
  let effects: NaiveEffect[] = [];
  let slots: NaiveSlot[] = [];

  const holdsSlot = (effect: NaiveEffect, now: number) =>
    slots.find(
      (slot) =>
        slot.until > now &&
        slot.lane === effect.slot?.lane &&
        slot.stream === effect.stream &&
        slot.attempt === effect.slot.attempt,
    );

  /** Ids of what may be begun at an instant, in an order in which the slots go to the oldest. */
  function claim(request: Pick<ClaimRequest, "now" | "lanes" | "holdMs" | "epoch" | "capacity">) {
    const { now, holdMs } = request;
    const until = now + holdMs + DAY_MS;
    const due = effects.filter(
      (effect) => effect.readyAt <= now && (request.lanes as readonly string[]).includes(effect.lane),
    );
    const claimed: { id: string; begunBefore: number | undefined }[] = [];
    const take = (effect: NaiveEffect) => {
      const before = effect.begunBefore ?? effect.begunAt;
      Object.assign(effect, { begunBefore: before, begunAt: now, isHeld: true });
      Object.assign(effect, { readyAt: now + holdMs, epoch: request.epoch });
      claimed.push({ id: effect.id, begunBefore: before });
    };
    for (const effect of due) {
      const slot = holdsSlot(effect, now);
      if (!effect.slot || slot) take(effect);
      if (slot) slot.until = Math.max(slot.until, until);
    }
    for (const effect of due) {
      if (effect.readyAt > now || !effect.slot) continue;
      const { lane, attempt } = effect.slot;
      const taken = slots.filter((slot) => slot.lane === lane && slot.until > now).length;
      if (!holdsSlot(effect, now)) {
        if (taken >= request.capacity(lane)) continue;
        slots.push({ lane, stream: effect.stream, attempt, until, effect: effect.id });
      }
      take(effect);
    }
    return claimed;
  }

  return {
    claim,
    add: (effect: Pick<NaiveEffect, "id" | "stream" | "lane" | "slot" | "dueAt">) =>
      effects.push({ ...effect, readyAt: effect.dueAt, isHeld: false, epoch: 0 }),
    settle(id: string) {
      effects = effects.filter((effect) => effect.id !== id);
    },
    postpone(id: string, dueAt: number, stillBegun: boolean) {
      const effect = effects.find((one) => one.id === id);
      if (!effect) return;
      Object.assign(effect, { dueAt, readyAt: dueAt, isHeld: false });
      if (stillBegun) return;
      effect.begunAt = undefined;
      if (effect.begunBefore === undefined) slots = slots.filter((slot) => slot.effect !== id);
    },
    release(epoch: number): number {
      const given = effects.filter((effect) => effect.isHeld && effect.epoch < epoch);
      for (const effect of given) Object.assign(effect, { isHeld: false, readyAt: effect.dueAt });
      return given.length;
    },
    hold(stream: string, attempt: number, until: number | "free") {
      const isOurs = (slot: NaiveSlot) => slot.stream === stream && slot.attempt === attempt;
      if (until === "free") slots = slots.filter((slot) => !isOurs(slot));
      else for (const slot of slots.filter(isOurs)) slot.until = until;
    },
    ids: () => effects.map(({ id }) => id),
    /** Every instant at which something may change. */
    instants: () => [...effects.map(({ readyAt }) => readyAt), ...slots.map(({ until }) => until)],
    copy() {
      const other = createNaiveOutbox();
      other.restore(structuredClone({ effects, slots }));
      return other;
    },
    restore(memory: { effects: NaiveEffect[]; slots: NaiveSlot[] }) {
      ({ effects, slots } = memory);
    },
  };
}
