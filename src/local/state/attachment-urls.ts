import { isObject } from "../check/form.ts";
import type { Component, StoredAttachment } from "./documents.ts";

/** `attachment://name` in components becomes the file's address, as Discord does it. */
export function withAttachmentUrls(
  components: readonly Component[],
  attachments: readonly StoredAttachment[],
  urlOf: (attachment: StoredAttachment) => string,
): unknown[] {
  if (attachments.length === 0 || components.length === 0) return [...components];
  const urls = new Map(attachments.map((one) => [`attachment://${one.filename}`, urlOf(one)]));
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (!isObject(value)) return value;
    const entries = Object.entries(value).map(([key, inner]) => {
      const url = key === "url" && typeof inner === "string" ? urls.get(inner) : undefined;
      return [key, url ?? walk(inner)] as const;
    });
    return Object.fromEntries(entries);
  };
  return components.map(walk);
}
