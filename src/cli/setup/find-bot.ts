import { Refusal } from "../../kernel/refusal.ts";
import type { Ask } from "../doctor/discord-rest.ts";
import { type Application, type Failed, readApplication } from "../doctor/guild.ts";

export type Bot = { readonly id: string; readonly name: string; readonly application: Application };

/** Who the token belongs to; undefined when Discord refuses it. Throws when Discord cannot be asked. */
export async function findBot(ask: Ask): Promise<Bot | undefined> {
  const me = await ask("/users/@me");
  if (me.kind === "refused" && me.status === 401) return undefined;
  if (me.kind !== "ok") throw noAnswer(me);
  const { id, username } = me.body as { id: string; username: string };
  const application = await readApplication(ask);
  if (!application.ok) throw noAnswer(application.said);
  return { id, name: username, application: application.what };
}

export function noAnswer(said: Failed): Refusal {
  const text = said.kind === "unreachable" ? said.text : `Discord answers ${said.status} ${said.text}`;
  return new Refusal("no_discord", text, {
    hint: "Check the network, a proxy, and DISCORD_API if you set it, then run hq setup again.",
  });
}

/** What people paste: with blanks around it, or with the word Bot before it. */
export function cleanToken(text: string): string {
  return text.trim().replace(/^Bot\s+/i, "");
}
