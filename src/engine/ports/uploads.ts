/** Which file: of which attempt of which run, and its name. */
export type UploadPlace = { readonly run: string; readonly attempt: number; readonly name: string };

/** A file that is on the disk, and at its place only after `keep`. */
export type TakenUpload = {
  readonly digest: string;
  readonly bytes: number;
  /** All of it, before it is kept: for stores that several machines share. */
  readonly read: () => Promise<Uint8Array>;
  /** Puts it at its place; resolves when it is safe. */
  readonly keep: () => Promise<void>;
  /** Takes away what is not at its place. */
  readonly drop: () => Promise<void>;
};

/** Files that agents without a shared folder hand in; they lie below the folder of artifacts. */
export type UploadFiles = {
  /** Writes a file while it arrives. Throws Refusal `too_large` as soon as it is; what was written is gone then. */
  readonly take: (
    place: UploadPlace,
    body: AsyncIterable<Uint8Array>,
    mostBytes: number,
  ) => Promise<TakenUpload>;
  /** Whether the file is there and is this one. */
  readonly has: (place: UploadPlace, digest: string) => Promise<boolean>;
};
