import { duePosts } from "./audit-posts.ts";
import type { AuditContext, AuditedStream, Finding, OpenEffect } from "./audit-types.ts";
import { lostWays, MEND } from "./audit-ways.ts";

/** What is due is taken within moments; longer than this it rests. */
export const LATE_MS = 10 * 60_000;
/** An effect is held for ten minutes at a time; one that was begun so long ago is in nobody's hands. */
const BEGUN_MS = 30 * 60_000;
/** These are under way as long as what they wait for. */
const LONG: ReadonlySet<string> = new Set(["run-worker", "carry-out"]);
/** Times that something may settle, by the events that open it again. */
const SETTLES: Readonly<Record<string, { readonly end: string; readonly anew: readonly string[] }>> = {
  delegation: { end: "delegation.settled", anew: [] },
  worker: { end: "worker.settled", anew: [] },
  run: { end: "run.settled", anew: ["run.resumed"] },
  task: { end: "task.settled", anew: ["task.claiming", "task.claimed", "task.again"] },
};

/** Everything that is wrong with one stream. Pure: what it refers to is asked of the context. */
export function auditStream(stream: AuditedStream, context: AuditContext): readonly Finding[] {
  return [
    ...gaps(stream),
    ...lostWays(stream, context),
    ...doubles(stream),
    ...rests(stream, context),
    ...parentless(stream, context),
    ...duePosts(stream, context),
  ];
}

function gaps({ id, version, counts }: AuditedStream): readonly Finding[] {
  const there = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (there === version) return [];
  const reason = `${there} of its ${version} events are there`;
  return [{ fault: "lost", id, reason, mend: "restore a backup: hq restore <backup>" }];
}

function doubles({ id, kind, counts, sentAgain = [] }: AuditedStream): readonly Finding[] {
  const found: Finding[] = [];
  const rule = SETTLES[kind];
  if (rule) {
    const ends = counts[rule.end] ?? 0;
    const most = 1 + rule.anew.reduce((sum, type) => sum + (counts[type] ?? 0), 0);
    if (ends > most) {
      const reason = `it was settled ${ends} times`;
      found.push({ fault: "doubled", id, reason, mend: `look at it with \`hq logs ${id}\` and report it` });
    }
  }
  for (const attempt of sentAgain) {
    const reason = `attempt ${attempt} was sent twice, and nothing says why`;
    found.push({
      fault: "doubled",
      id: `${id}#${attempt}`,
      of: id,
      reason,
      mend: `look at it with \`hq logs ${id}\``,
    });
  }
  return found;
}

/** Work that is overdue while somebody is there to do it. */
function rests(stream: AuditedStream, context: AuditContext): readonly Finding[] {
  if (!context.isRunning) return [];
  const found = stream.effects.flatMap((effect) => restingEffect(effect, context.now));
  const { id, wakeAt, kind, at, open } = stream;
  if (wakeAt !== undefined && wakeAt < context.now - LATE_MS) {
    const reason = `it was to be woken ${minutes(context.now - wakeAt)} ago`;
    found.push({ fault: "stuck", id, reason, mend: MEND, act: { type: "wake", stream: id, wakeAt } });
  }
  if (kind === "interaction" && open && at < context.now - LATE_MS) {
    const reason = `what a person asked for in Discord is not carried out since ${minutes(context.now - at)}`;
    found.push({ fault: "stuck", id, reason, mend: "hq doctor, then restart the supervisor" });
  }
  return found;
}

function restingEffect(effect: OpenEffect, now: number): Finding[] {
  const { id, type, stream: of, readyAt, begunAt, isInTurn } = effect;
  const act = { type: "take-up", effect: id } as const;
  // What waits for its turn is as late as those before it.
  if (readyAt < now - LATE_MS && !isInTurn) {
    const reason = `${type} is due since ${minutes(now - readyAt)}, and nobody takes it`;
    return [{ fault: "stuck", id, of, reason, mend: MEND, act }];
  }
  if (begunAt !== undefined && begunAt < now - BEGUN_MS && readyAt < now && !LONG.has(type)) {
    const reason = `${type} was begun ${minutes(now - begunAt)} ago and never ended`;
    return [{ fault: "stuck", id, of, reason, mend: MEND, act }];
  }
  return [];
}

function minutes(ms: number): string {
  const count = Math.round(ms / 60_000);
  return count < 120 ? `${count} minutes` : `${Math.round(count / 60)} hours`;
}

function parentless(
  { id, kind, parent, state }: AuditedStream,
  { standing }: AuditContext,
): readonly Finding[] {
  const mend = `hq logs ${id} tells what it is; hq cancel ${id} ends it`;
  if (parent !== undefined && !standing(parent)) {
    return [{ fault: "orphaned", id, reason: `its parent ${parent} is not there`, mend }];
  }
  if (kind !== "delivery") return [];
  const subject = (state as { delivery?: { subject?: string } } | undefined)?.delivery?.subject;
  const of = subject ?? (id.includes("/") ? id.slice(0, id.lastIndexOf("/")) : undefined);
  if (of === undefined || standing(of)) return [];
  return [
    {
      fault: "orphaned",
      id,
      reason: `it tells of ${of}, which is not there`,
      mend: "hq prune removes it in time",
    },
  ];
}

/** An effect of a stream that is not there; only open ones matter. */
export function auditEffect(effect: OpenEffect): Finding {
  const { id, type, stream } = effect;
  const reason = `${type} belongs to ${stream}, which is not there`;
  return { fault: "orphaned", id, of: stream, reason, mend: "restore a backup: hq restore <backup>" };
}

export function auditKey(scope: string, key: string, stream: string): Finding {
  const reason = `the request was acknowledged as ${stream}, which is not there`;
  return {
    fault: "lost",
    id: `${scope} ${key}`,
    of: stream,
    reason,
    mend: "restore a backup, or ask once more under another key",
  };
}
