import type { APIApplicationCommand } from "discord-api-types/v10";
import type { StoredInteraction, StoredMessage, StoredThread } from "./documents.ts";
import { createFeed } from "./events.ts";
import { createHistory, type Range } from "./history.ts";
import { type Channel, type Member, type Population, permissionsOf } from "./population.ts";
import { createSnowflakes, isSnowflake, snowflakeAt } from "./snowflake.ts";
import type { Store } from "./store.ts";

export const INTERACTION_LIFE_MS = 15 * 60_000;
const NONCE_LIFE_MS = 5 * 60_000;

/** A text channel, or a thread in one. */
export type Place = { readonly id: string; readonly channel: Channel; readonly thread?: StoredThread };

export type World = ReturnType<typeof createWorld>;

/** Everything that is so in the guild. Whoever changes something stores it first and emits the event after. */
export function createWorld({
  population,
  store,
  now,
}: {
  population: Population;
  store: Store;
  now: () => number;
}) {
  const ids = createSnowflakes(now);
  const feed = createFeed();
  const history = createHistory();
  const nonces = new Map<string, { id: string; at: number }>();
  /** Ephemeral messages are in no history. */
  const whispers = new Map<string, string>();
  const threads = new Map<string, StoredThread>();
  const threadsOf = () => [...threads.values()];

  ids.seen(population.id);
  load();

  function load(): void {
    const oldest = now() - INTERACTION_LIFE_MS;
    for (const key of store.ids("message")) {
      const [channelId = "", id = ""] = key.split("/");
      ids.seen(id);
      if (!channelId.startsWith("whisper:")) history.add(channelId, id);
      else if (isRecent(id, oldest)) whispers.set(id, channelId);
      else store.delete("message", key);
    }
    for (const id of store.ids("thread")) {
      ids.seen(id);
      const thread = store.get("thread", id);
      if (thread) threads.set(id, thread);
    }
    for (const id of store.ids("command")) ids.seen(id);
    for (const id of store.ids("interaction")) {
      ids.seen(id);
      if (!isRecent(id, oldest)) store.delete("interaction", id);
      else failPending(id);
    }
    ids.seen(store.highestId);
    const mark = store.get("setting", "last-id");
    if (mark) ids.seen(mark.value);
    store.put("setting", "last-id", { value: ids.last() });
    for (const channelId of [...population.channels.keys(), ...threads.keys()]) rememberNonces(channelId);
  }

  /** Nobody answers any more what was on its way when the guild went. */
  function failPending(id: string): void {
    const interaction = store.get("interaction", id);
    if (interaction?.state === "pending")
      store.put("interaction", id, { ...interaction, state: "failed", answerBy: 0 });
  }

  /** The nonces of the last minutes hold across a restart too. */
  function rememberNonces(channelId: string): void {
    const oldest = now() - NONCE_LIFE_MS;
    for (const id of history.page(channelId, { limit: 100 })) {
      if (!isRecent(id, oldest)) return;
      const message = store.get("message", `${channelId}/${id}`);
      if (message) rememberNonce(message);
    }
  }

  function rememberNonce(message: StoredMessage): void {
    if (message.nonce === undefined) return;
    for (const [key, { at }] of nonces) {
      if (at > now() - NONCE_LIFE_MS) break;
      nonces.delete(key);
    }
    nonces.set(`${message.authorId}/${message.nonce}`, { id: message.id, at: message.createdAt });
  }

  /** Interactions and what they whispered end with their token. */
  function forgetOld(): void {
    const oldest = now() - INTERACTION_LIFE_MS;
    for (const id of store.ids("interaction")) {
      if (isRecent(id, oldest)) break;
      store.delete("interaction", id);
    }
    for (const [id, home] of whispers) {
      if (isRecent(id, oldest)) break;
      store.delete("message", `${home}/${id}`);
      whispers.delete(id);
    }
  }

  const keyOf = (message: StoredMessage) =>
    `${message.onlyFor === undefined ? message.channelId : `whisper:${message.channelId}`}/${message.id}`;

  function message(id: string): StoredMessage | undefined {
    const home = history.channelOf(id) ?? whispers.get(id);
    return home === undefined ? undefined : store.get("message", `${home}/${id}`);
  }

  function saveMessage(next: StoredMessage): void {
    const isNew = history.channelOf(next.id) === undefined && !whispers.has(next.id);
    store.put("message", keyOf(next), next);
    if (!isNew) return;
    if (next.onlyFor === undefined) history.add(next.channelId, next.id);
    else whispers.set(next.id, `whisper:${next.channelId}`);
    rememberNonce(next);
  }

  function removeMessage(gone: StoredMessage): void {
    store.delete("message", keyOf(gone));
    if (gone.onlyFor === undefined) history.remove(gone.channelId, gone.id);
    else whispers.delete(gone.id);
  }

  function removeThread(id: string): void {
    for (const gone of history.drop(id)) store.delete("message", `${id}/${gone}`);
    store.delete("thread", id);
    threads.delete(id);
  }

  function place(id: string): Place | undefined {
    const thread = threads.get(id);
    const channel = population.channels.get(thread?.parentId ?? id);
    if (channel?.type !== 0) return undefined;
    return thread ? { id, channel, thread } : { id, channel };
  }

  return {
    population,
    now,
    newId: ids.next,
    emit: feed.emit,
    on: feed.on,
    place,
    /** Finds a channel or thread by id or by name, with or without `#`. */
    placeNamed(word: string): Place | undefined {
      const name = word.replace(/^#/, "");
      if (isSnowflake(name)) return place(name);
      const channel = [...population.channels.values()].find((c) => c.type === 0 && c.name === name);
      const id = channel?.id ?? threadsOf().findLast((thread) => thread.name === name)?.id;
      return id === undefined ? undefined : place(id);
    },
    /** Finds a person or bot by id or user name. */
    memberNamed(word: string): Member | undefined {
      const name = word.replace(/^@/, "");
      return population.members.get(name) ?? [...population.members.values()].find((m) => m.name === name);
    },
    can(memberId: string, at: Place, bits: bigint): boolean {
      return (permissionsOf(population, memberId, at.channel) & bits) === bits;
    },
    permissions: (memberId: string, at?: Place) => permissionsOf(population, memberId, at?.channel),
    message,
    saveMessage,
    removeMessage,
    /** Messages newest first. */
    page(channelId: string, range: Range): StoredMessage[] {
      return history.page(channelId, range).flatMap((id) => message(id) ?? []);
    },
    lastMessageId: history.last,
    messageCount: history.count,
    /** The message that the author made with this nonce in the last minutes. */
    byNonce(authorId: string, nonce: string | number): StoredMessage | undefined {
      const known = nonces.get(`${authorId}/${nonce}`);
      return known && known.at > now() - NONCE_LIFE_MS ? message(known.id) : undefined;
    },
    threads: threadsOf,
    saveThread(thread: StoredThread): void {
      store.put("thread", thread.id, thread);
      threads.set(thread.id, thread);
    },
    removeThread,
    /** With its threads, and all that was said there. */
    removeChannel(channel: Channel): void {
      for (const { id, parentId } of threadsOf()) if (parentId === channel.id) removeThread(id);
      for (const gone of history.drop(channel.id)) store.delete("message", `${channel.id}/${gone}`);
      population.channels.delete(channel.id);
      feed.emit({ kind: "channel-delete", channel });
    },
    addChannel(channel: Channel): void {
      population.channels.set(channel.id, channel);
      feed.emit({ kind: "channel-create", channel });
    },
    interaction: (id: string) => store.get("interaction", id),
    /** The interaction that the person began with this nonce, while it lives. */
    interactionByNonce(userId: string, nonce: string | number): StoredInteraction | undefined {
      return store
        .ids("interaction")
        .filter((id) => isRecent(id, now() - INTERACTION_LIFE_MS))
        .flatMap((id) => store.get("interaction", id) ?? [])
        .find((one) => one.userId === userId && one.nonce === nonce);
    },
    saveInteraction(interaction: StoredInteraction): void {
      if (!store.get("interaction", interaction.id)) forgetOld();
      store.put("interaction", interaction.id, interaction);
    },
    /** What an application has registered, oldest first. */
    commands: (app = population.applicationId) =>
      store
        .ids("command")
        .flatMap((id) => store.get("command", id) ?? [])
        .filter((one) => one.application_id === app),
    command: (id: string) => store.get("command", id),
    saveCommand: (command: APIApplicationCommand) => store.put("command", command.id, command),
    removeCommand: (id: string) => store.delete("command", id),
    setting: (name: string) => store.get("setting", name)?.value,
    saveSetting: (name: string, value: string) => store.put("setting", name, { value }),
  };
}

const isRecent = (id: string, oldestMs: number) => BigInt(id) >= snowflakeAt(oldestMs);
