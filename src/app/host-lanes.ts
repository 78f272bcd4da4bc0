import type { Lane } from "../domain/effects.ts";
import type { ClaimedEffect, Ledger } from "../engine/ports/ledger.ts";

const HOST = "host";

/**
 * Work on files and processes belongs to the home that wrote its cause, or that the effect itself names: its lane is
 * stored as `host:<home>`. That of homes that are `gone` is taken by whoever comes first, who is told whose it was.
 */
export function hostLanes(
  ledger: Ledger,
  self: { readonly home: string; readonly holder: string; readonly gone: () => readonly string[] },
): Ledger {
  const { home, holder, gone } = self;
  const stored = (lanes: readonly Lane[]): readonly Lane[] =>
    lanes.flatMap<Lane>((lane) => (lane === HOST ? [HOST, laneOf(home), ...gone().map(laneOf)] : [lane]));

  function named(effect: ClaimedEffect): ClaimedEffect {
    const of = homeIn(effect.lane);
    if (of === undefined) return effect;
    return { ...effect, lane: HOST, ...(of === home ? {} : { goneHome: of }) };
  }

  return {
    ...ledger,
    commit: (commit) => {
      if (!commit.effects.some(({ lane }) => lane === HOST)) return ledger.commit(commit);
      const effects = commit.effects.map((effect) => {
        if (effect.lane !== HOST) return effect;
        const { body } = effect;
        return { ...effect, lane: laneOf(("home" in body && body.home) || home) };
      });
      return ledger.commit({ ...commit, effects });
    },
    claim: async (request) => (await ledger.claim({ ...request, lanes: stored(request.lanes) })).map(named),
    nextDue: (lanes, capacity) => ledger.nextDue(stored(lanes), capacity),
    // Whoever was taken for gone gives nothing back that another one has by now.
    postpone: (id, dueAt, reason, more) => ledger.postpone(id, dueAt, reason, { ...more, holder }),
  };
}

/** Only the store sees such a lane; to everybody else it is `host`. */
function laneOf(home: string): Lane {
  return `${HOST}:${home}` as Lane;
}

function homeIn(lane: string): string | undefined {
  return lane.startsWith(`${HOST}:`) ? lane.slice(HOST.length + 1) : undefined;
}
