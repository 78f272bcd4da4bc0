import { DiscordError } from "./discord-failure.ts";
import { hasMark } from "./marks.ts";
import type { DiscordRest } from "./rest.ts";
import { idAt } from "./snowflake.ts";
import { isDeleted, messageAt } from "./still-there.ts";

const CLOCK_SKEW_MS = 60_000;
const PAGE = 100;
/** In one go: what is posted after a look must be sent within a minute. */
const MOST_PAGES = 30;

type Seen = {
  readonly id: string;
  readonly channel: string;
  readonly timestamp: string;
  readonly mark: (mark: string) => boolean;
};

/** How far a look through more messages than are read in one go has come: up to the message `at`. */
type Look = { readonly since: number; at: string; readonly seen: Seen[] };
const unfinished = new WeakMap<DiscordRest, Map<string, Look>>();

/** There are more messages: whoever asks again goes on where it stopped. */
export class Unfinished extends DiscordError {}

/**
 * Our own messages of a channel since an instant. Nothing is known of what was not read: of a channel with more
 * messages it throws `DiscordError` (unsure), and whoever asks again goes on where it stopped, as after a failure.
 */
export async function ownHistory(
  rest: DiscordRest,
  channel: string,
  botId: string,
  since: number,
): Promise<readonly Seen[]> {
  const latest = await rest.history(channel, { limit: PAGE });
  if (latest.length === 0) await refuseUnreadable(rest, channel);
  const end = latest.at(-1);
  // An instant of a clock that is ahead comes later by Discord's.
  const from = since - Math.max(0, rest.aheadMs()) - CLOCK_SKEW_MS;
  if (!end || latest.length < PAGE || Date.parse(end.timestamp) < from) return ownOf(latest);

  const looks = unfinished.get(rest) ?? new Map<string, Look>();
  unfinished.set(rest, looks);
  const begun = looks.get(channel);
  const look = begun && begun.since <= since ? begun : { since, at: idAt(from), seen: [] };
  looks.set(channel, look);
  for (let page = 0; BigInt(look.at) < BigInt(end.id); page++) {
    if (page === MOST_PAGES) {
      const text = `what may have been posted is looked for among many messages; ${look.seen.length} of ours are read`;
      throw new Unfinished({ kind: "unsure", text });
    }
    const { at } = look;
    const messages = await rest.history(channel, { limit: PAGE, after: at });
    // Whoever else looks through the channel may have read this page meanwhile.
    if (look.at !== at) continue;
    look.seen.push(...ownOf(messages));
    look.at = messages[0]?.id ?? end.id;
  }
  if (looks.get(channel) === look) looks.delete(channel);
  return [...ownOf(latest), ...look.seen];

  function ownOf(messages: Awaited<ReturnType<DiscordRest["history"]>>): readonly Seen[] {
    return messages
      .filter(({ author }) => author.id === botId)
      .map((message) => {
        const { id, timestamp } = message;
        return { id, channel, timestamp, mark: (mark) => hasMark(message, mark) };
      });
  }
}

/** The same, to the end, for whoever does not ask again. */
export async function wholeHistory(...asked: Parameters<typeof ownHistory>): Promise<readonly Seen[]> {
  for (;;) {
    try {
      return await ownHistory(...asked);
    } catch (thrown) {
      if (!(thrown instanceof Unfinished)) throw thrown;
    }
  }
}

/** The same of channels in which it may have been left besides; one that was deleted has nothing any more. */
export async function otherHistories(
  rest: DiscordRest,
  channels: Iterable<string>,
  botId: string,
  since: number,
): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  for (const channel of channels) {
    try {
      seen.push(...(await ownHistory(rest, channel, botId, since)));
    } catch (thrown) {
      if (!(thrown instanceof DiscordError) || thrown.failure.kind !== "unreachable-place") throw thrown;
    }
  }
  return seen;
}

/** Discord shows no messages to a bot without Read Message History, as if there were none; of a single one it says so. */
async function refuseUnreadable(rest: DiscordRest, channel: string): Promise<void> {
  try {
    await messageAt(rest, { channel, message: channel });
  } catch (thrown) {
    if (isDeleted(thrown)) return;
    if (!(thrown instanceof DiscordError) || thrown.failure.status !== 403) throw thrown;
    const why = "whether it is there already cannot be seen without View Channel and Read Message History";
    throw new DiscordError({ ...thrown.failure, text: `${why}: ${thrown.message}` });
  }
}
