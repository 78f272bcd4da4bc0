import { readFileSync } from "node:fs";
import { writeAtomically, writeFirst } from "../config/atomic-file.ts";

/**
 * A line that is made once and stays the same as long as its file lies there. It is on the disk before anybody hears of
 * it; of two programs that make it at the same time both get the first one's. One that was cut short is made anew.
 */
export function keptLine(path: string, isWhole: (line: string) => boolean, make: () => string): string {
  const kept = lineIn(path);
  if (kept !== undefined && isWhole(kept)) return kept;
  const made = make();
  if (kept !== undefined) writeAtomically(path, `${made}\n`, 0o600);
  else if (!writeFirst(path, `${made}\n`, 0o600)) return keptLine(path, isWhole, () => made);
  return made;
}

function lineIn(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    // Of a folder it is not said which.
    throw Object.assign(error as Error, { path });
  }
}
