import type { Receipt } from "../../domain/delivery-types.ts";
import type { TracedEffect } from "../../domain/trace-types.ts";
import type { StreamKind } from "./ledger.ts";

/** An effect as the outbox keeps it, also long after it was done. */
export type KeptEffect = TracedEffect & { readonly stream: string };

/** What is needed to tell the story of one id; read when somebody asks for it, never on the way of the work. */
export type Trail = {
  /** All that was to follow the commits of a stream, done or not, oldest first. */
  readonly effectsOf: (stream: string, limit: number) => Promise<readonly KeptEffect[]>;
  /** The streams that name this one as their parent, in the order in which they began. */
  readonly childrenOf: (
    stream: string,
    limit: number,
  ) => Promise<readonly { readonly stream: string; readonly kind: StreamKind }[]>;
  /** Which deliveries a message in Discord shows. */
  readonly receiptsAt: (message: string) => Promise<readonly Receipt[]>;
};
