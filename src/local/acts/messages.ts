import { type Attachments, safeName, type Upload } from "../attachments.ts";
import { checkShown, textOf } from "../check/components.ts";
import { type Draft, FLAG } from "../check/draft.ts";
import { DiscordError, invalidForm } from "../errors.ts";
import { P } from "../seed.ts";
import type { StoredAttachment, StoredMessage } from "../state/documents.ts";
import { mentionsOf } from "../state/mentions.ts";
import type { Place, World } from "../state/world.ts";

/** Making, changing and removing messages; the same for the bot and for people. */
export type Messages = ReturnType<typeof createMessages>;

export type Making = {
  readonly authorId: string;
  readonly at: Place;
  readonly draft: Draft;
  readonly uploads?: readonly Upload[];
  readonly type?: number;
  readonly flags?: number;
  readonly interaction?: StoredMessage["interaction"];
  readonly onlyFor?: string;
  readonly replyTo?: StoredMessage["replyTo"];
  readonly id?: string;
  readonly mayBeEmpty?: boolean;
};

export function createMessages({ world, attachments }: { world: World; attachments: Attachments }) {
  /** Creates the message, or returns the one that the author made with the same enforced nonce. */
  function create(making: Making): StoredMessage {
    const { authorId, at, draft, uploads = [] } = making;
    if (draft.enforceNonce && draft.nonce !== undefined) {
      const earlier = world.byNonce(authorId, draft.nonce);
      if (earlier) return earlier;
    }
    const isEmpty =
      !draft.content && !draft.embeds?.length && !draft.components?.length && uploads.length === 0;
    if (isEmpty && !making.mayBeEmpty) throw new DiscordError(50006);
    const replied = draft.replyTo === undefined ? undefined : repliedMessage(at, draft);
    const flags = (draft.flags ?? 0) | (making.flags ?? 0);
    checkShown(draft.components ?? [], uploads.map(nameOf));
    const files = save(uploads, draft);
    const id = making.id ?? world.newId();
    const message: StoredMessage = {
      id,
      channelId: at.id,
      authorId,
      type: making.type ?? (replied ? 19 : 0),
      content: draft.content ?? "",
      createdAt: world.now(),
      flags,
      tts: draft.tts,
      embeds: draft.embeds ?? [],
      components: draft.components ?? [],
      attachments: files,
      ...mentionsIn({ authorId, at, draft, flags, repliedTo: replied?.authorId }),
      reactions: [],
      ...(draft.nonce === undefined ? {} : { nonce: draft.nonce, enforceNonce: draft.enforceNonce }),
      ...(replied ? { replyTo: { messageId: replied.id, channelId: replied.channelId } } : {}),
      ...(making.replyTo ? { replyTo: making.replyTo } : {}),
      ...(making.interaction ? { interaction: making.interaction } : {}),
      ...(making.onlyFor === undefined ? {} : { onlyFor: making.onlyFor }),
    };
    if (at.thread?.archived) wake(at.thread.id);
    world.saveMessage(message);
    if (message.onlyFor === undefined) world.emit({ kind: "message-create", message });
    return message;
  }

  function repliedMessage(at: Place, draft: Draft): StoredMessage | undefined {
    const found = world.message(draft.replyTo ?? "");
    if (found?.channelId === at.id) return found;
    if (!draft.failIfNotExists) return undefined;
    throw invalidForm([
      { path: "message_reference", code: "REPLIES_UNKNOWN_MESSAGE", message: "Unknown message" },
    ]);
  }

  function mentionsIn(of: {
    authorId: string;
    at: Place;
    draft: Pick<Draft, "content" | "components" | "allowedMentions">;
    flags: number;
    repliedTo?: string | undefined;
  }) {
    return mentionsOf({
      world,
      at: of.at,
      authorId: of.authorId,
      text: `${of.draft.content ?? ""}\n${textOf(of.draft.components ?? [])}`,
      flags: of.flags,
      allowed: of.draft.allowedMentions,
      repliedTo: of.repliedTo,
    });
  }

  const nameOf = ({ filename }: Upload) => safeName(filename);

  function save(uploads: readonly Upload[], draft: Draft): StoredAttachment[] {
    return uploads.map((upload) => {
      const told = draft.attachments?.find((one) => one.id === String(upload.index));
      return attachments.save(upload, told?.description);
    });
  }

  /** A message in an archived thread opens it again. */
  function wake(threadId: string): void {
    const thread = world.place(threadId)?.thread;
    if (!thread) return;
    if (thread.locked) throw new DiscordError(50083);
    const next = { ...thread, archived: false, archiveChangedAt: world.now() };
    world.saveThread(next);
    world.emit({ kind: "thread-update", thread: next });
  }

  /** Changes what the draft mentions and keeps the rest. */
  function edit(
    message: StoredMessage,
    draft: Draft,
    { uploads = [], flagsOff = 0 }: { uploads?: readonly Upload[]; flagsOff?: number } = {},
  ): StoredMessage {
    const at = world.place(message.channelId);
    if (!at) throw new DiscordError(10003);
    if (at.thread?.archived) throw new DiscordError(50083);
    const kept = draft.attachments
      ? message.attachments.filter((one) => draft.attachments?.some(({ id }) => id === one.id))
      : message.attachments;
    checkShown(draft.components ?? [], [...kept.map(({ filename }) => filename), ...uploads.map(nameOf)]);
    const settable = FLAG.suppressEmbeds | FLAG.componentsV2;
    const flags =
      (draft.flags === undefined
        ? message.flags
        : (message.flags & ~FLAG.suppressEmbeds) | (draft.flags & settable)) & ~flagsOff;
    const next: StoredMessage = {
      ...message,
      content: draft.content ?? message.content,
      embeds: draft.embeds ?? message.embeds,
      components: draft.components ?? message.components,
      attachments: [...kept, ...save(uploads, draft)],
      flags,
      // The awaited answer that takes the place of "thinking" is no edit to its reader.
      ...(message.flags & ~flags & FLAG.loading ? {} : { editedAt: world.now() }),
    };
    checkWhole(next);
    const mentions = mentionsIn({
      authorId: message.authorId,
      at,
      draft: { ...next, ...allowed(draft) },
      flags,
    });
    // An edit changes whom the text names, and notifies nobody: `pinged` stays what it was.
    const { pinged: _, ...named } = mentions;
    const edited = { ...next, ...named };
    world.saveMessage(edited);
    for (const gone of message.attachments) if (!kept.includes(gone)) attachments.remove(gone.id);
    if (edited.onlyFor === undefined) world.emit({ kind: "message-update", message: edited });
    return edited;
  }

  const allowed = (draft: Draft) => (draft.allowedMentions ? { allowedMentions: draft.allowedMentions } : {});

  function checkWhole(next: StoredMessage): void {
    const { content, embeds, components, attachments: files } = next;
    if (next.flags & FLAG.componentsV2 && (content !== "" || embeds.length > 0)) {
      throw invalidForm([
        {
          path: content === "" ? "embeds" : "content",
          code: "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
          message: "Neither content nor embeds go with Components V2.",
        },
      ]);
    }
    if (content === "" && embeds.length + components.length + files.length === 0)
      throw new DiscordError(50006);
  }

  function remove(message: StoredMessage): void {
    world.removeMessage(message);
    for (const { id } of message.attachments) attachments.remove(id);
    if (message.onlyFor === undefined) world.emit({ kind: "message-delete", message });
  }

  /** Removes several at once; the bot hears of it in one event. */
  function removeAll(at: Place, gone: readonly StoredMessage[]): void {
    for (const message of gone) {
      world.removeMessage(message);
      for (const { id } of message.attachments) attachments.remove(id);
    }
    world.emit({ kind: "messages-delete", channelId: at.id, messages: gone });
  }

  /** The place as the member may see it; throws Discord's refusals. */
  function placeFor(memberId: string, id: string, ...needs: bigint[]): Place {
    const at = world.place(id);
    if (!at) throw new DiscordError(10003);
    if (!world.can(memberId, at, P.ViewChannel)) throw new DiscordError(50001);
    if (!needs.every((bit) => world.can(memberId, at, bit))) throw new DiscordError(50013);
    return at;
  }

  function find(at: Place, id: string): StoredMessage {
    const message = world.message(id);
    if (message?.channelId !== at.id || message.onlyFor !== undefined) throw new DiscordError(10008);
    return message;
  }

  return { create, edit, remove, removeAll, placeFor, find };
}

/** What it takes to write there. */
export const sendingTo = (at: Place | undefined): bigint =>
  at?.thread ? P.SendMessagesInThreads : P.SendMessages;
