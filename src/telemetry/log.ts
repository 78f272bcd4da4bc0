import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import pino from "pino";
import type { Log } from "../engine/ports/log.ts";
import { openLogFile } from "./log-file.ts";
import type { Redact } from "./redact.ts";

/**
 * Structured log: JSON lines in a file, warnings and errors on stderr as well.
 * Every line passes `redact` on its way out, so no secret that the process knows can be in one.
 */
export function createLog(options: {
  readonly file?: string;
  readonly level: string;
  readonly redact: Redact;
  /** Where warnings go for people; nothing is written when absent. */
  readonly people?: { readonly write: (line: string) => void };
}): Log & { readonly useLevel: (level: string) => void; readonly close: () => Promise<void> } {
  const { file, level, redact, people } = options;
  if (file) mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const target = file ? openLogFile(file, Date.now) : undefined;
  const sink = {
    write(line: string) {
      const clean = redact(line);
      target?.write(clean);
      if (people) tellPeople(people, clean);
    },
  };
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: pino.stdSerializers.err },
    },
    sink,
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    useLevel(wanted) {
      logger.level = wanted;
    },
    close: async () => target?.close(),
  };
}

type Line = {
  level: number;
  msg: string;
  err?: { message?: string };
  run?: string;
  agent?: string;
  hint?: string;
} & { readonly [Name in (typeof REASONS)[number]]?: unknown };

/** By which names a line says why. */
const REASONS = ["text", "failure", "reason", "why"] as const;

function tellPeople(people: { readonly write: (line: string) => void }, line: string): void {
  const said = JSON.parse(line) as Line;
  const { level, msg, err, run, agent, hint } = said;
  if (level < 40) return;
  const about = [run, agent].filter(Boolean).join(" ");
  const why = err?.message ?? REASONS.map((name) => said[name]).find((reason) => typeof reason === "string");
  people.write(
    `${level >= 50 ? "error" : "warning"}: ${msg}${about ? ` (${about})` : ""}${why ? `: ${why}` : ""}${hint ? ` (${hint})` : ""}\n`,
  );
}
