import type { Finding } from "../domain/audit-types.ts";
import { MEND } from "../domain/audit-ways.ts";
import { deliverySubject } from "../domain/delivery-id.ts";
import type { Receipt } from "../domain/delivery-types.ts";
import type { Delivery } from "../domain/effects.ts";
import { nonceOf } from "../kernel/id.ts";
import type { FoundDeliveries } from "./found-deliveries.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { AgreedBatch, PostedMessage, PostedMessages } from "./ports/posted.ts";

const LOG = /\/log(?:~[^/]+)?$/;

/** Where a line can be read; `counting`: how many lines have that message as their receipt. */
type Place = { readonly channel: string; readonly message: string; readonly counting: number };
/** A line beside the one that its receipt names. */
type Surplus = { readonly receipt: Receipt; readonly places: Place[] };
type Missing = { readonly receipt: Receipt; readonly batch: string; readonly to?: Delivery["to"] };

/**
 * Compares the lines inside messages for many with the receipts: each stands once, where its receipt says. Only what
 * does not fit is remembered until all channels were looked at, since a line may be missing here and stand elsewhere.
 */
export function createLinesAudit(deps: {
  readonly ledger: Pick<Ledger, "receipts" | "trail" | "events" | "upkeep">;
  readonly posted: Pick<PostedMessages, "lines" | "page">;
  readonly found: FoundDeliveries;
}) {
  const { ledger, posted, found } = deps;
  const surplus = new Map<string, Surplus>();
  const missing = new Map<string, Missing>();
  const sure: Finding[] = [];

  /** Read past the cache of streams: the words of many batches would fill it. */
  async function agreedOf(batch: string): Promise<(AgreedBatch & Pick<Delivery, "to">) | undefined> {
    const [event] = await ledger.events({ stream: batch, types: ["delivery.batched"], limit: 1 });
    if (!event) return undefined;
    const { delivery, body } = event.body as { readonly delivery: Delivery; readonly body: string };
    return { members: delivery.members ?? [], body, to: delivery.to };
  }

  /** A log line names its delivery; a report names only its subject, and a run may have several. */
  async function isTold(delivery: string): Promise<boolean> {
    if (LOG.test(delivery)) return true;
    const subject = deliverySubject(delivery);
    return (await ledger.upkeep.standings([subject])).get(subject)?.kind === "delegation";
  }

  async function look(channel: string, { message, mark, shown, at }: PostedMessage): Promise<void> {
    if (!mark || !shown) return;
    const batch = mark.delivery;
    const agreed = await agreedOf(batch);
    const lines = await posted.lines(shown, agreed);
    if (!lines) return;
    const own = (await ledger.trail.receiptsAt(message)).filter(({ delivery }) => delivery !== batch);
    const receipts = new Map(own.map((receipt) => [receipt.delivery, receipt]));
    const to = agreed ? { to: agreed.to } : {};
    const absent = own.filter(({ delivery }) => {
      return (agreed !== undefined || LOG.test(delivery)) && (lines.get(delivery) ?? 0) === 0;
    });
    for (const receipt of absent) missing.set(receipt.delivery, { receipt, batch, ...to });
    const counting = own.length - absent.length;
    for (const [delivery, times] of lines) {
      const here = receipts.get(delivery);
      const spare = here ? times - 1 : times;
      if (spare <= 0 || !(agreed || (await isTold(delivery)))) continue;
      const receipt = here ?? (await ledger.receipts(delivery))[0];
      if (receipt) {
        const known = surplus.get(delivery) ?? { receipt, places: [] };
        const place = { channel, message, counting };
        known.places.push(...Array.from({ length: spare }, () => place));
        surplus.set(delivery, known);
      } else if (!(await found.isUnderWay(batch, batch))) {
        const put = { delivery, part: 0, nonce: nonceOf(batch, 0), channel, message, postedAt: at };
        const reason = `its line stands in the message ${message} of ${batch}, and its receipt is not there`;
        sure.push(...(await found.withoutReceipt(put, reason, { of: 1, ...to })));
      }
    }
  }

  /** What is surplus only if the line that counts is there as well. */
  async function twice(delivery: string, { receipt, places }: Surplus): Promise<readonly Finding[]> {
    const counts = !missing.has(delivery) && (await isThere(receipt));
    const [first, ...rest] = counts ? [receipt, ...places] : places;
    const isPlace = (place: Receipt | Place): place is Place => "counting" in place;
    return rest.filter(isPlace).map(({ channel, message, counting }) => {
      const where =
        message === first?.message
          ? `its line stands twice in the message ${message}`
          : `its line was posted twice: in the message ${first?.message} of the channel ${first?.channel}, and in ${message} of the channel ${channel}`;
      const after =
        counting > 0 ? `; \`${MEND}\` then posts the ${counting} lines again that stand only there` : "";
      const mend = `delete the message ${message} in the channel ${channel} by hand${after}`;
      return { fault: "doubled", id: delivery, of: deliverySubject(delivery), reason: where, mend };
    });
  }

  const asked = new Map<string, Promise<boolean>>();
  function isThere({ channel, message }: Receipt): Promise<boolean> {
    const answer =
      asked.get(message) ??
      posted
        .page(channel, String(BigInt(message) + 1n))
        .then(({ items }) => items.some((item) => item.message === message));
    asked.set(message, answer);
    return answer;
  }

  return {
    look,
    /** Asked of Discord itself, once for each message. */
    isThere,
    /** Its receipt names a message that is gone, and people can read it in another one. */
    standsElsewhere: (delivery: string) => surplus.has(delivery),
    async found(): Promise<readonly Finding[]> {
      for (const [delivery, places] of surplus) sure.push(...(await twice(delivery, places)));
      for (const [delivery, { receipt, batch, to }] of missing) {
        if (surplus.has(delivery)) continue;
        const reason = `its line is not in the message ${receipt.message} of ${batch}, which its receipt names`;
        sure.push(...(await found.withoutWords(receipt, reason, to)));
      }
      return sure;
    },
  };
}
