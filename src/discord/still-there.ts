import { type APIMessage, Routes } from "discord.js";
import type { Receipt } from "../domain/delivery-types.ts";
import { DISCORD_CODES, DiscordError, guardedMessage } from "./discord-failure.ts";
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
