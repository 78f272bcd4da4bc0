import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";

const CHUNK_BYTES = 1 << 20;
/** The reserve is laid up again only when this many times its size is free. */
const ROOM = 4;

/**
 * A file beside the ledger that is given up when the disk is full, so that deleting, checkpoints and the last
 * commits have room. `bytes` 0 = none.
 */
export function createBallast({ path, bytes }: { readonly path: string; readonly bytes: number }) {
  function isThere(): boolean {
    return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) >= bytes;
  }

  function hasRoom(): boolean {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize >= ROOM * bytes;
  }

  function fill(): boolean {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, bytes), "ballast ");
    const file = openSync(path, "w", 0o600);
    try {
      for (let rest = bytes; rest > 0; ) rest -= writeSync(file, chunk, 0, Math.min(rest, chunk.length));
      return true;
    } finally {
      closeSync(file);
    }
  }

  function remove(): boolean {
    rmSync(path, { force: true });
    return true;
  }

  return {
    /**
     * Lays the reserve up when it is missing and there is plenty of room; false when there is none now.
     * A ledger without a reserve is a good ledger, so a disk that refuses it is no error.
     */
    lay(): boolean {
      if (bytes === 0 || isThere()) return true;
      if (attempt(() => hasRoom() && fill())) return true;
      attempt(remove);
      return false;
    },
    giveUp: () => attempt(remove),
  };
}

/** False when the file system says no. */
function attempt(change: () => boolean): boolean {
  try {
    return change();
  } catch (error) {
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}
