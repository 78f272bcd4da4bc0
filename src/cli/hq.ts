import { InvalidArgumentError } from "commander";
import { isRunId } from "../kernel/id.ts";
import { parseDuration } from "../kernel/time.ts";
import { type Client, createClient } from "./client.ts";
import type { Io } from "./io.ts";
import { createLink } from "./link.ts";

/** What every command is given. */
export type Hq = {
  readonly io: Io;
  /** A connection to the supervisor; `starts` says what happens when none runs, `runToken` who asks. */
  readonly client: (starts?: "none" | "if-used" | "always", runToken?: string) => Client;
  /** Runs a command and keeps its exit code. */
  readonly run: (command: () => Promise<number>) => Promise<void>;
};

export function createHq(io: Io, keep: (code: number) => void): Hq {
  return {
    io,
    client: (starts = "none", runToken) => createClient(createLink(io, starts, runToken), io.now),
    run: async (command) => keep(await command()),
  };
}

/** For commander: `90`, `90s`, `5m`, `2h` → milliseconds. */
export function parseSpan(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError("Write a span like 90 (seconds), 90s, 5m or 2h.");
  return ms;
}

export function parseCount(least: number, most: number) {
  return (text: string): number => {
    const count = Number(text);
    if (/^\d+$/.test(text) && count >= least && count <= most) return count;
    throw new InvalidArgumentError(`Write a whole number from ${least} to ${most}.`);
  };
}

export function parseRunId(text: string): string {
  if (isRunId(text)) return text;
  throw new InvalidArgumentError(
    "Letters, digits and . _ ~ -, at most 80, beginning with a letter or digit.",
  );
}
