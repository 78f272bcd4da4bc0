import type { EffectBody, EffectType } from "../domain/effects.ts";
import type { Outcome } from "./loop.ts";
import type { Inbox } from "./ports/handoffs.ts";
import type { Journal } from "./ports/journal.ts";
import type { ClaimedEffect } from "./ports/ledger.ts";
import type { Crash } from "./ports/log.ts";

export type ClaimedOf<Type extends EffectType> = ClaimedEffect & {
  readonly body: Extract<EffectBody, { type: Type }>;
};

/** One performer for each type of effect. */
export type Performers = { readonly [Type in EffectType]: (effect: ClaimedOf<Type>) => Promise<Outcome> };

export function performWith(performers: Performers): (effect: ClaimedEffect) => Promise<Outcome> {
  return (effect) => {
    const perform = performers[effect.body.type] as (effect: ClaimedEffect) => Promise<Outcome>;
    return perform(effect);
  };
}

/** Work on this machine's files; doing it twice changes nothing, so its end needs no commit of its own. */
export function createFiling(deps: {
  readonly inbox: Pick<Inbox, "archive">;
  readonly journal: Journal;
  readonly now: () => number;
  readonly crash: Crash;
}) {
  const { inbox, journal, crash } = deps;

  return async function file(effect: ClaimedOf<"filing">): Promise<Outcome> {
    const { moves, lines } = effect.body;
    const mayBeThere = effect.begunBefore !== undefined;
    const failures: unknown[] = [];

    /** Does each part whatever becomes of the others; returns those that failed. */
    async function tryEach<T>(
      parts: readonly T[],
      work: (part: T) => Promise<unknown>,
    ): Promise<readonly T[]> {
      const results = await Promise.allSettled(parts.map(work));
      return parts.filter((_, index) => {
        const result = results[index];
        if (result?.status === "rejected") failures.push(result.reason);
        return result?.status === "rejected";
      });
    }

    if (moves.length > 0) crash("archive:claimed");
    const unmoved = await tryEach(moves, inbox.archive);
    if (moves.length > 0) crash("archive:moved");
    if (lines.length > 0) crash("append:claimed");
    const unwritten = await tryEach(lines, (line) => journal.append(line, mayBeThere));
    if (lines.length > 0) crash("append:written");

    if (failures.length === 0) return { kind: "done", outcome: "filed" };
    if (failures.length === moves.length + lines.length) throw failures[0];
    // A line that was written gets out of sight while the rest is tried again; it must not be asked for then.
    const left = { type: "filing", moves: unmoved, lines: unwritten } as const;
    return { kind: "again", dueAt: deps.now(), reason: String(failures[0]), left };
  };
}
