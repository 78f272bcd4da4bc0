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
export type CrashPoint = (typeof CRASH_POINTS)[number];
export type Crash = (point: CrashPoint) => void;
