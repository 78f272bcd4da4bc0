import type { PostedMessages } from "../engine/ports/posted.ts";
import { DiscordError } from "./discord-failure.ts";
import { markIn } from "./marks.ts";
import type { DiscordRest } from "./rest.ts";

const PAGE = 100;

/** Our own messages of a channel with the marks that end them, for whoever compares them with the receipts. */
export function createPosted(deps: {
  readonly rest: DiscordRest;
  readonly botId: () => string;
  readonly isConnected: () => boolean;
}): PostedMessages {
  return {
    isConnected: deps.isConnected,
    async page(channel, before) {
      try {
        const all = await deps.rest.history(channel, { limit: PAGE, ...(before ? { before } : {}) });
        const items = all
          .filter(({ author }) => author.id === deps.botId())
          .map((message) => {
            const mark = markIn(message);
            return { message: message.id, at: Date.parse(message.timestamp), ...(mark ? { mark } : {}) };
          });
        const last = all.at(-1);
        if (!last || all.length < PAGE) return { items };
        return { items, oldest: { message: last.id, at: Date.parse(last.timestamp) } };
      } catch (thrown) {
        if (thrown instanceof DiscordError && thrown.failure.kind === "unreachable-place")
          return { items: [], isGone: true };
        throw thrown;
      }
    },
  };
}
