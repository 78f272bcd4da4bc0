import type { APIEmbed } from "discord-api-types/v10";
import type { Component } from "../state/documents.ts";
import { isSnowflake } from "../state/snowflake.ts";
import { checkComponents } from "./components.ts";
import { checkEmbeds } from "./embeds.ts";
import { asText, type Body, createForm, type Form, isObject } from "./form.ts";

export const FLAG = {
  suppressEmbeds: 1 << 2,
  ephemeral: 1 << 6,
  loading: 1 << 7,
  silent: 1 << 12,
  hasThread: 1 << 5,
  componentsV2: 1 << 15,
} as const;

const SETTABLE = FLAG.suppressEmbeds | FLAG.ephemeral | FLAG.silent | FLAG.componentsV2;

export type AllowedMentions = {
  readonly parse: readonly string[];
  readonly users: readonly string[];
  readonly roles: readonly string[];
  readonly repliedUser: boolean;
};

/** What a body asks for; a field that is undefined was not mentioned, so an edit leaves it alone. */
export type Draft = {
  readonly content?: string;
  readonly embeds?: readonly APIEmbed[];
  readonly components?: readonly Component[];
  readonly flags?: number;
  readonly allowedMentions?: AllowedMentions;
  readonly replyTo?: string;
  readonly failIfNotExists: boolean;
  readonly nonce?: string | number;
  readonly enforceNonce: boolean;
  readonly tts: boolean;
  /** Attachments by id: `0`, `1`, … are the uploaded ones, snowflakes those to keep. */
  readonly attachments?: readonly { readonly id: string; readonly description?: string }[];
};

/** Reads and checks the body of a message by Discord's limits; throws a DiscordError that names every problem. */
export function readDraft(body: Body, { isV2 = false }: { isV2?: boolean } = {}): Draft {
  const form = createForm();
  const flags = typeof body["flags"] === "number" ? body["flags"] & SETTABLE : undefined;
  const usesV2 = isV2 || ((flags ?? 0) & FLAG.componentsV2) !== 0;
  const content = body["content"] === null ? "" : form.text(body, "content", "", { max: 2000 });
  const embeds = body["embeds"] === undefined ? undefined : checkEmbeds(form, body);
  const components = body["components"] === undefined ? undefined : checkComponents(form, body, usesV2);
  const nonce = readNonce(form, body["nonce"]);
  const allowedMentions = readAllowedMentions(form, body["allowed_mentions"]);
  const attachments = readAttachments(form, body);
  if (usesV2) {
    for (const [field, isUsed] of [
      ["content", (content ?? "") !== ""],
      ["embeds", (embeds ?? []).length > 0],
      ["poll", isObject(body["poll"])],
      ["sticker_ids", Array.isArray(body["sticker_ids"]) && body["sticker_ids"].length > 0],
    ] as const) {
      if (!isUsed) continue;
      form.say(
        field,
        "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
        `'${field}' cannot go with Components V2.`,
      );
    }
  }
  form.done();
  const reference = isObject(body["message_reference"]) ? body["message_reference"] : {};
  return {
    ...(content === undefined ? {} : { content }),
    ...(embeds === undefined ? {} : { embeds }),
    ...(components === undefined ? {} : { components }),
    ...(flags === undefined ? {} : { flags }),
    ...(allowedMentions === undefined ? {} : { allowedMentions }),
    ...(isSnowflake(reference["message_id"]) ? { replyTo: reference["message_id"] } : {}),
    failIfNotExists: reference["fail_if_not_exists"] !== false,
    ...(nonce === undefined ? {} : { nonce }),
    enforceNonce: body["enforce_nonce"] === true,
    tts: body["tts"] === true,
    ...(attachments === undefined ? {} : { attachments }),
  };
}

export function readNonce(form: Form, nonce: unknown): string | number | undefined {
  if (nonce === undefined || nonce === null) return undefined;
  if (typeof nonce === "number" && Number.isInteger(nonce)) return nonce;
  if (typeof nonce === "string" && nonce.length <= 25) return nonce;
  return form.say("nonce", "NONCE_TYPE_TOO_LONG", "Must be 25 or fewer in length.");
}

function readAllowedMentions(form: Form, allowed: unknown): AllowedMentions | undefined {
  if (!isObject(allowed)) return undefined;
  const list = (key: string) => {
    const value = allowed[key];
    return Array.isArray(value) ? value.map(String) : [];
  };
  const [parse, users, roles] = [list("parse"), list("users"), list("roles")];
  for (const [key, ids] of [
    ["users", users],
    ["roles", roles],
  ] as const) {
    if (ids.length > 100)
      form.say(`allowed_mentions.${key}`, "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer.");
    if (ids.length > 0 && parse.includes(key)) {
      form.say(
        "allowed_mentions",
        "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
        `parse:["${key}"] and ${key}: [ids…] are mutually exclusive.`,
      );
    }
  }
  return { parse, users, roles, repliedUser: allowed["replied_user"] === true };
}

function readAttachments(form: Form, body: Body): { id: string; description?: string }[] | undefined {
  if (!Array.isArray(body["attachments"])) return undefined;
  return form.list(body, "attachments", "", { max: 10 }).map((one, i) => {
    const description = form.text(one, "description", `attachments.${i}`, { max: 1024 });
    return { id: asText(one["id"]), ...(description === undefined ? {} : { description }) };
  });
}
