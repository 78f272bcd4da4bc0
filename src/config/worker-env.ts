import type { ConfigProblem } from "../domain/config.ts";
import { parseDuration } from "../kernel/time.ts";

const HOUR = 3_600_000;

/** What the variables of the older tools ask for; absent = nothing. */
export type WorkerWishes = {
  readonly timeoutMs?: number;
  readonly summaryMax?: number;
  readonly retentionMs?: number;
  readonly agentsMd?: string;
  readonly openclawBin?: string;
  readonly set: Readonly<Record<string, string>>;
};

/**
 * Reads TIMEOUT (seconds, or 5m), SUMMARY_MAX_LENGTH (characters), WORKER_RETENTION_HOURS, AGENTS_MD_TEMPLATE,
 * OPENCLAW_BIN and EXTRA_PYTHONPATH. They win over config/hq.yaml, as they did over the older tools' files.
 */
export function readWorkerWishes(env: Readonly<Record<string, string | undefined>>): {
  readonly wishes: WorkerWishes;
  readonly problems: readonly ConfigProblem[];
} {
  const problems: ConfigProblem[] = [];
  const read = <T>(name: string, parse: (text: string) => T | undefined, wanted: string): T | undefined => {
    const text = env[name]?.trim();
    if (!text) return undefined;
    const value = parse(text);
    if (value === undefined)
      problems.push({
        file: "environment",
        path: name,
        message: `must be ${wanted}`,
        suggestion: "correct it in .env or in the environment, or remove it",
      });
    return value;
  };
  const timeoutMs = read("TIMEOUT", timeoutOf, "seconds from 1 to 172800, or a duration such as 5m");
  const summaryMax = read(
    "SUMMARY_MAX_LENGTH",
    (text) => wholeOf(text, 50, 100_000),
    "a number of characters from 50 to 100000",
  );
  const hours = read("WORKER_RETENTION_HOURS", hoursOf, "a number of hours from 0 to 8760");
  const whole = (name: string) => read(name, (text) => text, "text");
  const agentsMd = whole("AGENTS_MD_TEMPLATE");
  const openclawBin = whole("OPENCLAW_BIN");
  const python = whole("EXTRA_PYTHONPATH");
  const wishes: WorkerWishes = {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(summaryMax === undefined ? {} : { summaryMax }),
    ...(hours === undefined ? {} : { retentionMs: Math.round(hours * HOUR) }),
    ...(agentsMd === undefined ? {} : { agentsMd }),
    ...(openclawBin === undefined ? {} : { openclawBin }),
    set: python === undefined ? {} : { PYTHONPATH: python },
  };
  return { wishes, problems };
}

function timeoutOf(text: string): number | undefined {
  const ms = parseDuration(text);
  return ms !== undefined && ms >= 1000 && ms <= 48 * HOUR ? ms : undefined;
}

function wholeOf(text: string, min: number, max: number): number | undefined {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= min && value <= max ? value : undefined;
}

function hoursOf(text: string): number | undefined {
  const value = Number(text);
  return /^\d+(\.\d+)?$/.test(text) && value <= 8760 ? value : undefined;
}
