import type { APIEmbed } from "discord-api-types/v10";
import { type Body, type Form, isObject } from "./form.ts";

const TOTAL_TEXT = 6000;

/** Discord's limits of embeds: 10 of them, 25 fields each, 6000 characters together. */
export function checkEmbeds(form: Form, body: Body): APIEmbed[] {
  const embeds = form.list(body, "embeds", "", { max: 10 });
  let total = 0;
  const count = (text: string | undefined) => {
    total += text?.length ?? 0;
  };
  embeds.forEach((embed, i) => {
    const at = `embeds.${i}`;
    count(form.text(embed, "title", at, { max: 256 }));
    count(form.text(embed, "description", at, { max: 4096 }));
    if (isObject(embed["footer"])) count(form.text(embed["footer"], "text", `${at}.footer`, { max: 2048 }));
    if (isObject(embed["author"])) count(form.text(embed["author"], "name", `${at}.author`, { max: 256 }));
    form.list(embed, "fields", at, { max: 25 }).forEach((field, n) => {
      count(form.text(field, "name", `${at}.fields.${n}`, { min: 1, max: 256, required: true }));
      count(form.text(field, "value", `${at}.fields.${n}`, { min: 1, max: 1024, required: true }));
    });
  });
  if (total > TOTAL_TEXT) {
    form.say("embeds", "MAX_EMBED_SIZE_EXCEEDED", `Embeds may hold ${TOTAL_TEXT} characters in total.`);
  }
  return embeds.map((embed) => ({ type: "rich", ...embed })) as APIEmbed[];
}
