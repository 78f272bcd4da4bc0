import type { DeliveryInput, Receipt } from "../domain/delivery-types.ts";
import type { Delivery } from "../domain/effects.ts";
import type { ClaimedEffect } from "../engine/ports/ledger.ts";
import type { Crash, Log } from "../engine/ports/log.ts";
import { nonceOf } from "../kernel/id.ts";
import type { DeliveryPort } from "./delivery-port.ts";
import { isRefusedContent } from "./discord-failure.ts";
import { limitProblems } from "./limits.ts";
import { markOf } from "./marks.ts";
import { otherHistories, ownHistory } from "./own-history.ts";
import { bodyOf, type Payload, textsOf } from "./payload.ts";
import type { Places } from "./places.ts";
import { renderSafely } from "./render-lines.ts";
import type { DiscordRest } from "./rest.ts";
import { showFitting } from "./shorten.ts";

/** How long Discord surely remembers a nonce. It says "a few minutes". */
const NONCE_HOLDS_MS = 120_000;

/** Our own reports, and what agents wrote. */
const WORDS = /\.md$/;

/** Whether an earlier try may have left a message, and since when. */
export type Doubt = { readonly since: number };

/** An effect begun for the first time has sent nothing; every other one may have. */
export function doubtOf(
  effect: Pick<ClaimedEffect, "tries" | "begunBefore" | "createdAt" | "body">,
): Doubt | undefined {
  const { body } = effect;
  if (body.type === "post" && body.mayBeThereSince !== undefined) return { since: body.mayBeThereSince };
  if (effect.begunBefore === undefined && effect.tries <= 1) return undefined;
  return { since: effect.createdAt };
}

/** Whether what it may have left is older than Discord's memory of its nonce, whatever was tried since. Nobody knows it
 * when the clock was set back: then it counts as older. */
export function isOld({ since }: Doubt, now: number): boolean {
  return now < since || now - since >= NONCE_HOLDS_MS;
}

export type PostOnceDeps = {
  readonly rest: DiscordRest;
  readonly deliveries: DeliveryPort;
  readonly places: Places;
  readonly botId: () => string;
  readonly now: () => number;
  readonly log: Log;
  readonly crash: Crash;
};

export type PostOnce = {
  readonly delivery: Delivery;
  readonly channel: string;
  readonly parts: readonly Payload[];
  readonly effect: ClaimedEffect;
  /** Counted from here: a card that rolled over is part 1, 2, … */
  readonly firstPart?: number;
  readonly sent: "post:sent" | "card:sent";
  /** Brings a message that an earlier try may have left up to date, before it is recorded. */
  readonly refresh?: (at: Pick<Receipt, "channel" | "message">) => Promise<unknown>;
  /** It will be edited, so what is too long is shortened, and not posted as plain words with a file. */
  readonly isKeptUpToDate?: boolean;
};

/** `isRecorded`: the effect was ended by the commit of the last part. */
export type Posted = { readonly receipts: readonly Receipt[]; readonly isRecorded: boolean };

/**
 * Posts each part once and records it before the next one; the commit of the last part ends the effect.
 * A part with a receipt is skipped. While Discord remembers the nonce, a repeated POST is answered with the first
 * message; after that the channel's history is asked, and that of other places always. Throws `DiscordError` when
 * Discord did not take it.
 */
export function createPostOnce(deps: PostOnceDeps) {
  const { rest, deliveries, places, now, log, crash } = deps;

  return async function postOnce(job: PostOnce): Promise<Posted> {
    const { delivery, channel, effect, parts, firstPart = 0 } = job;
    const doubt = doubtOf(effect);
    // What follows a message of its own goes where that one is, which the receipts tell.
    if (firstPart === 0 && delivery.kind !== "reminder") await places.note(delivery.to, channel);
    const known = doubt || firstPart > 0 ? await deliveries.receipts(delivery.id) : [];
    const receipts: Receipt[] = [];
    let history: Awaited<ReturnType<typeof lookBack>> | undefined;
    let isRecorded = false;
    for (const [index, payload] of parts.entries()) {
      const part = firstPart + index;
      const earlier = known.find((receipt) => receipt.part === part);
      if (earlier) {
        receipts.push(earlier);
        continue;
      }
      if (doubt) history ??= await lookBack(job, doubt);
      const before = history?.find(({ mark }) => mark(markOf(delivery.id, part)));
      const message = before ?? (await post(job, part, payload));
      crash(job.sent);
      const at = { channel: before?.channel ?? channel, message: message.id };
      if (doubt) await job.refresh?.(at);
      const receipt: Receipt = {
        delivery: delivery.id,
        part,
        nonce: nonceOf(delivery.id, part),
        ...at,
        postedAt: Date.parse(message.timestamp) || now(),
      };
      receipts.push(receipt);
      const isLast = index === parts.length - 1;
      const input: DeliveryInput = { type: "part-posted", delivery, receipt, of: firstPart + parts.length };
      await deliveries.record(input, isLast ? [effect.id] : []);
      isRecorded = isLast;
    }
    return { receipts, isRecorded };
  };

  /** Our messages where an earlier try may have left it: elsewhere, and here when Discord may have forgotten its nonce. */
  async function lookBack({ channel, delivery }: PostOnce, doubt: Doubt): ReturnType<typeof ownHistory> {
    const elsewhere = await places.others(delivery.to, channel, doubt.since);
    const others = await otherHistories(rest, elsewhere, deps.botId(), doubt.since);
    if (!isOld(doubt, now())) return others;
    return [...(await ownHistory(rest, channel, deps.botId(), doubt.since)), ...others];
  }

  function post({ channel, delivery: { id }, isKeptUpToDate }: PostOnce, part: number, payload: Payload) {
    if (!isKeptUpToDate) return send(channel, id, part, payload);
    const shownAs = (fitting: Payload) => rest.post(channel, id, part, fitting);
    return showFitting(payload, shownAs, { log, delivery: id });
  }

  /** The designed message, or a plain one with everything in a file when Discord does not take that. */
  async function send(channel: string, delivery: string, part: number, payload: Payload) {
    const problems = limitProblems(payload);
    if (problems.length > 0) {
      log.error({ delivery, part, problems }, "a message breaks Discord's limits and is posted as a file");
      return plainly(channel, delivery, part, payload);
    }
    try {
      return await rest.post(channel, delivery, part, payload);
    } catch (thrown) {
      if (!isRefusedContent(thrown)) throw thrown;
      log.error(
        { delivery, part, failure: thrown.message },
        "Discord refused a message; it is posted as a file",
      );
      return plainly(channel, delivery, part, payload);
    }
  }

  /** As plain words with everything in a file; without other files than words where Discord does not take those. */
  async function plainly(channel: string, delivery: string, part: number, payload: Payload) {
    const words = textsOf(bodyOf(payload) as never).join("\n\n");
    try {
      return await rest.post(channel, delivery, part, renderSafely(delivery, part, payload, words));
    } catch (thrown) {
      const files = payload.files.filter(({ name }) => WORDS.test(name));
      const left = payload.files.filter(({ name }) => !WORDS.test(name)).map(({ name }) => name);
      if (!isRefusedContent(thrown) || left.length === 0) throw thrown;
      log.error(
        { delivery, part, left, failure: thrown.message },
        "Discord refused the files of a message; it is posted without them",
      );
      const whole = `${words}\n\nFiles that Discord did not take: ${left.join(", ")}`;
      return rest.post(channel, delivery, part, renderSafely(delivery, part, { ...payload, files }, whole));
    }
  }
}
