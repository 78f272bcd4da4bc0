import type { Finding } from "../domain/audit-types.ts";
import { deliverySubject } from "../domain/delivery-id.ts";
import type { Receipt } from "../domain/delivery-types.ts";
import type { Delivery } from "../domain/effects.ts";
import { nonceOf } from "../kernel/id.ts";
import type { Engine } from "./accept.ts";
import { createLinesAudit } from "./audit-lines.ts";
import { createFoundDeliveries } from "./found-deliveries.ts";
import { clearedMessages } from "./note-cleared.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { PostedMessage, PostedMessages } from "./ports/posted.ts";

const RECEIPTS = 2000;
const CLOCK_SKEW_MS = 60_000;
/** Cards and gates are kept up to date as long as they are there; one that a person deleted stays deleted. */
const FACE = /\/(card|gate-[^/]+|proposals-\d+)$/;

/** The messages of one channel that were seen, newest first: eight bytes each. */
type Walked = { readonly ids: BigUint64Array; readonly count: number; readonly reachedAt: number };

export type ChannelsLooked = { readonly channels: number; readonly messages: number };

/**
 * Compares the receipts with the messages of each channel they name, both ways, and with each line of those for many.
 * What is found is asked again at the end, since people and the supervisor go on posting meanwhile.
 */
export function createDiscordAudit(deps: {
  readonly ledger: Pick<Ledger, "upkeep" | "receipts" | "trail" | "events">;
  readonly engine: Pick<Engine, "read">;
  readonly posted: PostedMessages;
  readonly now: () => number;
}) {
  const { ledger, engine, posted } = deps;
  const deliveries = createFoundDeliveries(deps);
  const lines = createLinesAudit({ ledger, posted, found: deliveries });

  async function* receipts(since?: number): AsyncGenerator<readonly Receipt[]> {
    for (let after: string | undefined; ; ) {
      const page = await ledger.upkeep.receipts({ limit: RECEIPTS, ...(after ? { after } : {}) });
      yield since === undefined ? page.items : page.items.filter(({ postedAt }) => postedAt >= since);
      after = page.next;
      if (after === undefined) return;
    }
  }

  async function walk(channel: string, from: number, found: Finding[]): Promise<Walked | undefined> {
    let ids = new BigUint64Array(1024);
    let count = 0;
    let reachedAt = Number.POSITIVE_INFINITY;
    for (let before: string | undefined; ; ) {
      const page = await posted.page(channel, before);
      if (page.isGone) return undefined;
      for (const item of page.items) {
        if (count === ids.length) {
          const more = new BigUint64Array(ids.length * 2);
          more.set(ids);
          ids = more;
        }
        ids[count++] = BigInt(item.message);
        if (item.at < from) continue;
        const faults = await judge(channel, item);
        found.push(...faults);
        if (faults.every(({ fault }) => fault !== "doubled")) await lines.look(channel, item);
      }
      reachedAt = page.oldest?.at ?? 0;
      before = page.oldest?.message;
      if (before === undefined || reachedAt < from - CLOCK_SKEW_MS) return { ids, count, reachedAt };
    }
  }

  /** A message that says of which delivery it is a part, against the receipt of that part. */
  async function judge(channel: string, { message, mark, at }: PostedMessage): Promise<readonly Finding[]> {
    if (!mark) return [];
    const { delivery, part } = mark;
    const known = await ledger.receipts(delivery);
    const receipt = known.find((each) => each.part === part);
    if (receipt?.message === message) return [];
    const of = deliverySubject(delivery);
    const name = part > 0 ? `part ${part + 1} of ${delivery}` : delivery;
    if (receipt) {
      const reason = `${name} was posted twice: ${receipt.message} is the one that counts, ${message} another one`;
      const mend = `delete the message ${message} in the channel ${channel} by hand`;
      return [{ fault: "doubled", id: delivery, of, reason, mend }];
    }
    const put: Receipt = { delivery, part, nonce: nonceOf(delivery, part), channel, message, postedAt: at };
    const reason = `the message ${message} of ${name} is there, and its receipt is not`;
    return deliveries.withoutReceipt(put, reason, { of: Math.max(part + 1, known.length) });
  }

  /** A receipt of which the message is not there any more. */
  async function gone(receipt: Receipt): Promise<readonly Finding[]> {
    const { delivery, channel, message } = receipt;
    if (FACE.test(delivery) || lines.standsElsewhere(delivery)) return [];
    const state = await engine.read("delivery", delivery);
    // A message for many is posted again as what it carried.
    if (state?.delivery.kind === "batch") return [];
    // What asks people was asked anew.
    if (state?.gone?.includes(message)) return [];
    const shared = state ? undefined : await batchOf(message);
    const reason = `it was posted, and its message ${message} was deleted from the channel ${channel}`;
    return deliveries.withoutWords(receipt, reason, state?.delivery ?? shared?.to);
  }

  async function batchOf(message: string): Promise<Delivery | undefined> {
    for (const { delivery } of await ledger.trail.receiptsAt(message)) {
      const state = await engine.read("delivery", delivery);
      if (state?.delivery.kind === "batch") return state.delivery;
    }
    return undefined;
  }

  /** Once: what it remembers of lines is of this one look. */
  return async function auditDiscord(
    since?: number,
  ): Promise<ChannelsLooked & { readonly findings: readonly Finding[] }> {
    const oldest = new Map<string, number>();
    for await (const page of receipts(since)) {
      for (const { channel, postedAt } of page)
        oldest.set(channel, Math.min(postedAt, oldest.get(channel) ?? postedAt));
    }
    const found: Finding[] = [];
    const walked = new Map<string, Walked>();
    let messages = 0;
    for (const [channel, at] of oldest) {
      const seen = await walk(channel, since ?? at - CLOCK_SKEW_MS, found);
      if (!seen) continue;
      walked.set(channel, seen);
      messages += seen.count;
    }
    const cleared = await clearedMessages(ledger);
    for await (const page of receipts(since)) {
      for (const receipt of page) {
        if (cleared.has(receipt.message)) continue;
        const seen = walked.get(receipt.channel);
        if (!seen || receipt.postedAt < seen.reachedAt || has(seen, receipt.message)) continue;
        // Posted after the channel was walked, or the newest of it and deleted.
        if (newest(seen) < BigInt(receipt.message) && (await lines.isThere(receipt))) continue;
        found.push(...(await gone(receipt)));
      }
    }
    found.push(...(await lines.found()));
    const sure: Finding[] = [];
    for (const finding of found) if (await isStillSo(finding)) sure.push(finding);
    return { findings: sure, channels: walked.size, messages };
  };

  async function isStillSo({ act }: Finding): Promise<boolean> {
    if (act?.type !== "receipt") return true;
    const { delivery, part } = act.receipt;
    return !(await ledger.receipts(delivery)).some((receipt) => receipt.part === part);
  }
}

function has({ ids, count }: Walked, message: string): boolean {
  const wanted = BigInt(message);
  let low = 0;
  let high = count - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const id = ids[middle] ?? 0n;
    if (id === wanted) return true;
    if (id > wanted) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}

function newest({ ids, count }: Walked): bigint {
  return count > 0 ? (ids[0] ?? 0n) : 0n;
}
