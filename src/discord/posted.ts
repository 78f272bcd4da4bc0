import type { APIMessage } from "discord.js";
import type { PostedMessages, ShownBatch } from "../engine/ports/posted.ts";
import { linesIn } from "./batch-lines.ts";
import { DiscordError } from "./discord-failure.ts";
import { markIn } from "./marks.ts";
import { textsOf } from "./payload.ts";
import { type BatchBody, WHOLE_FILE } from "./render-lines.ts";
import type { DiscordRest } from "./rest.ts";

const PAGE = 100;
const BATCH = /^batch-/;

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
            const shown = mark && BATCH.test(mark.delivery) ? shownIn(message) : undefined;
            return {
              message: message.id,
              at: Date.parse(message.timestamp),
              ...(mark ? { mark } : {}),
              ...(shown ? { shown } : {}),
            };
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
    /** A file of the size that was agreed is the agreed one: only others are read. */
    async lines({ text, files }, agreed) {
      const body = agreed && (JSON.parse(agreed.body) as BatchBody);
      const whole = files.find(({ name }) => name === WHOLE_FILE);
      const lines = files.find((file) => file !== whole);
      const words = whole ? ((await deps.rest.file(whole.url)) ?? "") : text;
      const isAgreed = lines && body?.file && lines.size === Buffer.byteLength(body.file.text);
      const file = isAgreed ? body.file?.text : lines && (await deps.rest.file(lines.url));
      const read = { text: words, ...(file === undefined ? {} : { file }) };
      return linesIn(read, agreed && body && { members: agreed.members, body });
    },
  };
}

function shownIn(message: APIMessage): ShownBatch {
  const files = message.attachments.map(({ filename, size, url }) => ({ name: filename, size, url }));
  return { text: textsOf(message).join("\n"), files };
}
