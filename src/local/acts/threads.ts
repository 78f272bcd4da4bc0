import { type Body, createForm } from "../check/form.ts";
import { DiscordError } from "../errors.ts";
import { P } from "../seed.ts";
import type { StoredMessage, StoredThread } from "../state/documents.ts";
import type { Place, World } from "../state/world.ts";
import type { Messages } from "./messages.ts";

export type Threads = ReturnType<typeof createThreads>;

const ARCHIVE_MINUTES = [60, 1440, 4320, 10_080];

export function createThreads({ world, messages }: { world: World; messages: Messages }) {
  function read(body: Body): { name: string; autoArchiveMinutes: number } {
    const form = createForm();
    const name = form.text(body, "name", "", { min: 1, max: 100, required: true }) ?? "";
    const minutes = body["auto_archive_duration"] ?? 4320;
    if (!ARCHIVE_MINUTES.includes(Number(minutes))) {
      form.say("auto_archive_duration", "BASE_TYPE_CHOICES", `Must be one of ${ARCHIVE_MINUTES.join(", ")}.`);
    }
    form.done();
    return { name, autoArchiveMinutes: Number(minutes) };
  }

  function open(thread: StoredThread): StoredThread {
    world.saveThread(thread);
    world.emit({ kind: "thread-create", thread });
    return thread;
  }

  function make(id: string, at: Place, ownerId: string, body: Body, type: 11 | 12): StoredThread {
    return {
      id,
      parentId: at.id,
      ...read(body),
      ownerId,
      type,
      createdAt: world.now(),
      archived: false,
      locked: false,
      archiveChangedAt: world.now(),
      members: [ownerId],
    };
  }

  return {
    /** A message has one thread; the second start is refused, whoever asks. The thread's id is the message's. */
    startFrom(message: StoredMessage, at: Place, ownerId: string, body: Body): StoredThread {
      if (at.thread) throw new DiscordError(50024);
      if (message.threadId !== undefined || world.place(message.id)) throw new DiscordError(160004);
      const thread = make(message.id, at, ownerId, body, 11);
      const next = { ...message, threadId: thread.id, flags: message.flags | (1 << 5) };
      world.saveThread(thread);
      world.saveMessage(next);
      world.emit({ kind: "thread-create", thread });
      world.emit({ kind: "message-update", message: next });
      return thread;
    },
    /** A thread without a message; Discord puts a system line into the channel for public ones. */
    start(at: Place, ownerId: string, body: Body): StoredThread {
      if (at.thread) throw new DiscordError(50024);
      const isPrivate = body["type"] === 12 || body["type"] === undefined;
      if (isPrivate && !world.can(ownerId, at, P.CreatePrivateThreads)) throw new DiscordError(50013);
      const thread = open(make(world.newId(), at, ownerId, body, isPrivate ? 12 : 11));
      if (isPrivate) return thread;
      messages.create({
        authorId: ownerId,
        at,
        type: 18,
        draft: { content: thread.name, failIfNotExists: false, enforceNonce: false, tts: false },
        replyTo: { messageId: thread.id, channelId: thread.id },
      });
      return thread;
    },
    change(thread: StoredThread, body: Body): StoredThread {
      const name = body["name"] === undefined ? thread.name : read(body).name;
      const isArchived = typeof body["archived"] === "boolean" ? body["archived"] : thread.archived;
      const next = {
        ...thread,
        name,
        archived: isArchived,
        locked: typeof body["locked"] === "boolean" ? body["locked"] : thread.locked,
        archiveChangedAt: isArchived === thread.archived ? thread.archiveChangedAt : world.now(),
      };
      world.saveThread(next);
      world.emit({ kind: "thread-update", thread: next });
      return next;
    },
    remove(thread: StoredThread): void {
      world.removeThread(thread.id);
      world.emit({ kind: "thread-delete", thread });
      const starter = world.message(thread.id);
      if (!starter) return;
      const { threadId: _, ...rest } = starter;
      world.saveMessage({ ...rest, flags: rest.flags & ~(1 << 5) });
    },
    join(thread: StoredThread, userId: string): void {
      if (thread.members.includes(userId)) return;
      const next = { ...thread, members: [...thread.members, userId] };
      world.saveThread(next);
      world.emit({ kind: "thread-members", thread: next, added: [userId], removed: [] });
    },
    leave(thread: StoredThread, userId: string): void {
      if (!thread.members.includes(userId)) return;
      const next = { ...thread, members: thread.members.filter((id) => id !== userId) };
      world.saveThread(next);
      world.emit({ kind: "thread-members", thread: next, added: [], removed: [userId] });
    },
  };
}
