import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StoredAttachment } from "./state/documents.ts";
import type { World } from "./state/world.ts";

export const FILE_BYTES = 10 * 1024 * 1024;
export const REQUEST_BYTES = 25 * 1024 * 1024;
export const MOST_FILES = 10;

/** A file as it came in; `index` is the n of `files[n]`. */
export type Upload = {
  readonly index: number;
  readonly filename: string;
  readonly contentType: string;
  readonly bytes: Buffer;
};

export type Attachments = ReturnType<typeof createAttachments>;

/** The files of messages: in a folder when there is one, else in memory. Their addresses are signed. */
export function createAttachments({ world, folder }: { world: World; folder: string | undefined }) {
  const inMemory = new Map<string, Buffer>();
  const secret = world.setting("attachment-secret") ?? randomBytes(32).toString("base64url");
  if (world.setting("attachment-secret") === undefined) world.saveSetting("attachment-secret", secret);
  if (folder !== undefined) mkdirSync(folder, { recursive: true, mode: 0o700 });

  const signature = (path: string) => createHmac("sha256", secret).update(path).digest("hex");
  const pathOf = (channelId: string, id: string, filename: string) => `${channelId}/${id}/${filename}`;

  return {
    /** Keeps the bytes first; the message that names them is stored after. */
    save(upload: Upload, description: string | undefined): StoredAttachment {
      const id = world.newId();
      if (folder === undefined) inMemory.set(id, upload.bytes);
      else writeFileSync(join(folder, id), upload.bytes, { mode: 0o600 });
      return {
        id,
        filename: safeName(upload.filename),
        size: upload.bytes.length,
        contentType: upload.contentType,
        ...(description === undefined ? {} : { description }),
        ...pictureSize(upload.bytes),
      };
    },
    read(id: string): Buffer | undefined {
      if (folder === undefined) return inMemory.get(id);
      const path = join(folder, id);
      return statSync(path, { throwIfNoEntry: false }) ? readFileSync(path) : undefined;
    },
    remove(id: string): void {
      inMemory.delete(id);
      if (folder !== undefined) rmSync(join(folder, id), { force: true });
    },
    /** `/local/attachments/<channel>/<id>/<name>?hm=<signature>` */
    pathFor(channelId: string, attachment: StoredAttachment): string {
      const path = pathOf(channelId, attachment.id, attachment.filename);
      const written = pathOf(channelId, attachment.id, encodeURIComponent(attachment.filename));
      return `/local/attachments/${written}?hm=${signature(path)}`;
    },
    isSigned(channelId: string, id: string, filename: string, hm: string): boolean {
      const expected = Buffer.from(signature(pathOf(channelId, id, filename)));
      const given = Buffer.from(hm);
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}

/** No path, no control characters, nothing hidden. */
export function safeName(name: string): string {
  const safe = name
    .replace(/^.*[/\\]/, "")
    .replace(/[^\p{L}\p{N}._-]/gu, "_")
    .replace(/^\.+/, "")
    .slice(-120);
  return safe === "" ? "file" : safe;
}

function pictureSize(bytes: Buffer): Pick<StoredAttachment, "width" | "height"> {
  if (bytes.length > 24 && bytes.readUInt32BE(0) === 0x89_50_4e_47) {
    return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  }
  if (bytes.length > 10 && bytes.toString("latin1", 0, 4) === "GIF8") {
    return { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
  }
  return {};
}
