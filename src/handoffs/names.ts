import { isRunId } from "../kernel/id.ts";

/** What a file name in a handoff folder says. */
export type ReadName =
  | { readonly kind: "handoff"; readonly run: string; readonly attempt: number }
  /** Somebody's temporary name: its owner will rename or remove it. */
  | { readonly kind: "ignored" }
  | { readonly kind: "odd"; readonly message: string };

/** Hidden, marked as unfinished, or as libraries do it: the final name, then a number or chance. */
const TEMPORARY =
  /^\.|~$|^#.*#$|\.(?:tmp|temp|part|partial|swp|swx|lock)(?:[.-].*)?$|\.json\.(?=[^.]*\d)[\w-]+$/i;
/** What nearly all names are: no dot before the ending, so no temporary name and no attempt. */
const SIMPLE = /^[A-Za-z0-9][\w-]{0,79}\.json$/;
const ATTEMPT = /^(.+)\.([1-9]\d?)$/;

export function fileNameOf(run: string, attempt: number): string {
  return attempt === 1 ? `${run}.json` : `${run}.${attempt}.json`;
}

/** Whatever is waited for: said without looking closer, as most events are of such names. */
export function isTemporary(name: string): boolean {
  return name.startsWith(".") || name.endsWith(".tmp");
}

/**
 * Run ids may hold dots themselves, so `a.2.json` is attempt 2 of `a`, unless `a.2` is a run that is waited for.
 * Attempts have at most two digits; a longer number belongs to the id.
 */
export function readName(name: string, isExpected: (run: string) => boolean): ReadName {
  if (SIMPLE.test(name)) return { kind: "handoff", run: name.slice(0, -".json".length), attempt: 1 };
  if (TEMPORARY.test(name) && !isAwaited(name, isExpected)) return { kind: "ignored" };
  if (!name.endsWith(".json")) return { kind: "odd", message: "handoffs end in .json" };
  const stem = name.slice(0, -".json".length);
  if (!isRunId(stem))
    return { kind: "odd", message: "the name is not {runId}.json or {runId}.{attempt}.json" };
  const [, run, digits] = ATTEMPT.exec(stem) ?? [];
  if (run === undefined || isExpected(stem)) return { kind: "handoff", run: stem, attempt: 1 };
  return { kind: "handoff", run, attempt: Number(digits) };
}

/** A step may be named `part-1` or `lock`: what is waited for under such a name is no temporary file. */
function isAwaited(name: string, isExpected: (run: string) => boolean): boolean {
  if (!name.endsWith(".json")) return false;
  const stem = name.slice(0, -".json".length);
  return isExpected(stem) || isExpected(ATTEMPT.exec(stem)?.[1] ?? stem);
}

/** The day a file is archived under, in UTC: `2026-02-17`. */
export function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
