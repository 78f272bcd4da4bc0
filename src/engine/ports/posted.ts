/** A message of ours as Discord has it; `mark` says of which delivery it is a part. */
export type PostedMessage = {
  readonly message: string;
  readonly at: number;
  readonly mark?: { readonly delivery: string; readonly part: number };
};

/** Our own messages, read back from a channel. */
export type PostedMessages = {
  readonly isConnected: () => boolean;
  /**
   * Newest first, from before a message. `oldest` is where the next page begins; absent = there is nothing further.
   * `isGone`: the channel is not there or not for us to read.
   */
  readonly page: (
    channel: string,
    before?: string,
  ) => Promise<{
    readonly items: readonly PostedMessage[];
    readonly oldest?: { readonly message: string; readonly at: number };
    readonly isGone?: boolean;
  }>;
};
