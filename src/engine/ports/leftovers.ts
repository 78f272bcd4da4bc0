/** A file or folder of work, and the stream that it says it belongs to. */
export type Leftover = {
  readonly where: "inbox" | "accepted" | "rejected" | "run" | "worker";
  readonly path: string;
  readonly stream: string;
  /** Its name may mean this one as well: `a.2` is attempt 2 of `a`, or a run of that name. */
  readonly orElse?: string;
  readonly modifiedAt: number;
  /** Its second name lies in accepted/: it is kept in place on purpose. */
  readonly isKept?: boolean;
};

/** Everything that lies in the folders of handoffs, runs and workers, a bit at a time. */
export type Leftovers = { readonly all: (since?: number) => AsyncIterable<readonly Leftover[]> };
