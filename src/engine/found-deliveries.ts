import { unseen } from "../domain/audit-posts.ts";
import type { Finding } from "../domain/audit-types.ts";
import { ACCEPT, MEND } from "../domain/audit-ways.ts";
import { deliverySubject, deliveryWhat } from "../domain/delivery-id.ts";
import type { Receipt } from "../domain/delivery-types.ts";
import type { Delivery, DeliveryTarget } from "../domain/effects.ts";
import type { Engine } from "./accept.ts";
import type { Ledger } from "./ports/ledger.ts";

const MOST_EFFECTS = 1000;
/** A delivery that was posted once more, since its message was gone. */
const AGAIN = "~again";

/** What is found of a delivery when its words and its receipt do not fit together. */
export function createFoundDeliveries(deps: {
  readonly ledger: Pick<Ledger, "upkeep" | "receipts" | "trail">;
  readonly engine: Pick<Engine, "read">;
  readonly now: () => number;
}) {
  const { ledger, engine } = deps;

  async function isUnderWay(subject: string, delivery: string): Promise<boolean> {
    const effects = await ledger.trail.effectsOf(subject, MOST_EFFECTS);
    return effects.some(({ body, settledAt }) => {
      if (settledAt !== undefined) return false;
      return body.type === "card" || (body.type === "post" && body.delivery.id === delivery);
    });
  }

  return {
    isUnderWay,
    /** People can read it, and no receipt says so. `of`: how many parts it has at least. */
    async withoutReceipt(
      receipt: Receipt,
      reason: string,
      { of, to }: { readonly of: number; readonly to?: DeliveryTarget },
    ): Promise<readonly Finding[]> {
      const { delivery, channel } = receipt;
      const subject = deliverySubject(delivery);
      const standing = await ledger.upkeep.standings([subject]);
      // Of another supervisor, or older than what was kept.
      if (!standing.has(subject) || (await isUnderWay(subject, delivery))) return [];
      const stored = (await engine.read("delivery", delivery))?.delivery;
      const told = stored ?? { id: delivery, kind: kindOf(delivery), to: to ?? { channel }, subject };
      const act = { type: "receipt", delivery: told, receipt, of } as const;
      return [{ fault: "unseen", id: delivery, of: subject, reason, mend: MEND, act }];
    },
    /** Its receipt names a message in which nobody can read it: it is posted once more. */
    async withoutWords(
      { delivery, channel, message, postedAt }: Receipt,
      reason: string,
      known?: Delivery | DeliveryTarget,
    ): Promise<readonly Finding[]> {
      const again = `${delivery}${AGAIN}`;
      if ((await ledger.receipts(again)).length > 0) return [];
      const subject = deliverySubject(delivery);
      if (await isUnderWay(subject, again)) return [];
      const before: Delivery =
        known && "id" in known
          ? known
          : { id: delivery, kind: kindOf(delivery), to: known ?? { channel }, subject };
      const finding = unseen({ ...before, id: again }, postedAt, deps.now());
      const mend = `${MEND}, or, when that is well: ${ACCEPT} ${delivery}`;
      return [{ ...finding, id: delivery, of: subject, reason, mend, gone: message }];
    },
  };
}

export type FoundDeliveries = ReturnType<typeof createFoundDeliveries>;

function kindOf(delivery: string): Delivery["kind"] {
  const name = deliveryWhat(delivery);
  return (["result", "log", "spawned", "finished"] as const).find((kind) => kind === name) ?? "notice";
}
