/** What people and old tools read of a run: `workflows/<run>/<name>.json` in the handoff folder. */
export type RunFiles = {
  /** Whole or not at all, also when it was there before. */
  /** Where a file is or will be, absolute. */
  readonly pathOf: (run: string, name: string) => string;
  readonly write: (run: string, name: string, document: unknown) => Promise<void>;
};
