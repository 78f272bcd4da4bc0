import { randomBytes } from "node:crypto";
import type { StoredInteraction, StoredMessage } from "../state/documents.ts";
import type { Place, World } from "../state/world.ts";

export type Starting = {
  readonly type: StoredInteraction["type"];
  readonly userId: string;
  readonly at: Place;
  readonly nonce?: string | number | undefined;
  readonly command?: StoredInteraction["command"];
  readonly customId?: string;
  readonly source?: StoredMessage;
};

/** One that was not sent yet. */
export function makeInteraction(
  world: Pick<World, "newId" | "now">,
  { type, userId, at, nonce, command, customId, source }: Starting,
): StoredInteraction {
  const id = world.newId();
  return {
    id,
    token: Buffer.from(`interaction:${id}:${randomBytes(36).toString("base64")}`).toString("base64url"),
    type,
    userId,
    channelId: at.id,
    createdAt: world.now(),
    answerBy: 0,
    state: "pending",
    ...(nonce === undefined ? {} : { nonce }),
    ...(command ? { command } : {}),
    ...(customId === undefined ? {} : { customId }),
    ...(source ? { sourceMessageId: source.id } : {}),
  };
}
