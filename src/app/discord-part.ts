import type { Outcome } from "../engine/loop.ts";
import type { ClaimedOf } from "../engine/perform.ts";

/** What the loop asks of the Discord edge. */
export type DiscordPart = {
  readonly post: (effect: ClaimedOf<"post">) => Promise<Outcome>;
  readonly card: (effect: ClaimedOf<"card">) => Promise<Outcome>;
};
