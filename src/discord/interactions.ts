import {
  type AutocompleteInteraction,
  type Interaction,
  InteractionResponseType,
  MessageFlags,
  Routes,
} from "discord.js";
import type { Actor } from "../domain/actor.ts";
import type { Log } from "../engine/ports/log.ts";
import type { Verbs } from "../engine/verbs.ts";
import { isRefusal } from "../kernel/refusal.ts";
import { cut } from "../kernel/text.ts";
import { answerPayload, broken, publicPayload, refused } from "./answer.ts";
import { askedOf, isAskable, personOf } from "./asked.ts";
import type { Answer, Asked, CommandContext } from "./command.ts";
import { hashedSubject } from "./custom-id.ts";
import { DISCORD_CODES, DiscordError, guarded } from "./discord-failure.ts";
import { LIMITS } from "./limits.ts";
import type { CommandSet } from "./load-commands.ts";
import { bodyOf, rawFiles } from "./payload.ts";
import { ownHistory } from "./post-once.ts";
import type { DiscordRest } from "./rest.ts";
import { asLine } from "./sanitize.ts";

const MOST_LOOKED_THROUGH = 1000;
const NONCE_HOLDS_MS = 120_000;

export type InteractionsDeps = {
  readonly rest: DiscordRest;
  readonly guildId: string;
  readonly botId: () => string;
  readonly commands: CommandSet;
  readonly interactions: Verbs["interactions"];
  readonly delegations: Verbs["delegations"];
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

  async function receive(interaction: Interaction): Promise<void> {
    if (interaction.guildId !== deps.guildId) return;
    if (interaction.isAutocomplete()) return suggest(interaction);
    if (!isAskable(interaction)) return;
    const asked = askedOf(interaction);
    const target =
      asked.kind === "press" ? commands.presses.get(asked.name) : commands.byName.get(asked.name);
    const actor = deps.actorOf(asked.user);
    const replyTo = { applicationId: interaction.applicationId, token: interaction.token };
    const isKept = target !== undefined && !target.reads;
    inHand.add(asked.id);
    try {
      if (isKept) {
        if (!(await interactions.note(asked.id, asked, actor))) return;
        await interactions.begin(asked.id);
      }
      const replaces = asked.kind === "press" && (commands.presses.get(asked.name)?.replaces ?? false);
      if (!(await acknowledge(asked, replyTo, replaces))) {
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

  /** False when the person was told by Discord that it failed. */
  async function acknowledge(asked: Asked, { token }: ReplyTo, replaces: boolean): Promise<boolean> {
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
    const target =
      asked.kind === "press" ? commands.presses.get(asked.name) : commands.byName.get(asked.name);
    if (!target)
      return {
        text: "⚠️ This button or command is from another version. Use `/help` to see what there is.",
        outcome: "unknown",
      };
    try {
      const subject = asked.subject?.startsWith("#") ? await unhash(asked.subject) : asked.subject;
      return await target.execute(
        { ...asked, ...(subject === undefined ? {} : { subject }) },
        deps.contextFor(actor),
      );
    } catch (thrown) {
      if (isRefusal(thrown)) return refused(thrown);
      log.error(
        { interaction: asked.id, name: asked.name, err: thrown },
        "an interaction could not be carried out",
      );
      return broken(asked.id);
    }
  }

  async function unhash(subject: string): Promise<string> {
    let before: string | undefined;
    for (let seen = 0; seen < MOST_LOOKED_THROUGH; ) {
      const page = await deps.delegations({ limit: 100, ...(before ? { before } : {}) });
      const found = page.items.find(({ id }) => hashedSubject(id) === subject);
      if (found) return found.id;
      seen += page.items.length;
      before = page.next;
      if (!before) break;
    }
    return subject;
  }

  async function reply(asked: Asked, { applicationId, token }: ReplyTo, answer: Answer): Promise<void> {
    const payload = answerPayload({ ...answer, text: deps.redact(answer.text) });
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

  /** Once, also when we die between this post and its record. */
  async function replyInChannel(asked: Asked, answer: Answer, at: number): Promise<void> {
    const mark = `interaction/${asked.id}`;
    const safe = { ...answer, text: deps.redact(answer.text) };
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

  async function suggest(interaction: AutocompleteInteraction): Promise<void> {
    const { name, value } = interaction.options.getFocused(true);
    const command = commands.byName.get(interaction.commandName);
    const context = deps.contextFor(deps.actorOf(personOf(interaction)));
    let found: Awaited<ReturnType<NonNullable<NonNullable<typeof command>["autocomplete"]>>> = [];
    try {
      found = (await command?.autocomplete?.({ name, value }, context)) ?? [];
    } catch (thrown) {
      log.error({ name: interaction.commandName, err: thrown }, "no suggestions could be made");
    }
    const choices = found
      .filter((choice) => choice.value.length > 0 && choice.value.length <= LIMITS.choiceChars)
      .slice(0, LIMITS.choices)
      .map((choice) => ({ name: cut(choice.name, LIMITS.choiceChars), value: choice.value }));
    const body = { type: InteractionResponseType.ApplicationCommandAutocompleteResult, data: { choices } };
    const route = Routes.interactionCallback(interaction.id, interaction.token);
    await guarded(rest.raw.post(route, { auth: false, body })).catch((thrown: unknown) => {
      if (!(thrown instanceof DiscordError)) throw thrown;
      log.info({ name: interaction.commandName, failure: thrown.message }, "suggestions came too late");
    });
  }

  return { receive, finishOld };
}
