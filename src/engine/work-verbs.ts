import type { Actor } from "../domain/actor.ts";
import type { HookTask, SkillHealth } from "../domain/evolution.ts";
import type { Next, PipelineView } from "../domain/pipeline.ts";
import type { PostHook } from "../domain/pipeline-types.ts";
import type { ContractQuery, SkillContract } from "../domain/skill-contract.ts";
import type { Evolved, ProposalDecision, WorkEventName, WorkNote, WorkStatus } from "../domain/work-types.ts";
import type { WorkItem } from "../domain/work-view.ts";

export type WorkQuery = {
  readonly status?: WorkStatus | undefined;
  readonly project?: string | undefined;
  readonly skill?: string | undefined;
  /** Only stages and steps of this run or pipeline. */
  readonly workflow?: string | undefined;
  readonly limit?: number | undefined;
};

export type CreateWork = {
  readonly title: string;
  readonly slug?: string | undefined;
  readonly project?: string | undefined;
  readonly goal?: string | undefined;
  readonly criteria?: readonly string[] | undefined;
  readonly constraints?: readonly string[] | undefined;
  readonly skill?: string | undefined;
  readonly blockers?: readonly string[] | undefined;
  readonly source?: string | undefined;
};

/** A line of the hook bus: something happened to a work item. */
export type WorkHook = {
  readonly slug: string;
  readonly event: WorkEventName;
  readonly timestamp: string;
  readonly author: string;
  readonly payload: Readonly<Record<string, unknown>>;
};

export type WorkStats = {
  readonly total: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly byProject: Readonly<Record<string, number>>;
  readonly bySkill: Readonly<Record<string, number>>;
};

/** What every door calls for work items. Each verb that changes one checks the actor's permission itself. */
export type WorkVerbs = {
  /** Newest first: items of their own, and those of the steps of the latest 200 runs. */
  readonly list: (query: WorkQuery) => Promise<readonly WorkItem[]>;
  readonly show: (slug: string) => Promise<WorkItem>;
  readonly hooks: (
    event: WorkEventName,
    query: { readonly since?: number | undefined; readonly limit?: number | undefined },
  ) => Promise<readonly WorkHook[]>;
  readonly stats: () => Promise<WorkStats>;
  /** The items and who waits for whom, as a mermaid flowchart. */
  readonly graph: (query: WorkQuery) => Promise<string>;
  readonly create: (actor: Actor, request: CreateWork) => Promise<WorkItem>;
  readonly start: (actor: Actor, slug: string, skill?: string) => Promise<WorkItem>;
  readonly review: (actor: Actor, slug: string) => Promise<WorkItem>;
  readonly complete: (actor: Actor, slug: string) => Promise<WorkItem>;
  readonly fail: (actor: Actor, slug: string, reason?: string) => Promise<WorkItem>;
  readonly handoff: (actor: Actor, slug: string, to: string) => Promise<WorkItem>;
  readonly block: (actor: Actor, slug: string, on: string) => Promise<WorkItem>;
  readonly note: (actor: Actor, slug: string, notes: readonly WorkNote[]) => Promise<WorkItem>;
  /** Contracts in the order of their files. */
  readonly skills: (query: ContractQuery) => readonly SkillContract[];
  readonly skill: (name: string) => SkillContract;
};

export type CreatePipeline = {
  readonly name: string;
  readonly project?: string | undefined;
  readonly stages: readonly {
    readonly capability: string;
    readonly goal: string;
    readonly skill?: string | undefined;
  }[];
  readonly postHooks?: readonly PostHook[] | undefined;
  readonly manual?: boolean | undefined;
  readonly deliver?: boolean | undefined;
  readonly key?: { readonly scope: string; readonly key: string };
};

/** `started` and what hindered it are different words: nothing is called done that waits. */
export type Advanced = {
  readonly outcome: "started" | Exclude<Next["outcome"], "ready">;
  readonly stage?: number;
  readonly why: string;
  readonly pipeline: PipelineView;
};

export type PipelineVerbs = {
  readonly create: (actor: Actor, request: CreatePipeline) => Promise<PipelineView>;
  readonly show: (id: string) => Promise<PipelineView>;
  readonly list: (query: {
    readonly status?: PipelineView["status"] | undefined;
  }) => Promise<readonly PipelineView[]>;
  readonly advance: (actor: Actor, id: string, options?: { readonly resume?: boolean }) => Promise<Advanced>;
  readonly complete: (actor: Actor, id: string, stage: number) => Promise<PipelineView>;
  readonly fail: (actor: Actor, id: string, stage: number, reason?: string) => Promise<PipelineView>;
  /** A person lets a stage pass of which the check says fail. */
  readonly override: (actor: Actor, id: string, stage: number, reason: string) => Promise<PipelineView>;
  /** Nothing of it begins any more. */
  readonly cancel: (actor: Actor, id: string, reason?: string) => Promise<PipelineView>;
  readonly hookTasks: (id: string, stage: number) => Promise<readonly HookTask[]>;
  readonly hooksRun: (actor: Actor, id: string, stage: number) => Promise<PipelineView>;
};

export type EvolvedItem = Omit<Evolved, "at"> & {
  readonly slug: string;
  readonly skill: string;
  readonly health: SkillHealth | undefined;
  /** What would be, or was, made for the skill. */
  readonly repair?: string;
  /** The proposals themselves. */
  readonly proposed: readonly { readonly target: string; readonly text: string }[];
};

export type DecidedProposals = {
  readonly slug: string;
  readonly decision: ProposalDecision;
  /** The delegation that takes to the agent what is not written here. */
  readonly delegation?: string;
  /** The files of the agent that were written. */
  readonly written?: readonly string[];
  /** It says what would be done, and nothing was. */
  readonly dryRun?: true;
  readonly changes?: readonly { readonly target: string; readonly diff: string }[];
  /** Who would get what is not written here. */
  readonly agent?: string;
};

export type EvolveVerbs = {
  /** One item, or all that have ended and were not looked at since. Dry, it changes nothing. */
  readonly run: (
    actor: Actor,
    options: {
      readonly slug?: string | undefined;
      readonly dry: boolean;
      /** Only these gates; all three when they are left out. */
      readonly hooks?: readonly PostHook[];
    },
  ) => Promise<readonly EvolvedItem[]>;
  /** What is proposed is written where the workspace is writable, else goes to the agent that did the work, or nowhere; people alone decide, once. */
  readonly decide: (
    actor: Actor,
    slug: string,
    decision: ProposalDecision,
    options?: {
      /** Say what would be done, and change nothing. */
      readonly dry?: boolean;
      /** When it was proposed what the person was shown. */
      readonly round?: number;
    },
  ) => Promise<DecidedProposals>;
  /** Slugs that `run` would look at. */
  readonly scan: () => Promise<readonly string[]>;
  readonly log: (limit: number) => Promise<readonly ({ readonly slug: string } & Evolved)[]>;
  readonly status: () => Promise<{
    readonly waiting: number;
    readonly looked: number;
    readonly skills: readonly SkillHealth[];
  }>;
};
