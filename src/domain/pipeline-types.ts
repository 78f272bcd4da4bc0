/** A stage of a pipeline: what is to be done, which skill it takes, and who does it. Kept with the pipeline. */
export type StageDefinition = {
  /** From 0. */
  readonly index: number;
  /** The step of the run that does it. */
  readonly step: string;
  readonly capability: string;
  readonly goal: string;
  /** The contract that names the capability. */
  readonly skill: string;
  /** The word by which agents are found: the skill, or the capability where nobody holds the skill. */
  readonly via: string;
  /** Who would have been asked as it was made; another one may be as the stage begins. */
  readonly agent?: string;
};

export const POST_HOOKS = ["sanity-check", "reflect", "skill-lifecycle"] as const;
export type PostHook = (typeof POST_HOOKS)[number];

/** What a definition that was made from capabilities keeps of them. */
export type PipelineDefinition = {
  readonly project?: string;
  readonly stages: readonly StageDefinition[];
  readonly postHooks: readonly PostHook[];
};
