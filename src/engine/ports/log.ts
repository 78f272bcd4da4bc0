/** Structured log: constant message, ids as fields. */
export type Log = {
  readonly debug: (fields: object, message: string) => void;
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
  readonly error: (fields: object, message: string) => void;
};

/** Where a test may kill the process. */
export const CRASH_POINTS = [
  "accept:decided",
  "accept:committed",
  "dispatch:claimed",
  "dispatch:composed",
  "dispatch:sent",
  "dispatch:recorded",
  "handoff:seen",
  "handoff:read",
  "handoff:recorded",
  "archive:claimed",
  "archive:moved",
  "post:claimed",
  "post:sent",
  "post:recorded",
  "card:claimed",
  "card:sent",
  "card:recorded",
  "append:claimed",
  "append:written",
  "interaction:recorded",
  "interaction:acknowledged",
  "interaction:done",
] as const;
/** Those that only runs pass. */
export const RUN_CRASH_POINTS = [
  "start-child:claimed",
  "start-child:filed",
  "start-child:made",
  "start-child:recorded",
  "tell:claimed",
  "tell:recorded",
  "run-timer:claimed",
  "run-timer:recorded",
  "file-run:claimed",
  "file-run:written",
] as const;
/** Those that only files pass that are handed in over REST. */
export const UPLOAD_CRASH_POINTS = ["upload:stored", "upload:recorded"] as const;
/** Those that only interactions pass that come by HTTP. */
export const HTTP_CRASH_POINTS = ["interaction:answered"] as const;
/** Those that only accepted proposals pass. */
export const PROPOSAL_CRASH_POINTS = ["proposals:half", "proposals:renamed"] as const;
/** Those that only the deletion of a message passes in which people are asked. */
export const DELETION_CRASH_POINTS = ["deletion:heard", "deletion:recorded"] as const;
/** Those that only tasks of the queue pass. */
export const TASK_CRASH_POINTS = [
  "submission:kept",
  "submission:posted",
  "task-claim:claimed",
  "task-claim:sent",
  "task-claim:won",
  "task-claim:recorded",
  "task-check:sent",
  "start-task:claimed",
  "start-task:made",
  "start-task:recorded",
  "run-worker:claimed",
  "run-worker:ended",
  "run-worker:recorded",
  "tell-task:claimed",
  "tell-task:recorded",
] as const;
/** Those that only the start and the end of a worker process pass. */
export const WORKER_CRASH_POINTS = [
  "worker:spawned",
  "worker:recorded",
  "worker:told",
  "worker:ended",
] as const;
export type CrashPoint =
  | (typeof CRASH_POINTS)[number]
  | (typeof RUN_CRASH_POINTS)[number]
  | (typeof UPLOAD_CRASH_POINTS)[number]
  | (typeof HTTP_CRASH_POINTS)[number]
  | (typeof PROPOSAL_CRASH_POINTS)[number]
  | (typeof DELETION_CRASH_POINTS)[number]
  | (typeof TASK_CRASH_POINTS)[number]
  | (typeof WORKER_CRASH_POINTS)[number];
export type Crash = (point: CrashPoint) => void;
