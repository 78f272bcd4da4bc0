import type { Delivery, EffectBody } from "./effects.ts";

/** A message that people can see: the receipt of one part of a delivery. */
export type Receipt = {
  readonly delivery: string;
  readonly part: number;
  readonly nonce: string;
  readonly channel: string;
  readonly message: string;
  readonly postedAt: number;
};

/** What asks people once more: the message in which they decide is shown, or the words that ask are posted. */
export type Question = Extract<EffectBody, { type: "card" | "post" }>;

export type DeliveryState = {
  readonly delivery: Delivery;
  /** What a batch says, agreed before the first POST. */
  readonly body?: string;
  readonly status: "pending" | "posted" | "troubled";
  readonly parts: readonly Receipt[];
  readonly of?: number;
  readonly trouble?: string;
  /** Messages that somebody deleted while people were asked in them. */
  readonly gone?: readonly string[];
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
  | { readonly type: "trouble"; readonly at: number; readonly delivery: Delivery; readonly text: string }
  /** Somebody deleted a message in which people are still asked. */
  | {
      readonly type: "gone";
      readonly at: number;
      readonly delivery: Pick<Delivery, "id">;
      readonly message: string;
      readonly question: Question;
    };

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
    }
  /** `times`: how often a message of this question was deleted, with this one. */
  | {
      readonly type: "delivery.gone";
      readonly at: number;
      readonly message: string;
      readonly question: Question;
      readonly times: number;
    };
