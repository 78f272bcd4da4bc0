import { type Client, Events, type Message, type MessageReaction, type PartialMessage } from "discord.js";
import type { Log } from "../engine/ports/log.ts";
import type { ChannelDirectory } from "./channels.ts";
import { DiscordError } from "./discord-failure.ts";
import { backoffMs } from "./retry-plan.ts";
import { CHECK } from "./task-message.ts";
import type { TaskReading } from "./tasks-read.ts";

/** From this failure in a row on, after about half a minute, people are told. */
const FAILURES_BEFORE_TROUBLE = 5;
const NO_CHANNEL =
  "the guild has no channel any more for the logical channel taskQueue, or has it twice; see config/channels.yaml";

export type TasksDeps = {
  readonly reading: TaskReading;
  readonly channels: ChannelDirectory;
  readonly botId: () => string;
  readonly log: Log;
};

export type Tasks = {
  /** Hears what happens in the queue's channel. */
  readonly listen: (client: Client) => void;
  /** Reads back what may have been missed; `isThorough` = ended tasks of the last days as well. */
  readonly readBack: (isThorough: boolean) => Promise<ReadBack>;
  /** Why nothing of the queue is read: it failed again and again, or its channel is not there any more. */
  readonly trouble: () => string | undefined;
  readonly stop: () => Promise<void>;
};

/** How a reading back ended: how many messages, or why it broke off, which is logged and tried again by itself. */
type ReadBack = { readonly messages: number } | { readonly failure: unknown };
type Pass = { isThorough: boolean; readonly finish: PromiseWithResolvers<ReadBack> };

function passOf(isThorough: boolean): Pass {
  return { isThorough, finish: Promise.withResolvers<ReadBack>() };
}

/**
 * The queue's channel as the ledger is to know it. Events only say that something happened to a message; what is true
 * is read from Discord, one look at a time, so that an old state never overtakes a newer one.
 */
export function createTasks(deps: TasksDeps): Tasks {
  const { reading, channels, log } = deps;
  const touched = new Map<string, Set<string>>();
  let next: Pass | undefined;
  let pump: Promise<void> | undefined;
  let retry: NodeJS.Timeout | undefined;
  let failures = 0;
  let failure: string | undefined;
  let isLost = false;
  let wasThere = false;
  let stopping = false;

  function touch(channel: string, messages: readonly string[]): void {
    const ids = touched.get(channel) ?? new Set();
    touched.set(channel, ids);
    for (const id of messages) ids.add(id);
    go();
  }

  function go(): void {
    if (stopping) return;
    pump ??= work().finally(() => {
      pump = undefined;
      // What came while the last look ended.
      if (!stopping && retry === undefined && (next || touched.size > 0)) go();
    });
  }

  async function work(): Promise<void> {
    clearTimeout(retry);
    retry = undefined;
    while (!stopping && (next || touched.size > 0)) {
      const pass = next;
      next = undefined;
      try {
        if (pass) pass.finish.resolve({ messages: await readAll(pass.isThorough) });
        else await lookAtTouched();
        failures = 0;
      } catch (thrown) {
        pass?.finish.resolve({ failure: thrown });
        if (pass) next ??= passOf(false);
        if (pass && next) next.isThorough ||= pass.isThorough;
        again(thrown);
        return;
      }
    }
  }

  async function readAll(isThorough: boolean): Promise<number> {
    const queue = channels.forRole("taskQueue");
    wasThere ||= queue !== undefined;
    isLost = wasThere && !queue;
    return queue ? reading.readBack(queue.id, isThorough) : 0;
  }

  async function lookAtTouched(): Promise<void> {
    for (const [channel, ids] of touched) {
      touched.delete(channel);
      try {
        await reading.look(channel, [...ids]);
      } catch (thrown) {
        touched.set(channel, new Set([...ids, ...(touched.get(channel) ?? [])]));
        throw thrown;
      }
    }
  }

  /** Nothing is forgotten: it is looked at again soon, and the minute's reading covers it as well. */
  function again(thrown: unknown): void {
    const waitMs = backoffMs(++failures);
    failure = thrown instanceof Error ? thrown.message : String(thrown);
    if (thrown instanceof DiscordError) {
      log.warn({ failure: thrown.message, waitMs }, "the task queue cannot be read and is tried again");
    } else {
      log.error({ err: thrown, waitMs }, "a look at the task queue broke off and is tried again");
    }
    retry = setTimeout(() => {
      retry = undefined;
      if (touched.size > 0 || next) go();
    }, waitMs);
    retry.unref();
  }

  function isQueue(channel: string): boolean {
    return channels.forRole("taskQueue")?.id === channel;
  }

  function onMessage({ channelId, id, author }: Message | PartialMessage): void {
    if (isQueue(channelId) && author?.id !== deps.botId()) touch(channelId, [id]);
  }

  function onGone({ channelId, id }: Message | PartialMessage): void {
    if (isQueue(channelId)) touch(channelId, [id]);
  }

  function onReactions({ message, emoji }: Pick<MessageReaction, "message" | "emoji">): void {
    if (emoji.name === CHECK) onGone(message);
  }

  return {
    listen(client) {
      client.on(Events.MessageCreate, onMessage);
      client.on(Events.MessageUpdate, (_, message) => onMessage(message));
      client.on(Events.MessageDelete, onGone);
      client.on(Events.MessageBulkDelete, (messages, { id }) => {
        if (isQueue(id)) touch(id, [...messages.keys()]);
      });
      client.on(Events.MessageReactionAdd, (reaction, user) => {
        // Ours is news to nobody, but the message looks otherwise now than when it was read.
        if (user.id === deps.botId()) reading.forget(reaction.message.id);
        else onReactions(reaction);
      });
      client.on(Events.MessageReactionRemove, onReactions);
      client.on(Events.MessageReactionRemoveAll, onGone);
      client.on(Events.MessageReactionRemoveEmoji, onReactions);
    },
    readBack(isThorough) {
      next ??= passOf(isThorough);
      next.isThorough ||= isThorough;
      const { promise } = next.finish;
      go();
      return promise;
    },
    trouble() {
      if (failures >= FAILURES_BEFORE_TROUBLE) return failure;
      return isLost ? NO_CHANNEL : undefined;
    },
    async stop() {
      stopping = true;
      clearTimeout(retry);
      await pump;
      next?.finish.resolve({ messages: 0 });
    },
  };
}
