import { type APIMessage, Routes } from "discord.js";
import type { Receipt } from "../domain/delivery-types.ts";
import { DISCORD_CODES, DiscordError, guarded, guardedMessage } from "./discord-failure.ts";
import type { DiscordRest } from "./rest.ts";

type Place = Pick<Receipt, "channel" | "message">;

/** A message of ours as Discord has it. Throws `DiscordError`, also when somebody deleted it. */
export function messageAt(
  { raw }: Pick<DiscordRest, "raw">,
  { channel, message }: Place,
): Promise<APIMessage> {
  return guardedMessage(raw.get(Routes.channelMessage(channel, message)));
}

export function isDeleted(thrown: unknown): boolean {
  return thrown instanceof DiscordError && thrown.failure.code === DISCORD_CODES.unknownMessage;
}

/** A channel that is closed to us says nothing of its messages; one that was deleted took them along. */
export function isChannelGone(thrown: unknown): boolean {
  return thrown instanceof DiscordError && thrown.failure.code === DISCORD_CODES.unknownChannel;
}

/** False only when Discord says of the channel itself that it does not exist. */
export async function isChannelThere({ raw }: Pick<DiscordRest, "raw">, channel: string): Promise<boolean> {
  try {
    await guarded(raw.get(Routes.channel(channel)));
  } catch (thrown) {
    if (!(thrown instanceof DiscordError)) throw thrown;
    return !isChannelGone(thrown);
  }
  return true;
}

/** False only when Discord says of the message itself that it does not exist. */
export async function isStillThere(rest: Pick<DiscordRest, "raw">, at: Place): Promise<boolean> {
  try {
    await messageAt(rest, at);
  } catch (thrown) {
    if (!(thrown instanceof DiscordError)) throw thrown;
    return !isDeleted(thrown);
  }
  return true;
}

/** Whether a message of ours still asks for something. */
export async function hasButtons(rest: Pick<DiscordRest, "raw">, at: Place): Promise<boolean> {
  const found = await messageAt(rest, at);
  return JSON.stringify(found.components ?? []).includes('"custom_id"');
}
