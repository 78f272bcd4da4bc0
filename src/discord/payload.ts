import {
  type APIComponentInContainer,
  type APIMessageTopLevelComponent,
  ComponentType,
  MessageFlags,
  type RawFile,
  type RESTPostAPIChannelMessageJSONBody,
} from "discord.js";
import { canonicalJson, digestOf } from "../kernel/id.ts";
import { mapStrings } from "./redact-view.ts";

/** A file by its bytes; never a path or an address, since discord.js would read or fetch those. */
export type Attachment = { readonly name: string; readonly bytes: Uint8Array };

/** One message: either plain `content` or Components V2, and its files. */
export type Payload = {
  readonly content?: string;
  readonly components?: readonly APIMessageTopLevelComponent[];
  readonly files: readonly Attachment[];
  /** Whom it may ping, by id; only when it is posted, never when it is edited. Absent = nobody. */
  readonly pings?: Pings;
  /** The message that it answers; its author is not pinged. Only when it is posted. */
  readonly replyTo?: string;
};

export type Pings = { readonly roles: readonly string[]; readonly users: readonly string[] };

/** The body for a POST or PATCH: nobody is pinged who is not named, no link is previewed. */
export function bodyOf({ files, pings, replyTo, ...said }: Payload): RESTPostAPIChannelMessageJSONBody {
  // Half of a pair of UTF-16, as an escape in an agent's JSON may be, is no character that can be sent.
  const { content, components } = mapStrings(said, (text) => text.toWellFormed());
  const isPlain = content !== undefined;
  return {
    ...(isPlain ? { content } : {}),
    ...(components ? { components: [...components] } : {}),
    flags: isPlain ? MessageFlags.SuppressEmbeds : MessageFlags.IsComponentsV2,
    allowed_mentions: { parse: [], ...(pings ? { roles: [...pings.roles], users: [...pings.users] } : {}) },
    ...(replyTo === undefined
      ? {}
      : { message_reference: { message_id: replyTo, fail_if_not_exists: false } }),
    ...(files.length > 0 ? { attachments: files.map(({ name }, id) => ({ id, filename: name })) } : {}),
  };
}

/** The body for a PATCH: what a message answers never changes. */
export function editOf(payload: Payload): RESTPostAPIChannelMessageJSONBody {
  const { replyTo: _, ...kept } = payload;
  return bodyOf(kept);
}

export function rawFiles(payload: Payload): RawFile[] {
  return payload.files.map(({ name, bytes }) => ({ name, data: Buffer.from(bytes) }));
}

export function text(content: string): APIComponentInContainer {
  return { type: ComponentType.TextDisplay, content };
}

const PICTURE = /\.(png|jpe?g|gif|webp)$/i;

/** How attached files show in Components V2: pictures in one gallery, everything else as a file each. */
export function shownFiles(files: readonly Attachment[]): readonly APIComponentInContainer[] {
  const address = ({ name }: Attachment) => ({ url: `attachment://${name}` });
  const pictures = files.filter(({ name }) => PICTURE.test(name));
  const others = files.filter(({ name }) => !PICTURE.test(name));
  return [
    ...(pictures.length > 0
      ? [
          {
            type: ComponentType.MediaGallery as const,
            items: pictures.map((file) => ({ media: address(file) })),
          },
        ]
      : []),
    ...others.map((file) => ({ type: ComponentType.File as const, file: address(file) })),
  ];
}

/** All text that people see in a message, in order. */
export function textsOf(message: {
  readonly content?: string;
  readonly components?: readonly unknown[];
}): readonly string[] {
  const found = message.content ? [message.content] : [];
  const visit = (part: unknown): void => {
    if (typeof part !== "object" || part === null) return;
    if ("type" in part && part.type === ComponentType.TextDisplay && "content" in part) {
      if (typeof part.content === "string") found.push(part.content);
    }
    if ("components" in part && Array.isArray(part.components)) part.components.forEach(visit);
  };
  message.components?.forEach(visit);
  return found;
}

/** The same for the same message. */
export function payloadKey(payload: Payload): string {
  return digestOf(canonicalJson(payload));
}
