import type { Delivery } from "./effects.ts";

/** A message that people can see: the receipt of one part of a delivery. */
export type Receipt = {
  readonly delivery: string;
  readonly part: number;
  readonly nonce: string;
  readonly channel: string;
  readonly message: string;
  readonly postedAt: number;
};

export type DeliveryState = {
  readonly delivery: Delivery;
  /** What a batch says, agreed before the first POST. */
  readonly body?: string;
  readonly status: "pending" | "posted" | "troubled";
  readonly parts: readonly Receipt[];
  readonly of?: number;
  readonly trouble?: string;
};

export type DeliveryInput =
  /** `body` is what was agreed for a batch: it is never composed again. */
  | { readonly type: "batch"; readonly at: number; readonly delivery: Delivery; readonly body: string }
  | {
      readonly type: "part-posted";
      readonly delivery: Delivery;
      readonly receipt: Receipt;
      readonly of: number;
    }
  | { readonly type: "trouble"; readonly at: number; readonly delivery: Delivery; readonly text: string };

export type DeliveryEvent =
  | {
      readonly type: "delivery.batched";
      readonly at: number;
      readonly delivery: Delivery;
      readonly body: string;
    }
  | {
      readonly type: "delivery.part-posted";
      readonly delivery: Delivery;
      readonly receipt: Receipt;
      readonly of: number;
    }
  | {
      readonly type: "delivery.troubled";
      readonly at: number;
      readonly delivery: Delivery;
      readonly text: string;
    };
