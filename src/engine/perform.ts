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
export function createFilings(deps: {
  readonly inbox: Inbox;
  readonly journal: Journal;
  readonly crash: Crash;
}) {
  return {
    async archive(effect: ClaimedOf<"archive">): Promise<Outcome> {
      deps.crash("archive:claimed");
      const path = await deps.inbox.archive(effect.body);
      deps.crash("archive:moved");
      return { kind: "done", outcome: path };
    },
    async append(effect: ClaimedOf<"append">): Promise<Outcome> {
      deps.crash("append:claimed");
      await deps.journal.append(effect.body.file, effect.body.line, effect.begunBefore !== undefined);
      deps.crash("append:written");
      return { kind: "done", outcome: "written" };
    },
  };
}
