import type { Acl } from "./acl.ts";
import type { Registry } from "./agent-card.ts";
import type { ChannelRole } from "./effects.ts";
import type { People } from "./people.ts";
import type { Settings } from "./settings.ts";
import type { SkillContract } from "./skill-contract.ts";

/** What this installation is, after every check: what a good load or reload hands to the rest. */
export type Config = {
  readonly settings: Settings;
  readonly registry: Registry;
  readonly acl: Acl;
  readonly people: People;
  /** What each skill can do, in the order of the files. */
  readonly contracts: readonly SkillContract[];
  /** The files that were read; absolute paths. A missing one is not listed. */
  readonly files: readonly string[];
};

/** One thing to mend in a configuration file. Without a line the whole file is meant. */
export type ConfigProblem = {
  readonly file: string;
  /** Counted from 1. */
  readonly line?: number;
  readonly column?: number;
  /** Dotted, "" for the whole file. */
  readonly path: string;
  readonly message: string;
  readonly suggestion?: string;
  /** Nothing is to be mended: it is only good to know. */
  readonly isNote?: boolean;
  /** A workflow names somebody whom agents.yaml does not have, or asks for what nobody there can do. */
  readonly needsAgent?: boolean;
};

/** The logical channels, in the order in which they are shown. */
export const CHANNEL_ROLES = [
  "results",
  "agentLogs",
  "itOps",
  "taskQueue",
  "workerPool",
  "interAgent",
  "approvals",
] as const satisfies readonly ChannelRole[];

/** Where a logical channel's posts go in a guild that has no such channel. */
export const ROLE_FALLBACK: Readonly<Partial<Record<ChannelRole, ChannelRole>>> = {
  itOps: "agentLogs",
  workerPool: "agentLogs",
};
