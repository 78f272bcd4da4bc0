import type { Outcome } from "../engine/loop.ts";
import type { ClaimedOf } from "../engine/perform.ts";
import type { QueueChannel } from "../engine/ports/queue-channel.ts";
import type { TaskClaims } from "../engine/ports/task-claims.ts";

/** What the loop asks of the Discord edge. */
export type DiscordPart = {
  readonly post: (effect: ClaimedOf<"post">) => Promise<Outcome>;
  readonly card: (effect: ClaimedOf<"card">) => Promise<Outcome>;
  /** An interaction that came by HTTP and was not finished by whoever took it. */
  readonly interaction: (effect: ClaimedOf<"interaction">) => Promise<Outcome>;
  readonly queue: QueueChannel;
  readonly isConnected: () => boolean;
} & TaskClaims;
