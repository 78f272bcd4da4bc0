import { InvalidArgumentError } from "commander";
import { parseDuration } from "../kernel/time.ts";

/** `24h`, `7d` ago, or a day or instant as ISO writes it; to epoch milliseconds. */
export function parseSince(now: () => number) {
  return (text: string): number => {
    const ago = /[a-z]$/i.test(text) ? parseDuration(text) : undefined;
    if (ago !== undefined) return Math.max(0, now() - ago);
    const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
    if (!Number.isNaN(at)) return at;
    throw new InvalidArgumentError("Write how long ago (24h, 7d), or a day or instant (2026-02-17).");
  };
}

export function parseBytes(text: string): number {
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?$/i.exec(text.trim()) ?? [];
  if (digits === undefined) throw new InvalidArgumentError("Write a size like 500MB or 10GB.");
  return Math.round(Number(digits) * 1024 ** " KMGT".indexOf(unit.toUpperCase() || " "));
}
