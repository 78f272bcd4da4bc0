/** Where what was learned waits for people: a file for each work item. */
export type Proposals = {
  /** Whole or not at all, in place of an earlier one; answers its absolute path. */
  readonly write: (slug: string, text: string) => Promise<string>;
};
