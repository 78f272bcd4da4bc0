import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { basename, isAbsolute, join, relative, sep } from "node:path";

export type Artifact = { readonly name: string; readonly bytes: Uint8Array };

const MOST_FILES = 9;

/**
 * Reads the artifacts of a handoff that may be shown: regular files, by their real path, inside one of `roots`
 * (the shared artifacts folder, the agent's workspace), in no dot-directory, outside `forbidden`, within `maxBytes`
 * together, and free of known secrets. What does not qualify is left out; its path stays in the text of the result.
 */
export async function readArtifacts(options: {
  readonly paths: readonly string[];
  readonly roots: readonly string[];
  readonly forbidden: readonly string[];
  readonly maxBytes: number;
  readonly hasSecret: (text: string) => boolean;
}): Promise<readonly Artifact[]> {
  const roots = await realPaths(options.roots);
  const forbidden = await realPaths(options.forbidden);
  const artifacts: Artifact[] = [];
  let left = options.maxBytes;
  for (const path of options.paths.slice(0, MOST_FILES)) {
    const found = await firstInside(path, options.roots);
    if (
      found === undefined ||
      isHidden(roots, found) ||
      forbidden.some(
        (folder) =>
          isInside(folder, found) && !roots.some((root) => isInside(folder, root) && isInside(root, found)),
      )
    ) {
      continue;
    }
    const bytes = await readRegular(found, left);
    if (!bytes || options.hasSecret(Buffer.from(bytes).toString("latin1"))) continue;
    left -= bytes.length;
    artifacts.push({ name: basename(found), bytes });
  }
  return artifacts;
}

async function realPaths(paths: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(paths.map((path) => real(path)));
  return found.filter((path) => path !== undefined);
}

async function real(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (
      code === "ENOENT" ||
      code === "ENOTDIR" ||
      code === "EACCES" ||
      code === "ELOOP" ||
      code === "ENAMETOOLONG" ||
      code === "ERR_INVALID_ARG_VALUE"
    )
      return undefined;
    throw error;
  }
}

/** An absolute path is itself; a relative one is looked for below each root. */
async function firstInside(path: string, roots: readonly string[]): Promise<string | undefined> {
  for (const candidate of isAbsolute(path) ? [path] : roots.map((root) => join(root, path))) {
    const found = await real(candidate);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== "" && !way.startsWith("..") && !isAbsolute(way);
}

/** Below a name with a dot, or in none of `roots`. */
function isHidden(roots: readonly string[], path: string): boolean {
  const root = roots.find((candidate) => isInside(candidate, path));
  return (
    root === undefined ||
    relative(root, path)
      .split(sep)
      .some((name) => name.startsWith("."))
  );
}

async function readRegular(path: string, limit: number): Promise<Uint8Array | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      if (
        error.code === "ELOOP" ||
        error.code === "ENOENT" ||
        error.code === "EACCES" ||
        error.code === "ENXIO"
      )
        return undefined;
      throw error;
    },
  );
  if (!file) return undefined;
  try {
    const { size, nlink } = await file.stat();
    const isRegular = (await file.stat()).isFile();
    if (!isRegular || nlink !== 1 || size > limit) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
