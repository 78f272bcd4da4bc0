import type { Delegate } from "./delegate.ts";
import type { Hold } from "./hold.ts";
import { createOrchestrate, type OrchestrateDeps } from "./orchestrate.ts";
import type { OrchestratorVerbs } from "./orchestrator-verbs.ts";
import { createSessions } from "./sessions.ts";
import { createShareOut, type ShareOutDeps } from "./share-out.ts";
import { createSkills } from "./skills.ts";

/** The orchestrator's verbs, over the same delegations as every other door. */
export function createOrchestrator(
  given: Omit<OrchestrateDeps, "shareOut"> &
    ShareOutDeps & {
      readonly hold: Pick<Hold, "refuse">;
      /** Makes the tokens of sessions. */
      readonly secret: string;
    },
): OrchestratorVerbs {
  const delegate: Delegate = (actor, asked, forRun) =>
    given.delegate(actor, asked, forRun, given.hold.refuse);
  const deps = { ...given, delegate, shareOut: createShareOut(given) };
  return { ...createOrchestrate(deps), sessions: createSessions(deps), ...createSkills(deps) };
}
