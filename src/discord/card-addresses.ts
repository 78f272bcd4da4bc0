import type { Receipt } from "../domain/delivery-types.ts";
import type { DeliveryPort } from "./delivery-port.ts";
import { cardDelivery } from "./render-card.ts";

type Heard = (receipt: Receipt | undefined) => void;

/** Where cards can be opened, for whoever asked for one that may only be on its way. */
export function createCardAddresses(deps: {
  readonly deliveries: Pick<DeliveryPort, "receipts" | "onPosted">;
  readonly guildId: string;
}) {
  const hopes = new Map<string, Heard[]>();

  function hear(receipt: Receipt): void {
    const waiting = hopes.get(receipt.delivery) ?? [];
    hopes.delete(receipt.delivery);
    for (const resolve of waiting) resolve(receipt);
  }

  function of({ channel, message }: Receipt): string {
    return `https://discord.com/channels/${deps.guildId}/${channel}/${message}`;
  }

  return {
    hear,
    of,
    /** As soon as there is one; undefined after `withinMs`. */
    async hoped(run: string, withinMs: number): Promise<string | undefined> {
      const delivery = cardDelivery(run);
      let timer: NodeJS.Timeout | undefined;
      const hoped = new Promise<Receipt | undefined>((resolve) => {
        hopes.set(delivery, [...(hopes.get(delivery) ?? []), resolve]);
        timer = setTimeout(() => resolve(undefined), withinMs);
      });
      const unhear = deps.deliveries.onPosted?.(delivery, hear);
      const known = (await deps.deliveries.receipts(delivery)).at(-1);
      if (known) hear(known);
      const receipt = await hoped;
      unhear?.();
      clearTimeout(timer);
      hopes.delete(delivery);
      return receipt ? of(receipt) : undefined;
    },
    stop(): void {
      for (const resolve of [...hopes.values()].flat()) resolve(undefined);
    },
  };
}
