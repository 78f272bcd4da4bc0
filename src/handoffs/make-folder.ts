import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { Refusal } from "../kernel/refusal.ts";

/** As open as this user makes folders. */
export const AS_USUAL = 0o777;

/**
 * Makes a folder, and those above it; for its owner alone if nothing else is said. One by one: where a file system knows
 * no new folders, as /proc, Node's `recursive` tries for ever.
 */
export function makeFolder(path: string, mode = 0o700): void {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.push(at);
  for (const at of missing.reverse()) makeOne(at, path, mode);
  // Throws when it is something else.
  if (missing.length === 0) mkdirSync(path, { recursive: true });
}

function makeOne(at: string, wanted: string, mode: number): void {
  try {
    mkdirSync(at, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Somebody else was quicker.
    if (code === "EEXIST" && existsSync(at)) return;
    if (code !== "ENOENT" || !existsSync(dirname(at))) throw error;
    throw new Refusal("invalid_input", `${wanted} cannot be made: ${dirname(at)} takes no new folders.`, {
      hint: "Name another place.",
      cause: error,
    });
  }
}
