import { type APIMessage, type APIUser, Routes } from "discord.js";
import type { Actor } from "../domain/actor.ts";
import { taskIdOf } from "../domain/task-types.ts";
import type { Log } from "../engine/ports/log.ts";
import type { TaskVerbs, TaskView } from "../engine/task-verbs.ts";
import { isRefusal } from "../kernel/refusal.ts";
import { DISCORD_CODES, DiscordError, guarded, guardedMessage } from "./discord-failure.ts";
import type { DiscordRest } from "./rest.ts";
import { idAt } from "./snowflake.ts";
import { isChannelGone, isDeleted } from "./still-there.ts";
import { CHECK, checksOf, isClaimCard, isSaid, lookOf, seenOf } from "./task-message.ts";

const PAGE = 100;
/** A supervisor that meets a channel for the first time takes up what was posted in the last day. */
const FIRST_LOOK_BACK_MS = 24 * 3_600_000;
/** Ended tasks are looked at again for so long: a ✅ may come or go while we are away. */
const ENDED_LOOK_BACK_MS = 7 * 24 * 3_600_000;
const MOST_ENDED = 500;
const MOST_REMEMBERED = 20_000;

/** Small things that outlive us. */
export type Memory = {
  readonly recall: (name: string) => Promise<string | undefined>;
  readonly remember: (name: string, value: string) => Promise<void>;
};

export type TaskReadingDeps = {
  readonly rest: DiscordRest;
  readonly guildId: string;
  readonly botId: () => string;
  readonly tasks: Pick<TaskVerbs, "see" | "deleted" | "task" | "tasks">;
  readonly memory: Memory;
  /** Who somebody of the guild is, with the roles of now. */
  readonly actorFor: (user: Pick<APIUser, "id" | "username" | "bot">) => Promise<Actor>;
  readonly now: () => number;
  readonly log: Log;
};

/** Callers see to it that one call is under way at a time. */
export type TaskReading = {
  /** What was posted since the last reading, oldest first, then tasks that may have changed. How many messages. */
  readonly readBack: (channel: string, isThorough: boolean) => Promise<number>;
  /** These messages, as they are now. */
  readonly look: (channel: string, messages: readonly string[]) => Promise<number>;
  /** How a message looked is not how it looks: the next look at it counts, be it like the one before. */
  readonly forget: (message: string) => void;
};

/** Reads messages of the queue's channel and tells the verbs what there is; the same twice is told once. */
export function createTaskReading(deps: TaskReadingDeps): TaskReading {
  const { rest, tasks, memory, now, log } = deps;
  const looks = new Map<string, string>();
  const closed = new Set<string>();

  async function readBack(channel: string, isThorough: boolean): Promise<number> {
    const fresh = await readFresh(channel);
    const known = await changeable(isThorough);
    const places = Map.groupBy(known, ({ task }) => task.place.channel);
    let seen = fresh;
    for (const [place, views] of places) {
      const messages = views.map(({ task }) => task.place.message);
      seen += await (place === channel ? look(place, messages) : lookElsewhere(place, messages));
    }
    return seen;
  }

  /** Where the queue was before: closed to us, it keeps nobody from looking at the others. */
  async function lookElsewhere(place: string, messages: readonly string[]): Promise<number> {
    try {
      const seen = await look(place, messages);
      closed.delete(place);
      return seen;
    } catch (thrown) {
      if (!(thrown instanceof DiscordError) || thrown.failure.kind !== "unreachable-place") throw thrown;
      if (!closed.has(place))
        log.warn(
          { channel: place, failure: thrown.message },
          "tasks of an earlier channel of the queue cannot be looked at",
        );
      closed.add(place);
      return 0;
    }
  }

  /** Only this moves the watermark: an event that never came must not be skipped because a later one did. */
  async function readFresh(channel: string): Promise<number> {
    const name = `tasks/read/${channel}`;
    const from = await beginOf(channel);
    let after = (await memory.recall(name)) ?? from;
    for (let seen = 0; ; ) {
      const page = await pageAfter(channel, after);
      for (const message of page) await consider(message);
      seen += page.length;
      const last = page.at(-1);
      if (last) {
        after = last.id;
        await memory.remember(name, after);
      }
      if (page.length < PAGE) return seen;
    }
  }

  /** Messages up to this one are none of our business. */
  async function beginOf(channel: string): Promise<string> {
    const name = `tasks/from/${channel}`;
    const known = await memory.recall(name);
    if (known !== undefined) return known;
    const begin = idAt(now() - FIRST_LOOK_BACK_MS);
    await memory.remember(name, begin);
    log.info({ channel, hours: FIRST_LOOK_BACK_MS / 3_600_000 }, "the task queue is read for the first time");
    return begin;
  }

  /** Open and claimed tasks; when thorough, those that ended lately as well. */
  async function changeable(isThorough: boolean): Promise<readonly TaskView[]> {
    const open = await allTasks({ open: true }, Number.POSITIVE_INFINITY, () => true);
    // What the configuration refused it may allow now: told again although the message is the same.
    for (const { task, refusal } of open) if (refusal) looks.delete(task.place.message);
    if (!isThorough) return open;
    const oldest = now() - ENDED_LOOK_BACK_MS;
    const ended = await allTasks({ open: false }, MOST_ENDED, ({ task }) => task.postedAt > oldest);
    return [...open, ...ended];
  }

  /** Those whose messages are there, newest first, as long as there are some that fit. */
  async function allTasks(
    query: { readonly open: boolean },
    most: number,
    fits: (view: TaskView) => boolean,
  ): Promise<readonly TaskView[]> {
    const found: TaskView[] = [];
    let before: string | undefined;
    do {
      const page = await tasks.tasks({ ...query, limit: PAGE, ...(before === undefined ? {} : { before }) });
      const fitting = page.items.filter(fits);
      found.push(...fitting.filter(({ deletedAt }) => deletedAt === undefined));
      before = fitting.length === 0 ? undefined : page.next;
    } while (before !== undefined && found.length < most);
    return found;
  }

  /** As few pages as cover all of them. */
  async function look(channel: string, messages: readonly string[]): Promise<number> {
    const from = BigInt(await beginOf(channel));
    let left = messages.map(BigInt).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    let seen = 0;
    for (let first = left[0]; first !== undefined; first = left[0]) {
      const page = await pageAfter(channel, String(first - 1n)).catch(nothingWhereGone);
      const last = page.at(-1);
      const isEnd = page.length < PAGE || last === undefined;
      const covered = isEnd ? left : left.filter((id) => id <= BigInt(last.id));
      const there = new Map(page.map((message) => [message.id, message]));
      for (const id of covered) {
        const message = there.get(String(id));
        if (!message) await missing(channel, String(id));
        else if (id > from || (await taskOf(message.id))) await consider(message);
      }
      seen += covered.length;
      left = left.slice(covered.length);
    }
    return seen;
  }

  /** Oldest first. */
  async function pageAfter(channel: string, after: string): Promise<readonly APIMessage[]> {
    const page = await rest.history(channel, { limit: PAGE, after });
    return page.toReversed();
  }

  /** Not in the page; gone only when Discord says so of the message itself. */
  async function missing(channel: string, id: string): Promise<void> {
    if (!(await taskOf(id))) return;
    try {
      await consider(await guardedMessage(rest.raw.get(Routes.channelMessage(channel, id))));
    } catch (thrown) {
      if (!isDeleted(thrown) && !isChannelGone(thrown)) throw thrown;
      looks.delete(id);
      await tasks.deleted({ channel, message: id, guild: deps.guildId });
    }
  }

  async function taskOf(message: string): Promise<TaskView | undefined> {
    try {
      return await tasks.task(taskIdOf(message));
    } catch (thrown) {
      if (isRefusal(thrown) && thrown.code === "not_found") return undefined;
      throw thrown;
    }
  }

  async function consider(message: APIMessage): Promise<void> {
    if (!isSaid(message) || isClaimCard(message)) return;
    const state = lookOf(message);
    if (looks.get(message.id) === state) return;
    const isOwn = message.author.id === deps.botId();
    // Our own posts become tasks by the door that posted them, in the name of who asked there.
    const known = isOwn ? await taskOf(message.id) : undefined;
    if (isOwn && !known) return;
    const others = await othersWhoChecked(message);
    const actor = known ? known.task.actor : await deps.actorFor(message.author);
    const text = known ? { text: known.task.text } : {};
    await tasks.see(seenOf(message, { guild: deps.guildId, actor, others, ...text }));
    remember(message.id, state);
  }

  async function othersWhoChecked(message: APIMessage): Promise<readonly string[]> {
    const { count, own } = checksOf(message);
    if (count - (own ? 1 : 0) <= 0) return [];
    return (await whoChecked(rest, message)).map(({ id }) => id).filter((id) => id !== deps.botId());
  }

  function remember(id: string, state: string): void {
    looks.delete(id);
    looks.set(id, state);
    const oldest = looks.keys().next();
    if (looks.size > MOST_REMEMBERED && !oldest.done) looks.delete(oldest.value);
  }

  return { readBack, look, forget: (message) => void looks.delete(message) };
}

/** Whose ✅ is on a message, at most a hundred. */
export async function whoChecked(
  { raw }: DiscordRest,
  { channel_id: channel, id }: Pick<APIMessage, "channel_id" | "id">,
): Promise<readonly APIUser[]> {
  const route = Routes.channelMessageReaction(channel, id, encodeURIComponent(CHECK));
  try {
    return await guarded<APIUser[]>(raw.get(route, { query: new URLSearchParams({ limit: "100" }) }));
  } catch (thrown) {
    // The last one was taken away meanwhile.
    if (thrown instanceof DiscordError && thrown.failure.code === DISCORD_CODES.unknownEmoji) return [];
    throw thrown;
  }
}

/** With a channel go its messages; each one is asked for by itself before its task counts as deleted. */
function nothingWhereGone(thrown: unknown): readonly APIMessage[] {
  if (isChannelGone(thrown)) return [];
  throw thrown;
}
