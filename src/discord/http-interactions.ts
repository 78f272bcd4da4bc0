import { type APIInteraction, InteractionResponseType, InteractionType } from "discord.js";
import type { Actor } from "../domain/actor.ts";
import type { ReplyTo } from "../domain/interaction.ts";
import type { Outcome } from "../engine/loop.ts";
import type { ClaimedOf } from "../engine/perform.ts";
import { inTime } from "../kernel/in-time.ts";
import { Refusal } from "../kernel/refusal.ts";
import { askedOf, isAskable } from "./asked.ts";
import type { Asked } from "./command.ts";
import { deferral, type Interactions } from "./interactions.ts";
import { suggestions } from "./suggest.ts";

/** Discord waits for 3 s in all; this much of it may go into finding out what to answer. */
const FIND_OUT_WITHIN_MS = 2000;
const IN_HAND_AGAIN_MS = 5000;
/** Our answer's second half may overtake the first one on its way to Discord, which then knows nothing of it yet. */
const OVERTAKEN_MS = [250, 500, 1000, 2000] as const;

/**
 * Interactions that Discord sends as requests instead of gateway events: any supervisor that shares the ledger may
 * answer one. What changes something is in the ledger, with the way back to the asker, before the answer leaves; what
 * its taker does not finish is taken over as an effect of the outbox.
 */
export function createHttpInteractions({
  shared,
  know,
}: {
  readonly shared: Interactions["shared"];
  /** Resolves when the guild is known. */
  readonly know: () => Promise<void>;
}) {
  const { interactions, commands, inHand, log, now, crash } = shared;

  /** The body of the answer; `answered` resolves when it has left, or nobody waits for it any more. */
  async function answer(payload: unknown, answered: Promise<void>): Promise<object> {
    // The signature says that Discord wrote it.
    const interaction = payload as APIInteraction;
    if (interaction.type === InteractionType.Ping) return { type: InteractionResponseType.Pong };
    if (interaction.guild_id !== shared.guildId) return shared.told("⚠️ This bot works in another server.");
    await know();
    if (interaction.type === InteractionType.ApplicationCommandAutocomplete) {
      return inTime(FIND_OUT_WITHIN_MS, shared.suggest(interaction), suggestions([]));
    }
    if (!isAskable(interaction)) {
      throw new Refusal("invalid_input", "That button, menu or command is none of this bot's.");
    }
    const asked = askedOf(interaction);
    const deed = commands.deedOf(asked);
    const actor = shared.actorOf(asked.user);
    const late = shared.told("⚠️ That took too long, and nothing was done.\n→ Ask again.");
    const form =
      deed?.opens && (await inTime(FIND_OUT_WITHIN_MS, shared.opened(deed.opens, asked, actor), late));
    if (form) return form;
    const replyTo = { applicationId: interaction.application_id, token: interaction.token };
    const isKept = deed !== undefined && !deed.reads;
    // Told twice, by whatever door: whoever noted it carries it out.
    const isOurs = isKept ? await interactions.note(asked.id, asked, actor, replyTo) : !inHand.has(asked.id);
    if (!isOurs && inHand.has(asked.id)) shared.byHttp.add(asked.id);
    if (isOurs) {
      carryOn({ asked, actor, replyTo, isKept, answered }).catch((error: unknown) => {
        log.error({ interaction: asked.id, err: error }, "an interaction broke off");
      });
    }
    return deferral(asked, deed);
  }

  async function carryOn(what: {
    readonly asked: Asked;
    readonly actor: Actor;
    readonly replyTo: ReplyTo;
    readonly isKept: boolean;
    readonly answered: Promise<void>;
  }): Promise<void> {
    const { asked, actor, replyTo, isKept } = what;
    const at = now();
    inHand.add(asked.id);
    try {
      await what.answered;
      crash("interaction:answered");
      if (isKept && (await shared.isAnswered(asked.id, at))) return;
      const found = await shared.carryOut(asked, actor);
      if (isKept && (await shared.isAnswered(asked.id, at))) return;
      await shared.reply(asked, replyTo, found, { waits: OVERTAKEN_MS, isOwed: isKept });
      if (isKept) await interactions.done(asked.id, found.outcome);
    } finally {
      inHand.delete(asked.id);
      shared.byHttp.delete(asked.id);
    }
  }

  /** What whoever took it has not finished. Verbs do nothing twice under the interaction's id. */
  async function perform({ body }: ClaimedOf<"interaction">): Promise<Outcome> {
    const id = body.interaction;
    if (inHand.has(id)) {
      return { kind: "again", dueAt: now() + IN_HAND_AGAIN_MS, reason: "it is being carried out" };
    }
    const noted = await interactions.noted(id);
    if (!noted?.owedTo) return { kind: "done", outcome: "answered" };
    inHand.add(id);
    try {
      await know();
      const asked = { ...(noted.work as Asked), takenAt: noted.at };
      const found = await shared.carryOut(asked, noted.actor);
      await shared.reply(asked, noted.owedTo, found, { askedAt: noted.at, isOwed: true });
      await interactions.done(id, found.outcome);
      log.info(
        { interaction: id, name: asked.name, outcome: found.outcome },
        "an interaction was taken over",
      );
      return { kind: "done", outcome: found.outcome };
    } finally {
      inHand.delete(id);
    }
  }

  return { answer, perform };
}
