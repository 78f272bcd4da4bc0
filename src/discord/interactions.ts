import {
  type APIInteraction,
  InteractionResponseType,
  InteractionType,
  MessageFlags,
  Routes,
} from "discord.js";
import type { Actor } from "../domain/actor.ts";
import { ONLY_ITS_TAKERS_MS, type ReplyTo } from "../domain/interaction.ts";
import type { Crash, Log } from "../engine/ports/log.ts";
import type { Verbs } from "../engine/verbs.ts";
import { isRefusal } from "../kernel/refusal.ts";
import { answerPayload, broken, publicPayload, refused, withoutSecrets } from "./answer.ts";
import { askedOf, isAskable } from "./asked.ts";
import type { Answer, Asked, CommandContext, Deed } from "./command.ts";
import { DISCORD_CODES, DiscordError, guarded } from "./discord-failure.ts";
import { findSubject } from "./find-subject.ts";
import type { CommandSet } from "./load-commands.ts";
import { ownHistory, wholeHistory } from "./own-history.ts";
import { bodyOf, rawFiles } from "./payload.ts";
import { isOld } from "./post-once.ts";
import type { DiscordRest } from "./rest.ts";
import { asLine } from "./sanitize.ts";
import { createSuggest } from "./suggest.ts";
import { ALONE, type WriteGuard } from "./write-guard.ts";

type ReplyMore = {
  /** Tried again after these, while Discord does not know yet that it was acknowledged. */
  readonly waits?: readonly number[];
  readonly askedAt?: number;
  /** It throws when Discord takes the answer nowhere now, and whoever calls sees to it that it is told later. */
  readonly isOwed?: boolean;
};
/** What was begun, and what it came to where that is known. */
type Owed = Awaited<ReturnType<Verbs["interactions"]["unfinished"]>>[number] & { readonly answer?: Answer };

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
  readonly isStopped: () => boolean;
  readonly log: Log;
  readonly crash: Crash;
  /** Where several supervisors share the ledger: what one does not finish another one does. */
  readonly guard?: WriteGuard;
};

const ANOTHER_ANSWERED =
  "another supervisor with this bot's token answered a command or button first: stop one of them, or give it a bot of its own";

/** Noted, acknowledged, carried out, answered; in this order, so that nothing that was acknowledged is lost. */
export function createInteractions(deps: InteractionsDeps) {
  const { rest, log, commands, interactions, isStopped, guard = ALONE } = deps;
  const isShared = deps.guard !== undefined;
  const inHand = new Set<string>();
  /** Carried out, and not told yet: it is not carried out once more for that. */
  const owed = new Map<string, Owed>();
  /** In our hands, and answered by the other door. */
  const byHttp = new Set<string>();
  const suggest = createSuggest(deps);

  /** One that came over the gateway. */
  async function receive(interaction: APIInteraction): Promise<void> {
    if (interaction.guild_id !== deps.guildId) return;
    const replyTo = { applicationId: interaction.application_id, token: interaction.token };
    if (interaction.type === InteractionType.ApplicationCommandAutocomplete) {
      return call(interaction.id, replyTo, await suggest(interaction), "suggestions came too late");
    }
    if (!isAskable(interaction)) return;
    const asked = askedOf(interaction);
    const deed = commands.deedOf(asked);
    const actor = deps.actorOf(asked.user);
    const form = deed?.opens && (await opened(deed.opens, asked, actor));
    // Nothing was kept and nothing changed: the person sees that it failed, and asks again.
    if (form) return call(asked.id, replyTo, form, "a form could not be shown");
    const isKept = deed !== undefined && !deed.reads;
    const at = deps.now();
    // With the way back to the asker others answer in our place; it is begun with that. One that comes again, as a
    // resumed session sends it, is in nobody's hand by that: it may be to be finished now.
    const way = isShared ? replyTo : undefined;
    if (isKept && !(await interactions.note(asked.id, asked, actor, way))) return;
    inHand.add(asked.id);
    try {
      if (isKept && !isShared) await interactions.begin(asked.id);
      if (!(await acknowledge(asked, replyTo, deed))) {
        if (isKept) await interactions.done(asked.id, "unanswered");
        return;
      }
      if (isKept && (await isAnswered(asked.id, at))) return;
      const answer = await carryOut(asked, actor);
      if (isKept && (await isAnswered(asked.id, at))) return;
      // Where others may answer in our place, the effect of the outbox does it.
      if (isKept && !isShared) owed.set(asked.id, { id: asked.id, work: asked, actor, at, answer });
      await reply(asked, replyTo, answer, { isOwed: isKept });
      owed.delete(asked.id);
      if (isKept) await interactions.done(asked.id, answer.outcome);
    } catch (thrown) {
      tellLater(asked.id, thrown);
    } finally {
      inHand.delete(asked.id);
      byHttp.delete(asked.id);
    }
  }

  /** The form to be filled in first; a refusal is told at once. Undefined when it is to be done without a form. */
  async function opened(opens: NonNullable<Deed["opens"]>, asked: Asked, actor: Actor) {
    try {
      const modal = await opens(await whole(asked), deps.contextFor(actor));
      return modal && { type: InteractionResponseType.Modal, data: modal };
    } catch (thrown) {
      return told(answerPayload(toldOf(thrown, asked)).content ?? "");
    }
  }

  const told = (text: string) =>
    messageOf({ ...bodyOf({ content: deps.redact(text), files: [] }), flags: MessageFlags.Ephemeral });

  async function call(id: string, { token }: ReplyTo, body: object, failed: string): Promise<void> {
    try {
      await guarded(rest.raw.post(Routes.interactionCallback(id, token), { auth: false, body }));
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      log.warn({ interaction: id, failure: thrown.message }, failed);
    }
  }

  /** False when the person was told by Discord that it failed, or it is another supervisor's to do. */
  async function acknowledge(asked: Asked, { token }: ReplyTo, deed: Deed | undefined): Promise<boolean> {
    const { id, name } = asked;
    try {
      const isOurs = await rest.callback(id, token, deferral(asked, deed));
      // Among those who share the ledger, by whatever door, and of what only shows something it does not matter who.
      if (isOurs || isShared || byHttp.has(id) || !deed || deed.reads) return true;
      log.error({ interaction: id, name }, ANOTHER_ANSWERED);
      return !deed.begins;
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      const { kind, text } = thrown.failure;
      log.warn({ interaction: id, name, failure: text }, "an interaction was not acknowledged");
      // Too late, refused, or not taken for a rate limit: Discord tells the person that it failed, who asks again.
      return kind === "unsure" || kind === "withheld";
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

  /** Whoever stood still for longer than its own time for it may find that another one has done it. */
  async function isAnswered(id: string, since: number): Promise<boolean> {
    if (!isShared || deps.now() - since < ONLY_ITS_TAKERS_MS) return false;
    return (await interactions.noted(id))?.owedTo === undefined;
  }

  const reply = (asked: Asked, replyTo: ReplyTo, answer: Answer, more: ReplyMore = {}): Promise<void> =>
    guard.claimed("member")(() => send(asked, replyTo, answer, more));

  async function send(
    asked: Asked,
    { applicationId, token }: ReplyTo,
    answer: Answer,
    more: ReplyMore,
  ): Promise<void> {
    const payload = answerPayload(withoutSecrets(answer, deps.redact));
    const [waitMs, ...waits] = more.waits ?? [];
    try {
      const route = Routes.webhookMessage(applicationId, token, "@original");
      await guarded(rest.raw.patch(route, { auth: false, body: bodyOf(payload), files: rawFiles(payload) }));
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      if (waitMs !== undefined && thrown.failure.code === DISCORD_CODES.unknownWebhook) {
        await new Promise((resolve) => setTimeout(resolve, waitMs));
        return send(asked, { applicationId, token }, answer, { ...more, waits });
      }
      log.warn(
        { interaction: asked.id, failure: thrown.message },
        "an answer is posted in the channel instead",
      );
      await replyInChannel(asked, answer, more.askedAt ?? deps.now(), more);
    }
  }

  /** Once, also when we die between this post and its record. */
  async function replyInChannel(
    asked: Asked,
    answer: Answer,
    at: number,
    { isOwed = false, look = ownHistory }: { readonly isOwed?: boolean; readonly look?: typeof ownHistory },
  ): Promise<void> {
    const mark = `interaction/${asked.id}`;
    const safe = withoutSecrets(answer, deps.redact);
    try {
      if (isOld({ since: at }, deps.now()) && (await isThere(look, asked.channel, mark, at))) return;
      await rest.post(asked.channel, mark, 0, publicPayload(asLine(asked.user.name), safe, mark));
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      const { kind } = thrown.failure;
      // Whoever does it now says it, or we in our next turn.
      if (kind === "withheld" || (isOwed && kind !== "refused" && kind !== "unreachable-place")) throw thrown;
      log.warn(
        { interaction: asked.id, channel: asked.channel, failure: thrown.message },
        "an answer reached nobody",
      );
    }
  }

  /** Where the history may not be read, nobody knows: an answer twice is better than none. */
  async function isThere(look: typeof ownHistory, channel: string, mark: string, since: number) {
    try {
      const seen = await look(rest, channel, deps.botId(), since);
      return seen.some((message) => message.mark(mark));
    } catch (thrown) {
      if (!(thrown instanceof DiscordError) || thrown.failure.kind !== "unreachable-place") throw thrown;
      return false;
    }
  }

  /** What an earlier life had acknowledged and not finished, and what could not be told since and is not told by now. */
  async function finishOld(): Promise<void> {
    const unfinished = await interactions.unfinished();
    const open = new Map<string, Owed>([...unfinished.map((one) => [one.id, one] as const), ...owed]);
    for (const { id, work, actor, at, answer: known } of open.values()) {
      if (isStopped() || inHand.has(id) || (known && !owed.has(id))) continue;
      inHand.add(id);
      try {
        const asked = { ...(work as Asked), takenAt: at };
        const answer = known ?? (await carryOut(asked, actor));
        owed.set(id, { id, work, actor, at, answer });
        await replyInChannel(asked, answer, at, { isOwed: true, look: wholeHistory });
        owed.delete(id);
        await interactions.done(id, answer.outcome);
        log.info(
          { interaction: id, name: asked.name, outcome: answer.outcome },
          "an earlier interaction was finished",
        );
      } catch (thrown) {
        tellLater(id, thrown);
      } finally {
        inHand.delete(id);
      }
    }
  }

  function tellLater(interaction: string, thrown: unknown): void {
    if (!(thrown instanceof DiscordError)) throw thrown;
    log.warn({ interaction, failure: thrown.message }, "an answer is told when Discord takes it");
  }

  const shared = { ...deps, inHand, byHttp, suggest, opened, told, carryOut, isAnswered, reply };
  return { receive, finishOld, shared };
}

export type Interactions = ReturnType<typeof createInteractions>;

/** The acknowledgment; a form that a command opened comes from no message. */
export function deferral(asked: Asked, deed: Deed | undefined) {
  if (deed?.replaces === true && asked.message !== undefined) {
    return { type: InteractionResponseType.DeferredMessageUpdate };
  }
  return {
    type: InteractionResponseType.DeferredChannelMessageWithSource,
    data: { flags: MessageFlags.Ephemeral },
  };
}

const messageOf = (data: object) => ({ type: InteractionResponseType.ChannelMessageWithSource, data });
