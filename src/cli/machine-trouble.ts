/** What the system refuses to do with a file or folder, and what somebody can do about it */
const REMEDIES: Readonly<Record<string, readonly [why: string, remedy: string]>> = {
  EACCES: ["this user may not", "Run hq as the user to whom it belongs, or give that right (chown, chmod)."],
  EPERM: ["this user may not", "Run hq as the user to whom it belongs, or give that right (chown, chmod)."],
  EROFS: ["it is on a file system that is read-only", "Name another place, or mount it for writing."],
  ENOTDIR: ["what stands there is no folder", "Name another folder, or take away what stands there."],
  EEXIST: ["something stands there already", "Name another place, or take away what stands there."],
  EISDIR: ["it is a folder", "Name a file."],
  ENOSPC: ["the disk is full", "Free some space there, then give the command again."],
  EDQUOT: ["the disk quota is used up", "Free some space there, then give the command again."],
  EIO: ["the disk reported an error", "Check the disk, then give the command again."],
  ELOOP: ["its symbolic links go in a circle", "Name another place, or correct the links."],
  ENAMETOOLONG: ["its name is too long", "Choose a shorter one."],
};

const OF_A_DISK: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EIO"]);

/** Words for a file or folder that the system does not let us use; undefined for anything else, which is a bug. */
export function machineTrouble(thrown: unknown): readonly [message: string, hint: string] | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const { code = "", syscall, path, dest } = thrown as NodeJS.ErrnoException & { readonly dest?: string };
  const remedy = REMEDIES[code];
  if (!remedy || syscall === undefined) return undefined;
  const place = dest ?? path;
  if (place !== undefined) return [`${place} cannot be used: ${remedy[0]} (${code}, ${syscall}).`, remedy[1]];
  // What writing into an open file throws does not say which.
  return OF_A_DISK.has(code)
    ? [`A file cannot be written: ${remedy[0]} (${code}, ${syscall}).`, remedy[1]]
    : undefined;
}
