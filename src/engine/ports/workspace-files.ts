/** Files of an agent's workspace that may be written: by their real path inside it, never through a link. */
export type WorkspaceFiles = {
  /** Its text; empty when it is not there. Throws `Refusal` for what is not written here. */
  readonly read: (workspace: string, name: string) => Promise<string>;
  /** Whole or not at all, and only while its text still has the digest `before`; answers whether it had. */
  readonly write: (
    workspace: string,
    name: string,
    change: { readonly before: string; readonly text: string },
  ) => Promise<boolean>;
};
