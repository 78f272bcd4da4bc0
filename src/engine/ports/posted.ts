/** A message of ours as Discord has it; `mark` says of which delivery it is a part. */
export type PostedMessage = {
  readonly message: string;
  readonly at: number;
  readonly mark?: { readonly delivery: string; readonly part: number };
  /** Only of a message for many. */
  readonly shown?: ShownBatch;
};

/** What people see of a message for many. */
export type ShownBatch = {
  readonly text: string;
  readonly files: readonly { readonly name: string; readonly size: number; readonly url: string }[];
};

/** What it was to say, as that was kept before it was posted. */
export type AgreedBatch = { readonly members: readonly string[]; readonly body: string };

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
  /**
   * How often each delivery can be read in a message for many; what was agreed and cannot be read there is in it with
   * 0. Undefined when its lines cannot be told apart, which without `agreed` may be so.
   */
  readonly lines: (
    shown: ShownBatch,
    agreed?: AgreedBatch,
  ) => Promise<ReadonlyMap<string, number> | undefined>;
};
