/** A file or folder that was last written long ago (`at`), and the streams that it tells of; none = it only ages. */
export type OldFile = {
  readonly path: string;
  readonly streams: readonly string[];
  readonly bytes: number;
  readonly at: number;
};

/** Files of handoffs, runs, workers and logs that may go when what they tell of is gone. */
export type OldFiles = {
  readonly all: (before: number) => AsyncIterable<readonly OldFile[]>;
  readonly remove: (paths: readonly string[]) => Promise<void>;
};
