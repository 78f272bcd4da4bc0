import type { Receipt } from "../domain/delivery-types.ts";
import type { Delivery } from "../domain/effects.ts";
import type { Outcome } from "../engine/loop.ts";
import type { ClaimedOf } from "../engine/perform.ts";
import { createCardAddresses } from "./card-addresses.ts";
import type { ChannelDirectory } from "./channels.ts";
import { DISCORD_CODES, DiscordError, type DiscordFailure } from "./discord-failure.ts";
import { type Face, type FaceOf, faceDelivery } from "./faces.ts";
import { type GatePlace, placeOf } from "./gate-place.ts";
import { type Payload, payloadKey } from "./payload.ts";
import { createPlaceless } from "./placeless.ts";
import { createPostOnce, type PostOnceDeps } from "./post-once.ts";
import { planRetry, planUnknownGuild } from "./retry-plan.ts";
import { createEditFitting } from "./shorten.ts";
import { hasButtons, isChannelGone, isDeleted, messageAt } from "./still-there.ts";
import type { Sending, WriteGuard } from "./write-guard.ts";

/** Messages older than an hour are edited slowly: about three edits in six seconds for a whole channel. */
const ROLL_OVER_MS = 55 * 60_000;
const MOST_REMEMBERED = 5000;
const MOST_COMPARED = 50;
const MOST_TRIES_CLOSED = 288;

type Shown = { readonly key: string; readonly status: string; readonly editedAt: number };
/** What a card is shown for: an effect of the outbox, or nothing but its own sake. */
type Wish = Pick<ClaimedOf<"card">, "body" | "tries"> & { readonly effect?: ClaimedOf<"card"> };
type Waiting = {
  readonly wish: Wish;
  readonly send: Sending;
  readonly finish: (outcome: Outcome) => void;
  readonly fail: (error: unknown) => void;
};
/** A channel: by delivery, the effects that ask for its message to be brought up to date. */
type Desk = { readonly cards: Map<string, Waiting[]>; pump: Promise<void> | undefined };

export type CardsDeps = PostOnceDeps & {
  readonly channels: ChannelDirectory;
  readonly guildId: string;
  readonly cardEditMs: () => number;
  readonly batchAbove: () => number;
  readonly faceOf: FaceOf;
  readonly gatePlace: GatePlace;
  readonly guard: WriteGuard;
  readonly onFailure: (failure: DiscordFailure) => void;
};

export type Cards = {
  readonly card: (effect: ClaimedOf<"card">) => Promise<Outcome>;
  /** Shows again what is already shown: somebody else may have edited it last, and late. */
  readonly showAnew: (body: ClaimedOf<"card">["body"]) => Promise<void>;
  /** The address of a delegation's or run's card, as soon as there is one; undefined after `withinMs`. */
  readonly addressOf: (run: string, withinMs: number) => Promise<string | undefined>;
  /** Why what waits for people is shown nowhere. */
  readonly placeless: () => readonly string[];
  readonly stop: () => Promise<void>;
};

/**
 * One live card per delegation, run and gate. The newest state wins; one request per channel at a time, new states
 * before new words; a card that a person deleted stays deleted, one that waits for people is posted anew.
 */
export function createCards(deps: CardsDeps): Cards {
  const { rest, deliveries, channels, now, log, crash } = deps;
  const desks = new Map<string, Desk>();
  const shown = new Map<string, Shown>();
  const gone = new Set<string>();
  const placeless = createPlaceless(deps);
  const addresses = createCardAddresses(deps);
  const postOnce = createPostOnce(deps);
  const editFitting = createEditFitting(deps);
  let stopping = false;
  /** In a row, of Discord. */
  let failures = 0;

  async function card(effect: ClaimedOf<"card">): Promise<Outcome> {
    const send = deps.guard.claimed("leader");
    crash("card:claimed");
    const { run, to, gate, round } = effect.body;
    const channel =
      gate && channels.isKnown() ? await deps.gatePlace(run, gate, to) : placeOf(channels, to, round);
    if (!channels.isKnown()) return planUnknownGuild(now());
    if (stopping) return { kind: "again", dueAt: now(), reason: "stopping" };
    const delivery = faceDelivery(effect.body);
    if (!channel) {
      const { isGate, isSettled } = await deps.faceOf(effect.body);
      return isGate && !isSettled ? placeless.waits(delivery) : placeless.leftOut(delivery);
    }
    if (gone.has(delivery)) return { kind: "done", outcome: "a person deleted the card" };
    return atDesk(channel.id, delivery, { wish: { ...effect, effect }, send });
  }

  function atDesk(channel: string, delivery: string, given: Pick<Waiting, "wish" | "send">) {
    return new Promise<Outcome>((finish, fail) => {
      const desk: Desk = desks.get(channel) ?? { cards: new Map(), pump: undefined };
      desks.set(channel, desk);
      const waiting = desk.cards.get(delivery) ?? [];
      waiting.push({ ...given, finish, fail });
      desk.cards.set(delivery, waiting);
      desk.pump ??= pump(channel, desk);
    });
  }

  async function showAnew(body: ClaimedOf<"card">["body"]): Promise<void> {
    const send = deps.guard.claimed("leader");
    const delivery = faceDelivery(body);
    const latest = (await deliveries.receipts(delivery)).toSorted((a, b) => a.part - b.part).at(-1);
    if (latest && !stopping) await atDesk(latest.channel, delivery, { wish: { body, tries: 1 }, send });
  }

  async function pump(channel: string, desk: Desk): Promise<void> {
    await new Promise(setImmediate);
    while (desk.cards.size > 0) {
      const delivery = await nextCard(desk);
      const waiting = desk.cards.get(delivery) ?? [];
      desk.cards.delete(delivery);
      try {
        // Only an effect can post what is not there yet, or be tried again.
        const first = waiting.find(({ wish }) => wish.effect) ?? waiting[0];
        if (!first) continue;
        const outcome = await first.send(() => show(channel, delivery, first.wish, desk.cards.size));
        // One effect stands for all: the newest state is shown by it, now or when it comes again.
        for (const one of waiting) {
          one.finish(one === first ? outcome : { kind: "done", outcome: "shown by another" });
        }
      } catch (error) {
        for (const { fail } of waiting) fail(error);
      }
    }
    desk.pump = undefined;
  }

  /** A gate that opens goes first: people wait for it. Then cards that settled, new states, and other words. */
  async function nextCard(desk: Desk): Promise<string> {
    const some = [...desk.cards].slice(0, MOST_COMPARED);
    if (some.length === 1) return some[0]?.[0] ?? "";
    const rankOf = async (delivery: string, waiting: readonly Waiting[]) => {
      const body = waiting[0]?.wish.body;
      if (!body) return 3;
      const { status, isSettled, isGate } = await deps.faceOf(body);
      if (isGate && shown.get(delivery)?.status !== status) return 0;
      if (shown.get(delivery)?.status === status) return 3;
      return shown.has(delivery) && isSettled ? 1 : 2;
    };
    const ranks = await Promise.allSettled(some.map(([delivery, waiting]) => rankOf(delivery, waiting)));
    const ranked = some.map(([delivery], index) => {
      const rank = ranks[index];
      return { delivery, rank: rank?.status === "fulfilled" ? rank.value : 2 };
    });
    return ranked.sort((a, b) => a.rank - b.rank)[0]?.delivery ?? "";
  }

  async function show(channel: string, delivery: string, wish: Wish, others: number): Promise<Outcome> {
    const { effect } = wish;
    const face = await deps.faceOf(wish.body);
    const receipts = [...(await deliveries.receipts(delivery))].sort((a, b) => a.part - b.part);
    const latest = receipts.at(-1);
    try {
      if (!latest) {
        if (!effect) return { kind: "done", outcome: "nothing to show" };
        if (face.isClaim) return { kind: "done", outcome: "the task has no card" };
        if (face.isSettled && !face.isGate && others >= deps.batchAbove()) {
          return { kind: "done", outcome: "settled before its card, among many" };
        }
        return await first(channel, delivery, face, effect, 0);
      }
      addresses.hear(latest);
      const isOld = now() - rest.aheadMs() - latest.postedAt > ROLL_OVER_MS;
      if (effect && !face.isSettled && !face.isGate && isOld) return await rollOver(face, effect, latest);
      if (face.isPast && !(await hasButtons(rest, latest))) {
        return { kind: "done", outcome: "it says who decided" };
      }
      const older = receipts.at(-2);
      if (older && !face.isGate && !shown.has(delivery)) await pointOn(face, older, latest);
      const isAsking = face.isGate && !face.isSettled;
      try {
        return await edit(face, latest, isAsking);
      } catch (thrown) {
        if (isChannelGone(thrown) && !isAsking) return { kind: "done", outcome: "its channel was deleted" };
        const isGone = isDeleted(thrown) || (isChannelGone(thrown) && channel !== latest.channel);
        if (!isGone || !isAsking || !effect) throw thrown;
        log.info({ question: delivery }, "a person deleted what waits for people; it is posted anew");
        return await first(channel, delivery, face, effect, latest.part + 1);
      }
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      return failed(delivery, wish, thrown.failure, latest !== undefined && face.isSettled);
    }
  }

  async function first(
    channel: string,
    id: string,
    face: Face,
    effect: ClaimedOf<"card">,
    part: number,
  ): Promise<Outcome> {
    const payload = face.render({ part, ...resultsPlace() });
    const { run, to } = effect.body;
    const delivery: Delivery = { id, kind: "notice", to, subject: run };
    const { receipts, isRecorded } = await postOnce({
      delivery,
      channel,
      parts: [payload],
      effect,
      firstPart: part,
      sent: "card:sent",
      refresh: (at) => editFitting({ ...at, delivery: id }, payload),
      isKeptUpToDate: true,
    });
    remember(id, face, payload);
    placeless.delete(id);
    for (const receipt of receipts) addresses.hear(receipt);
    return isRecorded ? { kind: "recorded" } : { kind: "done", outcome: "posted before" };
  }

  /** A new card below; the old one says where it went on. */
  async function rollOver(face: Face, effect: ClaimedOf<"card">, old: Receipt): Promise<Outcome> {
    const part = old.part + 1;
    const outcome = await first(old.channel, old.delivery, face, effect, part);
    const next = (await deliveries.receipts(old.delivery)).find((receipt) => receipt.part === part);
    if (next) await pointOn(face, old, next);
    return outcome;
  }

  async function pointOn(face: Face, old: Receipt, next: Receipt): Promise<void> {
    const moved = face.render({ part: old.part, movedTo: addresses.of(next) });
    await editFitting(old, moved).catch((thrown: unknown) => {
      if (!(thrown instanceof DiscordError)) throw thrown;
      log.info({ card: old.delivery, failure: thrown.message }, "an older card could not be pointed on");
    });
  }

  async function edit(face: Face, at: Receipt, isAsking: boolean): Promise<Outcome> {
    const payload = face.render({ part: at.part, ...resultsPlace() });
    const before = shown.get(at.delivery);
    if (before?.key === payloadKey(payload)) {
      if (isAsking) await messageAt(rest, at);
      return { kind: "done", outcome: "unchanged" };
    }
    const readyAt = (before?.editedAt ?? 0) + deps.cardEditMs();
    if (before && before.status === face.status && now() < readyAt) {
      return { kind: "again", dueAt: readyAt, reason: "edits of one card keep a distance" };
    }
    await editFitting(at, payload);
    crash("card:sent");
    remember(at.delivery, face, payload);
    return { kind: "done", outcome: "edited" };
  }

  function failed(delivery: string, wish: Wish, failure: DiscordFailure, isEnd: boolean): Outcome {
    deps.onFailure(failure);
    if (failure.code === DISCORD_CODES.unknownMessage) {
      gone.add(delivery);
      log.info({ card: delivery }, "a person deleted a card; it is not posted again");
      return { kind: "done", outcome: "a person deleted the card" };
    }
    // The result has its own channel: only a gate, and for a day the end of a card's work, waits for a closed place.
    const isSlow = failure.code === DISCORD_CODES.tooManyOldEdits;
    const isClosed = failure.kind === "unreachable-place" && !(isEnd && wish.tries < MOST_TRIES_CLOSED);
    const isHopeless = isClosed || failure.kind === "refused";
    if (!isSlow && isHopeless && !wish.body.gate) {
      log.warn({ card: delivery, failure: failure.text }, "a card is left out");
      return { kind: "done", outcome: failure.text };
    }
    const seen: DiscordFailure = isSlow ? { kind: "unsure", text: failure.text } : failure;
    const { outcome } = planRetry(seen, { tries: wish.tries, failures: ++failures }, now());
    log.warn({ card: delivery, dueAt: outcome.dueAt, reason: outcome.reason }, "a card is tried again later");
    return outcome;
  }

  function resultsPlace(): { readonly results?: string } {
    const results = channels.forRole("results");
    return results ? { results: results.id } : {};
  }

  function remember(delivery: string, face: Face, payload: Payload): void {
    failures = 0;
    shown.delete(delivery);
    shown.set(delivery, { key: payloadKey(payload), status: face.status, editedAt: now() });
    const oldest = shown.keys().next();
    if (shown.size > MOST_REMEMBERED && !oldest.done) shown.delete(oldest.value);
  }

  return {
    card,
    showAnew,
    addressOf: addresses.hoped,
    placeless: placeless.all,
    async stop() {
      stopping = true;
      addresses.stop();
      for (const desk of desks.values()) {
        const waiting = [...desk.cards.values()].flat();
        desk.cards.clear();
        for (const { finish } of waiting) finish({ kind: "again", dueAt: now(), reason: "stopping" });
      }
      for (const desk of desks.values()) await desk.pump;
    },
  };
}
