import type { Decider } from "../kernel/decider.ts";
import type { DeliveryEvent, DeliveryInput, DeliveryState } from "./delivery-types.ts";
import type { Effect } from "./effects.ts";

/**
 * One thing people must see. It exists from the commit that put its `post` effect into the outbox;
 * its stream begins with the first thing that happens to it.
 */
function decide(state: DeliveryState | undefined, input: DeliveryInput): readonly DeliveryEvent[] {
  switch (input.type) {
    case "batch":
      return state ? [] : [{ ...input, type: "delivery.batched" }];
    case "part-posted":
      if (state?.parts.some(({ part }) => part === input.receipt.part)) return [];
      return [{ ...input, type: "delivery.part-posted" }];
    case "trouble":
      if (state?.status === "posted" || state?.trouble === input.text) return [];
      return [{ ...input, type: "delivery.troubled" }];
  }
}

function evolve(state: DeliveryState | undefined, event: DeliveryEvent): DeliveryState {
  const { trouble: _, ...before } = state ?? {
    delivery: event.delivery,
    status: "pending" as const,
    parts: [],
  };
  switch (event.type) {
    case "delivery.batched":
      return { ...before, status: "pending", body: event.body };
    case "delivery.part-posted": {
      const parts = [...before.parts, event.receipt];
      return { ...before, parts, of: event.of, status: parts.length >= event.of ? "posted" : "pending" };
    }
    case "delivery.troubled":
      return { ...before, status: "troubled", trouble: event.text };
  }
}

function effects(_state: DeliveryState, event: DeliveryEvent): readonly Effect[] {
  if (event.type !== "delivery.batched") return [];
  return [{ body: { type: "post", delivery: event.delivery }, lane: "discord", dueAt: event.at }];
}

export const delivery: Decider<DeliveryState, DeliveryInput, DeliveryEvent, Effect> = {
  decide,
  evolve,
  effects,
};
