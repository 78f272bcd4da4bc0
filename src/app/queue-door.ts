import type { QueueChannel } from "../engine/ports/queue-channel.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { DiscordPart } from "./discord-part.ts";
import type { Elsewhere } from "./elsewhere.ts";

/** The queue's channel for doors that are not Discord. Whoever leads changes it; anybody reads it. */
export function createQueueDoor(deps: {
  /** Sees to it that there is a Discord edge where one is made only when it is asked for. */
  readonly connect?: () => Promise<void>;
  /** The Discord edge, once there is one. */
  readonly discord: () => DiscordPart | undefined;
  readonly elsewhere?: Elsewhere;
}) {
  const elsewhere: Elsewhere = deps.elsewhere ?? (async () => undefined);

  async function find(): Promise<DiscordPart | undefined> {
    await deps.connect?.();
    return deps.discord();
  }

  const notConnected = () =>
    new Refusal("no_discord", "The task queue lives in Discord, which is not connected.", {
      hint: "`hq doctor` says why; an agent can be asked without Discord: `hq delegate`.",
    });

  return {
    elsewhere,
    async queueChannel(): Promise<QueueChannel> {
      const part = await find();
      if (part?.isConnected()) return part.queue;
      throw (await elsewhere()) ?? notConnected();
    },
    async queueReader(): Promise<Pick<QueueChannel, "readBack">> {
      const part = await find();
      if (part?.isConnected()) return part.queue;
      const led = await elsewhere();
      if (part && led) return part.queue;
      throw led ?? notConnected();
    },
  };
}
