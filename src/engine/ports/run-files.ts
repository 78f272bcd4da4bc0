/** What people and old tools read of a run: `workflows/<run>/<name>.json` in the handoff folder. */
export type RunFiles = {
  /** Whole or not at all, also when it was there before. */
  readonly write: (run: string, name: string, document: unknown) => Promise<void>;
};
