import { isAbsolute, join, resolve } from "node:path";
import { z } from "zod";
import { parseDuration, writtenDuration } from "../kernel/time.ts";

const SECOND = 1000;

/** `90` (seconds), `90s`, `5m`, `2h`, `1d` → milliseconds, within a range. */
export function duration(range: { readonly minMs: number; readonly maxMs: number }) {
  return z
    .union([z.number(), z.string()], {
      error: "must be a duration such as 90, 90s, 5m or 2h",
    })
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== undefined && ms >= range.minMs && ms <= range.maxMs) return ms;
      const limits = `between ${writtenDuration(range.minMs)} and ${writtenDuration(range.maxMs)}`;
      const message = ms === undefined ? "must be a duration such as 90, 90s, 5m or 2h" : `must be ${limits}`;
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    });
}

export const seconds = (count: number) => count * SECOND;
export const minutes = (count: number) => count * 60 * SECOND;
export const hours = (count: number) => count * 3600 * SECOND;

/** In steps of 1024, as in `hq prune`. */
const SIZE_UNITS = " kmgt";

/** `1048576`, `512KiB`, `1MiB`, `10GB` → bytes, within a range. */
export function size(range: { readonly min: number; readonly max: number }) {
  const wrong = "must be a size such as 65536, 512KiB, 1MiB or 10GiB";
  return z.union([z.number(), z.string()], { error: wrong }).transform((text, context) => {
    const match = /^(\d+)\s*(?:([kmgt])i?b|b)?$/i.exec(String(text).trim());
    const power = SIZE_UNITS.indexOf(match?.[2]?.toLowerCase() ?? " ");
    const bytes = match ? Number(match[1]) * 1024 ** power : undefined;
    if (bytes !== undefined && bytes >= range.min && bytes <= range.max) return bytes;
    const message = bytes === undefined ? wrong : `must be between ${range.min} and ${range.max} bytes`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });
}

const AGENT_ID = /^[a-z][a-z0-9-]{0,39}$/;
export const SNOWFLAKE = /^\d{17,20}$/;
/** What people may do of their own. */
export const RIGHTS = ["delegate", "any-agent", "operate", "read"] as const;

export const agentId = z
  .string()
  .regex(AGENT_ID, "agent ids are small letters, digits and dashes, beginning with a letter, at most 40");

/** A channel's name without `#`, or its id. */
export const channelName = z
  .string()
  .regex(/^[^#\s@][^\s#@]{0,99}$/, 'a channel is its name without "#" or its id of 17 to 20 digits');

export const envName = z
  .string()
  .regex(
    /^[A-Z_][A-Z0-9_]{0,99}$/,
    "must be the NAME of an environment variable, such as WEBSTER_HOOKS_TOKEN",
  );

export const pathText = z.string().min(1).max(1000);

/** An absolute path: `~` is the user's folder, relative paths begin at the installation. */
export function expandPath(
  path: string,
  base: { readonly installation: string; readonly userHome?: string },
): string {
  if (base.userHome && (path === "~" || path.startsWith("~/"))) return join(base.userHome, path.slice(1));
  return isAbsolute(path) ? resolve(path) : resolve(base.installation, path);
}
