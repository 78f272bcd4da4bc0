import type { RunTimeline } from "../domain/run-timeline.ts";
import type { AgentHistory } from "./agent-history.ts";
import type { NowView } from "./now.ts";
import type { SearchAnswer, SearchQuery } from "./searching.ts";
import type { Story } from "./story.ts";

/** What a person looks at: how it stands, and what became of it. Nothing of it changes anything. */
export type ViewVerbs = {
  /** Everything that runs, waits or is late. */
  readonly now: () => Promise<NowView>;
  /** A run's steps in time: who waited for what, and who did it. */
  readonly timeline: (run: string) => Promise<RunTimeline>;
  readonly agentHistory: (word: string, limit: number) => Promise<AgentHistory>;
  readonly story: (delegation: string) => Promise<Story>;
  /** Over all history, newest first; the index follows the events at a short distance. */
  readonly search: (query: SearchQuery) => Promise<SearchAnswer>;
};
