import { type Interaction, InteractionResponseType, MessageFlags, Routes } from "discord.js";
import type { Actor } from "../domain/actor.ts";
import type { Log } from "../engine/ports/log.ts";
import type { Verbs } from "../engine/verbs.ts";
import { isRefusal } from "../kernel/refusal.ts";
import { answerPayload, broken, publicPayload, refused } from "./answer.ts";
import { askedOf, isAskable } from "./asked.ts";
import type { Answer, Asked, CommandContext, Deed, Modal } from "./command.ts";
import { DISCORD_CODES, DiscordError, guarded } from "./discord-failure.ts";
import { findSubject } from "./find-subject.ts";
import type { CommandSet } from "./load-commands.ts";
import { bodyOf, rawFiles } from "./payload.ts";
import { ownHistory } from "./post-once.ts";
import type { DiscordRest } from "./rest.ts";
import { asLine } from "./sanitize.ts";
import { createSuggest } from "./suggest.ts";

const NONCE_HOLDS_MS = 120_000;

export type InteractionsDeps = {
  readonly rest: DiscordRest;
  readonly guildId: string;
  readonly botId: () => string;
  readonly commands: CommandSet;
  readonly interactions: Verbs["interactions"];
  readonly delegations: Verbs["delegations"];
  readonly runs: Verbs["runs"];
  readonly proposals: Verbs["evolve"]["log"];
  readonly actorOf: (user: Asked["user"]) => Actor;
  readonly contextFor: (actor: Actor) => CommandContext;
  readonly redact: (text: string) => string;
  readonly now: () => number;
  readonly log: Log;
};

/** The way back to the asker: within 15 minutes, visible to them alone. */
type ReplyTo = { readonly applicationId: string; readonly token: string };

/** Noted, acknowledged, carried out, answered; in this order, so that nothing that was acknowledged is lost. */
export function createInteractions(deps: InteractionsDeps) {
  const { rest, log, commands, interactions } = deps;
  const inHand = new Set<string>();
  const suggest = createSuggest(deps);

  async function receive(interaction: Interaction): Promise<void> {
    if (interaction.guildId !== deps.guildId) return;
    if (interaction.isAutocomplete()) return suggest(interaction);
    if (!isAskable(interaction)) return;
    const asked = askedOf(interaction);
    const deed = commands.deedOf(asked);
    const actor = deps.actorOf(asked.user);
    const replyTo = { applicationId: interaction.applicationId, token: interaction.token };
    if (deed?.opens && (await open(deed.opens, asked, actor, replyTo))) return;
    const isKept = deed !== undefined && !deed.reads;
    inHand.add(asked.id);
    try {
      if (isKept) {
        if (!(await interactions.note(asked.id, asked, actor))) return;
        await interactions.begin(asked.id);
      }
      if (!(await acknowledge(asked, replyTo, deed))) {
        if (isKept) await interactions.done(asked.id, "unanswered");
        return;
      }
      const answer = await carryOut(asked, actor);
      await reply(asked, replyTo, answer);
      if (isKept) await interactions.done(asked.id, answer.outcome);
    } finally {
      inHand.delete(asked.id);
    }
  }

  /** Asks with a form instead of doing it; a refusal is told at once. False when it is to be done without a form. */
  async function open(
    opens: NonNullable<Deed["opens"]>,
    asked: Asked,
    actor: Actor,
    { token }: ReplyTo,
  ): Promise<boolean> {
    const answerWith = async () => {
      try {
        const modal = await opens(await whole(asked), deps.contextFor(actor));
        return modal && formOf(modal);
      } catch (thrown) {
        const payload = answerPayload(toldOf(thrown, asked));
        const content = deps.redact(payload.content ?? "");
        return messageOf({ ...bodyOf({ content, files: [] }), flags: MessageFlags.Ephemeral });
      }
    };
    const body = await answerWith();
    if (!body) return false;
    try {
      await guarded(rest.raw.post(Routes.interactionCallback(asked.id, token), { auth: false, body }));
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      // Nothing was kept and nothing changed: the person sees that it failed, and asks again.
      log.warn({ name: asked.name, failure: thrown.message }, "a form could not be shown");
    }
    return true;
  }

  /** False when the person was told by Discord that it failed. */
  async function acknowledge(asked: Asked, { token }: ReplyTo, deed: Deed | undefined): Promise<boolean> {
    // A form that a command opened comes from no message.
    const replaces = deed?.replaces === true && asked.message !== undefined;
    const body = replaces
      ? { type: InteractionResponseType.DeferredMessageUpdate }
      : {
          type: InteractionResponseType.DeferredChannelMessageWithSource,
          data: { flags: MessageFlags.Ephemeral },
        };
    try {
      await guarded(rest.raw.post(Routes.interactionCallback(asked.id, token), { auth: false, body }));
      return true;
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      const { code, status, text } = thrown.failure;
      // Our own repeat of a request that Discord had carried out.
      if (code === DISCORD_CODES.alreadyAcknowledged) return true;
      log.warn(
        { interaction: asked.id, name: asked.name, failure: text },
        "an interaction was not acknowledged",
      );
      return code !== DISCORD_CODES.unknownInteraction && status !== 404;
    }
  }

  async function carryOut(asked: Asked, actor: Actor): Promise<Answer> {
    const deed = commands.deedOf(asked);
    if (!deed)
      return {
        text: "⚠️ This button or command is from another version. Use `/help` to see what there is.",
        outcome: "unknown",
      };
    try {
      return await deed.execute(await whole(asked), deps.contextFor(actor));
    } catch (thrown) {
      return toldOf(thrown, asked);
    }
  }

  function toldOf(thrown: unknown, asked: Asked): Answer {
    if (isRefusal(thrown)) return refused(thrown);
    log.error(
      { interaction: asked.id, name: asked.name, err: thrown },
      "an interaction could not be carried out",
    );
    return broken(asked.id);
  }

  /** With the subject that a shortened custom id stands for. */
  async function whole(asked: Asked): Promise<Asked> {
    if (!asked.subject?.startsWith("#")) return asked;
    return { ...asked, subject: await findSubject(asked.subject, deps) };
  }

  async function reply(asked: Asked, { applicationId, token }: ReplyTo, answer: Answer): Promise<void> {
    const payload = answerPayload(withoutSecrets(answer));
    try {
      const route = Routes.webhookMessage(applicationId, token, "@original");
      await guarded(rest.raw.patch(route, { auth: false, body: bodyOf(payload), files: rawFiles(payload) }));
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      log.warn(
        { interaction: asked.id, failure: thrown.message },
        "an answer is posted in the channel instead",
      );
      await replyInChannel(asked, answer, deps.now());
    }
  }

  /** The files of answers are texts of ours. */
  function withoutSecrets(answer: Answer): Answer {
    const { text, file } = answer;
    const whole = file && deps.redact(Buffer.from(file.bytes).toString("utf8"));
    return {
      ...answer,
      text: deps.redact(text),
      ...(file && whole !== undefined ? { file: { name: file.name, bytes: Buffer.from(whole) } } : {}),
    };
  }

  /** Once, also when we die between this post and its record. */
  async function replyInChannel(asked: Asked, answer: Answer, at: number): Promise<void> {
    const mark = `interaction/${asked.id}`;
    const safe = withoutSecrets(answer);
    try {
      if (deps.now() - at >= NONCE_HOLDS_MS) {
        const seen = await ownHistory(rest, asked.channel, deps.botId(), at);
        if (seen.some((message) => message.mark(mark))) return;
      }
      await rest.post(asked.channel, mark, 0, publicPayload(asLine(asked.user.name), safe, mark));
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      log.warn(
        { interaction: asked.id, channel: asked.channel, failure: thrown.message },
        "an answer reached nobody",
      );
    }
  }

  /** What an earlier life of the supervisor had acknowledged and not finished. */
  async function finishOld(): Promise<void> {
    for (const { id, work, actor, at } of await interactions.unfinished()) {
      if (inHand.has(id)) continue;
      inHand.add(id);
      try {
        const asked = work as Asked;
        const answer = await carryOut(asked, actor);
        await replyInChannel(asked, answer, at);
        await interactions.done(id, answer.outcome);
        log.info(
          { interaction: id, name: asked.name, outcome: answer.outcome },
          "an earlier interaction was finished",
        );
      } finally {
        inHand.delete(id);
      }
    }
  }

  return { receive, finishOld };
}

const formOf = (data: Modal) => ({ type: InteractionResponseType.Modal, data });

const messageOf = (data: object) => ({ type: InteractionResponseType.ChannelMessageWithSource, data });
