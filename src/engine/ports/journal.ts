import type { LogLine } from "../../domain/effects.ts";

/** Append-only text files for people and old tools: attempt logs and the project log. */
export type Journal = {
  /**
   * Appends one line. With `mayBeThere` (a repeat after a crash) a line that already stands near the end is not written again.
   */
  readonly append: (line: LogLine, mayBeThere: boolean) => Promise<void>;
};
