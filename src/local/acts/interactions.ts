import type { APIModalInteractionResponseCallbackData } from "discord-api-types/v10";
import type { Upload } from "../attachments.ts";
import { checkModal } from "../check/components.ts";
import { FLAG, readDraft } from "../check/draft.ts";
import { type Body, createForm, isObject } from "../check/form.ts";
import { DiscordError, invalidForm } from "../errors.ts";
import type { InteractionState, StoredInteraction, StoredMessage } from "../state/documents.ts";
import type { Place, World } from "../state/world.ts";
import { INTERACTION_LIFE_MS } from "../state/world.ts";
import type { Endpoint } from "./endpoint.ts";
import { makeInteraction, type Starting } from "./make-interaction.ts";
import type { Messages } from "./messages.ts";

/** How long the first answer may take. */
export const ANSWER_MS = 3000;

export type Interactions = ReturnType<typeof createInteractions>;

export function createInteractions({
  world,
  messages,
  endpoint,
  isStale,
  isLost,
  isTwice,
}: {
  world: World;
  messages: Messages;
  endpoint: Endpoint;
  /** A fault: this one is to arrive too late to be answered. */
  isStale: () => boolean;
  /** Faults of the endpoint: a request is never sent, or sent a second time. */
  isLost: () => boolean;
  isTwice: () => boolean;
}) {
  const timers = new Set<NodeJS.Timeout>();
  const botId = world.population.botId;

  /**
   * Makes the interaction, sends it to the bot, and marks it as failed when no answer comes in time. The same nonce
   * again is the same interaction; it is sent once more when it had no answer.
   */
  function start(
    starting: Starting,
    payloadOf: (interaction: StoredInteraction) => Record<string, unknown>,
  ): StoredInteraction {
    const { nonce, userId } = starting;
    const known = nonce === undefined ? undefined : world.interactionByNonce(userId, nonce);
    const isUnderWay = known && (known.answeredWith !== undefined || world.now() <= known.answerBy);
    return isUnderWay ? known : send(known ?? makeInteraction(world, starting), payloadOf);
  }

  function send(
    made: StoredInteraction,
    payloadOf: (interaction: StoredInteraction) => Record<string, unknown>,
  ): StoredInteraction {
    const answerBy = world.now() + (isStale() ? -1 : ANSWER_MS);
    const interaction: StoredInteraction = { ...made, answerBy, state: "pending" };
    const payload = payloadOf(interaction);
    world.saveInteraction(interaction);
    const timer = setTimeout(() => {
      timers.delete(timer);
      fail(interaction.id);
    }, ANSWER_MS + 20);
    timer.unref();
    timers.add(timer);
    const url = endpoint.url();
    if (url === undefined) world.emit({ kind: "interaction-create", interaction, payload });
    else if (!isLost()) {
      void request(url, interaction, payload);
      if (isTwice()) void request(url, interaction, payload);
    }
    return interaction;
  }

  /** By HTTP instead of the gateway: what is answered is the first answer. */
  async function request(url: string, { id, token }: StoredInteraction, payload: object): Promise<void> {
    const said = await endpoint.deliver(url, payload);
    if (said === "later") return;
    try {
      if (said) answer(id, token, said, []);
      else fail(id);
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      fail(id);
    }
  }

  function fail(id: string): void {
    const now = world.interaction(id);
    if (now?.state === "pending") move(now, "failed");
  }

  function move(
    interaction: StoredInteraction,
    state: InteractionState,
    more: Partial<StoredInteraction> = {},
    message?: StoredMessage,
  ): StoredInteraction {
    const next = { ...interaction, ...more, state, ...(message ? { latestId: message.id } : {}) };
    world.saveInteraction(next);
    world.emit({ kind: "interaction", interaction: next, ...(message ? { message } : {}) });
    return next;
  }

  function replyTo(interaction: StoredInteraction): Partial<Parameters<Messages["create"]>[0]> {
    if (interaction.originalId !== undefined) return reply(interaction, interaction.originalId);
    if (interaction.type === 2) return { type: interaction.command?.type === 1 ? 20 : 23 };
    return interaction.sourceMessageId === undefined ? {} : reply(interaction, interaction.sourceMessageId);
  }

  const reply = (interaction: StoredInteraction, messageId: string) => ({
    type: 19,
    replyTo: { messageId, channelId: interaction.channelId },
  });

  function say(interaction: StoredInteraction, body: Body, uploads: readonly Upload[], isLoading = false) {
    // A nonce keeps only the messages of a channel single, not what answers an interaction.
    const { nonce: _, ...draft } = readDraft(body);
    const at = placeOf(interaction);
    const isEphemeral = ((draft.flags ?? 0) & FLAG.ephemeral) !== 0;
    return messages.create({
      authorId: botId,
      at,
      draft: isLoading
        ? {
            failIfNotExists: false,
            enforceNonce: false,
            tts: false,
            flags: (draft.flags ?? 0) & FLAG.ephemeral,
          }
        : draft,
      uploads,
      mayBeEmpty: isLoading,
      flags: isLoading ? FLAG.loading : 0,
      ...replyTo(interaction),
      interaction: {
        id: interaction.id,
        type: interaction.type,
        userId: interaction.userId,
        ...(interaction.command ? { name: interaction.command.name } : {}),
      },
      ...(isEphemeral ? { onlyFor: interaction.userId } : {}),
    });
  }

  function placeOf(interaction: StoredInteraction): Place {
    const at = world.place(interaction.channelId);
    if (!at) throw new DiscordError(10003);
    return at;
  }

  function sourceOf(interaction: StoredInteraction): StoredMessage {
    const source = world.message(interaction.sourceMessageId ?? "");
    if (source) return source;
    throw invalidForm([
      { path: "type", code: "BASE_TYPE_CHOICES", message: "There is no message to update." },
    ]);
  }

  /** The first answer; there is exactly one, within three seconds. Returns the message that it made, if any. */
  function answer(
    id: string,
    token: string,
    body: Body,
    uploads: readonly Upload[],
  ): { interaction: StoredInteraction; message?: StoredMessage } {
    const found = world.interaction(id);
    if (!found || found.token !== token) throw new DiscordError(10062);
    if (found.answeredWith !== undefined) throw new DiscordError(40060);
    if (world.now() > found.answerBy) throw new DiscordError(10062);
    const type = Number(body["type"]);
    const content = isObject(body["data"]) ? body["data"] : {};
    const allowed =
      found.type === 4
        ? [8]
        : found.type === 2
          ? [4, 5, 9]
          : found.type === 3
            ? [4, 5, 6, 7, 9]
            : [4, 5, 6, 7];
    if (!allowed.includes(type)) {
      throw invalidForm([
        { path: "type", code: "BASE_TYPE_CHOICES", message: `Must be one of ${allowed.join(", ")}.` },
      ]);
    }
    const done = { answeredWith: type };
    switch (type) {
      case 4:
      case 5: {
        const message = say(found, content, uploads, type === 5);
        const more = { ...done, originalId: message.id, ephemeral: message.onlyFor !== undefined };
        return { interaction: move(found, type === 4 ? "replied" : "thinking", more, message), message };
      }
      case 6: {
        const source = sourceOf(found);
        return { interaction: move(found, "deferred", { ...done, originalId: source.id }), message: source };
      }
      case 7: {
        const source = sourceOf(found);
        const isV2 = (source.flags & FLAG.componentsV2) !== 0;
        const message = messages.edit(source, readDraft(content, { isV2 }), { uploads });
        return { interaction: move(found, "updated", { ...done, originalId: message.id }, message), message };
      }
      case 8:
        return { interaction: move(found, "replied", { ...done, choices: readChoices(content) }) };
      default: {
        const form = createForm();
        checkModal(form, content);
        form.done();
        const modal = content as unknown as APIModalInteractionResponseCallbackData;
        return { interaction: move(found, "modal", { ...done, modal }) };
      }
    }
  }

  /** The interaction of a webhook address, for 15 minutes. */
  function byToken(applicationId: string, token: string): StoredInteraction {
    if (applicationId !== world.population.applicationId) throw new DiscordError(10015);
    const id = /^interaction:(\d+):/.exec(Buffer.from(token, "base64url").toString("latin1"))?.[1];
    const found = id === undefined ? undefined : world.interaction(id);
    if (found?.token !== token || world.now() > found.createdAt + INTERACTION_LIFE_MS)
      throw new DiscordError(50027);
    return found;
  }

  /** `@original` or the id of a follow-up that belongs to the interaction. */
  function messageOf(interaction: StoredInteraction, id: string): StoredMessage {
    if (id === "@original" && interaction.originalId === undefined) throw new DiscordError(10015);
    const message = world.message(id === "@original" ? (interaction.originalId ?? "") : id);
    const isOwn = message?.id === interaction.originalId || message?.interaction?.id === interaction.id;
    if (!message || !isOwn) throw new DiscordError(10008);
    return message;
  }

  function editReply(interaction: StoredInteraction, id: string, body: Body, uploads: readonly Upload[]) {
    const before = messageOf(interaction, id);
    const isV2 = (before.flags & FLAG.componentsV2) !== 0;
    const message = messages.edit(before, readDraft(body, { isV2 }), { uploads, flagsOff: FLAG.loading });
    const isSource = message.id === interaction.sourceMessageId;
    move(interaction, isSource ? "updated" : "replied", {}, message);
    return message;
  }

  /** A further message; after "thinking" it takes the place of the awaited one, as on Discord. */
  function followUp(interaction: StoredInteraction, body: Body, uploads: readonly Upload[]): StoredMessage {
    if (interaction.answeredWith === undefined) throw new DiscordError(10015);
    if (interaction.state === "thinking") return editReply(interaction, "@original", body, uploads);
    const message = say(interaction, body, uploads);
    move(interaction, "replied", {}, message);
    return message;
  }

  function removeReply(interaction: StoredInteraction, id: string): void {
    const message = messageOf(interaction, id);
    messages.remove(message);
    move(interaction, "deleted", {}, message);
  }

  return {
    start,
    answer,
    byToken,
    messageOf,
    editReply,
    followUp,
    removeReply,
    stop() {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}

function readChoices(body: Body): { name: string; value: string | number }[] {
  const form = createForm();
  const choices = form.list(body, "choices", "data", { max: 25 }).map((choice, i) => {
    const name = form.text(choice, "name", `data.choices.${i}`, { min: 1, max: 100, required: true }) ?? "";
    if (typeof choice["value"] === "number") return { name, value: choice["value"] };
    const value = form.text(choice, "value", `data.choices.${i}`, { max: 100, required: true }) ?? "";
    return { name, value };
  });
  form.done();
  return choices;
}
