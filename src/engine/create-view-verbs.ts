import type { Registry } from "../domain/agent-card.ts";
import { createAgentHistory } from "./agent-history.ts";
import type { PromptFor } from "./dispatch.ts";
import type { ExpectedMs } from "./expectations.ts";
import { createNow } from "./now.ts";
import type { Ledger } from "./ports/ledger.ts";
import { createRunTimeline } from "./run-timeline.ts";
import type { Searching } from "./searching.ts";
import { createStory, type MessagePlace } from "./story.ts";
import type { Verbs } from "./verbs.ts";
import type { ViewVerbs } from "./view-verbs.ts";

export type ViewDeps = {
  readonly ledger: Ledger;
  readonly registry: () => Registry;
  readonly expectedMs: ExpectedMs;
  readonly showPrompt: PromptFor;
  readonly messagePlace: MessagePlace;
  readonly searching: Searching;
  readonly now: () => number;
};

/** What people look at, over one ledger. */
export function createViewVerbs(
  deps: ViewDeps,
  verbs: Pick<Verbs, "agents" | "agent" | "health" | "trace"> & { readonly countOn: () => Promise<boolean> },
): ViewVerbs {
  return {
    now: createNow({ ...deps, ...verbs }),
    timeline: createRunTimeline(deps),
    agentHistory: createAgentHistory({ ...deps, ...verbs }),
    story: createStory({ ...deps, ...verbs }),
    search: deps.searching.search,
  };
}
